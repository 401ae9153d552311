"""Runs of sources: picked when due, one at a time each, with an end that says what came of it."""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from commandcenter.core import clock
from commandcenter.core.errors import DomainError
from commandcenter.core.moves import next_state
from datahub.checks.guard import is_guarded
from datahub.faults import Refusal, reach
from datahub.models import Dataset, Delivery
from datahub.quality.services import clear_incident, raise_incident
from datahub.quality.states import IncidentKind
from datahub.selectors import spec_for
from datahub.states import DeliveryState

from .. import folder, pages, spool, table
from ..errors import Busy, LostLease, SourceFailed
from ..models import Source, SourceRun
from ..pages import State
from ..settings import DatabaseSettings, FolderSettings, HttpSettings, parse
from ..spool import Fetched, Nothing
from ..states import RUN_MOVES, BatchState, PullKind, RunOutcome
from ..timing import after_failure, next_run
from .batches import DeliveryRefused, bring_in, keep, left_over
from .leases import Heart, hold, take, tell

if TYPE_CHECKING:
    from city.models import User

log = logging.getLogger(__name__)
BATCHES_A_RUN = 200
FILES_A_RUN = 500
QUOTING = frozenset({"bad_json", "bad_value", "database"})  # reasons that repeat a piece of what came
REASON_LANGUAGE = "zh-hans"  # reasons are stored; they are said in the city's language


@dataclass
class Tally:
    """What a run came to so far."""

    rows: int = 0
    rejected: int = 0
    batches: int = 0
    committed: int = 0
    unchanged: bool = False
    delivery: Delivery | None = None
    notes: list[str] = field(default_factory=list)
    faults: list[DomainError] = field(default_factory=list)
    soon_s: float | None = None  # a file that is not whole yet is looked at again

    def add(self, delivery: Delivery) -> None:
        self.batches += 1
        self.delivery = delivery
        if delivery.state == DeliveryState.COMMITTED:
            self.committed += 1
            self.rows += delivery.rows_committed
            self.rejected += delivery.rows_rejected
        else:
            self.unchanged = True


def run_due(*, budget_s: float = 50.0) -> int:
    """One round over what is due; returns the number of runs. Several workers may do so at once."""
    until = time.monotonic() + budget_s
    done = 0
    while time.monotonic() < until:
        taken = take()
        if taken is None:
            break
        _run(*taken)
        done += 1
    return done


def run_source(source_id: int, *, by: "User | None" = None) -> SourceRun:
    """Run one source here and now, whatever its time. Raises Busy when somebody runs it already."""
    taken = take(source_id)
    if taken is None:
        raise Busy(_("This source is running now."))
    return _run(*taken, by=by)


def _run(source: Source, lease: str, by: "User | None" = None) -> SourceRun:
    with override(REASON_LANGUAGE):
        with transaction.atomic():
            run = SourceRun.objects.create(
                source=source,
                started_at=clock.now(),
                by=by,
            )
            tell(source, run)
        tally = Tally()
        fault: DomainError | None = None
        try:
            with Heart(source.pk, lease):
                _work(source, lease, run, tally)
            fault = _worst(tally.faults)
        except LostLease:
            log.warning("source %s was taken over by another worker", source.pk)
            run.refresh_from_db()
            return run
        except DatabaseError:
            raise  # our own database: the lease runs out, and the source is tried again
        except Refusal as error:
            fault = SourceFailed(str(error), code=str(error.code))
        except DomainError as error:
            fault = error
        except (OSError, pa.ArrowException, MemoryError) as error:
            log.exception("source %s failed", source.pk)
            fault = SourceFailed(
                _("The hub could not keep what came: %(why)s") % {"why": _plain(error)}, code="no_room"
            )
        except Exception as error:
            log.exception("source %s failed", source.pk)
            fault = SourceFailed(
                _("An error in the hub itself (%(kind)s); its log says more.")
                % {"kind": type(error).__name__},
                code="internal",
            )
        with suppress(LostLease):
            return _end(source, lease, run, tally, fault)
        run.refresh_from_db()
        return run


def _plain(error: BaseException) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _worst(faults: list[DomainError]) -> DomainError | None:
    """One reason for a run in which several files failed."""
    if not faults:
        return None
    if len(faults) == 1:
        return faults[0]
    order = sorted(faults, key=lambda one: one.code != "columns_changed")
    words = "\n".join(str(one) for one in faults[:20])
    if all(isinstance(one, DeliveryRefused) for one in faults):
        return DeliveryRefused(words)
    return SourceFailed(words, code=order[0].code)


# ---------------------------------------------------------------- the work of one run


def _work(source: Source, lease: str, run: SourceRun, tally: Tally) -> None:
    """What a killed run left first, then whatever is new."""
    batch = left_over(source)
    named = source.batches.filter(state=BatchState.FETCHED).values_list("path", flat=True)
    spool.sweep(source.pk, set(named))
    if batch is not None:
        _bring(source, lease, batch, tally)
        source.refresh_from_db()
    settings = parse(source.kind, source.settings)
    if isinstance(settings, FolderSettings):
        _work_folder(source, settings, lease, run, tally)
        return
    for _turn in range(BATCHES_A_RUN):
        fetched = _fetch(source, settings)
        tally.notes = list(fetched.notes)
        if isinstance(fetched, Nothing):
            tally.unchanged = tally.unchanged or fetched.unchanged
            return
        reach("source_fetched")
        batch = keep(source, lease, run, fetched)
        reach("source_kept")
        tally.add(bring_in(source, lease, batch))
        source.refresh_from_db()
        if not fetched.more:
            return
    tally.soon_s = 0.0


