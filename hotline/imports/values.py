"""Single values of an imported row: each function returns the value or raises Unreadable with the reason."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _

from commandcenter.core.times import SHANGHAI

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]|[\ud800-\udfff]")
_GAPS = re.compile(r"[ \t\u3000\xa0]+")
_BLANK_LINES = re.compile(r"\s*\n\s*")
_TIME = re.compile(
    r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[T\s]+(\d{1,2})[:：时](\d{1,2})(?:分?|(?:[:：分](\d{1,2})秒?(?:\.\d+)?)))?(Z|[+-]\d{2}:?\d{2})?$"
)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)  # clocks of other houses may be a little fast
LONGEST_TEXT = 20_000


class Unreadable(ValueError):
    """The value cannot be taken; its words say why."""


def clean_text(value: str, *, longest: int = LONGEST_TEXT) -> str:
    """Text without control characters, runs of blanks and blank lines."""
    text = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n").replace("_x000D_", ""))
    text = _BLANK_LINES.sub("\n", _GAPS.sub(" ", text)).strip()
    return text[:longest]


def parse_time(value: str, *, now: datetime) -> datetime:
    """A moment in UTC. Times without an offset are Shanghai time; a date alone is its midnight.

    Takes 2019/4/25 9:32:09, 2019-04-25 09:32, 2019年4月25日 9时32分, ISO 8601.
    """
    text = unicodedata.normalize("NFKC", value).strip()
    match = _TIME.match(text)
    if not match:
        raise Unreadable(_("“%(value)s” is not a time.") % {"value": text[:40]})
    year, month, day, hour, minute, second, offset = match.groups()
    try:
        parts = map(int, (year, month, day, hour or 0, minute or 0, second or 0))
        moment = datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001
        zone = SHANGHAI if not offset else datetime.fromisoformat(f"2000-01-01T00:00:00{offset}").tzinfo
        moment = moment.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable(_("“%(value)s” is not a time.") % {"value": text[:40]}) from error
    if moment < EARLIEST:
        raise Unreadable(_("“%(value)s” lies before 1990.") % {"value": text[:40]})
    if moment > now + AHEAD:
        raise Unreadable(_("“%(value)s” lies in the future.") % {"value": text[:40]})
    return moment


def parse_degree(value: str, *, limit: float) -> float:
    """A coordinate in degrees, within ±limit."""
    try:
        number = float(unicodedata.normalize("NFKC", value).strip())
    except ValueError:
        raise Unreadable(_("“%(value)s” is not a number.") % {"value": value[:40]}) from None
    if not -limit <= number <= limit:  # also refuses NaN
        raise Unreadable(
            _("%(value)s lies outside ±%(limit)s degrees.") % {"value": value[:40], "limit": limit}
        )
    return number
