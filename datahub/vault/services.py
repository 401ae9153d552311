"""Opening a personal field: with a reason, for one who may, and never without a trace."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core.crypto import CannotDecrypt
from commandcenter.core.errors import BadInput, Problem
from commandcenter.journal.services import audit
from datahub.checks.guard import personal_columns, subject_columns, subject_token
from datahub.models import Delivery
from datahub.selectors import dataset as find_dataset
from datahub.selectors import engine, spec_for

from .models import VaultField
from .policies import may_open
from .sealing import about, unseal, unwrap

MOST_ROWS = 500
REASON_LENGTH = 4
Key = tuple[int, int]  # delivery, row


def open_fields(
    *,
    dataset_code: str,
    rows: Sequence[Key],
    columns: Sequence[str],
    by: Any,
    reason: str,
    ip: str | None = None,
) -> dict[Key, dict[str, str | None]]:
    """Personal values of some rows, in clear: one question to the lake and one to the vault for all.

    A value is None where it was empty or its person was erased. Raises PermissionDenied, which is
    written down too, and BadInput without a reason, or when a column is not personal.
    """
    dataset = find_dataset(dataset_code)
    spec = spec_for(dataset)
    said = " ".join(reason.split())
    body = {"columns": sorted(columns), "rows": [list(row) for row in rows[:100]], "count": len(rows)}
    trace = {"actor": by, "action": "datahub.open_fields", "target_ref": dataset.ref, "ip": ip, "body": body}
    if not may_open(by, dataset):
        audit(**trace, reason=said, result="refused")
        raise PermissionDenied(_("You may not open personal fields of this dataset."))
    if len(said) < REASON_LENGTH:
        raise BadInput(Problem(None, "reason", _("say why the field is opened")))
    strange = set(columns) - set(personal_columns(spec))
    if strange or not columns:
        raise BadInput(Problem(None, ", ".join(sorted(strange)), _("not a personal column")))
    if not 0 < len(rows) <= MOST_ROWS:
        raise BadInput(Problem(None, "rows", f"1 … {MOST_ROWS}"))
    with transaction.atomic():
        audit(**trace, reason=said)  # before the first value leaves
        return _opened(spec, dataset.pk, list(dict.fromkeys(rows)), list(columns))


def _opened(
    spec: Any, dataset_id: int, rows: list[Key], columns: list[str]
) -> dict[Key, dict[str, str | None]]:
    held = _tokens(spec, dataset_id, rows, columns)
    subjects = {token for token, _values in held.values() if token}
    fields = VaultField.objects.filter(
        dataset_id=dataset_id,
        column__in=columns,
        subject__token__in=subjects,
        token__in={value for _token, values in held.values() for value in values.values() if value},
    ).select_related("subject")
    sealed = {(field.subject.token, field.column, field.token): field for field in fields}
    keys: dict[str, bytes | None] = {}
    found: dict[Key, dict[str, str | None]] = {}
    for key, (subject, values) in held.items():
        found[key] = {}
        for column, token in values.items():
            field = sealed.get((subject, column, token or ""))
            found[key][column] = _unsealed(field, keys) if field else None
    return found


def _unsealed(field: VaultField, keys: dict[str, bytes | None]) -> str | None:
    token = field.subject.token
    if field.subject.restricted_at:  # a law says it must be kept, and that nothing else is done with it
        return None
    try:
        if token not in keys:
            keys[token] = unwrap(field.subject.wrapped_key)
        key = keys[token]
        return unseal(key, bytes(field.sealed), about(token, field.dataset_id, field.column)) if key else None
    except CannotDecrypt:
        keys.setdefault(token, None)
        return None


def _tokens(spec: Any, dataset_id: int, rows: list[Key], columns: list[str]) -> Any:
    """What the lake holds of the rows: row -> its person and the tokens of the columns."""
    ours = set(
        Delivery.objects.filter(dataset_id=dataset_id, pk__in={d for d, _row in rows}).values_list(
            "pk", flat=True
        )
    )
    wanted = [(delivery, row) for delivery, row in rows if delivery in ours]
    if not wanted:
        return {}
    table = engine().table(spec.code)
    names = list(dict.fromkeys([*subject_columns(spec), *columns]))
    chosen = table.filter(
        table["_delivery"].isin(sorted({d for d, _row in wanted}))
        & table["_row"].isin(sorted({row for _d, row in wanted}))
    ).select("_delivery", "_row", *names)
    asked = set(wanted)
    return {
        key: (subject_token(spec, row), {column: row[column] for column in columns})
        for row in engine().to_arrow(chosen).to_pylist()
        if (key := (row["_delivery"], row["_row"])) in asked
    }
