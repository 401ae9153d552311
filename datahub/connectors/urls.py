"""Under /data/sources/; the names belong to datahub."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.sources, name="sources"),
    path("<int:pk>/", views.source, name="source"),
]
