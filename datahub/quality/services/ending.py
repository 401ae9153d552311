"""What follows the end of a delivery, in the same transaction: its score, and its incidents."""

from collections.abc import Callable
from datetime import date, datetime

from django.db import connection

from commandcenter.core.times import shanghai_day
from datahub.checks.block import KEY, PLACE, RECORD, REQUIRED, TYPE
from datahub.checks.rules import CHECKS
from datahub.declare import DatasetSpec
from datahub.faults import Reason, Refused
from datahub.models import Dataset, Delivery
from datahub.selectors import spec_for
from datahub.states import DeliveryState, SourceKind

from ..clocks import limits, weights
from ..models import DailyScore, DeliveryScore, Incident, Mend
from ..scoring import CALLS, CYCLE, Part, parts_of, score_of
from ..states import Dimension, IncidentKind, Limit, Severity
from .incidents import clear_incident, raise_incident

STREAMS = frozenset({SourceKind.PUSH, SourceKind.MQTT})  # deliveries each second: judged by the day's sums
FEWEST_ROWS = 100  # of a stream's day, before it is judged
GRAVE = 0.1  # share of rows from which a failed rule is of high severity
HEADER, DELIVERY, SOURCE = "header", "delivery", "source"
REASONS: dict[str, str] = {
    TYPE: "type",
    REQUIRED: Reason.REQUIRED,
    RECORD: Reason.BAD_RECORD,
    PLACE: Reason.COORDINATES,
    KEY: Reason.DUPLICATE_KEY,
}


def delivery_ended(delivery: Delivery, before: datetime | None, at: datetime) -> None:
    """before: when the source was last heard before this delivery."""
    spec = spec_for(delivery.dataset)
    live = not (delivery.is_history or delivery.asked_history)
    parts: dict[str, Part] = {}
    if delivery.state in (DeliveryState.COMMITTED, DeliveryState.REFUSED) and delivery.rows_in:
        parts = parts_of(spec, delivery.checks, delivery.rows_in, live=live)
    cycle = delivery.dataset.update_cycle
    if live and cycle is not None and before is not None and delivery.state != DeliveryState.REFUSED:
        parts[CYCLE] = Part(Dimension.TIMELINESS, 1, int(at - before > cycle * 2))
    if delivery.source == SourceKind.REPLAY:
        _settle_replay(delivery)
    if not parts and not live:
        return
    known = limits()
    if parts:
        _keep(delivery, parts, live, at, weights(known))
    if live:
        _incidents(delivery, spec, parts, at, known[Limit.TOLERANCE] / 1000)


def _keep(
    delivery: Delivery, parts: dict[str, Part], live: bool, at: datetime, weight: dict[str, int]
) -> None:
    day = shanghai_day(at)
    DeliveryScore.objects.create(
        delivery=delivery,
        dataset_id=delivery.dataset_id,
        rows=delivery.rows_in,
        parts={code: list(part) for code, part in parts.items()},
        score=score_of(parts.values(), weight).total,
        is_history=not live,
        day=day,
        at=at,
    )
    add_to_day(delivery.dataset_id, day, parts)


