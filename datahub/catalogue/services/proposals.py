"""A declaration made in the browser: sample in, proposal, draft, and the sample delivered."""

import shutil
import uuid
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.journal.services import audit
from datahub.catalogue.declaring import asked_of
from datahub.catalogue.duplicates import Repeat, find_repeats
from datahub.catalogue.models import Proposal
from datahub.catalogue.policies import home_of, may_declare, may_edit
from datahub.catalogue.proposing import propose
from datahub.catalogue.states import Action, Decision
from datahub.declare import DatasetSpec
from datahub.faults import Refusal
from datahub.models import Dataset, Delivery
from datahub.services import receive, receive_upload, save_dataset
from datahub.states import DatasetStatus, SourceKind

from .guard import answer_repeats

KEPT = timedelta(days=7)


def samples() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "datahub" / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def begin_proposal(*, chunks: Iterable[bytes], file_name: str, by: Any, pasted: bool = False) -> Proposal:
    """Keep the sample and read a proposal out of it. Raises BadInput for what cannot be read."""
    require(may_declare(by))
    _forget_old_samples()
    name = uuid.uuid4()
    path = samples() / name.hex
    shutil.move(receive_upload(chunks, name=f"sample-{name.hex}"), path)
    try:
        found = propose(str(path), file_name=file_name, pasted=pasted)
    except Refusal as refusal:
        path.unlink(missing_ok=True)
        raise BadInput(Problem(refusal.row, refusal.column, str(refusal), file_name)) from refusal
    return Proposal.objects.create(
        id=name,
        by=by,
        at=clock.now(),
        file_name="" if pasted else file_name[:255],
        path=str(path),
        found=found.model_dump(),
    )


def repeats_of(spec: DatasetSpec) -> list[Repeat]:
    """What the city holds of it already."""
    return find_repeats(asked_of(spec), subject=spec.subject_column, domain=spec.domain, but=spec.code)


@transaction.atomic
def declare_dataset(*, proposal_id: Any, spec: DatasetSpec, by: Any, reason: str = "") -> Dataset:
    """The declaration becomes a draft, or the draft that it made before is changed.

    Raises Conflict when the code is somebody else's; BadInput when the city holds these columns
    already and no reason is given.
    """
    proposal = Proposal.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=proposal_id)
    require(may_edit(by, proposal))
    held = Dataset.objects.filter(code=spec.code).first()
    if proposal.dataset is not None and proposal.dataset.code != spec.code:
        raise Conflict(_("This proposal has become %(code)s.") % {"code": proposal.dataset.code})
    if held is not None and held.pk != proposal.dataset_id:
        raise BadInput(Problem(None, "code", _("There is a dataset with this code.")))
    if held is not None and (held.status != DatasetStatus.DRAFT or held.turn):
        raise Conflict(_("Only a draft without rows can be declared again."))
    _check_privacy(spec)
    spec = spec.model_copy(update={"area_code": home_of(by)})
    repeats = repeats_of(spec)
    if repeats and not reason.strip():
        raise BadInput(
            Problem(None, "reason", _("The city holds these columns already. Say why they are collected."))
        )
    dataset, _changed = save_dataset(spec, status=DatasetStatus.DRAFT, by=by)
    proposal.dataset = dataset
    proposal.found = _without_personal(proposal.found, spec)
    proposal.save(update_fields=["dataset", "found"])
    if repeats:
        answer_repeats(
            title=spec.name, repeats=repeats, decision=Decision.GO_ON, by=by, reason=reason, dataset=dataset
        )
    audit(
        actor=by,
        action="datahub.declare_dataset" if held is None else f"datahub.{Action.CHANGE}_dataset",
        target_ref=dataset.ref,
        reason=reason.strip(),
        body={"columns": len(spec.columns), "revision": dataset.revision},
    )
    return dataset


def _without_personal(found: dict[str, Any], spec: DatasetSpec) -> dict[str, Any]:
    """Examples of columns that the steward marked personal are not kept."""
    headers = {
        header for one in spec.mappings for header, code in one.rename.items() if spec.column(code).personal
    }
    columns = [
        {**one, "examples": [], "values": []} if one["header"] in headers else one for one in found["columns"]
    ]
    return {**found, "columns": columns}


def _forget_old_samples() -> None:
    """Nobody came back to it: the sample goes, the proposal stays."""
    for path in Proposal.objects.filter(at__lt=clock.now() - KEPT).values_list("path", flat=True):
        Path(path).unlink(missing_ok=True)


def _check_privacy(spec: DatasetSpec) -> None:
    personal = any(column.personal for column in spec.columns)
    if personal and spec.privacy_class not in ("personal", "sensitive"):
        raise BadInput(
            Problem(None, "privacy_class", _("A dataset with personal columns is personal or sensitive."))
        )
    if personal and spec.open_type == "open":
        raise BadInput(Problem(None, "open_type", _("A dataset with personal columns is never open.")))


def deliver_sample(*, proposal_id: Any, by: Any) -> Delivery:
    """Deliver the file that the declaration was read from; working it off is the lake queue's.

    The delivery takes the file over: afterwards the sample is gone like any upload.
    """
    proposal = Proposal.objects.select_related("dataset").get(pk=proposal_id)
    require(may_edit(by, proposal))
    if proposal.dataset is None or not proposal.file_name or not Path(proposal.path).is_file():
        raise Conflict(_("The sample is not kept any more; please deliver the file."))
    return receive(
        dataset_code=proposal.dataset.code,
        path=proposal.path,
        source=SourceKind.UPLOAD,
        file_name=proposal.file_name,
        keeps_file=False,
        by=by,
    )


@transaction.atomic
def drop_proposal(*, proposal_id: Any, by: Any) -> None:
    """Not needed after all: what the city holds will do."""
    proposal = Proposal.objects.get(pk=proposal_id)
    require(may_edit(by, proposal))
    if proposal.dataset_id is not None:
        raise Conflict(_("This proposal has become a dataset."))
    path = Path(proposal.path)
    proposal.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True))
