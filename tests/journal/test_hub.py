"""One subscription a process, fan-out in memory: who hears what."""

import asyncio
from typing import ClassVar

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from commandcenter import wiring
from commandcenter.core import clock
from commandcenter.journal import live
from commandcenter.journal.events import EventBody
from commandcenter.journal.services import pump

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


class Happened(EventBody):
    kind: ClassVar[str] = "test.thing.happened"
    n: int = 0


@pytest.fixture(autouse=True)
def only_journal(monkeypatch):
    monkeypatch.setattr(wiring, "FOLDERS", [])
    monkeypatch.setattr(wiring, "LISTENERS", {})


def happen(area: str, *audiences: str, n: int = 0) -> None:
    with transaction.atomic():
        live.announce(Happened(area_code=area, audiences=list(audiences), at=clock.now(), n=n))


class Ear:
    """A socket's place at the hub."""

    def __init__(self, *groups: live.Group, user_id: int = 1, session: str = "s") -> None:
        self.closed: list[int] = []
        self.member = live.Member(user_id, session, frozenset(groups), self._close)

    async def _close(self, code: int) -> None:
        self.closed.append(code)

    async def hears(self, seconds: float = 5) -> int:
        event = await asyncio.wait_for(self.member.queue.get(), seconds)
        return event.body["n"]

    @property
    def heard_nothing_more(self) -> bool:
        return self.member.queue.empty()


@pytest.fixture
async def join():
    hub, ears = live.hub(), []

    async def enter(ear: Ear) -> Ear:
        await hub.join(ear.member)
        ears.append(ear)
        return ear

    yield enter
    for ear in ears:
        hub.leave(ear.member)
    assert hub.size == 0


async def test_an_event_reaches_its_audience_in_its_area_and_nobody_else(join):
    city = await join(Ear(("3206", "leader")))
    county = await join(Ear(("320613", "leader")))
    neighbour = await join(Ear(("320623", "leader")))
    education = await join(Ear(("320613", "org:320613-education")))
    police = await join(Ear(("320613", "org:320613-police")))
    await sync_to_async(happen)("320613001", "leader", "org:320613-police", n=1)
    await sync_to_async(happen)("320623", "leader", n=2)
    await sync_to_async(pump)()
    assert [await city.hears(), await city.hears()] == [1, 2]
    assert await county.hears() == 1
    assert await police.hears() == 1
    assert await neighbour.hears() == 2
    assert education.heard_nothing_more
    assert county.heard_nothing_more


async def test_nothing_is_heard_before_it_is_folded(join):
    ear = await join(Ear(("3206", "leader")))
    await sync_to_async(happen)("3206", "leader", n=1)
    await asyncio.sleep(0.3)
    assert ear.heard_nothing_more
    await sync_to_async(pump)()
    assert await ear.hears() == 1


async def test_without_redis_the_hub_looks_by_itself(join, settings, monkeypatch):
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.1)
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    ear = await join(Ear(("3206", "leader")))
    await sync_to_async(happen)("3206", "leader", n=1)
    await sync_to_async(pump)()
    assert await ear.hears() == 1


async def test_closing_reaches_every_socket_of_the_user_or_of_one_session(join):
    one = await join(Ear(("3206", "leader"), user_id=1, session="a"))
    two = await join(Ear(("3206", "leader"), user_id=1, session="b"))
    other = await join(Ear(("3206", "leader"), user_id=2, session="c"))
    await asyncio.sleep(0.3)  # the subscription stands
    await sync_to_async(live.close_sockets_of)(1, session_key="a")
    await _until(lambda: one.closed == [4401])
    assert (two.closed, other.closed) == ([], [])
    await sync_to_async(live.close_sockets_of)(1)
    await _until(lambda: two.closed == [4401])
    assert other.closed == []


async def test_a_socket_that_does_not_read_starts_anew(join, monkeypatch):
    monkeypatch.setattr(live, "QUEUE_LIMIT", 3)
    slow = await join(Ear(("3206", "leader")))
    slow.member.queue = asyncio.Queue(3)

    def many() -> None:
        for n in range(4):
            happen("3206", "leader", n=n)
        pump()

    await sync_to_async(many)()
    await _until(lambda: slow.member.queue.qsize() == 1)
    assert slow.member.queue.get_nowait() is None


async def test_regrouping_leaves_no_gap(join):
    ear = await join(Ear(("320613", "leader")))
    live.hub().regroup(ear.member, frozenset({("320623", "leader")}))
    await sync_to_async(happen)("320613", "leader", n=1)
    await sync_to_async(happen)("320623", "leader", n=2)
    await sync_to_async(pump)()
    assert await ear.hears() == 2
    assert ear.heard_nothing_more


async def _until(holds, seconds: float = 5) -> None:
    for _ in range(int(seconds / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in time")


async def test_another_database_under_the_hub_makes_every_socket_start_anew(join):
    ear = await join(Ear(("3206", "leader")))
    live.hub()._position = 1_000  # as after a restore of an older day
    await sync_to_async(happen)("3206", "leader", n=1)
    await sync_to_async(pump)()
    assert await asyncio.wait_for(ear.member.queue.get(), 5) is None
