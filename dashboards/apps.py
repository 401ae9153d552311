from django.apps import AppConfig


class DashboardsConfig(AppConfig):
    """Cockpit, map and tiles, summaries, trace page; writes its summaries only."""

    name = "dashboards"
    default_auto_field = "django.db.models.BigAutoField"
