from django.urls import path

from . import views

app_name = "cascade"
urlpatterns = [
    path("", views.peers, name="peers"),
    path("peers/", views.add_peer, name="add_peer"),
    path("peers/<int:pk>/key/", views.give_key, name="give_key"),
    path("routes/", views.add_route, name="add_route"),
    path("routes/<int:pk>/pause/", views.pause, name="pause"),
    path("sync/", views.sync_now, name="sync"),
]
