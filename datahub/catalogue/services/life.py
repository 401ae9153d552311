"""The life of a dataset: declared, reviewed by a second person, published, retired."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.core.moves import next_state
from commandcenter.journal.live import announce
from commandcenter.journal.services import audit
from datahub.catalogue.events import DatasetMoved
from datahub.catalogue.policies import may_move
from datahub.catalogue.states import MOVES, NEEDS_REASON, Action
from datahub.models import Dataset
from datahub.services.moves import home_area
from datahub.sharing.services import ensure_preview
from datahub.states import DatasetStatus

from .moves import note_move


@transaction.atomic
def move_dataset(*, code: str, action: str, by: Any, note: str = "") -> Dataset:
    """One step of the table. Raises IllegalMove, PermissionDenied, BadInput without a needed reason."""
    dataset = Dataset.objects.select_for_update(of=("self",)).get(code=code)
    to = next_state(MOVES, action, dataset.status)
    require(may_move(by, dataset, action))
    if action in NEEDS_REASON and not note.strip():
        raise BadInput(Problem(None, "note", _("Please give the reason.")))
    if action == Action.PUBLISH:
        _fit_to_publish(dataset)
    before, dataset.status = dataset.status, to
    if to == DatasetStatus.PUBLISHED:
        dataset.published_at = clock.now()
    dataset.save(update_fields=["status", "published_at"])
    note_move(dataset, action, before, by=by, note=note.strip())
    if to == DatasetStatus.PUBLISHED:
        ensure_preview(dataset)
    audit(
        actor=by,
        action=f"datahub.{action}_dataset",
        target_ref=dataset.ref,
        reason=note.strip(),
        body={"from": before, "to": to, "revision": dataset.revision},
    )
    announce(
        DatasetMoved(
            area_code=home_area(dataset),
            audiences=["steward"],
            at=clock.now(),
            dataset_code=dataset.code,
            dataset_name=dataset.name,
            action=action,
            from_state=before,
            to_state=to,
        )
    )
    return dataset


def _fit_to_publish(dataset: Dataset) -> None:
    """The core metadata must be whole before anybody can find it."""
    problems = [
        Problem(None, field, _("Please fill this in."))
        for field in ("name", "summary", "provider", "domain")
        if not getattr(dataset, field).strip()
    ]
    if dataset.share_type != "unconditional" and not dataset.share_basis.strip():
        problems.append(
            Problem(None, "share_basis", _("A condition or a refusal to share must name its legal basis."))
        )
    if problems:
        raise BadInput(problems)
