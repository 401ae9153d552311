"""Workbooks: one sheet of an .xlsx file, within limits; what cells show, not how they got there."""

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from datahub.faults import Fault, Notes, Reason, Refusal, Refused

from .base import Block

# A workbook is read through its shared strings, which must be held whole; so it has limits.
XLSX_MAX_UNPACKED = 512 * 1024 * 1024
XLSX_MAX_RATIO = 200
XLSX_MAX_PARTS = 5_000
XLSX_MAX_ROWS = 300_000
XLSX_MAX_COLUMNS = 500
XLSX_BATCH = 5_000
LAST_ROW = 1_048_576  # of any sheet; a file that names a later one is none
ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
MAX_MERGED = 20_000
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
Row = tuple[Any, ...]


class Formula:
    """A cell with a formula that no program has worked out."""

    def __init__(self, text: str) -> None:
        self.text = text


class WorkbookSource:
    """The first visible sheet, or the one named. Its limits are the constants above.

    Merged cells: every row of the range has the value that stands in its first. A formula counts as the
    result that was saved with it; one without a result, and an error of the sheet, are faults of their row.
    """

    def __init__(self, path: str, *, null_tokens: tuple[str, ...] = ("",), sheet: str = "", **_: Any) -> None:
        self.notes, self.null_tokens = Notes(), null_tokens
        self.hints: dict[str, str] = {}
        check_archive(path)
        try:
            book = _opened(path, results=True)
            self.sheets = [one.title for one in book.worksheets if one.sheet_state == "visible"]
            self.sheets = self.sheets or [one.title for one in book.worksheets]
            self.sheet = sheet or self.sheets[0]
            if self.sheet not in [one.title for one in book.worksheets]:
                raise Refusal(Refused.NO_SHEET, sheet[:100])
            if len(self.sheets) > 1:
                self.notes.add("sheet", self.sheet)
            merged, formulas = _looked_at(path, book[self.sheet])
            rows = _rows(book[self.sheet])
            if formulas:
                rows = _with_formulas(rows, _rows(_opened(path, results=False)[self.sheet]))
            if merged:
                self.notes.add("merged", str(sum(len(found) for found in merged.values())))
            self._rows = _filled(rows, merged)
            head = next((row for row in self._rows if not _blank(row)), None)
        except Refusal:
            raise
        except Exception as error:  # openpyxl lets every kind of error through
            raise Refusal(Refused.DAMAGED, f"XLSX: {error}"[:300]) from error
        if head is None:
            raise Refusal(Refused.NO_ROWS)
        cells = list(head)
        while cells and cells[-1] is None:
            cells.pop()
        if len(cells) > XLSX_MAX_COLUMNS:
            raise Refusal(Refused.TOO_LARGE, f"> {XLSX_MAX_COLUMNS} columns")
        self.header = [
            _cell_text(cell) or f"column {n + 1}" if cell is not None else f"column {n + 1}"
            for n, cell in enumerate(cells)
        ]
        repeated = sorted(name for name, n in Counter(self.header).items() if n > 1)
        if repeated:
            raise Refusal(Refused.REPEATED_HEADER, ", ".join(repeated)[:300])

    def pieces(self) -> Iterator[list[Row]]:
        rows: list[Row] = []
        seen = 0
        try:
            for row in self._rows:
                if _blank(row):
                    continue
                seen += 1
                if seen > XLSX_MAX_ROWS:
                    raise Refusal(Refused.TOO_LARGE, f"> {XLSX_MAX_ROWS} rows", row=seen)
                rows.append(row)
                if len(rows) == XLSX_BATCH:
                    yield rows
                    rows = []
        except Refusal:
            raise
        except Exception as error:
            raise Refusal(Refused.DAMAGED, f"XLSX: {error}"[:300], row=seen) from error
        if rows:
            yield rows

    def parse(self, piece: list[Row]) -> Block:
        nulls = set(self.null_tokens)
        wanted = {name: self.header.index(name) for name in self.hints or self.header}
        good: list[int] = []
        faults: list[Fault] = []
        for n, row in enumerate(piece):
            fault = _fault(n, row, wanted)
            good.append(n) if fault is None else faults.append(fault)
        arrays = {}
        for name, at in wanted.items():
            cells = (_cell_text(piece[n][at]) if at < len(piece[n]) else None for n in good)
            arrays[name] = pa.array([None if cell in nulls else cell for cell in cells], pa.string())
        index = np.array(good, dtype=np.int64) if faults else None
        return Block(arrays, len(piece), index, faults)


def _opened(path: str, *, results: bool) -> Any:
    import openpyxl  # only where a workbook comes

    # Given a stream, openpyxl does not judge by the name.
    return openpyxl.load_workbook(open(path, "rb"), read_only=True, data_only=results)  # noqa: SIM115


