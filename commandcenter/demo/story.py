"""Three months of the demo city, told by the services themselves with the clock pinned.

A queue of steps in order of time: each step does what a person would do at that moment and
puts the next one in. Orders are picked up wherever they come from, so tickets, reports and
alerts end the same way.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction

from alerts.services import run_windows
from city.calendar import add_working_minutes
from commandcenter.core import clock
from commandcenter.core.errors import DomainError
from commandcenter.core.times import SHANGHAI, shanghai_day
from commandcenter.journal.services import pump
from datahub.services import deliver
from dispatch.models import Order
from hotline.models import Ticket

from . import desk, planted, sensors, truths

# Calls by the hour of the day, Shanghai time; judgement.
HOURS = (3, 2, 1, 1, 1, 2, 5, 9, 14, 16, 15, 12, 9, 12, 14, 14, 13, 11, 9, 8, 7, 6, 5, 4)
WEEKDAYS = (1.12, 1.05, 1.0, 1.0, 0.98, 0.72, 0.68)
Step = Callable[[], object]


class Story:
    """The simulation of one city from `start` to `end`."""

    def __init__(self, *, start: datetime, end: datetime, calls_a_day: float, seed: int) -> None:
        self.rng = random.Random(seed)
        self.start, self.end, self.calls_a_day = start, end, calls_a_day
        self.crew = desk.Crew.at_work()
        self.episodes = truths.episodes(end)
        self._queue: list[tuple[datetime, int, Step]] = []
        self._count = itertools.count()
        self._last_order = 0

    def at(self, moment: datetime, step: Step) -> None:
        """Do this then, if the story reaches so far."""
        if self.start <= moment < self.end:
            heapq.heappush(self._queue, (moment, next(self._count), step))

    def tell(self, say: Callable[[str], None]) -> None:
        """Run from start to end, a day in one transaction."""
        with connection.cursor() as cursor:
            # A kill loses the last moments of a seed that is made anew anyway.
            cursor.execute("SET synchronous_commit = off")
        planted.plan(self)
        day = self.start
        while day < self.end:
            until = min(day + timedelta(days=1), self.end)
            self._plan_day(day, until)
            with transaction.atomic():
                self._run_until(until)
            self._close_day(until)
            day = until
            counts = f"{Ticket.objects.count():,} tickets, {Order.objects.count():,} orders"
            say(f"{shanghai_day(until):%m-%d}: {counts}")

    # ---------------------------------------------------------------- the day

    def _plan_day(self, day: datetime, until: datetime) -> None:
        rng, night = self.rng, truths.typhoon_night(self.end)
        hour = day
        while hour < until:
            local = hour.astimezone(SHANGHAI)
            rate = self.calls_a_day * HOURS[local.hour] / sum(HOURS) * WEEKDAYS[local.weekday()]
            if night[0] <= hour < night[1]:
                rate *= 5
            for _ in range(_poisson(rng, rate)):
                self.at(hour + timedelta(seconds=rng.uniform(0, 3600)), self._call)
            if 8 <= local.hour < 18:
                for _ in range(_poisson(rng, rate * 0.12)):
                    self.at(hour + timedelta(seconds=rng.uniform(0, 3600)), self._walk)
            hour += timedelta(hours=1)

    def _run_until(self, until: datetime) -> None:
        while self._queue and self._queue[0][0] < until:
            moment, _, step = heapq.heappop(self._queue)
            with clock.at(moment):
                step()
                self._pick_up(moment)

    def _close_day(self, until: datetime) -> None:
        """Listeners hear of the day, sensors deliver, and what came of it is picked up."""
        with clock.at(until):
            pump()
            if until > self.end - timedelta(days=14):
                self._sense(until)
                pump()
            self._pick_up(until)
            for ticket in desk.waiting_call_backs().order_by("pk"):
                if ticket.title not in planted.OWN_CALL_BACK:
                    self._later_call_back(ticket.pk, until)

    def _sense(self, until: datetime) -> None:
        """The day's readings, hour by hour as the sources send them, in one delivery."""
        last = until.replace(minute=0, second=0, microsecond=0)
        hours = [last - timedelta(hours=n) for n in reversed(range(24)) if last - timedelta(hours=n) <= until]
        deliver(dataset_code="env.air_quality", table=sensors.readings(hours, self.episodes), source="push")
        run_windows()

    # ---------------------------------------------------------------- cases

    def _call(self) -> None:
        rng = self.rng
        ticket = desk.take_call(self.crew, rng)
        # Answered at once: 83 % in 2021, 66 % in 2023; the demo lies between.
        if rng.random() < 0.78 and ticket.request_type in ("consult", "help", "other", "suggestion"):
            self.at(desk.soon(rng, clock.now(), 1, 9), lambda: desk.answer(self.crew, rng, ticket))
        else:
            self.at(desk.soon(rng, clock.now(), 2, 25), lambda: self._dispatch(ticket))

    def _dispatch(self, ticket: Ticket) -> None:
        if not desk.dispatch(self.crew, ticket):
            desk.answer(self.crew, self.rng, ticket)

    def _walk(self) -> None:
        desk.walk(self.crew, self.rng)

    def _pick_up(self, moment: datetime) -> None:
        """Plan what the unit will do with each order that is new since the last look."""
        fresh = Order.objects.filter(pk__gt=self._last_order).select_related("org").order_by("pk")
        for order in fresh:
            self._last_order = order.pk
            if order.title not in planted.OWN_COURSE:
                self._plan_order(order, moment)

    def _plan_order(self, order: Order, moment: datetime) -> None:
        rng, bad = self.rng, order.org.code == truths.BAD_UNIT
        late_sign, late_end = rng.random() < (0.3 if bad else 0.015), rng.random() < (0.25 if bad else 0.008)
        signed = self._within(moment, order.sign_due_at, late=late_sign, share=0.7 * rng.random() ** 2)
        handled = self._within(moment, order.due_at, late=late_end, share=0.1 + 0.8 * rng.random() ** 1.5)
        handled = max(handled, signed + timedelta(minutes=25))
        self.at(signed, lambda: self._try(order, lambda o: desk.sign(self.crew, o)))
        if order.contact_due_at:
            contacted = signed + timedelta(minutes=rng.uniform(5, 20))
            self.at(contacted, lambda: self._try(order, lambda o: desk.contact(self.crew, o)))
        self._plan_end(order, handled)

    def _within(self, start: datetime, due: datetime | None, *, late: bool, share: float) -> datetime:
        """A working moment at this share of a clock; after its end for one who is late."""
        if due is None:
            return add_working_minutes(start, 60)
        whole = due - start
        if late:
            return due + whole * self.rng.uniform(0.1, 0.5)
        wanted = start + whole * share
        return min(add_working_minutes(wanted, 1), due - timedelta(minutes=1))

    def _plan_end(self, order: Order, handled: datetime) -> None:
        """Hand the result in and have it checked; one in twenty-five is sent back once."""
        rng = self.rng
        self.at(handled, lambda: self._try(order, lambda o: desk.handle(self.crew, rng, o)))
        checked = add_working_minutes(handled, rng.randint(10, 240))
        if rng.random() < 0.04:
            again = add_working_minutes(checked, 90)
            self.at(checked, lambda: self._try(order, lambda o: desk.check(self.crew, rng, o, passed=False)))
            self.at(again, lambda: self._try(order, lambda o: desk.handle(self.crew, rng, o)))
            checked = add_working_minutes(again, 60)
        self.at(checked, lambda: self._try(order, lambda o: desk.check(self.crew, rng, o)))

    def _try(self, order: Order, step: Callable[[Order], object]) -> None:
        """A plan may be overtaken (withdrawn, returned): then nothing is done."""
        try:
            with transaction.atomic():
                step(order)
        except DomainError:
            return

    def _later_call_back(self, ticket_id: int, moment: datetime) -> None:
        def ask() -> None:
            ticket = Ticket.objects.get(pk=ticket_id)
            if ticket.state != "awaiting_callback":
                return
            desk.call_back(self.crew, self.rng, ticket)
            ticket.refresh_from_db()
            if ticket.order and ticket.state == "dispatched":  # not solved: the unit does it again
                again = self._within(clock.now(), ticket.order.due_at, late=False, share=0.4)
                self._plan_end(ticket.order, again)

        self.at(moment + timedelta(hours=self.rng.uniform(0.2, 12)), ask)


def _poisson(rng: random.Random, mean: float) -> int:
    """Knuth's count; the means here are small."""
    limit, product, count = 2.718281828459045**-mean, rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
