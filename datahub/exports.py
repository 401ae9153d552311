"""Rejected rows as a file for the one who mends them."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from .faults import Reason
from .models import Delivery

FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    def write(self, value: str) -> str:
        return value


def _safe(value: object) -> str:
    """A spreadsheet must not run what a source wrote."""
    text = str(value)
    return (
        f"'{text}"
        if text.startswith(FORMULA) and not text.lstrip("+-").replace(".", "", 1).isdigit()
        else text
    )


def reject_table(delivery: Delivery, by: Any) -> Iterator[str]:
    """CSV lines with a byte order mark, so that Excel reads Chinese; the last says who took it."""
    writer = csv.writer(_Line())
    yield "\ufeff" + str(
        writer.writerow(
            [
                _("File"),
                _("Row"),
                _("Column"),
                pgettext("data", "Reason"),
                _("Rule"),
                pgettext("data", "Value"),
                _("Whole row"),
            ]
        )
    )
    for reject in delivery.rejects.order_by("row_number").iterator(chunk_size=2_000):
        yield str(
            writer.writerow(
                [
                    _safe(cell)
                    for cell in (
                        delivery.file_name,
                        reject.row_number,
                        reject.column,
                        Reason(reject.reason).label,
                        reject.detail,
                        reject.raw,
                        json.dumps(reject.row, ensure_ascii=False) if reject.row else "",
                    )
                ]
            )
        )
    yield str(writer.writerow([_("Exported by %(who)s") % {"who": by.get_username()}]))
