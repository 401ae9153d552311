"""Days as the city counts them: in Shanghai time."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def shanghai_day(moment: datetime) -> date:
    """The calendar day of an aware moment in Shanghai."""
    return moment.astimezone(SHANGHAI).date()


def start_of_day(day: date) -> datetime:
    """Midnight in Shanghai that opens `day`, in UTC."""
    return datetime.combine(day, time(), tzinfo=SHANGHAI).astimezone(UTC)
