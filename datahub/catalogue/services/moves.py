"""The one place that writes a step of a dataset's life down."""

from typing import Any

from commandcenter.core import clock
from datahub.catalogue.models import DatasetMove
from datahub.models import Dataset


def note_move(dataset: Dataset, action: str, from_state: str, *, by: Any, note: str = "") -> DatasetMove:
    """Write a step down. `by` is None where the installation itself declares, from a pack."""
    return DatasetMove.objects.create(
        dataset=dataset,
        action=action,
        from_state=from_state,
        to_state=dataset.status,
        by=by,
        by_name=(getattr(by, "display_name", "") or by.get_username()) if by is not None else "",
        at=clock.now(),
        note=note,
        revision=dataset.revision,
    )
