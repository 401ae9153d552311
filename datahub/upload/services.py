"""From the first byte to the word that delivers: parts, choices, confirm, discard, sweep."""

import hashlib
import logging
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict, Problem, require
from commandcenter.core.moves import next_state
from commandcenter.journal.services import audit
from datahub.declare import MappingSpec, columns_of
from datahub.models import Dataset, Delivery, SavedMapping
from datahub.policies import may_deliver
from datahub.selectors import spec_for
from datahub.services import receive
from datahub.states import DatasetStatus, SourceKind

from .limits import KEPT, MAX_BYTES, NoRoom, folder, has_room
from .models import Upload
from .states import MOVES, UploadState

log = logging.getLogger(__name__)
CHUNK = 4 * 1024 * 1024


def begin_upload(*, dataset_code: str, file_name: str, size: int, by: Any) -> Upload:
    """Make room for a file of so many bytes. Raises BadInput for its size, NoRoom, Conflict."""
    require(may_deliver(by))
    found = Dataset.objects.visible_to(by).get(code=dataset_code)
    if found.status == DatasetStatus.RETIRED:
        raise Conflict(_("This dataset is out of use; nothing is taken in."))
    if size <= 0:
        raise BadInput(Problem(None, "", _("The file is empty.")), code="empty")
    if size > MAX_BYTES:
        raise BadInput(
            Problem(None, "", _("The file is larger than 2 GiB; please split it.")), code="too_large"
        )
    sweep_uploads()
    if not has_room(size):
        raise NoRoom
    name = uuid.uuid4()
    path = folder() / name.hex
    path.touch(mode=0o600)
    return Upload.objects.create(
        id=name, dataset=found, by=by, at=clock.now(), file_name=file_name[-255:], path=str(path), size=size
    )


def add_part(*, upload_id: Any, by: Any, offset: int, chunks: Iterable[bytes]) -> Upload:
    """Write a part behind what is there; a part that came before is not written again.

    Sets `received` on what it returns. Raises Conflict where a part before this one is missing, BadInput
    where more comes than was announced, NoRoom.
    """
    with transaction.atomic():
        upload = _mine(upload_id, by)
        if upload.state != UploadState.RECEIVING:
            upload.received = upload.size
            return upload
        have = os.path.getsize(upload.path)
        if offset > have:
            raise Conflict(_("A part of the file is missing before this one."), code="gap")
        if offset == have:
            have = _append(upload, have, chunks)
        if have == upload.size:
            upload.digest = _digest(upload.path)
            upload.state = next_state(MOVES, "complete", upload.state)
            upload.save(update_fields=["digest", "state"])
        upload.received = have
    return upload


def _append(upload: Upload, have: int, chunks: Iterable[bytes]) -> int:
    """Sizes after it. A part that fails leaves the file as it was before."""
    size = have
    try:
        with open(upload.path, "r+b") as file:
            file.seek(have)
            for chunk in chunks:
                size += len(chunk)
                if size > upload.size:
                    file.truncate(have)
                    raise BadInput(
                        Problem(None, "", _("More bytes came than the file has; please choose it again."))
                    )
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        log.error("upload %s: %s", upload.pk, os.strerror(error.errno or 0))
        os.truncate(upload.path, have)
        raise NoRoom from error
    return size


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def bring_file(*, dataset_code: str, file_name: str, size: int, chunks: Iterable[bytes], by: Any) -> Upload:
    """A whole file at once, as a browser without script sends it."""
    upload = begin_upload(dataset_code=dataset_code, file_name=file_name, size=size, by=by)
    try:
        return add_part(upload_id=upload.pk, by=by, offset=0, chunks=chunks)
    except Exception:
        discard_upload(upload_id=upload.pk, by=by)
        raise


def choose_reading(
    *, upload_id: Any, by: Any, reading: MappingSpec | None, period: str = "", history: bool = False
) -> Upload:
    """How the file is to be read. None: found by its header, as without any choice."""
    with transaction.atomic():
        upload = _mine(upload_id, by)
        if reading is not None:
            _check_columns(upload, reading)
        upload.reading = reading.model_dump(mode="json") if reading is not None else {}
        upload.period, upload.history = period, history
        upload.save(update_fields=["reading", "period", "history"])
    return upload


