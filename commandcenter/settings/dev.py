"""A checkout on somebody's machine: what bin/run and bin/manage use."""

from . import env
from .base import *  # noqa: F403

DEBUG = env.flag("DEBUG")
DEMO = env.flag("DEMO", default=True)