def add_to_day(dataset_id: int, day: date, parts: dict[str, Part]) -> None:
    """One statement, whatever the number of checks."""
    rows = [(dataset_id, day, code, str(p.dimension), p.checked, p.failed) for code, p in parts.items()]
    if not rows:
        return
    table = DailyScore._meta.db_table
    line = ", ".join(["(%s, %s, %s, %s, %s, %s, 1)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} AS held (dataset_id, day, rule, dimension, checked, failed, deliveries)"  # noqa: S608
            f" VALUES {line} ON CONFLICT (dataset_id, day, rule) DO UPDATE SET"
            " checked = held.checked + excluded.checked, failed = held.failed + excluded.failed,"
            " deliveries = held.deliveries + 1, dimension = excluded.dimension",
            [value for row in rows for value in row],
        )


# ---------------------------------------------------------------- incidents


def _incidents(
    delivery: Delivery, spec: DatasetSpec, parts: dict[str, Part], at: datetime, tolerance: float
) -> None:
    """A stream ends a delivery each second, so what is alive is asked once for all that may close."""
    dataset, stream = delivery.dataset, delivery.source in STREAMS
    alive = Incident.objects.alive().filter(dataset=dataset)
    open_ones = {(kind, key): ref for kind, key, ref in alive.values_list("kind", "key", "ref")}

    def clear(kind: str, key: str) -> None:
        if (kind, key) in open_ones:
            clear_incident(kind=kind, key=key, dataset=dataset, at=at, note=delivery.ref)

    if delivery.source == SourceKind.REPLAY:
        return
    if delivery.state == DeliveryState.REFUSED:
        if not (stream and parts):
            _raise_refused(delivery, at)
    else:
        clear(IncidentKind.LATE, SOURCE)
    if delivery.state == DeliveryState.COMMITTED:
        clear(IncidentKind.DELIVERY_REFUSED, DELIVERY)
        if not stream:
            _compare_columns(delivery, at, clear)
    if not parts:
        return
    failing, passing = _judged(spec, _of_today(dataset, at) if stream else parts, tolerance)
    for code, part in failing.items():
        _raise_failed(delivery, spec, code, part, at)
    codes = {rule.code for rule in spec.rules} | REASONS.keys()
    for (kind, key), ref in open_ones.items():
        # What other parts raised under this kind carries a reference of theirs, and they clear it.
        if kind == IncidentKind.RULE_FAILED and not ref and (key in passing or key not in codes):
            clear(kind, key)


def _of_today(dataset: Dataset, at: datetime) -> dict[str, Part]:
    rows = DailyScore.objects.filter(dataset=dataset, day=shanghai_day(at), checked__gte=FEWEST_ROWS)
    return {row.rule: Part(row.dimension, row.checked, row.failed) for row in rows}


def _judged(spec: DatasetSpec, parts: dict[str, Part], tolerance: float) -> tuple[dict[str, Part], set[str]]:
    """Which checks fail beyond their tolerance, and which pass. A source that is late has its own kind."""
    own = {rule.code: rule.tolerance for rule in spec.rules if rule.tolerance is not None}
    counted = {code: part for code, part in parts.items() if code not in (CYCLE, CALLS)}
    failing = {
        code: part for code, part in counted.items() if part.failed > own.get(code, tolerance) * part.checked
    }
    return failing, counted.keys() - failing.keys()


def _raise_failed(delivery: Delivery, spec: DatasetSpec, code: str, part: Part, at: datetime) -> None:
    rule = next((one for one in spec.rules if one.code == code), None)
    raise_incident(
        kind=IncidentKind.RULE_FAILED,
        key=code,
        dataset=delivery.dataset,
        delivery=delivery,
        reason=CHECKS[rule.kind][0] if rule and rule.kind in CHECKS else REASONS.get(code, "unique"),
        detail=f"{part.failed} / {part.checked}",
        severity=Severity.HIGH if part.failed >= GRAVE * part.checked else Severity.NORMAL,
        at=at,
    )


def _raise_refused(delivery: Delivery, at: datetime) -> None:
    changed = delivery.reason == Refused.MISSING_COLUMNS and _former(delivery) is not None
    raise_incident(
        kind=IncidentKind.COLUMNS_CHANGED if changed else IncidentKind.DELIVERY_REFUSED,
        key=HEADER if changed else DELIVERY,
        dataset=delivery.dataset,
        delivery=delivery,
        reason=delivery.reason,
        detail=delivery.detail,
        at=at,
    )


def _former(delivery: Delivery) -> Delivery | None:
    before = Delivery.objects.filter(
        dataset_id=delivery.dataset_id, state=DeliveryState.COMMITTED, pk__lt=delivery.pk
    ).exclude(source__in=[*STREAMS, SourceKind.REPLAY])
    return before.order_by("-pk").first()


def _compare_columns(delivery: Delivery, at: datetime, clear: Callable[[str, str], None]) -> None:
    """A header that says something else than the last time; one as declared ends it."""
    shape, former = _shape(delivery), _former(delivery)
    if shape and former is not None and shape != _shape(former):
        raise_incident(
            kind=IncidentKind.COLUMNS_CHANGED,
            key=HEADER,
            dataset=delivery.dataset,
            delivery=delivery,
            reason=next(iter(sorted(shape)))[0],
            detail="; ".join(f"{code}: {names}" for code, names in sorted(shape)),
            severity=Severity.NORMAL,  # it was taken in
            at=at,
        )
    elif not shape:
        clear(IncidentKind.COLUMNS_CHANGED, HEADER)


def _shape(delivery: Delivery) -> set[tuple[str, str]]:
    return {
        (note["code"], note["detail"])
        for note in delivery.notes
        if note["code"] in ("extra_columns", "missing_columns")
    }


# ---------------------------------------------------------------- replays


def _settle_replay(delivery: Delivery) -> None:
    """Personal values that were entered again are in the vault now; a replay that failed gives all back."""
    mends = Mend.objects.filter(replay__delivery=delivery)
    if delivery.rows_in:
        mends.update(sealed="")
    else:
        mends.update(replay=None, row=None)
