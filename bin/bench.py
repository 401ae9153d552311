"""Run one bench by dotted path, inside Django. Called by bin/bench."""

import os
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commandcenter.settings.dev")

import django  # noqa: E402

django.setup()
module, _, function = sys.argv[1].partition(":")
sys.exit(getattr(import_module(module), function)(sys.argv[2:]))
