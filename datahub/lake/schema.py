"""A declaration may grow; what rows already have is not taken from them.

Added columns are null in rows that came before. Everything that would make old rows unreadable, or tell
another story than their sender did, is refused with the reason; a new dataset is the way out.
"""

from django.utils.translation import gettext as _

from commandcenter.core.errors import BadInput, Problem
from datahub.declare import DatasetSpec


class SchemaRefused(BadInput):
    """The lake holds rows that the new declaration would not fit."""

    code = "schema_refused"


def narrowing(old: DatasetSpec, new: DatasetSpec) -> list[Problem]:
    """What the new declaration would take from the rows that are there; empty when it only grows."""
    after = {column.code: column for column in new.columns}
    problems = []
    for column in old.columns:
        now = after.pop(column.code, None)
        if now is None:
            problems.append(Problem(None, column.code, _("the column holds rows and cannot be removed")))
            continue
        if now.kind != column.kind:
            reason = _("the type cannot change from %(old)s to %(new)s: rows are there")
            problems.append(Problem(None, column.code, reason % {"old": column.kind, "new": now.kind}))
        if now.unit != column.unit and column.unit:
            reason = _("the unit cannot change from %(old)s to %(new)s: rows are there")
            problems.append(Problem(None, column.code, reason % {"old": column.unit, "new": now.unit}))
        if now.personal and not column.personal:
            problems.append(
                Problem(None, column.code, _("rows hold it in clear; a personal column needs a new dataset"))
            )
        if column.personal and not now.personal:
            problems.append(Problem(None, column.code, _("rows hold tokens; it stays personal")))
    for column in after.values():
        if column.code in new.key_columns:
            problems.append(Problem(None, column.code, _("older rows have no value for a key")))
    for name in ("time_column", "datum"):
        if getattr(old, name) != getattr(new, name):
            problems.append(Problem(None, name, _("cannot change: rows were filed by it")))
    return problems


def refuse_narrowing(old: DatasetSpec, new: DatasetSpec) -> None:
    """Raises SchemaRefused with every reason."""
    problems = narrowing(old, new)
    if problems:
        raise SchemaRefused(problems)
