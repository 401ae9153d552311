"""The live door: who hears what, and that an old snapshot plus its events equals a fresh one."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from city.roles import Role
from commandcenter.journal import live
from dashboards import consumers, hearing
from dispatch import services as orders
from tests.factories.city import CHONGCHUAN, CITY, RUDONG, OrganisationFactory, UserFactory

from .helpers import make_city, take, whole_case

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people():
    return make_city()


def cookie_of(user) -> list[tuple[bytes, bytes]]:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return [
        (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode()),
        (b"origin", b"http://localhost"),
        (b"host", b"localhost"),
    ]


class Screen:
    """A browser's end of the socket, with the cockpit's rule for events (frontend/src/cockpit/state.ts)."""

    def __init__(self, link: WebsocketCommunicator) -> None:
        self.link = link
        self.events: list[dict] = []
        self.snapshot: dict = {}
        self.figures: dict[str, int] = {}
        self.children: dict[str, dict[str, int]] = {}

    async def watch(self, area: str = "", *, figures: bool = True, since: int | None = None) -> None:
        await self.link.send_json_to({"watch": area, "figures": figures, "since": since})

    async def read(self, *, until=None, timeout: float = 5) -> dict:
        """The next message that is no tick."""
        while True:
            message = await self.link.receive_json_from(timeout=timeout)
            if message["type"] == "snapshot":
                self.snapshot = message
                self.figures = dict(message["figures"])
                self.children = {code: dict(figures) for code, figures in message["children"].items()}
            if message["type"] == "event":
                self.events.append(message)
                self.apply(message)
            if message["type"] != "tick" and (until is None or until(message)):
                return message

    def apply(self, event: dict) -> None:
        area = self.snapshot.get("area", "")
        if not self.snapshot or not event["area"].startswith(area):
            return
        below = next((code for code in self.children if event["area"].startswith(code)), None)
        for delta in event["deltas"]:
            if delta["day"] not in ("", self.snapshot["day"]):
                continue
            key, n = delta["figure"], delta["n"]
            self.figures[key] = self.figures.get(key, 0) + n
            if below and key in ("orders.open", "tickets.taken", "alerts.open", "reports.open"):
                self.children[below][key] = self.children[below].get(key, 0) + n

    def state(self) -> tuple[dict, dict]:
        children = {code: {k: n for k, n in figures.items() if n} for code, figures in self.children.items()}
        return {k: n for k, n in self.figures.items() if n}, children

    async def silent(self, seconds: float = 0.6) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.read(timeout=seconds)
        except (TimeoutError, asyncio.CancelledError):
            return True
        return False


@asynccontextmanager
async def screen_of(user, query: str = ""):
    from commandcenter.asgi import application

    headers = (
        await sync_to_async(cookie_of)(user)
        if user is not None
        else [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    )
    link = WebsocketCommunicator(application, f"/ws/live/{query}", headers=headers)
    connected, _ = await link.connect(timeout=5)
    assert connected
    yield Screen(link)
    await link.disconnect()


async def closed_with(screen: Screen) -> int:
    while True:
        message = await screen.link.receive_output(timeout=5)
        if message["type"] == "websocket.close":
            return message["code"]


do = sync_to_async


async def test_an_old_snapshot_plus_its_events_equals_a_fresh_one(people, pump):
    await do(whole_case)(people)
    await do(pump)()
    async with screen_of(people.leader) as old:
        await old.watch(CITY)
        first = await old.read()
        assert first["type"] == "snapshot"
        case = await do(whole_case)(people)
        await do(take)(people, area=RUDONG)
        await do(take)(people, confidential=True)
        await do(orders.redo_order)(order_id=case.order_id, by=people.dispatcher, reason="灯又灭了")
        await do(pump)()
        async with screen_of(people.leader) as fresh:
            await fresh.watch(CITY)
            await fresh.read()
            while old.events == [] or old.events[-1]["position"] < fresh.snapshot["position"]:
                await old.read(timeout=3)
            assert old.state() == fresh.state()
            assert old.figures["tickets.taken"] == 3
            assert old.children[RUDONG]["tickets.taken"] == 1


async def test_a_screen_that_was_away_resumes_without_a_gap_or_a_repeat(people, pump):
    async with screen_of(people.leader) as before:
        await before.watch(CITY)
        start = (await before.read())["position"]
    await do(whole_case)(people)
    await do(pump)()
    async with screen_of(people.leader, query=f"?since={start}") as after:
        await after.watch(CITY, since=start)
        assert (await after.read())["type"] == "ready"
        missed = [(await after.read())["position"] for _ in range(6)]
        assert missed == sorted(set(missed))
        assert missed[0] > start
        await do(take)(people)
        await do(pump)()
        assert (await after.read())["position"] > missed[-1]


async def test_a_screen_away_for_too_long_starts_anew(people, pump, monkeypatch):
    monkeypatch.setattr(hearing, "FURTHEST_BACK", 1)
    await do(whole_case)(people)
    await do(pump)()
    async with screen_of(people.leader) as screen:
        await screen.watch(CITY, since=0)
        assert (await screen.read())["type"] == "snapshot"


async def test_an_officer_hears_of_own_orders_and_of_nobody_elses(people, pump):
    async with screen_of(people.officer) as own, screen_of(people.other_officer) as other:
        await own.watch(figures=False)
        await other.watch(figures=False)
        assert (await own.read())["type"] == (await other.read())["type"] == "ready"
        await do(whole_case)(people)
        await do(pump)()
        heard = await own.read()
        assert heard["kind"] == "dispatch.order.moved"
        assert heard["body"]["org_code"] == people.unit.code
        assert await other.silent()


async def test_an_education_officer_hears_no_police_event_of_the_same_county(people, pump):
    police = await do(OrganisationFactory)(code="320613-ga", area_code=CHONGCHUAN, function="police")
    school = await do(OrganisationFactory)(code="320613-jy", area_code=CHONGCHUAN, function="education")
    teacher = await do(UserFactory)(roles=[(Role.OFFICER, CHONGCHUAN, school)], organisation=school)
    async with screen_of(teacher) as screen:
        await screen.watch(figures=False)
        await screen.read()
        await do(orders.open_order)(
            kind="instruction",
            case_ref="hotline.ticket:1",
            title="夜间巡逻",
            content="",
            area_code=CHONGCHUAN,
            org_id=police.pk,
        )
        await do(pump)()
        assert await screen.silent()


async def test_a_county_leader_sees_own_county_only(people, pump):
    async with screen_of(people.county_leader) as screen:
        await screen.watch(CHONGCHUAN)
        await screen.read()
        await do(take)(people, area=RUDONG)
        await do(take)(people, area=f"{CHONGCHUAN}001")
        await do(pump)()
        heard = await screen.read()
        assert heard["area"] == f"{CHONGCHUAN}001"
    async with screen_of(people.county_leader) as nosy:
        await nosy.watch(CITY)
        assert await closed_with(nosy) == consumers.NO_RIGHTS


async def test_a_leader_hears_nothing_of_a_sealed_ticket_and_the_desk_no_title(people, pump):
    async with screen_of(people.leader) as leader, screen_of(people.operator) as desk:
        await leader.watch(CITY)
        await desk.watch(figures=False)
        await leader.read()
        await desk.read()
        await do(take)(people, confidential=True, title="举报某单位")
        await do(pump)()
        heard = await desk.read()
        assert (heard["body"]["title"], heard["deltas"]) == ("", [])
        assert "举报" not in json.dumps(heard, ensure_ascii=False)
        assert await leader.silent()


async def test_strangers_are_told_to_log_in_and_people_without_rights_to_stop(people):
    async with screen_of(None) as stranger:
        assert await closed_with(stranger) == consumers.LOGGED_OUT
    nobody = await do(UserFactory)()
    async with screen_of(nobody) as screen:
        assert await closed_with(screen) == consumers.NO_RIGHTS
    async with screen_of(people.officer) as officer:
        await officer.watch(CHONGCHUAN)
        assert await closed_with(officer) == consumers.NO_RIGHTS


async def test_closing_a_users_sockets_reaches_this_one(people):
    async with screen_of(people.leader) as screen:
        await screen.watch(CITY)
        await screen.read()
        await asyncio.sleep(0.3)  # the hub's subscription stands
        await do(live.close_sockets_of)(people.leader.pk)
        assert await closed_with(screen) == consumers.LOGGED_OUT


async def test_a_session_that_ended_closes_its_socket_at_the_next_look(people, monkeypatch):
    from django.contrib.sessions.models import Session

    monkeypatch.setattr(consumers, "RENEW_EVERY_S", 0.2)
    async with screen_of(people.leader) as screen:
        await screen.watch(CITY)
        await screen.read()
        await do(Session.objects.all().delete)()
        assert await closed_with(screen) == consumers.LOGGED_OUT


async def test_rights_taken_away_close_the_socket_at_the_next_look(people, monkeypatch):
    monkeypatch.setattr(consumers, "RENEW_EVERY_S", 0.2)
    async with screen_of(people.leader) as screen:
        await screen.watch(CITY)
        await screen.read()
        await do(people.leader.grants.all().delete)()
        assert await closed_with(screen) == consumers.NO_RIGHTS


async def test_nonsense_is_ignored(people):
    async with screen_of(people.leader) as screen:
        for nonsense in ("?", "[]", "{", '{"watch": 7, "figures": "x", "since": "y"}'):
            await screen.link.send_to(text_data=nonsense)
        await screen.watch(CITY)
        assert (await screen.read(until=lambda m: m["type"] == "snapshot"))["area"] == CITY
