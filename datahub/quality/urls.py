"""Included into datahub's own names: datahub:incidents, datahub:incident, datahub:corrections."""

from django.urls import path

from . import views

urlpatterns = [
    path("incidents/", views.incidents, name="incidents"),
    path("incidents/<int:pk>/", views.incident, name="incident"),
    path("corrections/", views.corrections, name="corrections"),
]
