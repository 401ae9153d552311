"""Tests. Each process takes a slot: its own database, Redis database and key prefix, lake and media folders.

Processes that a test starts (web, worker, journal) find the same slot in their environment.
"""

import os
from pathlib import Path

from . import env
from .slots import take_slot

BASE = Path(__file__).resolve().parent.parent.parent
env.read_env_files(env.folder("CC_VAR", BASE / "var"))
TEST_DIR = env.folder("CC_VAR", BASE / "var") / "test"
SLOT = take_slot(TEST_DIR / "slots")
SUFFIX = os.environ.get("CC_TEST_SUFFIX", "")
_name = "_".join(part for part in ("cctest", SUFFIX, str(SLOT)) if part)
SLOT_DIR = TEST_DIR / _name
os.environ["CC_DATABASE_NAME"] = _name
os.environ["CC_KEY_PREFIX"] = _name
os.environ["CC_REDIS_URL"] = env.text("CC_REDIS_URL").partition("?")[0] + f"?db={SLOT}"
os.environ["CC_LAKE_URL"] = str(SLOT_DIR / "lake")
os.environ["CC_MEDIA_ROOT"] = str(SLOT_DIR / "media")
os.environ["CC_ANCHOR_DIR"] = str(SLOT_DIR / "anchors")
os.environ["CC_DROP_DIR"] = str(SLOT_DIR / "drop")

from .base import *  # noqa: E402, F403
from .base import DATABASES  # noqa: E402

DEMO = env.flag("CC_TEST_DEMO")
DATABASES["default"]["TEST"] = {"NAME": _name}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # speed; nobody's real password
ACCOUNT_RATE_LIMITS = False
# Tasks run at once and in process; tests that want the real worker ask for `live_city`.
CELERY_TASK_ALWAYS_EAGER = env.flag("CC_TASKS_EAGER", default=True)
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_BEAT_SCHEDULE_FILENAME = str(SLOT_DIR / "beat")
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
