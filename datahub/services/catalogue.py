"""The catalogue's writer: declarations become rows, and only what changed is touched."""

import logging
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import Problem
from datahub.catalogue.indexing import search_text_of
from datahub.catalogue.numbers import give_number
from datahub.catalogue.services.moves import note_move
from datahub.catalogue.states import Action
from datahub.declare import ColumnSpec, DatasetSpec, MappingSpec, RuleSpec, columns_of, rule_columns
from datahub.lake.schema import SchemaRefused, refuse_narrowing
from datahub.models import Column, Dataset, QualityRule, SavedMapping
from datahub.packs import declared
from datahub.selectors import declared_spec
from datahub.sharing.services import ensure_preview
from datahub.states import DatasetStatus

log = logging.getLogger(__name__)
_OWN_ROWS = {"columns", "rules", "mappings"}


@transaction.atomic
def save_dataset(
    spec: DatasetSpec, *, pack: str = "", status: str = DatasetStatus.PUBLISHED, by: Any = None
) -> tuple[Dataset, bool]:
    """Create or change a dataset; returns it and whether anything changed. Nothing here reaches the lake.

    `status` is where a new one begins: what a pack declares was reviewed with the pack.
    """
    dataset = Dataset.objects.select_for_update().filter(code=spec.code).first()
    if dataset is not None and declared_spec(dataset) == spec and dataset.pack == pack:
        return dataset, False
    values: dict[str, Any] = {
        **{k: v for k, v in spec.model_dump().items() if k not in _OWN_ROWS},
        "pack": pack,
        "key_columns": list(spec.key_columns),
        "tags": list(spec.tags),
    }
    if dataset is None:
        number = give_number(spec)
        dataset = Dataset.objects.create(
            status=status,
            catalogue_number=number,
            search_text=search_text_of(spec, number),
            published_at=clock.now() if status == DatasetStatus.PUBLISHED else None,
            declared_by=by,
            **values,
        )
        note_move(dataset, Action.DECLARE, "", by=by)
    else:
        if dataset.turn:
            refuse_narrowing(declared_spec(dataset), spec)
        for name, value in values.items():
            setattr(dataset, name, value)
        dataset.revision += 1
        dataset.declared_by = by or dataset.declared_by
        dataset.search_text = search_text_of(spec, dataset.catalogue_number)
        dataset.save()
        note_move(dataset, Action.CHANGE, dataset.status, by=by)
    dataset.columns.all().delete()
    _drop_mappings(dataset, spec)
    Column.objects.bulk_create(
        Column(dataset=dataset, position=n, **column.model_dump()) for n, column in enumerate(spec.columns)
    )
    _save_rules(dataset, spec)
    SavedMapping.objects.bulk_create(
        SavedMapping(dataset=dataset, name=mapping.name, body=mapping.model_dump(mode="json"))
        for mapping in spec.mappings
    )
    if dataset.status == DatasetStatus.PUBLISHED:
        ensure_preview(dataset)
    return dataset, True


def _drop_mappings(dataset: Dataset, spec: DatasetSpec) -> None:
    """All that was declared; of those a steward saved at an upload what does not fit any more."""
    columns = {column.code for column in spec.columns}
    names = {mapping.name for mapping in spec.mappings}
    for row in dataset.mappings.all():
        body = MappingSpec.model_validate(row.body)
        if not row.kept or row.name in names or not columns_of(body) <= columns:
            row.delete()


def _save_rules(dataset: Dataset, spec: DatasetSpec) -> None:
    """Rules as declared. What a steward made or changed by hand stays as he left it, while its columns do."""
    columns = {column.code for column in spec.columns}
    declared = {rule.code: rule for rule in spec.rules}
    kept = set()
    for row in dataset.rules.all():
        rule = declared.get(row.code)
        fits = {*rule_columns(RuleSpec.model_validate(_body(row)))} <= columns
        if row.changed_at is None or not fits:
            row.delete()
            continue
        row.declared = rule.model_dump() if rule else None
        row.save(update_fields=["declared"])
        kept.add(row.code)
    QualityRule.objects.bulk_create(
        QualityRule(dataset=dataset, declared=rule.model_dump(), **rule.model_dump())
        for rule in spec.rules
        if rule.code not in kept
    )


def _body(row: QualityRule) -> dict[str, Any]:
    return {name: getattr(row, name) for name in RuleSpec.model_fields}


@transaction.atomic
def add_column(code: str, column: ColumnSpec) -> Dataset:
    """Older rows read null in it. Raises SchemaRefused where a pack declares the dataset, or it is there."""
    dataset = Dataset.objects.select_for_update().get(code=code)
    spec = declared_spec(dataset)
    if dataset.pack:
        reason = _("the pack %(pack)s declares this dataset: add the column there")
        raise SchemaRefused(Problem(None, column.code, reason % {"pack": dataset.pack}))
    if any(one.code == column.code for one in spec.columns):
        raise SchemaRefused(Problem(None, column.code, _("there is such a column already")))
    wider = DatasetSpec.model_validate({**spec.model_dump(), "columns": [*spec.columns, column]})
    return save_dataset(wider, pack=dataset.pack)[0]


def load_packs() -> dict[str, int]:
    """Bring the catalogue to what the packs declare. Safe to repeat."""
    counts = {"packs": 0, "datasets": 0, "changed": 0, "refused": 0}
    for pack, datasets in declared().items():
        counts["packs"] += 1
        for spec in datasets:
            counts["datasets"] += 1
            try:
                counts["changed"] += save_dataset(spec, pack=pack)[1]
            except SchemaRefused as refused:  # the others are not held up
                counts["refused"] += 1
                log.error("%s keeps its declaration: %s", spec.code, refused)
    return counts
