"""Typed readers of the environment, so that a wrong value is one clear sentence and not a stack trace."""

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. Start through bin/manage, or set it yourself.")
    return value


def flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name, "1" if default else "0").strip().lower()
    if value not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}.")
    return value in TRUE


def number(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def folder(name: str, default: Path) -> Path:
    return Path(os.environ.get(name) or default)


def read_env_files(var: Path) -> None:
    """Fill the environment from the files that bin/ writes under var/; what is set already wins.

    This lets `python manage.py` and `pytest` work in a checkout without a wrapper.
    """
    for path in (var / "env", var / "services.env"):
        if not path.is_file():
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            key, sign, value = line.partition("=")
            if sign and key.isidentifier() and key.isupper():
                os.environ.setdefault(key, value)


def celery_broker_url(redis_url: str) -> str:
    """Say a redis-py URL the way Celery's transport wants it.

    redis-py: unix://:secret@/folder/redis.sock?db=3    Celery: redis+socket://:secret@/folder/redis.sock?virtual_host=3
    """
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    secret = f":{parts.password}@" if parts.password else ""
    return f"redis+socket://{secret}{parts.path}?virtual_host={database}"
