"""Read a file as a delivery would, without a database: every row is good, or has a fault; or a refusal."""

import io
from pathlib import Path

from datahub.faults import Refusal
from datahub.formats.opening import open_source


def read(path: Path | str, **options):
    """(header, rows by 0-based number, faults by number), or the Refusal itself."""
    try:
        source = open_source(str(path), **options)
        rows, faults, first = {}, {}, 0
        for piece in source.pieces():
            block = source.parse(piece)
            assert all(len(array) == block.length for array in block.arrays.values())
            columns = [block.arrays[name].to_pylist() for name in source.header]
            for n, row in enumerate(zip(*columns, strict=True)):
                assert first + block.place(n) not in rows
                rows[first + block.place(n)] = dict(zip(source.header, row, strict=True))
            for fault in block.faults:
                faults[first + fault.row] = fault
            first += block.rows
    except Refusal as refusal:
        return refusal
    assert not set(rows) & set(faults), "a row is good or bad, not both"
    assert set(rows) | set(faults) == set(range(first)), "every row is told of"
    for row in rows.values():
        for value in row.values():
            if isinstance(value, str):
                value.encode()
                assert "\x00" not in value
    return source.header, rows, faults


def written(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def workbook(folder: Path, fill, name: str = "book.xlsx") -> Path:
    """fill: called with an empty openpyxl workbook."""
    import openpyxl

    book = openpyxl.Workbook()
    fill(book)
    out = io.BytesIO()
    book.save(out)
    return written(folder, out.getvalue(), name)
