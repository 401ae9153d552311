"""After a restore: persons who were erased since the backup was made came back with it, and go again."""

import json
from pathlib import Path

from commandcenter.core import clock
from commandcenter.core.spoken import numbers_within
from commandcenter.journal.erasing import searched_models, text_fields
from datahub.checks.guard import token_of

from . import ledger
from .erasing import run_erasure
from .knowing import know
from .models import ErasureRequest, VaultSubject
from .states import ErasureState, Ground


def reapply_erasures(path: Path | None = None) -> int:
    """After a restore: whoever is on the list and came back is erased again. Returns how many were.

    path: the list as it stood before the restore, where the backup brought an older one. A person of the
    vault is known by the token; anyone by the marks of the numbers, which are looked for in all text.
    """
    again = 0
    listed = list(ledger.remembered(path))
    unknown = [entry for entry in listed if not _done_here(entry)]
    found = _numbers_with({mark for entry in unknown for mark in entry.marks})
    for entry in unknown:
        ledger.keep(entry)
        came_back = []
        for token in entry.tokens:
            subject, new = VaultSubject.objects.get_or_create(
                token=token, defaults={"created_at": entry.at, "erasing_at": entry.at, "erased_at": entry.at}
            )
            if not new and subject.erased_at is None:
                came_back.append(subject)
        values = sorted({value for mark in entry.marks for value in found.get(mark, ())})
        known = know(values, subjects=came_back)
        if not came_back and not known.values and not known.refs:
            continue
        request = ErasureRequest.objects.create(
            ground=Ground.OTHER,
            reason="restored from a backup",
            given=json.dumps(known.values, ensure_ascii=False),
            marks=list(entry.marks),
            tokens=[one.token for one in came_back],
            refs=sorted(known.refs),
            asked_at=clock.now(),
            decided_at=clock.now(),
            state=ErasureState.APPROVED,
        )
        run_erasure(request.pk)
        again += 1
    return again


def _done_here(entry: ledger.Erased) -> bool:
    """This database knows that the person was erased: what it holds of him came afterwards, lawfully."""
    back = VaultSubject.objects.filter(token__in=entry.tokens, erased_at__isnull=False).count()
    if back < len(entry.tokens):
        return False
    done = ErasureRequest.objects.filter(state=ErasureState.DONE, done_at__gte=entry.at)
    return any(set(entry.marks) <= set(marks) for marks in done.values_list("marks", flat=True))


def _numbers_with(marks: set[str]) -> dict[str, set[str]]:
    """Numbers anywhere in the database's text whose token is one of these."""
    found: dict[str, set[str]] = {}
    seen: dict[str, str] = {}
    if not marks:
        return found
    for model in searched_models():
        names = [one.attname for one in text_fields(model)]
        for row in model._base_manager.values_list(*names).iterator(chunk_size=1_000):
            for number in numbers_within(" | ".join(str(value) for value in row if value)):
                if number not in seen:
                    seen[number] = token_of(number)
                if seen[number] in marks:
                    found.setdefault(seen[number], set()).add(number)
    return found
