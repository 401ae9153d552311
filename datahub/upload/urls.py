from django.urls import path

from . import views

urlpatterns = [
    path("uploads/<uuid:pk>/", views.preview, name="upload_preview"),
    path("uploads/<uuid:pk>/part/", views.part, name="upload_part"),
    path("uploads/<uuid:pk>/discard/", views.discard, name="upload_discard"),
    path("<str:code>/upload/", views.upload, name="upload"),
    path("<str:code>/upload/begin/", views.begin, name="upload_begin"),
]