def _bring(source: Source, lease: str, batch: Any, tally: Tally) -> None:
    """A file that is refused does not hold up those after it."""
    try:
        tally.add(bring_in(source, lease, batch))
    except SourceFailed as error:
        if error.code == "busy":
            raise
        error.message = f"{batch.file_name}: {error.message}"
        tally.faults.append(error)


def _fetch(source: Source, settings: DatabaseSettings | HttpSettings) -> Fetched | Nothing:
    secret = source.secret or ""
    if isinstance(settings, DatabaseSettings):
        return table.fetch(
            source.pk,
            settings,
            secret,
            cursor=source.cursor,
            seen=bytes(source.seen),
            before=source.shape,
            number=source.number + 1,
        )
    state = State(source.cursor, bytes(source.seen), source.etag, source.modified, source.shape)
    return pages.fetch(source.pk, settings, secret, state, number=source.number + 1)


def _work_folder(source: Source, settings: FolderSettings, lease: str, run: SourceRun, tally: Tally) -> None:
    with folder.opened(settings.folder) as place:
        found, more = folder.look(settings, place)
        bad = [one for one in found if one.refused]
        waiting = source.cursor.get("waiting", {})
        ready, memory = folder.whole(
            [one for one in found if not one.refused], waiting, settings, clock.now()
        )
        for one in ready[:FILES_A_RUN]:
            fetched = folder.take(source.pk, one, place)
            if fetched is None:
                memory[one.name] = [*one.mark, clock.now().timestamp()]
                continue
            fetched.mapping = settings.mapping
            reach("source_fetched")
            batch = keep(source, lease, run, fetched)
            reach("source_kept")
            _bring(source, lease, batch, tally)
            source.refresh_from_db()
        folder.purge(place, settings.keep_days, clock.now())
    _remember(source, lease, memory)
    if bad:
        names = "; ".join(f"{folder.shown_name(one.name)}: {one.refused}" for one in bad[:20])
        tally.faults.append(
            SourceFailed(_("These are not taken: %(names)s.") % {"names": names}, code="not_taken")
        )
    if memory:
        tally.soon_s = float(max(settings.settle_s, 2))
        tally.notes.append(_("%(n)s files are not whole yet.") % {"n": len(memory)})
    if more or len(ready) > FILES_A_RUN:
        tally.soon_s = 0.0


@transaction.atomic
def _remember(source: Source, lease: str, memory: dict[str, Any]) -> None:
    held = hold(source.pk, lease)
    held.cursor = {"waiting": memory}
    held.save(update_fields=["cursor"])


# ---------------------------------------------------------------- the end of one run


@transaction.atomic
def _end(source: Source, lease: str, run: SourceRun, tally: Tally, fault: DomainError | None) -> SourceRun:
    at = clock.now()
    held = hold(source.pk, lease)
    action = "fail" if fault else "deliver" if tally.committed else "recognise" if tally.unchanged else "rest"
    run.outcome = next_state(RUN_MOVES, action, run.outcome)
    run.ended_at, run.rows, run.rejected, run.batches = at, tally.rows, tally.rejected, tally.batches
    run.delivery = tally.delivery
    run.code = fault.code[:40] if fault else ""
    run.reason = (_said(source, fault) if fault else "\n".join(tally.notes))[:4000]
    run.save()
    held.last_run_at, held.last_outcome, held.last_reason = at, run.outcome, run.reason
    held.lease, held.lease_until = "", None
    if fault is None:
        held.failures, held.last_good_at = 0, at
        held.next_run_at = next_run(held, at)
        if tally.soon_s is not None:
            held.next_run_at = min(held.next_run_at, at + timedelta(seconds=tally.soon_s))
        if run.outcome == RunOutcome.UNCHANGED:
            Dataset.objects.filter(pk=held.dataset_id).update(fresh_at=at)
    else:
        held.failures += 1
        held.next_run_at = after_failure(held, at, getattr(fault, "wait", None))
    held.save(
        update_fields=[
            "last_run_at", "last_outcome", "last_reason", "lease", "lease_until", "failures", "last_good_at",
            "next_run_at",
        ]
    )  # fmt: skip
    _incidents(held, run, fault)
    tell(held, run)
    return run


def _said(source: Source, fault: DomainError) -> str:
    """The reason as it is kept; of persons no piece of what came."""
    if fault.code in QUOTING and is_guarded(spec_for(source.dataset)):
        return _("What came cannot be read (%(code)s).") % {"code": fault.code}
    return str(fault) or fault.code


def _incidents(source: Source, run: SourceRun, fault: DomainError | None) -> None:
    """One incident for a source that fails, one for columns that changed; both close by themselves."""
    about: dict[str, Any] = {"key": source.ref, "dataset": source.dataset}
    kinds = [IncidentKind.SOURCE_FAILING, IncidentKind.COLUMNS_CHANGED]
    if fault is None:
        clear_incident(kind=kinds[0], **about)
        # A folder in which nothing lies any more has not mended the file that was refused.
        if run.outcome != RunOutcome.NOTHING or source.kind != PullKind.FOLDER:
            clear_incident(kind=kinds[1], **about)
        return
    if isinstance(fault, DeliveryRefused):
        return  # the delivery has an incident of its own
    kind = kinds[1] if fault.code == "columns_changed" else kinds[0]
    raise_incident(
        kind=kind, reason=fault.code, detail=f"{source.name}: {run.reason}", ref=source.ref, **about
    )
