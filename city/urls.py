from django.urls import path

from city import views

app_name = "city"
urlpatterns = [
    path("", views.home, name="home"),
    path("profile/", views.profile, name="profile"),
    path("profile/deputies/<int:pk>/end/", views.end_deputy, name="end_deputy"),
]
