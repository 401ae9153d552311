"""The demo city keeps moving: a few seconds of work at a time, at the pace of the hour.

Open cases of the demo logins' own units are left to the people who try the city, for a while.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet

from commandcenter.core import clock
from commandcenter.core.errors import DomainError
from commandcenter.core.times import SHANGHAI
from datahub.services import push_rows
from dispatch.models import Order

from . import desk, devices, planted, sensors, sources, truths
from .seed import seeded_at
from .story import HOURS

CALLS_AT_NOON_S = 20  # seconds between two calls at the busiest hour
LEAVE_TO_PEOPLE = timedelta(minutes=30)
DEMO_UNITS = ("320613-housing", "320623-housing", "320613-police", "320613-education")
OPEN_LIMIT = 600  # open cases past which nobody new calls: the feed cannot fill the disk


@dataclass
class Done:
    """What one tick did."""

    calls: int = 0
    steps: int = 0
    reports: int = 0
    rows: int = 0


def tick(*, seconds: float, rate: float = 1.0, rng: random.Random | None = None) -> Done:
    """Let the city live through `seconds`. rate: how many times the usual pace."""
    rng = rng or random.Random()
    done, now = Done(), clock.now()
    crew = desk.Crew.at_work()
    if not crew.operators or not crew.officers:
        return done
    pace = HOURS[now.astimezone(SHANGHAI).hour] / max(HOURS)
    calls = rate * max(pace, 0.2) * seconds / CALLS_AT_NOON_S
    for _ in range(_whole(rng, calls)):
        done.calls += _guarded(lambda: _call(crew, rng))
    for _ in range(_whole(rng, calls * 0.1)):
        done.reports += _guarded(lambda: desk.walk(crew, rng))
    done.steps = _work(crew, rng, _whole(rng, calls * 2.2 + 0.3))
    done.rows = _sense()
    devices.beat()
    sources.go_on()
    return done


def _whole(rng: random.Random, wanted: float) -> int:
    """A whole number whose mean is `wanted`."""
    return int(wanted) + (rng.random() < wanted % 1)


def _guarded(step: Any) -> int:
    """One step in its own transaction; where somebody else was faster, nothing happens."""
    try:
        with transaction.atomic():
            step()
    except DomainError:
        return 0
    return 1


def _call(crew: desk.Crew, rng: random.Random) -> None:
    if Order.objects.open().count() > OPEN_LIMIT:
        return
    ticket = desk.take_call(crew, rng)
    if (
        rng.random() < 0.72
        and ticket.request_type in ("consult", "help", "other", "suggestion")
        or not desk.dispatch(crew, ticket)
    ):
        desk.answer(crew, rng, ticket)


def _mine(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Orders that the feed may work on: no planted ones, and not what a visitor may be trying."""
    left = clock.now() - LEAVE_TO_PEOPLE
    return orders.exclude(title__in=planted.OWN_COURSE).exclude(
        org__code__in=DEMO_UNITS, dispatched_at__gt=left
    )


def _work(crew: desk.Crew, rng: random.Random, steps: int) -> int:
    """Units and the desk do what waits: some of what is newest, some of what is oldest."""
    done = 0
    now = clock.now()
    kinds = (
        (
            _mine(Order.objects.filter(state="dispatched", dispatched_at__lt=now - timedelta(seconds=40))),
            desk.sign,
        ),
        (_mine(Order.objects.filter(state="signed", signed_at__lt=now - timedelta(minutes=2))), _progress),
        (_mine(Order.objects.filter(state="handled", handled_at__lt=now - timedelta(seconds=50))), _check),
    )
    for _ in range(steps):
        turn = rng.random()
        if turn < 0.22:
            waiting = desk.waiting_call_backs().exclude(taken_by__username="operator")
            ticket = waiting.order_by("?").first()
            done += _guarded(lambda t=ticket: desk.call_back(crew, rng, t)) if ticket else 0
            continue
        queue, step = kinds[0 if turn < 0.5 else 1 if turn < 0.78 else 2]
        order = (
            queue.select_related("org")
            .order_by("dispatched_at" if rng.random() < 0.3 else "-dispatched_at")
            .first()
        )
        if order is None or order.org_id not in crew.officers or order.held_at:
            continue
        if step is desk.sign:
            done += _guarded(lambda o=order: desk.sign(crew, o))
        else:
            done += _guarded(lambda o=order, s=step: s(crew, rng, o))
    return done


def _progress(crew: desk.Crew, rng: random.Random, order: Order) -> None:
    if order.contact_due_at and not order.contacted_at:
        desk.contact(crew, order)
    else:
        desk.handle(crew, rng, order)


def _check(crew: desk.Crew, rng: random.Random, order: Order) -> None:
    desk.check(crew, rng, order, passed=rng.random() > 0.05)


def _sense() -> int:
    """The stations' readings of this hour, once; the hub itself knows a batch that came before."""
    finished = seeded_at()
    if finished is None:
        return 0
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    key = f"demo-air-{hour:%Y%m%d%H}"
    if not cache.add(key, 1, timeout=7200):
        return 0
    table = sensors.readings([hour], truths.episodes(finished))
    push_rows("env.air_quality", table, key=key)
    return table.num_rows
