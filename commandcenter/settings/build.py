"""Only for collecting static files while the image is built: no secret, no database."""

from .base import *  # noqa: F403
from .base import BASE_DIR

WHITENOISE_USE_FINDERS = False
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Not the manifest storage: Vite's modules import one another by their own hashed names, and a module
    # that is loaded under two names would run twice.
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
