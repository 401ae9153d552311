"""Production: behind a proxy that ends TLS. Refuses to start with demo accounts or weak secrets."""

import os

from django.core.exceptions import ImproperlyConfigured

# var/env belongs to a checkout; production says everything in its environment.
os.environ.setdefault("CC_VAR", "/srv/commandcenter/var")

from . import env  # noqa: E402
from .base import *  # noqa: E402, F403
from .base import ALLOWED_HOSTS, AUDIT_KEY, BASE_DIR, DATABASE_WEB, DEMO, FIELD_KEY, SECRET_KEY  # noqa: E402


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
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "localhost"]  # the container asks itself for its health
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.flag("CC_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https"
MFA_REQUIRED_ROLES = env.words("CC_MFA_REQUIRED_ROLES", "system_admin,security_admin,audit_admin")
PASSWORD_MAX_AGE_DAYS = env.number("CC_PASSWORD_MAX_AGE_DAYS", 90)
WHITENOISE_USE_FINDERS = False
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Not the manifest storage: Vite's modules import one another by their own hashed names, and a module
    # that is loaded under two names would run twice.
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
