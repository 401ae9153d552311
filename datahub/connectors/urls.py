"""Under /data/sources/; the names belong to datahub."""

from django.urls import path

from . import views, wizard

urlpatterns = [
    path("", views.sources, name="sources"),
    path("new/", wizard.kinds, name="source_kinds"),
    path("new/<str:kind>/", wizard.new, name="source_new"),
    path("<int:pk>/", views.source, name="source"),
    path("<int:pk>/connect/", wizard.connect, name="source_connect"),
    path("<int:pk>/pick/", wizard.pick, name="source_pick"),
    path("<int:pk>/columns/", wizard.columns, name="source_columns"),
    path("<int:pk>/when/", wizard.rhythm, name="source_rhythm"),
    *(
        path(f"<int:pk>/{action}/", views.act, {"action": action}, name=f"source_{action}")
        for action in ("pause", "resume", "run", "accept", "drop")
    ),
]
