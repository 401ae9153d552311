"""A report becomes one order at the unit that answers; sent twice it is still one."""

import io
import json
import threading
import uuid
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import close_old_connections, connection, transaction
from django.db.utils import DatabaseError
from PIL import Image

from city.functions import Function
from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict
from commandcenter.journal.models import Event
from commandcenter.journal.selectors import trace_graph
from dispatch import services as orders
from dispatch.models import Order
from grid.models import EventKind, Report, ReportMove
from grid.services import load_event_kinds
from tests.factories.city import UserFactory
from tests.factories.grid import (
    CELL,
    FRAUD,
    GAS,
    INSIDE,
    NEXT_CELL,
    NEXT_DOOR,
    OUTSIDE,
    RUBBISH,
    a_report,
    photo,
)

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)


def actions(report):
    return list(report.moves.values_list("action", flat=True))


def told():
    return [e.body["action"] for e in Event.objects.filter(kind="grid.report.moved").order_by("pk")]


def nothing_happened(news):
    return not Report.objects.exists() and not Order.objects.exists() and news == []


def test_a_report_becomes_an_order_at_the_unit_that_answers(city):
    report = a_report(city["worker"], content="三袋垃圾堆在路边", photo=photo(), accuracy_m=8.0)
    order = Order.objects.get()
    assert (report.state, report.org, report.order_ref) == (
        "dispatched",
        city["urban"],
        f"dispatch.order:{order.pk}",
    )
    assert (order.case_ref, order.org, order.area_code, order.kind) == (
        report.ref,
        city["urban"],
        CELL,
        "report",
    )
    assert (report.area_code, round(report.location.x, 3)) == (CELL, 120.855)
    assert "三袋垃圾堆在路边" in order.content
    assert report.kind.sla in order.content
    assert actions(report) == ["report", "dispatch"] == told()
    assert trace_graph(report.ref).nodes == [report.ref, report.order_ref]
    event = Event.objects.filter(kind="grid.report.moved").last()
    assert event.audiences == ["command", "leader", f"user:{city['worker'].pk}"]
    assert event.body["title"] == report.title


def test_the_order_ends_the_report(city, hear):
    report = a_report(city["worker"])
    order = Order.objects.get()
    officer = UserFactory(roles=[("officer", "320613", city["urban"])])
    dispatcher = UserFactory(may=["dispatcher"])
    orders.sign_order(order_id=order.pk, by=officer)
    orders.handle_order(order_id=order.pk, by=officer, result="已清运")
    orders.check_order(order_id=order.pk, by=dispatcher, passed=True, note="")
    hear()
    report.refresh_from_db()
    assert (report.state, actions(report)) == ("closed", ["report", "dispatch", "close"])
    assert report.closed_at is not None


def test_a_cancelled_order_gives_the_report_back(city, hear):
    report = a_report(city["worker"])
    orders.cancel_order(
        order_id=Order.objects.get().pk, by=UserFactory(may=["dispatcher"]), reason="重复", ground="duplicate"
    )
    hear()
    report.refresh_from_db()
    assert (report.state, actions(report)[-1]) == ("reported", "take_back")


def test_sent_twice_it_is_one(city):
    key = str(uuid.uuid4())
    first = a_report(city["worker"], client_uuid=key)
    again = a_report(city["worker"], client_uuid=key, kind_code=GAS, content="别的")
    assert first.pk == again.pk
    assert (Report.objects.count(), Order.objects.count(), told()) == (1, 1, ["report", "dispatch"])


@pytest.mark.django_db(transaction=True)
def test_sent_four_times_at_once_it_is_one(city):
    key, got = uuid.uuid4(), []

    def send():
        close_old_connections()
        got.append(a_report(city["worker"], client_uuid=key).pk)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert (len(got), len(set(got))) == (4, 1)
    assert (Report.objects.count(), Order.objects.count(), ReportMove.objects.count()) == (1, 1, 2)


def test_another_persons_identifier_is_no_way_in(city):
    report = a_report(city["worker"])
    other = UserFactory(may=["grid_worker"])
    with pytest.raises(Conflict):
        a_report(other, client_uuid=report.client_uuid)
    assert Report.objects.count() == 1


@pytest.mark.parametrize(
    ("how", "area"),
    [
        pytest.param({"lon": NEXT_DOOR[0], "lat": NEXT_DOOR[1]}, NEXT_CELL, id="measured next door"),
        pytest.param({"lon": None, "lat": None, "area_code": CELL}, CELL, id="chosen by hand"),
        pytest.param(
            {"lon": OUTSIDE[0], "lat": OUTSIDE[1], "area_code": CELL},
            CELL,
            id="measured far outside, chosen by hand",
        ),
        pytest.param({"area_code": NEXT_CELL}, CELL, id="what was measured counts more than what was chosen"),
    ],
)
def test_where_it_is(how, area, city):
    assert a_report(city["worker"], **how).area_code == area


def test_solved_on_the_spot_needs_no_order(city):
    report = a_report(city["worker"], solved=True, solved_note="已劝离")
    assert (report.state, report.order_ref, actions(report)) == ("solved_on_spot", "", ["report", "solve"])
    assert not Order.objects.exists()


