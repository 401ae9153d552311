from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The ground floor has no models; it is an app for its template tags."""

    name = "commandcenter.core"
    label = "core"
