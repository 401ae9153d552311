"""Addresses of the catalogue, below /data/."""

from django.urls import path

from . import views

urlpatterns = [
    path("catalogue/", views.catalogue, name="catalogue"),
    path("catalogue/guard/", views.guard, name="guard"),
    path("catalogue/<str:code>/", views.entry, name="entry"),
    path("catalogue/<str:code>/move/", views.move, name="move_dataset"),
    path("declare/", views.begin, name="declare"),
    path("declare/<uuid:pk>/", views.proposal, name="proposal"),
    path("declare/<uuid:pk>/deliver/", views.deliver, name="deliver_sample"),
]
