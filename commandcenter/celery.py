"""The Celery app. Its timetable is commandcenter/schedule.py; queues are `default` and `lake`.

Workers run with threads (-P threads): the lake's writer must never find itself in a forked child.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commandcenter.settings.dev")

app = Celery("commandcenter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue("default"), Queue("lake")]
app.autodiscover_tasks()


@app.on_after_finalize.connect
def read_timetable(sender: Celery, **_kwargs: Any) -> None:
    from commandcenter.schedule import SCHEDULE

    sender.conf.beat_schedule = SCHEDULE


@setup_logging.connect
def keep_our_logging(**_kwargs: Any) -> None:
    """Being connected is enough: Celery then leaves the logging that Django configured alone."""
