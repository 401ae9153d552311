"""Reads of the hub for the floors above: the catalogue, the lake, freshness."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
from django.db.models import Sum
from django.db.models.functions import TruncHour

from commandcenter.core import clock
from commandcenter.core.errors import DomainError
from commandcenter.core.refs import parse_ref
from datahub.declare import ColumnSpec, DatasetSpec, MappingSpec, RuleSpec
from datahub.lake.engine import Engine, lake_engine
from datahub.lake.engine import asking as asking  # to compare engines
from datahub.lake.tables import Pinned, pin
from datahub.models import Dataset, Delivery, DeliveryFile, QualityRule
from datahub.querysets import DatasetQuerySet
from datahub.vault.masking import shown_rows

_specs: dict[str, tuple[int, DatasetSpec]] = {}
_lock = threading.Lock()


class UnknownDataset(DomainError):
    code = "unknown_dataset"


class NoRegister(DomainError):
    """Without a key nobody can say which row follows which."""

    code = "no_register"


def dataset(code: str) -> Dataset:
    """Raises UnknownDataset."""
    found = Dataset.objects.filter(code=code).first()
    if found is None:
        raise UnknownDataset(code)
    return found


def spec_of(code: str) -> DatasetSpec:
    """The declaration of a dataset as the catalogue has it now."""
    return spec_for(dataset(code))


def spec_for(found: Dataset) -> DatasetSpec:
    known = _specs.get(found.code)
    key = hash((found.pk, found.revision))
    if known is not None and known[0] == key:
        return known[1]
    spec = _spec(found, [_rule(row) for row in found.rules.all() if row.active])
    with _lock:
        _specs[found.code] = (key, spec)
    return spec


def declared_spec(found: Dataset) -> DatasetSpec:
    """The declaration as its pack or its proposal gave it, without what stewards did to it since."""
    rows = found.rules.all()
    spec = _spec(found, [RuleSpec.model_validate(row.declared) for row in rows if row.declared is not None])
    own = {row.name for row in found.mappings.all() if row.kept}
    return spec.model_copy(update={"mappings": tuple(one for one in spec.mappings if one.name not in own)})


def _rule(row: QualityRule) -> RuleSpec:
    return RuleSpec.model_validate({name: getattr(row, name) for name in RuleSpec.model_fields})


def _spec(found: Dataset, rules: list[RuleSpec]) -> DatasetSpec:
    fields = {name: getattr(found, name) for name in DatasetSpec.model_fields if name not in _LISTS}
    column_fields = list(ColumnSpec.model_fields)
    return DatasetSpec(
        **fields,
        columns=tuple(
            ColumnSpec(**{name: getattr(row, name) for name in column_fields}) for row in found.columns.all()
        ),
        rules=tuple(rules),
        mappings=tuple(MappingSpec.model_validate(m.body) for m in found.mappings.all()),
    )


_LISTS = {"columns", "rules", "mappings"}


# ---------------------------------------------------------------- the lake


class HubEngine:
    """The engine with the catalogue beside it. Belongs to the calling thread."""

    def __init__(self, lake: Engine) -> None:
        self.lake = lake
        self.backend = lake.backend

    def table(self, code: str, version: int | None = None, days: tuple[date, date] | None = None) -> Any:
        """A dataset as an Ibis table at a pinned version; `days`: first and last Shanghai day."""
        return self.lake.table(spec_of(code), pin(code, version), days)

    def to_arrow(self, expression: Any) -> pa.Table:
        return self.lake.to_arrow(expression)

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Questions of this thread inside are given up after so long, with a TimeoutError."""
        return self.lake.within(seconds)


def engine() -> HubEngine:
    return HubEngine(lake_engine())


def pinned(code: str, version: int | None = None) -> Pinned:
    return pin(code, version)


def read(
    code: str,
    *,
    columns: Sequence[str] | None = None,
    days: tuple[date, date] | None = None,
    as_of: datetime | None = None,
    version: int | None = None,
) -> pa.Table:
    """Rows of a dataset, `as_of` leaving out what was learnt later."""
    table = engine().table(code, version, days)
    if days is not None:
        table = table.filter(table["day"].between(*days))
    if as_of is not None:
        table = table.filter(table["_known_from"] <= as_of)
    if columns is not None:
        table = table.select(*columns)
    return engine().to_arrow(table)


def latest(code: str, *, as_of: datetime | None = None) -> Any:
    """A register as known now, or as known at a moment: the last row of each key, as an Ibis table."""
    import ibis

    spec = spec_of(code)
    table = engine().table(code)
    if as_of is not None:
        table = table.filter(table["_known_from"] <= as_of)
    order = [ibis.desc(table["_known_from"]), ibis.desc(table["_delivery"]), ibis.desc(table["_row"])]
    place = ibis.row_number().over(group_by=[table[key] for key in spec.key_columns], order_by=order)
    return table.mutate(_place=place).filter(lambda t: t["_place"] == 0).drop("_place")


def is_register(spec: DatasetSpec) -> bool:
    """A list of things that are, keyed and without a time of its own; not a stream of readings."""
    return bool(spec.key_columns) and not spec.time_column


def register_now(code: str) -> Any:
    """A register as known now: the last row of each key, as an Ibis table. Raises NoRegister."""
    if not spec_of(code).key_columns:
        raise NoRegister(code)
    return latest(code)


