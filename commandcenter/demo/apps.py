from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The demo city: made by the project's own services, no tables of its own."""

    name = "commandcenter.demo"
    label = "demo"
