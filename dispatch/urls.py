"""Addresses of the dispatch pages, under /orders/."""

from django.urls import path

from . import views

app_name = "dispatch"
urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("export.csv", views.export, name="export"),
    path("review/", views.review, name="review"),
    path("scores/", views.scores, name="scores"),
    path("scores/<str:code>/", views.score_rows, name="score_rows"),
    path("<int:pk>/", views.order, name="order"),
    path("<int:pk>/do/<slug:action>/", views.act, name="act"),
]