def register_as_of(code: str, moment: datetime) -> Any:
    """A register as the hub knew it at a moment, whatever it learnt later. Raises NoRegister."""
    if not spec_of(code).key_columns:
        raise NoRegister(code)
    return latest(code, as_of=moment)


def register_page(code: str, moment: datetime | None, limit: int = 20) -> tuple[int, list[dict[str, Any]]]:
    """How many entries a register has, and the first of them in the order of the key, masked."""
    spec = spec_of(code)
    known = register_now(code) if moment is None else register_as_of(code, moment)
    entries = int(engine().to_arrow(known.count().as_table()).column(0)[0].as_py())
    names = [column.code for column in spec.columns]
    first = (
        known.order_by([known[key] for key in spec.key_columns]).limit(limit).select(*names, "_known_from")
    )
    return entries, masked(spec, engine().to_arrow(first).to_pylist())


def latest_versions(code: str) -> dict[str, Any]:
    """What the lake holds of a dataset: version, files, first and last day."""
    found = pin(code)
    days = sorted({day for _path, day in found.files})
    return {
        "version": found.version,
        "files": len(found.files),
        "first": days[0] if days else None,
        "last": days[-1] if days else None,
    }


def row_by_ref(ref: str) -> dict[str, Any] | None:
    """The row behind `datahub.row:<delivery>:<row>`, None where there is none. For the trace page."""
    try:
        kind, parts = parse_ref(ref)
        delivery_id, number = (int(part) for part in parts)
    except ValueError:
        return None
    delivery = Delivery.objects.select_related("dataset").filter(pk=delivery_id).first()
    if kind != "datahub.row" or delivery is None:
        return None
    spec = spec_for(delivery.dataset)
    files = DeliveryFile.objects.filter(delivery=delivery, first_row__lte=number, last_row__gte=number)
    held = {(file.path, file.day) for file in files}
    now = pin(spec.code)
    if not held <= set(now.files):
        # The rows were written together with others since then: look among all files of their days.
        days = {day for _path, day in held}
        held = {(path, day) for path, day in now.files if day in days}
    chosen = Pinned(spec.code, now.version, now.root, tuple(sorted(held)))
    table = lake_engine().table(spec, chosen, None, key=(delivery_id, number))
    found = table.filter((table["_delivery"] == delivery_id) & (table["_row"] == number))
    rows = lake_engine().to_arrow(found).to_pylist()
    if not rows:
        return None
    return {
        "dataset_code": spec.code,
        "dataset_name": delivery.dataset.title,
        "delivery_id": delivery_id,
        "row": number,
        "values": masked(spec, rows)[0],
    }


def sample(code: str, limit: int = 20) -> list[dict[str, Any]]:
    """The newest rows, masked where the dataset is personal."""
    found = pin(code)
    if not found.files:
        return []
    last = max(day for _path, day in found.files)
    spec = spec_of(code)
    table = engine().table(code, days=(last, last))
    order = [table["_known_from"].desc(), table["_delivery"].desc(), table["_row"].desc()]
    names = [column.code for column in spec.columns]
    chosen = table.order_by(order).limit(limit).select(*names, "_delivery", "_row", "_area")
    return masked(spec, engine().to_arrow(chosen).to_pylist())


def masked(spec: DatasetSpec, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hide what is personal; of a sensitive dataset everything that is no number or time. Fails closed."""
    return shown_rows(spec, rows)


# ---------------------------------------------------------------- freshness


def late_datasets(at: datetime | None = None) -> DatasetQuerySet:
    """Datasets whose source should have been heard by now."""
    return Dataset.objects.late(at=at or clock.now())


def source_is_late(code: str, at: datetime | None = None) -> bool:
    """Whether a reader of it is blind: it should have been heard by now, or never was."""
    return Dataset.objects.silent(at=at or clock.now()).filter(code=code).exists()


def freshness(found: Dataset, at: datetime) -> str:
    """fresh, late or never; `free` without a cycle, `history` where only old rows ever came."""
    if found.fresh_at is None:
        return "history" if found.turn else "never"
    if found.update_cycle is None:
        return "free"
    return "late" if at - found.fresh_at > found.update_cycle * 2 else "fresh"


def dataset_titles(codes: Iterable[str]) -> dict[str, str]:
    return {found.code: found.title for found in Dataset.objects.filter(code__in=list(codes))}


def delivery_title(delivery_id: int) -> str:
    """A delivery in a few words, for the trace page; '' where there is none."""
    found = Delivery.objects.select_related("dataset").filter(pk=delivery_id).first()
    return f"{found.dataset.title} #{found.pk}" if found else ""


def rows_per_hour(codes: Sequence[str], *, at: datetime, hours: int = 24) -> dict[str, list[int]]:
    """Rows committed in each of the last hours, oldest first: the small bars of the overview."""
    since = at - timedelta(hours=hours)
    counts = {code: [0] * hours for code in codes}
    found = (
        Delivery.objects.filter(dataset__code__in=list(codes), received_at__gt=since, rows_committed__gt=0)
        .annotate(hour=TruncHour("received_at"))
        .order_by()
        .values_list("dataset__code", "hour")
        .annotate(rows=Sum("rows_committed"))
    )
    for code, hour, rows in found:
        place = min(max(int((hour - since).total_seconds() // 3600), 0), hours - 1)
        counts[code][place] += rows
    return counts
