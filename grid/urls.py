from django.urls import path

from . import views

app_name = "grid"
urlpatterns = [
    path("", views.report, name="report"),
    path("send/", views.send, name="send"),
    path("token/", views.token, name="token"),
    path("where/", views.where, name="where"),
    path("mine/", views.mine, name="mine"),
    path("sw.js", views.worker, name="worker"),
    path("reports/<int:pk>/", views.detail, name="detail"),
    path("reports/<int:pk>/photo/", views.photo, name="photo"),
]
