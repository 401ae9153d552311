"""Personal values on their way in, batch by batch: a few queries per batch, whatever its size."""

from itertools import islice
from typing import Any

import pyarrow as pa

from commandcenter.core import clock
from datahub.checks.guard import SUBJECT, drop_empty, personal_columns, token_of
from datahub.declare import DatasetSpec
from datahub.models import Delivery

from .models import VaultField, VaultSubject
from .sealing import about, new_key, seal, unwrap, wrap

BATCH = 5_000
KEEP_KEYS = 100_000


def erased_tokens() -> frozenset[str]:
    """Persons of whom nothing comes in any more."""
    return frozenset(
        VaultSubject.objects.filter(erasing_at__isnull=False).values_list("token", flat=True)
    ) | frozenset(VaultSubject.objects.filter(erased_at__isnull=False).values_list("token", flat=True))


class VaultWriter:
    """Keeps the values of one delivery. What a failed delivery put in is taken out by `undo`."""

    def __init__(self, delivery: Delivery, spec: DatasetSpec) -> None:
        self._delivery = delivery
        self._columns = personal_columns(spec)
        self._keys: dict[str, tuple[int, bytes]] = {}
        self._at = clock.now()

    def add(self, clear: pa.Table) -> None:
        pairs = {column: drop_empty(clear, column) for column in self._columns}
        tokens: dict[str, None] = {}
        for table in pairs.values():
            tokens.update(dict.fromkeys(table.column(SUBJECT).to_pylist()))
        rest = iter(tokens)
        while some := set(islice(rest, BATCH)):
            self._add(some, pairs)

    def _add(self, subjects: set[str], pairs: dict[str, pa.Table]) -> None:
        keys = self._keys_of(subjects)
        dataset_id = self._delivery.dataset_id
        ours = [pk for pk, _key in keys.values()]
        there = set(
            VaultField.objects.filter(dataset_id=dataset_id, subject_id__in=ours).values_list(
                "subject_id", "column", "token"
            )
        )
        new = []
        for column, table in pairs.items():
            for subject, value in zip(*(table.column(n).to_pylist() for n in (SUBJECT, column)), strict=True):
                if subject not in keys:
                    continue
                pk, key = keys[subject]
                token = token_of(value)
                if (pk, column, token) in there:
                    continue
                new.append(
                    VaultField(
                        subject_id=pk,
                        dataset_id=dataset_id,
                        delivery=self._delivery,
                        column=column,
                        token=token,
                        sealed=seal(key, value, about(subject, dataset_id, column)),
                    )
                )
        VaultField.objects.bulk_create(new, batch_size=2_000, ignore_conflicts=True)

    def _keys_of(self, tokens: set[str]) -> dict[str, tuple[int, bytes]]:
        """Keys of persons, made for those who are new; erased ones are left out."""
        if len(self._keys) > KEEP_KEYS:
            self._keys.clear()
        unknown = tokens - self._keys.keys()
        found = self._stored(unknown)
        missing = unknown - found.keys()
        if missing:
            VaultSubject.objects.bulk_create(
                [
                    VaultSubject(token=token, wrapped_key=wrap(new_key()), created_at=self._at)
                    for token in sorted(missing)
                ],
                ignore_conflicts=True,
            )
            found |= self._stored(missing)
        self._keys.update({token: known for token, known in found.items() if known is not None})
        return {token: self._keys[token] for token in tokens if token in self._keys}

    def _stored(self, tokens: set[str]) -> dict[str, Any]:
        rows = VaultSubject.objects.filter(token__in=tokens).values_list(
            "token", "pk", "wrapped_key", "erased_at", "erasing_at"
        )
        return {
            token: None if erased or erasing or not wrapped else (pk, unwrap(wrapped))
            for token, pk, wrapped, erased, erasing in rows
        }


def undo(delivery: Delivery) -> None:
    """A delivery that failed leaves nothing here, nor persons of whom nothing else is known."""
    held = VaultField.objects.filter(delivery=delivery)
    subjects = list(held.values_list("subject_id", flat=True).distinct())
    if not subjects:
        return
    held.delete()
    VaultSubject.objects.filter(pk__in=subjects, fields__isnull=True, erasing_at__isnull=True).filter(
        erased_at__isnull=True
    ).delete()
