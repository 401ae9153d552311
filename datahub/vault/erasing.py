"""Erasing a person: the key is destroyed, and everywhere else the values are looked for and taken out.

The order makes a kill harmless: first nothing more of the person comes in, then every trace is cleaned
(which can be repeated), last the list of the erased is written and the key destroyed. Until then the
values can still be read, which is what the cleaning needs.

Values shorter than DISTINCT characters (a name) may be anybody's: they are taken out of the person's
own rows and of the rejects of his datasets, not of the whole city's text.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction
from django.db.models import Q
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from commandcenter import wiring
from commandcenter.core import clock
from commandcenter.core.crypto import CannotDecrypt
from commandcenter.core.errors import BadInput, Problem, require
from commandcenter.journal.services import audit
from datahub.checks.guard import (
    DISTINCT,
    free_text_columns,
    personal_columns,
    subject_columns,
    subject_tokens,
    token_of,
)
from datahub.declare import DatasetSpec
from datahub.lake import tables, upkeep
from datahub.lake.models import LakeChangeReason
from datahub.models import Dataset
from datahub.selectors import spec_for
from datahub.services.blobs import gather
from datahub.services.upkeep import record_change, settle
from datahub.services.working import work_off
from datahub.services.writers import Claim, writing

from . import ledger, traces
from .models import VaultErasure, VaultField, VaultSubject
from .policies import may_erase
from .sealing import about, unseal, unwrap

log = logging.getLogger(__name__)


def find_subjects(value: str) -> list[VaultSubject]:
    """Persons known by a value: it is their number, or one of their fields holds it. Erased ones too."""
    token = token_of(value.strip())
    if not token:
        return []
    return list(
        VaultSubject.objects.filter(Q(token=token) | Q(fields__token=token)).distinct().order_by("pk")
    )


def erase_subject(*, token: str, by: Any, reason: str) -> VaultErasure:
    """Erase the person; safe to repeat after a kill. Raises BadInput where there is no such person."""
    require(may_erase(by))
    return _erase(token, by, " ".join(reason.split()))


def _erase(token: str, by: Any, reason: str) -> VaultErasure:
    if not reason:
        raise BadInput(Problem(None, "reason", _("say why the person is erased")))
    subject = VaultSubject.objects.filter(token=token).first()
    if subject is None:
        raise BadInput(Problem(None, "token", _("no such person")))
    done = subject.erasures.first()
    if subject.erased_at is not None and done is not None:
        return done
    at = clock.now()
    VaultSubject.objects.filter(pk=subject.pk, erasing_at__isnull=True).update(erasing_at=at)
    values, datasets = _values(subject)
    report = _clean(subject, values, datasets)
    with transaction.atomic():
        ledger.remember(subject.token, at)
        locked = VaultSubject.objects.select_for_update().get(pk=subject.pk)
        report["fields"] = VaultField.objects.filter(subject=locked).delete()[0]
        locked.wrapped_key, locked.erased_at = "", at
        locked.save(update_fields=["wrapped_key", "erased_at"])
        erasure = VaultErasure.objects.create(
            subject=locked, by=by, reason=reason[:500], report=report, at=at
        )
        audit(
            actor=by,
            action="datahub.erase_subject",
            target_ref=f"datahub.person:{subject.token}",
            reason=reason,
            body=report,
        )
    return erasure


def _values(subject: VaultSubject) -> tuple[list[str], set[int]]:
    """Everything the vault holds of the person, in clear, and the datasets it came from."""
    try:
        key = unwrap(subject.wrapped_key)
    except CannotDecrypt:
        return [], set()
    values: dict[str, None] = {}
    datasets = set()
    for field in subject.fields.all():
        datasets.add(field.dataset_id)
        try:
            values[unseal(key, bytes(field.sealed), about(subject.token, field.dataset_id, field.column))] = (
                None
            )
        except CannotDecrypt:
            log.error("a field of %s cannot be read", subject.token)
    return [value for value in values if len(value) > 1], datasets


def _clean(subject: VaultSubject, values: list[str], datasets: set[int]) -> dict[str, Any]:
    """Every place outside the vault. Counts only: the report is kept for good."""
    wide = [value for value in values if len(value) >= DISTINCT]
    report: dict[str, Any] = {"lake_rows": 0, "lake_datasets": []}
    for dataset in Dataset.objects.order_by("pk"):
        with writing(dataset, wait=True) as claim:
            assert claim is not None
            while gather(claim) is not None:
                work_off(claim)
            settle(claim)
            rows = _clean_table(claim, subject, values if dataset.pk in datasets else [], wide)
        if rows:
            report["lake_rows"] += rows
            report["lake_datasets"].append(dataset.code)
    report["rejects"] = traces.clean_rejects(wide)
    report["rejects"] += sum(traces.clean_rejects(values, dataset_id=pk) for pk in sorted(datasets))
    report["deliveries"] = traces.clean_deliveries(wide)
    report["raw_files"] = traces.remove_raw_files(wide)
    report["with_their_owners"] = traces.foreign_files(wide)
    for path in getattr(wiring, "ERASERS", []):
        report[path] = import_string(path)(values=wide)
    return report


def _clean_table(claim: Claim, subject: VaultSubject, own: Sequence[str], wide: Sequence[str]) -> int:
    """Free text of all rows without distinct values, of the person's own rows without any."""
    spec = spec_for(claim.dataset)
    texts = free_text_columns(spec)
    if not claim.dataset.turn or not texts or not (own or wide):
        return 0

    def change(table: pa.Table) -> pa.Table | None:
        once = traces.redacted(table, texts, wide)
        if not own:
            return once
        his = pc.equal(_subjects(spec, table), subject.token)
        twice = traces.redacted(once or table, texts, own, pc.fill_null(his, False))
        return twice if twice is not None else once

    gone, new, rows = upkeep.rewrite(spec, change)
    if gone:
        record = record_change(claim, LakeChangeReason.ERASURE, gone, {}, total=rows)
        tables.replace_files(spec, gone, new, number=record.number)
    return rows


def _subjects(spec: DatasetSpec, table: pa.Table) -> pa.Array:
    if not personal_columns(spec):
        return pa.nulls(table.num_rows, pa.string())
    columns = {name: table.column(name).combine_chunks() for name in subject_columns(spec)}
    return subject_tokens(spec, columns, table.num_rows)


def reapply_erasures(path: Path | None = None) -> int:
    """After a restore: whoever is on the list and came back is erased again. Returns how many were.

    path: the list as it stood before the restore, where the backup brought an older one.
    """
    again = 0
    for token, at in ledger.remembered(path):
        subject, new = VaultSubject.objects.get_or_create(
            token=token, defaults={"created_at": at, "erasing_at": at, "erased_at": at}
        )
        if not new and subject.erased_at is None:
            _erase(token, None, "restored from a backup")
            again += 1
    return again
