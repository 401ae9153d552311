from django.apps import AppConfig


class JournalConfig(AppConfig):
    """What happened, append-only."""

    name = "commandcenter.journal"
    label = "journal"
    default_auto_field = "django.db.models.BigAutoField"
