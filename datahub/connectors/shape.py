"""A source's columns as they were when it was connected, compared with what is there today."""

from collections.abc import Iterable, Mapping

from .errors import ColumnsChanged

UNKNOWN = ""
OPTIONAL = "?"
# What is worth an alarm: a whole number that becomes a decimal is still a number.
_SAME = {"integer": "number"}


def compare(before: Mapping[str, str], now: Mapping[str, str], wanted: Iterable[str]) -> list[str]:
    """Names that are new since; not a fault, worth a note.

    before, now: column -> kind, '' where no value says; a kind that ends in ? is of a field that some
    records do not have. Raises ColumnsChanged for wanted columns that are gone or of another kind.
    """
    names = list(wanted)
    new = [name for name in now if name not in before] if before else []
    gone = [name for name in names if name not in now and not before.get(name, "").endswith(OPTIONAL)]
    retyped = []
    for name in names:
        then, today = before.get(name, UNKNOWN).rstrip(OPTIONAL), now.get(name, UNKNOWN).rstrip(OPTIONAL)
        if then and today and _SAME.get(then, then) != _SAME.get(today, today):
            retyped.append((name, then, today))
    if gone or retyped:
        raise ColumnsChanged(gone=gone, retyped=retyped, new=new)
    return new
