"""Every line of the timetable names a task that runs, and whose answer can be written down."""

import json

import pytest

from commandcenter.celery import app
from commandcenter.schedule import SCHEDULE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("line", sorted(SCHEDULE))
def test_each_line_runs_in_an_empty_city(line):
    app.loader.import_default_modules()
    entry = SCHEDULE[line]
    done = app.tasks[entry["task"]].apply(kwargs=entry["kwargs"], throw=True)
    json.dumps(done.result)