def _rows(sheet: Any) -> Iterator[Row]:
    sheet.reset_dimensions()  # what the file says of its own size may be wrong
    for n, row in enumerate(sheet.iter_rows(values_only=True, max_col=XLSX_MAX_COLUMNS + 1)):
        if n >= LAST_ROW:
            raise Refusal(Refused.TOO_LARGE, f"> {LAST_ROW} rows", row=n)
        yield row


def _looked_at(path: str, sheet: Any) -> tuple[dict[int, list[tuple[int, int, int]]], bool]:
    """Merged ranges of more than one row, by their first row: (last row, first and last column);
    and whether there is any formula."""
    merged: dict[int, list[tuple[int, int, int]]] = {}
    formulas, count, rest = False, 0, b""
    with zipfile.ZipFile(path) as archive, archive.open(sheet._worksheet_path) as part:
        while chunk := part.read(1024 * 1024):
            data = rest + chunk
            formulas = formulas or b"<f>" in data or b"<f " in data or b":f>" in data
            used = 0
            for found in _MERGED.finditer(data):
                used, count = found.end(), count + 1
                if count > MAX_MERGED:
                    raise Refusal(Refused.TOO_LARGE, f"> {MAX_MERGED} merged cells")
                left, top, right, bottom = found.groups()
                if bottom != top:
                    span = (int(bottom), _column(left), _column(right))
                    merged.setdefault(int(top), []).append(span)
            rest = data[max(used, len(data) - 100) :]
    return merged, formulas


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _filled(rows: Iterator[Row], merged: dict[int, list[tuple[int, int, int]]]) -> Iterator[Row]:
    """Rows in which a merged range has its value everywhere, downwards."""
    going: list[tuple[int, int, int, Any]] = []
    for number, row in enumerate(rows, start=1):
        if going:
            cells = list(row)
            for _last, left, right, value in going:
                cells += [None] * (right + 1 - len(cells))
                for at in range(left, min(right, XLSX_MAX_COLUMNS) + 1):
                    if cells[at] is None and at == left:
                        cells[at] = value
            row = tuple(cells)
            going = [one for one in going if one[0] > number]
        for last, left, right in merged.get(number, ()):
            if left < len(row) and row[left] is not None:
                going.append((last, left, right, row[left]))
        yield row


def _with_formulas(results: Iterator[Row], written: Iterator[Row]) -> Iterator[Row]:
    for shown, said in zip(results, written, strict=True):
        if any(isinstance(cell, str) and cell.startswith("=") for cell in said):
            shown = tuple(
                Formula(str(text)) if cell is None and text is not None else cell
                for cell, text in zip(shown, said, strict=True)
            )
        yield shown


def _blank(row: Row) -> bool:
    return not any(cell is not None and cell != "" for cell in row)


def _fault(n: int, row: Row, wanted: dict[str, int]) -> Fault | None:
    for name, at in wanted.items():
        cell = row[at] if at < len(row) else None
        if isinstance(cell, Formula):
            return Fault(n, name, Reason.NO_RESULT, cell.text[:500])
        if isinstance(cell, str):
            if cell in ERRORS:
                return Fault(n, name, Reason.NO_RESULT, cell)
            if "\x00" in cell:
                return Fault(n, name, Reason.NOT_TEXT, cell.replace("\x00", "\\0")[:500])
    return None


def check_archive(path: str | Path) -> None:
    """Refuse a workbook that would unpack to more than its limits, before unpacking anything.

    The directory's sizes are a claim; zipfile stops at the claimed size, so a lie cannot pass.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            packed = sum(part.compress_size for part in parts) or 1
            if len(parts) > XLSX_MAX_PARTS:
                raise Refusal(Refused.TOO_LARGE, f"{len(parts)} parts")
            worst = max(
                (p.file_size / max(p.compress_size, 1) for p in parts if p.file_size > 2**20), default=0
            )
            if unpacked > XLSX_MAX_UNPACKED or unpacked / packed > XLSX_MAX_RATIO or worst > XLSX_MAX_RATIO:
                detail = f"{packed} bytes unpack to {unpacked}"
                raise Refusal(Refused.TOO_LARGE, detail)
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as member:
                        _no_doctype(member)  # type: ignore[arg-type]
    except Refusal:
        raise
    except Exception as error:  # a broken archive fails in many ways
        raise Refusal(Refused.DAMAGED, f"XLSX: {error}"[:300]) from error


def _no_doctype(member: BinaryIO) -> None:
    """Entities would unpack inside the reader; a sheet has none."""
    if b"<!DOCTYPE" in member.read(2048).replace(b"\x00", b""):
        raise Refusal(Refused.DAMAGED, "XLSX: DOCTYPE")


def _cell_text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, Formula):
        return None
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    return str(cell).strip()