def save_mapping(*, upload_id: Any, by: Any, name: str, reading: MappingSpec) -> SavedMapping:
    """Keep the reading under a name, for the next file of the same source.

    Raises Conflict where the declaration itself has a mapping of that name.
    """
    with transaction.atomic():
        upload = _mine(upload_id, by)
        _check_columns(upload, reading)
        found = Dataset.objects.select_for_update().get(pk=upload.dataset_id)
        held = found.mappings.filter(name=name).first()
        if held is not None and not held.kept:
            raise Conflict(_("The declaration of the dataset has a mapping of this name; take another one."))
        named = reading.model_copy(update={"name": name})
        saved, _new = SavedMapping.objects.update_or_create(
            dataset=found, name=name, defaults={"body": named.model_dump(mode="json"), "kept": True}
        )
        found.revision += 1  # what readers remember of the declaration is out of date
        found.save(update_fields=["revision"])
        upload.reading = named.model_dump(mode="json")
        upload.save(update_fields=["reading"])
        audit(
            actor=by,
            action="datahub.save_mapping",
            target_ref=found.ref,
            body={"mapping": name, "columns": len(columns_of(named))},
        )
    return saved


def _check_columns(upload: Upload, reading: MappingSpec) -> None:
    spec = spec_for(upload.dataset)
    known = {column.code: column for column in spec.columns}
    unknown = columns_of(reading) - known.keys()
    if unknown:
        raise BadInput(
            Problem(None, "", _("no such column: %(names)s") % {"names": ", ".join(sorted(unknown))})
        )
    if any(known[code].personal for code in reading.constants):
        raise BadInput(Problem(None, "", _("A personal column cannot have one value for the whole file.")))


def confirm_upload(*, upload_id: Any, by: Any) -> Delivery:
    """Deliver what was looked at, as it was shown. Said twice, it is delivered once.

    The delivery takes the file over; working it off is the lake queue's.
    """
    with transaction.atomic():
        upload = _mine(upload_id, by)
        if upload.state == UploadState.DELIVERED and upload.delivery is not None:
            return upload.delivery
        upload.state = next_state(MOVES, "confirm", upload.state)
        if not Path(upload.path).is_file():
            raise Conflict(_("The file is not kept any more; please choose it again."))
        upload.delivery = receive(
            dataset_code=upload.dataset.code,
            path=upload.path,
            source=SourceKind.UPLOAD,
            file_name=upload.file_name,
            keeps_file=False,
            by=by,
            history=upload.history or None,
            period=upload.period,
            reading=MappingSpec.model_validate(upload.reading) if upload.reading else None,
        )
        upload.save(update_fields=["state", "delivery"])
        return upload.delivery


def discard_upload(*, upload_id: Any, by: Any) -> None:
    """Not this one: the file goes at once."""
    with transaction.atomic():
        upload = _mine(upload_id, by)
        if upload.state == UploadState.DELIVERED:
            raise Conflict(_("This file has been delivered already."))
        _forget(upload)


def sweep_uploads() -> int:
    """Files without a word for a day go, and the notes about delivered ones; then files that nobody knows."""
    before = clock.now() - KEPT
    old = list(Upload.objects.forgotten(before=before))
    for upload in old:
        with transaction.atomic():
            _forget(upload)
    for file in folder().iterdir():
        if file.stat().st_mtime < before.timestamp() and not _is_known(str(file)):
            file.unlink(missing_ok=True)
    return len(old)


def _is_known(path: str) -> bool:
    return Upload.objects.filter(path=path).exists() or Delivery.objects.open().filter(path=path).exists()


def _forget(upload: Upload) -> None:
    path, ours = Path(upload.path), upload.state != UploadState.DELIVERED
    upload.delete()
    if ours:  # a delivered file is the delivery's
        transaction.on_commit(lambda: path.unlink(missing_ok=True))


def _mine(upload_id: Any, by: Any) -> Upload:
    """Raises Upload.DoesNotExist for what is not there or is somebody else's."""
    require(may_deliver(by))
    locked = Upload.objects.owned_by(by).select_for_update(of=("self",)).select_related("dataset", "delivery")
    return locked.get(pk=upload_id)
