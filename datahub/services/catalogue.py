"""The catalogue's writer: declarations become rows, and only what changed is touched."""

from typing import Any

from django.db import transaction

from datahub.declare import DatasetSpec
from datahub.models import Column, Dataset, QualityRule, SavedMapping
from datahub.packs import declared
from datahub.selectors import spec_of
from datahub.sharing.services import ensure_preview
from datahub.states import DatasetStatus

_OWN_ROWS = {"columns", "rules", "mappings"}


@transaction.atomic
def save_dataset(
    spec: DatasetSpec, *, pack: str = "", status: str = DatasetStatus.PUBLISHED
) -> tuple[Dataset, bool]:
    """Create or change a dataset; returns it and whether anything changed. Nothing here reaches the lake."""
    dataset = Dataset.objects.select_for_update().filter(code=spec.code).first()
    if dataset is not None and spec_of(spec.code) == spec and dataset.pack == pack:
        return dataset, False
    values: dict[str, Any] = {
        **{k: v for k, v in spec.model_dump().items() if k not in _OWN_ROWS},
        "pack": pack,
        "key_columns": list(spec.key_columns),
        "tags": list(spec.tags),
    }
    if dataset is None:
        dataset = Dataset.objects.create(status=status, **values)
    else:
        for name, value in values.items():
            setattr(dataset, name, value)
        dataset.revision += 1
        dataset.save()
    dataset.columns.all().delete()
    dataset.rules.all().delete()
    dataset.mappings.all().delete()
    Column.objects.bulk_create(
        Column(dataset=dataset, position=n, **column.model_dump()) for n, column in enumerate(spec.columns)
    )
    QualityRule.objects.bulk_create(QualityRule(dataset=dataset, **rule.model_dump()) for rule in spec.rules)
    SavedMapping.objects.bulk_create(
        SavedMapping(dataset=dataset, name=mapping.name, body=mapping.model_dump(mode="json"))
        for mapping in spec.mappings
    )
    if dataset.status == DatasetStatus.PUBLISHED:
        ensure_preview(dataset)
    return dataset, True


def load_packs() -> dict[str, int]:
    """Bring the catalogue to what the packs declare. Safe to repeat."""
    counts = {"packs": 0, "datasets": 0, "changed": 0}
    for pack, datasets in declared().items():
        counts["packs"] += 1
        for spec in datasets:
            counts["datasets"] += 1
            counts["changed"] += save_dataset(spec, pack=pack)[1]
    return counts
