"""What a grant lets out, as a declaration: columns, conditions on rows, masks. No SQL anywhere.

Conditions come from two sides, the provider's (part of the grant) and the caller's (of one call).
Both are checked against the dataset's declaration before anything is read.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pydantic import BaseModel, ConfigDict, ValidationError

from commandcenter.core.errors import BadInput, Problem
from commandcenter.core.times import SHANGHAI
from datahub.checks.coerce import TYPES
from datahub.declare import ColumnSpec, DatasetSpec

from .states import MaskRule

Op = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "prefix", "is_null", "not_null"]
OPS: tuple[str, ...] = get_args(Op)
AREA = ColumnSpec.model_construct(code="_area", kind="text", name="所在区划", name_en="Area")
MAX_LIST = 500


class Condition(BaseModel):
    """One condition on one column; all conditions of a list must hold. `in` takes a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    op: Op = "eq"
    value: Any = None


class Terms(BaseModel):
    """Columns in the dataset's order, conditions on rows, mask rules by column."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: tuple[str, ...]
    rows: tuple[Condition, ...] = ()
    masks: dict[str, str] = {}


def terms_of(
    spec: DatasetSpec,
    *,
    columns: Iterable[str],
    rows: Iterable[Mapping[str, Any]] = (),
    masks: Mapping[str, str] | None = None,
) -> Terms:
    """Terms that fit the dataset. Raises BadInput with everything that does not."""
    wanted = list(columns)
    known = {column.code for column in spec.columns}
    problems = [Problem(None, name, "no such column") for name in wanted if name not in known]
    if not wanted:
        problems.append(Problem(None, "columns", "at least one column has to be named"))
    for name, rule in (masks or {}).items():
        if name not in known:
            problems.append(Problem(None, name, "no such column"))
        elif rule not in mask_choices(spec, name):
            problems.append(Problem(None, name, f"no such mask for this column: {rule}"))
    conditions: list[Condition] = []
    for row in rows:
        try:
            condition = Condition.model_validate(dict(row))
            expression_of(spec, condition)
            conditions.append(condition)
        except ValidationError as error:
            problems.append(Problem(None, str(row.get("column", "")), error.errors()[0]["msg"]))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    ordered = tuple(column.code for column in spec.columns if column.code in set(wanted))
    return Terms(columns=ordered, rows=tuple(conditions), masks=dict(masks or {}))


def expression_of(spec: DatasetSpec, condition: Condition) -> ds.Expression:
    """The condition for pyarrow. Raises BadInput when column, kind and value do not fit together."""
    column = AREA if condition.column == AREA.code else _column(spec, condition.column)
    field = ds.field(column.code)
    kind = TYPES[column.kind]
    if condition.op == "is_null":
        return field.is_null()
    if condition.op == "not_null":
        return field.is_valid()
    if condition.op == "in":
        values = condition.value if isinstance(condition.value, (list, tuple)) else []
        if not 0 < len(values) <= MAX_LIST:
            raise BadInput(Problem(None, column.code, f"a list of 1 … {MAX_LIST} values is needed"))
        return field.isin(pa.array([typed(column, value) for value in values], kind))
    if condition.op == "prefix":
        if column.kind != "text" or not isinstance(condition.value, str) or not condition.value:
            raise BadInput(Problem(None, column.code, "only text can be compared by its beginning"))
        return pc.starts_with(field, condition.value)
    value = pa.scalar(typed(column, condition.value), kind)
    compared: ds.Expression = {
        "eq": field == value,
        "ne": field != value,
        "lt": field < value,
        "le": field <= value,
        "gt": field > value,
        "ge": field >= value,
    }[condition.op]
    return compared


def _column(spec: DatasetSpec, code: str) -> ColumnSpec:
    for column in spec.columns:
        if column.code == code:
            return column
    raise BadInput(Problem(None, code, "no such column"))


def typed(column: ColumnSpec, value: Any) -> Any:
    """A value as the column holds it. Raises BadInput."""
    try:
        match column.kind:
            case "text" if isinstance(value, str):
                return value
            case "integer" if not isinstance(value, bool) and -(2**63) <= int(value) < 2**63:
                return int(value)
            case "number" if not isinstance(value, bool):
                return float(value)
            case "boolean" if str(value).lower() in ("true", "false", "1", "0"):
                return str(value).lower() in ("true", "1")
            case "time":
                # In an address + means a blank: 2026-01-01T00:00:00 08:00
                text = str(value)
                moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
                return (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).astimezone(UTC)
            case "date":
                return date.fromisoformat(str(value))
    except (ValueError, TypeError, OverflowError):
        pass
    raise BadInput(Problem(None, column.code, f"not a value of kind {column.kind}: {str(value)[:60]}"))


def mask_choices(spec: DatasetSpec, column: str) -> tuple[str, ...]:
    """Masks that mean something: of a personal column the lake itself holds a token only."""
    personal = any(c.code == column and c.personal for c in spec.columns)
    return (MaskRule.HIDE, MaskRule.TOKEN) if personal else tuple(MaskRule.values)


def masks_of(spec: DatasetSpec, masks: Mapping[str, str]) -> dict[str, str]:
    """The rule that really holds for each column. What is personal is hidden unless a rule says less:

    a personal column, and every text of a sensitive dataset, is hidden; other texts of a dataset that
    holds personal data lose what looks like a number of a person. A rule not known here hides.
    """
    found: dict[str, str] = {}
    guarded = spec.privacy_class not in ("none", "internal") or any(c.personal for c in spec.columns)
    for column in spec.columns:
        rule = masks.get(column.code, "")
        if rule:
            found[column.code] = rule if rule in mask_choices(spec, column.code) else MaskRule.HIDE
        elif column.personal or (spec.privacy_class == "sensitive" and column.kind == "text"):
            found[column.code] = MaskRule.HIDE
        elif guarded and column.kind == "text":
            found[column.code] = MaskRule.TEXT
    return found


def fingerprint(columns: Sequence[str], conditions: Sequence[Condition]) -> str:
    """What a call asks for, so that a cursor is not carried on with another question."""
    words = json.dumps(
        [list(columns), [c.model_dump(mode="json") for c in conditions]], sort_keys=True, default=str
    )
    return hashlib.sha256(words.encode()).hexdigest()[:12]