def test_urgency_comes_from_the_kind_and_a_missing_unit_falls_to_the_centre(city):
    report = a_report(city["worker"], kind_code=GAS)
    assert (report.state, actions(report)) == ("reported", ["report", "not_sent"])
    from tests.factories.city import OrganisationFactory

    centre = OrganisationFactory(code="3206-zx", function="command", area_code="3206")
    report = a_report(city["worker"], kind_code=GAS)
    assert (report.org, Order.objects.get().urgency) == (centre, "urgent")


def test_a_confidential_kind_tells_no_title(city):
    report = a_report(city["worker"], kind_code=FRAUD, content="线索")
    order = Order.objects.get()
    assert (order.confidential, order.org) == (True, city["police"])
    for event in Event.objects.filter(kind="grid.report.moved"):
        assert (event.body["title"], event.body["kind_name"], event.body["kind_code"]) == ("", "", "")
        assert "leader" not in event.audiences
    assert not Report.objects.visible_to(UserFactory(may=["leader"])).exists()
    assert Report.objects.visible_to(UserFactory(may=["dispatcher"])).get() == report


@pytest.mark.parametrize(
    ("claimed", "want"),
    [
        pytest.param(MONDAY - timedelta(hours=5), MONDAY - timedelta(hours=5), id="taken while offline"),
        pytest.param(MONDAY + timedelta(hours=1), MONDAY, id="a clock that runs ahead"),
        pytest.param(MONDAY - timedelta(days=30), MONDAY, id="a clock that was never set"),
        pytest.param(None, MONDAY, id="no clock at all"),
    ],
)
def test_when_it_was_seen(claimed, want, city):
    with clock.at(MONDAY):
        report = a_report(city["worker"], happened_at=claimed)
    assert (report.happened_at, report.reported_at) == (want, MONDAY)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"kind_code": "nonsense"}, "kind"),
        ({"lon": OUTSIDE[0], "lat": OUTSIDE[1]}, "area_code"),
        ({"lon": None, "lat": None}, "area_code"),
        ({"client_uuid": "no uuid"}, "client_uuid"),
        ({"photo": b"<html>no photo</html>"}, "photo"),
        ({"photo": b"\xff\xd8\xff" + b"broken" * 50}, "photo"),
        ({"photo": b"\xff\xd8\xff" + bytes(13 * 1024 * 1024)}, "photo"),
        ({"photo": b"GIF89a" + bytes(50)}, "photo"),
    ],
)
def test_input_that_cannot_be_taken_leaves_nothing(changed, field, city, news):
    with pytest.raises(BadInput) as caught:
        a_report(city["worker"], **changed)
    assert caught.value.problems[0].field == field
    assert nothing_happened(news)


def test_a_picture_that_unfolds_to_gigabytes_is_refused(city, news):
    with pytest.raises(BadInput):
        a_report(city["worker"], photo=photo("PNG", (9_000, 9_000)))
    assert nothing_happened(news)


@pytest.mark.parametrize("role", ["operator", "officer", "dispatcher", "analyst", "leader", "system_admin"])
def test_only_grid_workers_report(role, city, news):
    with pytest.raises(PermissionDenied):
        a_report(UserFactory(may=[role]))
    assert nothing_happened(news)


def test_an_area_of_somebody_elses_duty_cannot_be_chosen(city, news):
    with pytest.raises(PermissionDenied):
        a_report(city["worker"], lon=None, lat=None, area_code=NEXT_CELL)
    assert nothing_happened(news)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_keeps_the_picture_and_nothing_else(kind, city):
    sent = photo(kind, (3_000, 1_000), secret=kind == "JPEG")
    report = a_report(city["worker"], photo=sent)
    kept = report.photo.read()
    with Image.open(io.BytesIO(kept)) as picture:
        assert (picture.format, max(picture.size), dict(picture.getexif())) == ("JPEG", 2_000, {})
    assert b"PhoneMaker" not in kept
    assert b"Owner Name" not in kept
    assert "/" not in report.photo.name.removeprefix("grid/20").split("/", 2)[2]


def test_steps_cannot_be_rewritten(city):
    a_report(city["worker"])
    for sql in ("UPDATE grid_reportmove SET action = 'x'", "DELETE FROM grid_reportmove"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_the_list_of_kinds_loads_once_and_names_known_functions(city):
    assert load_event_kinds() == {"new": 0, "changed": 0, "same": 113}
    assert set(EventKind.objects.values_list("function", flat=True)) <= set(Function.values)
    assert EventKind.objects.common().count() == 8
    assert not EventKind.objects.filter(name_en="").exists()
    EventKind.objects.filter(code=RUBBISH).update(function="police")
    EventKind.objects.create(code="x1", name="旧", group="g", class_name="c", function="police")
    out = StringIO()
    call_command("load_event_kinds", stdout=out)
    assert json.loads(out.getvalue()) == {"new": 0, "changed": 1, "same": 112}
    assert not EventKind.objects.get(code="x1").active


def test_inside_is_where_the_tests_think(city):
    from city.locate import locate

    assert locate(*INSIDE) == CELL
