"""What every way of running has in common. Values come from the environment; bin/ writes them for you."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from commandcenter.logs import logging_config

from . import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = env.folder("CC_VAR", BASE_DIR / "var")
env.read_env_files(VAR_DIR)

# Rises when migrations are squashed before the first release: bin/run then refuses an older database.
SCHEMA_EPOCH = 2

DEBUG = False
DEMO = env.flag("DEMO")
DEMO_PASSWORD = env.text("CC_DEMO_PASSWORD", "")
SECRET_KEY = env.text("CC_SECRET_KEY")
FIELD_KEY = env.text("CC_FIELD_KEY")
AUDIT_KEY = env.text("CC_AUDIT_KEY")
ALLOWED_HOSTS = env.words("CC_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CC_TRUSTED_ORIGINS")

# ---------------------------------------------------------------- apps

OUR_APPS = [
    "commandcenter.core",
    "commandcenter.journal",
    "city",
    "datahub",
    "dispatch",
    "hotline",
    "grid",
    "alerts",
    "dashboards",
    "commandcenter.demo",
]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "django.contrib.postgres",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "django_prometheus",
    *OUR_APPS,
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "commandcenter.security.AdminPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "city.middleware.SessionGateMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "commandcenter.urls"
ASGI_APPLICATION = "commandcenter.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# ---------------------------------------------------------------- stores

# Two roles: the owner migrates, the web role runs everything else and owns nothing (see manage.py).
_AS_OWNER = env.text("CC_DATABASE_ROLE", "web") == "owner"
DATABASE_OWNER = {
    "USER": env.text("CC_DATABASE_OWNER", "cc_owner"),
    "PASSWORD": env.text("CC_DATABASE_OWNER_PASSWORD", ""),
}
DATABASE_WEB = {"USER": env.text("CC_DATABASE_USER", "cc_web"), "PASSWORD": env.text("CC_DATABASE_PASSWORD")}
DATABASE_NAME = env.text("CC_DATABASE_NAME", "commandcenter")
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.contrib.gis.db.backends.postgis",
        "HOST": env.text("CC_DATABASE_HOST"),
        "PORT": env.text("CC_DATABASE_PORT", "5432"),
        "NAME": DATABASE_NAME,
        **(DATABASE_OWNER if _AS_OWNER else DATABASE_WEB),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"connect_timeout": 10, "application_name": "commandcenter"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("CC_REDIS_URL")
# Redis publishes across its numbered databases, so a prefix keeps two checkouts or tests apart.
KEY_PREFIX = env.text("CC_KEY_PREFIX", DATABASE_NAME)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": KEY_PREFIX,
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL}], "prefix": KEY_PREFIX},
    }
}

# The lake is a folder (or s3://bucket/path); media holds uploaded files, served by views after a check.
LAKE_URL = env.text("CC_LAKE_URL", str(VAR_DIR / "lake" / DATABASE_NAME))
LAKE_ENGINE = env.text("LAKE_ENGINE", "duckdb")
MEDIA_ROOT = env.folder("CC_MEDIA_ROOT", VAR_DIR / "media" / DATABASE_NAME)
ANCHOR_DIR = env.folder("CC_ANCHOR_DIR", VAR_DIR / "anchors" / DATABASE_NAME)

# Where senders put files: each watched folder and each SQLite file lies in here, see docs/sources.md.
DROP_DIR = env.folder("CC_DROP_DIR", VAR_DIR / "drop" / DATABASE_NAME)

# Where the hub itself may send requests: hosts and networks, see datahub/outbound.py. Empty: nowhere.
OUTBOUND_ALLOW = env.words("CC_OUTBOUND_ALLOW")

# ---------------------------------------------------------------- tasks

CELERY_BROKER_URL = env.celery_broker_url(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": f"{KEY_PREFIX}:celery:", "visibility_timeout": 3600}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / f"beat-{DATABASE_NAME}")

# ---------------------------------------------------------------- people

AUTH_USER_MODEL = "city.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "display_name")},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "city.passwords.ComplexityValidator", "OPTIONS": {"min_length": 8, "classes": 3}},
    {"NAME": "city.passwords.HistoryValidator", "OPTIONS": {"remembered": 5}},
]
PASSWORD_MAX_AGE_DAYS = env.number("CC_PASSWORD_MAX_AGE_DAYS", 0)  # 0: no forced change; production sets 90
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "city.accounts.StaffAccounts"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
# A whole hall of operators shares one address; axes locks a name out after failures.
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = {"login": "600/m/ip", "login_failed": "100/m/ip"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ADAPTER = "city.accounts.StaffSecondFactor"
MFA_REQUIRED_ROLES = env.words("CC_MFA_REQUIRED_ROLES")  # production: the three administrators
MFA_TOTP_ISSUER = "City Command Centre"

AXES_FAILURE_LIMIT = env.number("CC_LOCKOUT_AFTER", 5)
AXES_COOLOFF_TIME = timedelta(minutes=env.number("CC_LOCKOUT_MINUTES", 30))
# The account is locked, whatever address is used: a hall shares one address, and an attacker has many.
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_LOCKOUT_TEMPLATE = "account/lockout.html"
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "city.accounts.username_of"
AXES_SENSITIVE_PARAMETERS = ["login", "username", "ip_address"]

SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_IDLE_SECONDS = env.number("CC_SESSION_IDLE_SECONDS", 30 * 60)
CSRF_COOKIE_SAMESITE = "Lax"

# ---------------------------------------------------------------- what a browser may do

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        # data: is what Tabler's own stylesheet draws its marks with; blob: is a photo before it is sent.
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        # Own sockets only: in CSP level 3 'self' covers ws: and wss: on the same host.
        "connect-src": [SELF],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR: str | None = None

# ---------------------------------------------------------------- words and files

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static_build"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 60
# Vite put a hash of the content into these names.
WHITENOISE_IMMUTABLE_FILE_TEST = r"/assets/.+-[\w-]{8}\.\w+$"

# ---------------------------------------------------------------- interfaces

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    "DEFAULT_SCHEMA_CLASS": "commandcenter.api.RefusingSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "commandcenter.api.explain",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "City command centre",
    "DESCRIPTION": "Orders, tickets, reports, alerts and data deliveries of one city.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "shareToken": {"type": "http", "scheme": "bearer"},
            "pushKey": {"type": "http", "scheme": "bearer"},
            "heartbeatKey": {"type": "http", "scheme": "bearer"},
        }
    },
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    # Fields that several things have get the name of the thing.
    "ENUM_NAME_OVERRIDES": {
        "OrderState": "dispatch.states.OrderState",
        "OrderKind": "dispatch.states.OrderKind",
        "AlertState": "alerts.states.AlertState",
        "DetectorStatus": "alerts.states.DetectorStatus",
        "TicketState": "hotline.states.TicketState",
        "Solved": "hotline.states.Solved",
        "ReportState": "grid.states.ReportState",
        "DeliveryState": "datahub.states.DeliveryState",
        "ColumnKind": "datahub.states.ColumnKind",
        "PrivacyClass": "datahub.states.PrivacyClass",
        "RejectReason": "datahub.faults.Reason",
        "RefusedReason": "datahub.faults.Refused",
    },
}
UNFOLD = {
    "SITE_TITLE": _("Command centre administration"),
    "SITE_HEADER": _("Command centre"),
    "SITE_URL": "/profile/",
    "SHOW_BACK_BUTTON": True,
    # The workbench's blue, from light to dark.
    "COLORS": {
        "primary": {
            "50": "#edf3fe",
            "100": "#d9e5fc",
            "200": "#b3cbf8",
            "300": "#86abf2",
            "400": "#5486e8",
            "500": "#2f6cde",
            "600": "#1d5fd6",
            "700": "#174fb4",
            "800": "#123f90",
            "900": "#0f326f",
            "950": "#0a2148",
        }
    },
}

METRICS_TOKEN = env.text("CC_METRICS_TOKEN", "")
LOGGING = logging_config(level=env.text("CC_LOG_LEVEL", "INFO"), json=not sys.stderr.isatty())

SILENCED_SYSTEM_CHECKS = [
    # Debian 12 ships GDAL 3.6; we read GeoJSON with shapely and store through PostGIS, so GDAL's
    # old axis handling never meets our coordinates.
    "gis.W001",
    # Locking the account by its name alone is meant: see AXES_LOCKOUT_PARAMETERS.
    "axes.W006",
]
