"""Taking a person's values out of every table of the house, the append-only ones by their one door.

A search goes over all models that are installed, so a table that is new tomorrow is searched as well;
EXEMPT names those that are not, and why. Distinct values (a number, an address with one) are looked for
in every row; short ones (a name) only in the rows that are the person's own, which `own_rows` of the
apps name (see commandcenter.wiring).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from commandcenter.core import clock
from commandcenter.core.crypto import CannotDecrypt, audit_key, sm3_mac
from commandcenter.core.fields import EncryptedTextField
from commandcenter.core.spoken import Needles, is_distinct, is_word, plain

from .guards import TEXTS
from .models import AuditEntry, Redaction
from .seal import content_mac

BATCH = 500
LEAST_LENGTH = 5  # characters; a shorter column holds codes
Own = Mapping[str, Q]

# Tables that are not searched, and why that is right.
EXEMPT = {
    "city.User": "accounts of staff, kept under the law of employment",
    "datahub.VaultSubject": "tokens only; its key is destroyed by the vault",
    "datahub.VaultField": "sealed under the key that is destroyed",
    "sessions.Session": "signed, ends within hours, holds no text of a case",
    "contenttypes.ContentType": "names of tables",
    "auth.Permission": "names of rights",
    "auth.Group": "names of groups",
    "journal.Redaction": "holds digests only",
    "journal.AuditSeal": "holds digests only",
}

# Columns that are not, though their table is.
EXEMPT_FIELDS = {"datahub.ErasureRequest": {"given"}}  # the values themselves, emptied at the end


@dataclass(frozen=True)
class Person:
    """Who is erased, as every part of the platform is told. refs: the cases that are his own.

    change: False only counts what would be changed.
    """

    cause: str
    values: tuple[str, ...]
    refs: frozenset[str]
    change: bool
    wide: Needles = field(init=False)
    own: Needles = field(init=False)

    def __post_init__(self) -> None:
        known = tuple(dict.fromkeys(plain(value) for value in self.values if len(plain(value)) > 1))
        object.__setattr__(self, "values", known)
        object.__setattr__(self, "own", Needles(v for v in known if is_distinct(v) or is_word(v)))
        object.__setattr__(self, "wide", Needles(v for v in known if is_distinct(v)))


def own_ids(refs: Iterable[str], kind: str) -> list[int]:
    """Numbers of the rows of one kind: 'hotline.ticket:7' -> 7."""
    return sorted(int(ref.split(":")[1]) for ref in refs if ref.startswith(f"{kind}:"))


def own_rows(refs: frozenset[str]) -> dict[str, Q]:
    """The journal's own: what was said of the person's cases."""
    listed = sorted(refs)
    of_cases = Q(body__case_ref__in=listed)
    for kind, key in (("hotline.ticket", "ticket_id"), ("dispatch.order", "order_id")):
        of_cases |= Q(body__has_key=key, **{f"body__{key}__in": own_ids(refs, kind)})
    return {
        "journal.Event": of_cases,
        "journal.Fact": Q(subject_ref__in=listed),
        "journal.AuditEntry": Q(target_ref__in=listed),
    }


def erase_everywhere(person: Person, own: Own) -> dict[str, int]:
    """Every table of every app; returns changed rows by table."""
    counts = {}
    for model in searched_models():
        if found := sweep(model, person, own.get(model._meta.label)):
            counts[model._meta.label] = found
    return counts


def searched_models() -> list[type[models.Model]]:
    found = [m for m in apps.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]
    return sorted(
        (m for m in found if m._meta.label not in EXEMPT and text_fields(m)), key=lambda m: m._meta.label
    )


def text_fields(model: type[models.Model]) -> list[Any]:
    """Columns in which words may stand: no choices, no short codes, no links."""
    return [
        one
        for one in model._meta.concrete_fields
        if isinstance(one, models.CharField | models.TextField | models.JSONField)
        and not (one.primary_key or one.choices)
        and one.name not in EXEMPT_FIELDS.get(model._meta.label, ())
        and (one.max_length is None or one.max_length >= LEAST_LENGTH)
    ]


def sweep(model: type[models.Model], person: Person, own: Q | None = None) -> int:
    """Hide the values in one table; returns how many rows hold one."""
    fields = text_fields(model)
    if is_append_only(model):  # in its other columns the platform's own words stand, and names of staff
        fields = [one for one in fields if one.column in TEXTS]
    sealed = [one for one in fields if isinstance(one, EncryptedTextField)]
    clear = [one for one in fields if one not in sealed]
    pks: dict[Any, bool] = dict.fromkeys(_sealed_matches(model, sealed, person.wide), False)
    pks |= dict.fromkeys(_matches(model, clear, person.wide), False)
    if own is not None and own:
        pks |= dict.fromkeys(_matches(model, clear, person.own, own), True)
        pks |= dict.fromkeys(_sealed_matches(model, sealed, person.own, own), True)
    if not pks or not person.change:
        return len(pks)
    return sum(
        _hide(model, fields, [pk for pk, mine in pks.items() if mine is whose], needles, person.cause)
        for whose, needles in ((True, person.own), (False, person.wide))
    )


def _matches(
    model: type[models.Model], fields: Sequence[Any], needles: Needles, among: Q | None = None
) -> Iterator[Any]:
    if not needles or not fields:
        return
    rows = model._base_manager.all() if among is None else model._base_manager.filter(among)
    wanted = []
    for one in fields:
        if isinstance(one, models.JSONField):
            rows = rows.alias(**{f"{one.name}_as_text": Cast(one.name, TextField())})
            wanted.append(Q(**{f"{one.name}_as_text__iregex": needles.pattern}))
        else:
            wanted.append(Q(**{f"{one.attname}__iregex": needles.pattern}))
    yield from rows.filter(reduce(or_, wanted)).order_by("pk").values_list("pk", flat=True).iterator()


def _sealed_matches(
    model: type[models.Model], fields: Sequence[Any], needles: Needles, among: Q | None = None
) -> Iterator[Any]:
    """Encrypted columns cannot be asked, so each is opened: they hold drafts and secrets, which are few."""
    if not needles or not fields or among is None and model._meta.label in KEPT_BY_HASH:
        return
    rows = model._base_manager.all() if among is None else model._base_manager.filter(among)
    for one in fields:
        try:
            for pk, text in rows.values_list("pk", one.attname).iterator(chunk_size=1_000):
                if text and needles.within(text):
                    yield pk
        except CannotDecrypt:
            continue  # nobody can read it any more


# Encrypted columns that have keyed hashes beside them, by which their app finds the person's rows.
KEPT_BY_HASH = {"hotline.Ticket"}


def _hide(
    model: type[models.Model], fields: Sequence[Any], pks: list[Any], needles: Needles, cause: str
) -> int:
    names = [one.attname for one in fields]
    rest = iter(pks)
    changed = 0
    while some := list(islice(rest, BATCH)):
        with transaction.atomic():
            chosen = model._base_manager.filter(pk__in=some)
            if is_append_only(model):
                changed += _hide_by_the_door(model, list(chosen), names, needles, cause)
                continue
            rows = list(chosen.select_for_update(of=("self",)))
            for row in rows:
                for one in fields:
                    setattr(row, one.attname, _fitting(one, needles.hide_deep(getattr(row, one.attname))))
            changed += model._base_manager.bulk_update(rows, names, batch_size=100)
    return changed


def _fitting(one: Any, value: Any) -> Any:
    return value[: one.max_length] if isinstance(value, str) and one.max_length else value


_append_only: dict[str, bool] = {}


def is_append_only(model: type[models.Model]) -> bool:
    table = model._meta.db_table
    if table not in _append_only:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = %s)", [f"{table}_append_only"]
            )
            _append_only[table] = cursor.fetchone()[0]
    return _append_only[table]


def _hide_by_the_door(
    model: type[models.Model], rows: list[Any], names: Sequence[str], needles: Needles, cause: str
) -> int:
    """journal_hide_row: only stars, only in free text, only with a record in the same transaction."""
    table, at = model._meta.db_table, clock.now()
    before = {row.pk: row_mac(row) for row in rows}
    records = []
    with connection.cursor() as cursor:
        for row in rows:
            pieces = needles.within_deep([getattr(row, name) for name in names])
            for name in names:
                setattr(row, name, _starred(getattr(row, name), pieces))
            record = Redaction(
                table_name=table,
                row_id=row.pk,
                cause_ref=cause,
                before=before[row.pk],
                after=row_mac(row),
                at=at,
            )
            records.append((record, pieces))
        Redaction.objects.bulk_create([record for record, _pieces in records], batch_size=BATCH)
        for record, pieces in records:
            cursor.execute("SELECT journal_hide_row(%s, %s, %s)", [table, record.row_id, pieces])
    now = {row.pk: row for row in model._base_manager.filter(pk__in=list(before))}
    for record, _pieces in records:
        if row_mac(now[record.row_id]) != record.after:
            raise RuntimeError(f"{table} {record.row_id}: a value stands where it cannot be hidden")
    return len(records)


def _starred(value: Any, pieces: Sequence[str]) -> Any:
    """What journal_hide of the database does."""
    if isinstance(value, str):
        for piece in pieces:
            value = value.replace(piece, "***")
        return value
    if isinstance(value, dict):
        return {_starred(name, pieces): _starred(inner, pieces) for name, inner in value.items()}
    if isinstance(value, list):
        return [_starred(inner, pieces) for inner in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in pieces:
        return "***"
    return value


def row_mac(row: Any) -> str:
    """What a row holds, as a number that tells nothing without the key."""
    if isinstance(row, AuditEntry):
        return content_mac(row)
    values = {one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields}
    text = json.dumps(values, sort_keys=True, default=str, ensure_ascii=False)
    return sm3_mac(audit_key(), text.encode()).hex()


def rows_of(label: str) -> int:
    return int(apps.get_model(label)._base_manager.count())
