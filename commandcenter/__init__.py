"""The platform: ground floors (core, journal) and the roof that joins the apps."""

from commandcenter.celery import app as celery_app

__all__ = ["celery_app"]
