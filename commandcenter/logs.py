"""One log line is one JSON object on standard error, without anybody's number or name in it."""

import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Keys whose values are never written, wherever they turn up.
SECRET_KEYS = frozenset(
    {"password", "phone", "id_number", "caller_name", "caller_phone", "address", "token", "secret", "content"}
)
# Eleven-digit mobile numbers and eighteen-character identity numbers inside free text.
_NUMBERS = re.compile(r"(?<![\d.])(1\d{10}|\d{17}[\dXx])(?!\d)")


def hide(value: Any) -> Any:
    return _NUMBERS.sub("[hidden]", value) if isinstance(value, str) else value


def drop_personal_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: "[hidden]" if key.lower() in SECRET_KEYS else hide(value) for key, value in event.items()}


def logging_config(*, level: str, json: bool) -> dict[str, Any]:
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        drop_personal_data,
    ]
    last: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if not json:
        last = structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "level": level, "propagate": False},
            "django.request": {"level": "ERROR"},
            "axes": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
        },
    }
