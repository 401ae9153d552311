"""The inbox as a table file, marked with who took it out and when."""

import csv
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from city.selectors import area_path_name
from commandcenter.core import clock
from commandcenter.core.masking import mask_text
from commandcenter.core.times import SHANGHAI

from .models import Order

if TYPE_CHECKING:
    from datetime import datetime

    from city.models import User

LIMIT = 10_000
BYTE_ORDER_MARK = "\ufeff"  # without it a Chinese spreadsheet takes the file for GBK


class _Echo:
    def write(self, value: str) -> str:
        return value


def order_table(orders: Iterable[Order], *, by: "User") -> Iterator[str]:
    """Lines of a CSV file: the watermark, the heads, a line per order."""
    writer = csv.writer(_Echo())
    at = clock.now()
    yield BYTE_ORDER_MARK
    yield writer.writerow([watermark(by, at)])
    yield writer.writerow(
        [_("Number"), _("State"), _("Urgency"), _("Title"), _("Area"), _("Place"), _("Unit")]
        + [_("Dispatched at"), _("Sign before"), _("Signed at")]
        + [_("Handle before"), _("Handled at"), _("Closed at")]
    )
    for order in orders:
        words = [
            order.number,
            order.get_state_display(),
            order.get_urgency_display(),
            harmless(mask_text(order.title)),
            area_path_name(order.area_code),
            harmless(mask_text(order.place)),
            harmless(order.org.name),
        ]
        signing = [order.dispatched_at, order.sign_due_at, order.signed_at]
        handling = [order.due_at, order.handled_at, order.closed_at]
        yield writer.writerow([*words, *map(stamp, signing + handling)])


def watermark(by: "User", at: "datetime") -> str:
    return _("Exported by %(name)s (%(login)s) at %(time)s. For internal use only; do not pass on.") % {
        "name": by.get_full_name(),
        "login": by.get_username(),
        "time": stamp(at),
    }


def stamp(moment: "datetime | None") -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if moment else ""


def harmless(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
