"""Production: behind a proxy that ends TLS. Refuses to start with demo accounts or weak secrets."""

import os

from django.core.exceptions import ImproperlyConfigured

# var/env belongs to a checkout; production says everything in its environment.
os.environ.setdefault("CC_VAR", "/srv/commandcenter/var")

from . import env  # noqa: E402
from .base import *  # noqa: E402, F403
from .base import AUDIT_KEY, BASE_DIR, DATABASE_WEB, DEMO, FIELD_KEY, MIDDLEWARE, SECRET_KEY  # noqa: E402, F401


def refuse_weak_settings() -> None:
    """Stop with every fault in one message, so that nobody repairs them one start at a time."""
    faults = []
    if DEMO:
        faults.append("DEMO=1: demo accounts have a password that the login page shows")
    secrets = {
        "CC_SECRET_KEY": SECRET_KEY,
        "CC_FIELD_KEY": FIELD_KEY,
        "CC_AUDIT_KEY": AUDIT_KEY,
        "CC_DATABASE_PASSWORD": DATABASE_WEB["PASSWORD"],
    }
    for name, value in secrets.items():
        wanted = 24 if name == "CC_DATABASE_PASSWORD" else 64
        if len(value) < wanted or len(set(value)) < 8:
            faults.append(f"{name}: needs at least {wanted} random characters")
    for name in ("CC_FIELD_KEY", "CC_AUDIT_KEY"):
        try:
            bytes.fromhex(secrets[name])
        except ValueError:
            faults.append(f"{name}: must be hexadecimal")
    if len(set(secrets.values())) < len(secrets):
        faults.append("two secrets are the same")
    if not env.words("CC_ALLOWED_HOSTS") or "*" in env.words("CC_ALLOWED_HOSTS"):
        faults.append("CC_ALLOWED_HOSTS: name the hosts this site answers to")
    if faults:
        raise ImproperlyConfigured("Production will not start:\n- " + "\n- ".join(faults))


refuse_weak_settings()

DEBUG = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.flag("CC_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https"
WHITENOISE_USE_FINDERS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
