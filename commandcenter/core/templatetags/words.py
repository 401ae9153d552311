"""Numbers and times as an official writes them."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commandcenter.core import clock
from commandcenter.core.times import SHANGHAI

register = template.Library()


@register.filter
def human_time(moment: datetime | None) -> str:
    """Today 14:05, yesterday 09:30, then the date; in Shanghai time."""
    if moment is None:
        return "—"
    here, today = moment.astimezone(SHANGHAI), clock.now().astimezone(SHANGHAI).date()
    hour = f"{here:%H:%M}"
    if here.date() == today:
        return _("today %(time)s") % {"time": hour}
    if here.date() == today - timedelta(days=1):
        return _("yesterday %(time)s") % {"time": hour}
    if here.date() == today + timedelta(days=1):
        return _("tomorrow %(time)s") % {"time": hour}
    if here.year == today.year:
        return _("%(month)s/%(day)s %(time)s") % {"month": here.month, "day": here.day, "time": hour}
    return f"{here:%Y-%m-%d %H:%M}"


@register.filter
def full_time(moment: datetime | None) -> str:
    """The whole moment, for hovering and print."""
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" if moment else ""


@register.filter
def big_number(value: Any) -> str:
    """Over ten thousand in 万 and 亿 (in English k and M), two decimals at most."""
    if value is None or value == "":
        return "—"
    number = float(value)
    chinese = (translation.get_language() or "").startswith("zh")
    steps = ((1e8, "亿"), (1e4, "万")) if chinese else ((1e6, "M"), (1e4, "k"))
    for limit, unit in steps:
        if abs(number) >= limit:
            scaled = number / (1e3 if unit == "k" else limit)
            return f"{scaled:,.2f}".rstrip("0").rstrip(".") + (f" {unit}" if chinese else unit)
    return f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"


@register.filter
def percent(ratio: float | None) -> str:
    """0.9945 -> 99.45%."""
    return "—" if ratio is None else f"{ratio * 100:.2f}%"


def duration_words(seconds: float) -> str:
    """The two largest units of a duration."""
    minutes = int(abs(seconds) // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [
        (days, ngettext("%(n)s day", "%(n)s days", days)),
        (hours, ngettext("%(n)s hour", "%(n)s hours", hours)),
        (minutes, ngettext("%(n)s minute", "%(n)s minutes", minutes)),
    ]
    words = [text % {"n": n} for n, text in parts if n][:2]
    return " ".join(words) or _("less than a minute")


@register.filter
def time_left(due: datetime | None) -> str:
    """Words for what is left of a clock, or by how much it is over."""
    if due is None:
        return "—"
    left = (due - clock.now()).total_seconds()
    text = duration_words(left)
    return (_("%(time)s left") if left >= 0 else _("%(time)s overdue")) % {"time": text}


@register.filter
def since(moment: datetime | None) -> str:
    """Words for the time that passed since a moment."""
    return "" if moment is None else duration_words((clock.now() - moment).total_seconds())
