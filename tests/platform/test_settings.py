"""Settings read the environment carefully, and production refuses what must not go there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from commandcenter.settings import env

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD = {
    "CC_SECRET_KEY": "0123456789abcdef" * 4,
    "CC_FIELD_KEY": "1123456789abcdef" * 4,
    "CC_AUDIT_KEY": "2123456789abcdef" * 4,
    "CC_DATABASE_PASSWORD": "abcdefghijklmnopqrstuvwx",
    "CC_DATABASE_HOST": "db",
    "CC_REDIS_URL": "redis://:secret@redis:6379/0",
    "CC_ALLOWED_HOSTS": "city.example",
}


def start_production(**changes: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("CC_", "DEMO"))}
    environment.update(GOOD, DJANGO_SETTINGS_MODULE="commandcenter.settings.prod", **changes)
    code = (
        "import django; django.setup(); from django.conf import settings as s; print(s.SECURE_HSTS_SECONDS)"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_production_starts_with_good_secrets():
    done = start_production()
    assert (done.returncode, done.stdout.strip()) == (0, "31536000"), done.stderr


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"DEMO": "1"}, "DEMO=1", id="demo accounts"),
        pytest.param({"CC_SECRET_KEY": "changeme"}, "CC_SECRET_KEY", id="short secret"),
        pytest.param({"CC_FIELD_KEY": "0" * 64}, "CC_FIELD_KEY", id="secret of one letter"),
        pytest.param({"CC_AUDIT_KEY": "xyz" * 30}, "CC_AUDIT_KEY", id="key that is not hexadecimal"),
        pytest.param({"CC_AUDIT_KEY": GOOD["CC_FIELD_KEY"]}, "the same", id="one secret for two things"),
        pytest.param({"CC_ALLOWED_HOSTS": "*"}, "CC_ALLOWED_HOSTS", id="any host"),
    ],
)
def test_production_refuses(changes, named):
    done = start_production(**changes)
    assert done.returncode != 0
    assert named in done.stderr


def test_production_names_every_fault_at_once():
    done = start_production(DEMO="1", CC_SECRET_KEY="x")
    assert "DEMO=1" in done.stderr
    assert "CC_SECRET_KEY" in done.stderr


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("unix://:pw@/run/r.sock?db=3", "redis+socket://:pw@/run/r.sock?virtual_host=3"),
        ("unix:///run/r.sock", "redis+socket:///run/r.sock?virtual_host=0"),
        ("redis://:pw@redis:6379/0", "redis://:pw@redis:6379/0"),
    ],
)
def test_celery_gets_the_same_redis(url, broker):
    assert env.celery_broker_url(url) == broker


@pytest.mark.parametrize("value", ["maybe", "2"])
def test_a_flag_that_is_no_flag_is_refused(monkeypatch, value):
    monkeypatch.setenv("CC_SOMETHING", value)
    with pytest.raises(ImproperlyConfigured, match="CC_SOMETHING"):
        env.flag("CC_SOMETHING")


def test_a_number_that_is_no_number_is_refused(monkeypatch):
    monkeypatch.setenv("CC_SOMETHING", "ten")
    with pytest.raises(ImproperlyConfigured, match="CC_SOMETHING"):
        env.number("CC_SOMETHING", 1)


def test_each_test_process_has_its_own_place():
    assert f"?db={settings.SLOT}" in settings.REDIS_URL
    assert settings.DATABASES["default"]["NAME"] == settings.KEY_PREFIX
    assert str(settings.SLOT) in settings.KEY_PREFIX
    assert f"virtual_host={settings.SLOT}" in settings.CELERY_BROKER_URL
