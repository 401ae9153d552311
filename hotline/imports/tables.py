"""A table as rows of text, from CSV (UTF-8, GBK, gzip) or XLSX. The hub's own readers check the file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from commandcenter.core.errors import BadInput, Problem
from datahub.faults import Reason, Refusal
from datahub.formats.opening import open_source

MOST_ROWS = 300_000


@dataclass
class Table:
    """rows: (1-based data row, values in the header's order). problems: rows that could not be read."""

    header: list[str]
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    rows_in: int = 0
    encoding: str = "UTF-8"


def read_table(path: Path) -> Table:
    """The whole table. Raises BadInput for a file that is missing, empty, damaged or of another kind."""
    name = path.name
    if not path.is_file():
        raise BadInput(Problem(None, "", _("There is no such file."), name))
    try:
        source = open_source(str(path))
        table = Table(list(source.header))
        for block in source.pieces():
            part = source.parse(block)
            columns = [part.arrays[head].to_pylist() for head in source.header]
            for i in range(part.length):
                values = ["" if column[i] is None else str(column[i]) for column in columns]
                table.rows.append((table.rows_in + part.place(i) + 1, values))
            for fault in part.faults:
                reason = f"{Reason(fault.reason).label} {fault.detail}".strip()
                table.problems.append(Problem(table.rows_in + fault.row + 1, fault.column, reason, name))
            table.rows_in += part.rows
            if table.rows_in > MOST_ROWS:
                reason = _("More than %(n)s rows; please split the file.") % {"n": MOST_ROWS}
                raise BadInput(Problem(None, "", reason, name))
    except Refusal as error:
        raise BadInput(Problem(error.row, error.column, _refusal(error), name)) from error
    except (OSError, EOFError) as error:
        raise BadInput(Problem(None, "", _("The file is damaged or ends too early."), name)) from error
    if not table.rows_in:
        raise BadInput(Problem(None, "", _("The file holds no rows."), name))
    table.encoding = next(
        (line["detail"] for line in source.notes.lines if line["code"] == "encoding"), "UTF-8"
    )
    return table


def _refusal(error: Refusal) -> str:
    return f"{error.code.label}: {error.detail}" if error.detail else str(error.code.label)


def cells(table: Table, names: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Chosen columns only; a name that the header lacks gives empty text."""
    at = [table.header.index(name) if name in table.header else None for name in names]
    for number, values in table.rows:
        yield number, ["" if i is None else values[i] for i in at]
