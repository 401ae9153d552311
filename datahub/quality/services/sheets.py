"""Rejected rows as a file for a spreadsheet, and back."""

import csv
import io
from typing import Any

from django.utils.translation import gettext as _

from commandcenter.core.errors import BadInput, Problem
from datahub.exports import FORMULA
from datahub.models import Delivery

from ..fields import cells_of, fields_of
from .mending import MOST_ROWS, allowed, mend_rows, mendable

MOST_BYTES = 50 * 1024 * 1024
NUMBER = "row"


def export_lines(delivery: Delivery, by: Any) -> Any:
    """Rejects that wait, one line each, for a spreadsheet: row, reason, then the source's own columns."""
    fields = fields_of(delivery)
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow([NUMBER, "reason", *(field.header for field in fields)])
    for reject in mendable(delivery).order_by("row_number").iterator(chunk_size=2_000):
        cells = cells_of(reject, fields)
        said = f"{reject.column}: {reject.get_reason_display()}"
        values = ["***" if c.state in ("hidden", "sealed") else c.value for c in cells.values()]
        yield writer.writerow([reject.row_number, said, *(_safe(value) for value in values)])


class _Line:
    def write(self, value: str) -> str:
        return value


def _safe(text: str) -> str:
    """A spreadsheet must not run what a source wrote; `_meant` takes the mark off again."""
    number = text.lstrip("+-").replace(".", "", 1).isdigit()
    return f"'{text}" if text.startswith(FORMULA) and not number else text


def _meant(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def import_file(*, delivery_id: int, content: bytes, by: Any) -> int:
    """A mended file back: rows are found by their number, cells left as `***` stay as they are.

    Raises BadInput with every problem; then nothing is changed.
    """
    delivery = allowed(delivery_id, by)
    lines = _lines(content)
    header = [name.strip() for name in next(lines, [])]
    known = {field.header for field in fields_of(delivery)}
    if NUMBER not in header:
        raise BadInput(Problem(None, NUMBER, _("The file has no column with the row numbers.")))
    strange = [name for name in header if name and name not in known and name not in (NUMBER, "reason")]
    if strange:
        raise BadInput(Problem(None, ", ".join(strange)[:200], _("There is no such column.")))
    waiting = {one.row_number: one for one in mendable(delivery)}
    changes: dict[int, dict[str, str]] = {}
    problems: list[Problem] = []
    for number, cells in enumerate(lines, 2):
        if not any(cell.strip() for cell in cells):
            continue
        row = dict(zip(header, cells, strict=False))
        text = row.get(NUMBER, "").strip()
        reject = waiting.get(int(text)) if text.isdecimal() and len(text) < 19 else None
        if len(cells) > len(header) or reject is None:
            why = (
                _("No rejected row with that number waits to be mended.")
                if reject is None
                else _("Too many cells.")
            )
            problems.append(Problem(number, NUMBER, why))
            continue
        changes[reject.pk] = {
            name: _meant(value) for name, value in row.items() if name in known and value != "***"
        }
        if len(changes) > MOST_ROWS or len(problems) > 100:
            break
    if problems:
        raise BadInput(problems)
    return mend_rows(delivery_id=delivery.pk, changes=changes, by=by)


def _lines(content: bytes) -> Any:
    if len(content) > MOST_BYTES:
        raise BadInput(Problem(None, "file", "> 50 MiB"))
    for encoding in ("utf-8-sig", "gb18030"):  # what Excel writes in China
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise BadInput(Problem(None, "file", _("The file is not a readable text.")))
    if "\x00" in text:
        raise BadInput(Problem(None, "file", _("The file is not a readable text.")))
    return _read(csv.reader(io.StringIO(text, newline="")))


def _read(reader: Any) -> Any:
    try:
        yield from reader
    except csv.Error as error:
        raise BadInput(Problem(None, "file", str(error))) from error
