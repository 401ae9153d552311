"""Summaries after folding equal a count of the rows, whatever happened and in whatever portions."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from commandcenter.core import clock
from commandcenter.core.times import shanghai_day
from commandcenter.journal.models import Cursor
from dashboards import recount, services
from dashboards.figures import GAUGE_DAY
from dashboards.models import Summary
from datahub.services import deliver
from dispatch import services as orders
from hotline import services as tickets
from tests.factories.city import CHONGCHUAN, CITY, RUDONG
from tests.factories.datahub import READINGS, csv_file, make_dataset, rows

from .helpers import make_city, take, whole_case

# The journal gives a place to settled transactions only, so what is folded must really be committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people():
    return make_city()


def value(area: str, figure: str, day=GAUGE_DAY) -> int:
    return (
        Summary.objects.filter(area_code=area, figure=figure, day=day).values_list("value", flat=True).first()
        or 0
    )


def test_a_case_is_counted_in_its_area_and_above(people, pump):
    case = whole_case(people)
    pump()
    day = shanghai_day(case.ticket.taken_at)
    for area in (CITY, CHONGCHUAN, f"{CHONGCHUAN}001"):
        assert value(area, "tickets.taken", day) == 1
        assert value(area, "tickets.open") == 1
        assert value(area, "orders.open") == 0
        assert value(area, "orders.signed_on_time", day) == 1
    assert value(RUDONG, "tickets.taken", day) == 0


def test_folding_equals_the_rows_after_every_pump(people, pump):
    whole_case(people)
    pump()
    assert recount.compare() == []
    tickets.answer_ticket(ticket_id=take(people, area=RUDONG).pk, reply="请拨打供电热线", by=people.operator)
    take(people, confidential=True)
    pump()
    assert recount.compare() == []


def test_events_that_are_not_folded_yet_count_too(people, pump):
    whole_case(people)
    assert not Summary.objects.exists()
    assert recount.compare() == []


def test_a_sealed_ticket_shows_in_no_figure_but_its_own(people, pump):
    take(people, confidential=True)
    pump()
    assert set(Summary.objects.values_list("figure", flat=True)) == {"sealed.tickets"}


def test_folding_in_small_portions_gives_the_same(people, pump, monkeypatch):
    case = whole_case(people)
    pump()
    tickets.record_call_back(
        ticket_id=case.ticket.pk, by=people.operator, contacted=True, solved="yes", satisfied="satisfied"
    )
    pump()
    whole = set(Summary.objects.exclude(value=0).values_list("area_code", "day", "figure", "value"))
    connection.cursor().execute("DELETE FROM dashboards_summary")
    Cursor.objects.filter(name="fold").update(position=0)
    monkeypatch.setattr("commandcenter.journal.selectors.BATCH", 1)
    monkeypatch.setattr(
        "commandcenter.journal.loop.events_between",
        lambda after, upto=None, limit=1: recount_events(after, upto),
    )
    pump()
    assert set(Summary.objects.exclude(value=0).values_list("area_code", "day", "figure", "value")) == whole


def recount_events(after, upto):
    from commandcenter.journal.models import Event

    return list(Event.objects.between(after, upto)[:1])


def test_a_redone_order_is_open_again(people, pump):
    case = whole_case(people)
    pump()
    orders.redo_order(order_id=case.order_id, by=people.dispatcher, reason="灯又灭了")
    pump()
    assert value(CITY, "orders.open") == 1
    assert recount.compare() == []


def test_recount_says_what_differs_and_write_sets_it_right(people, pump):
    whole_case(people)
    pump()
    Summary.objects.filter(area_code=CITY, figure="tickets.open").update(value=7)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("recount", "--check", stdout=out)
    assert "3206 1970-01-01 tickets.open: kept 7, rows 1" in out.getvalue()
    assert json.loads(out.getvalue().splitlines()[-1])["differences"] == 1
    call_command("recount", "--write", stdout=StringIO())
    clean = StringIO()
    call_command("recount", "--check", stdout=clean)
    assert json.loads(clean.getvalue().splitlines()[-1])["differences"] == 0


def test_deliveries_are_recounted_where_and_when_they_ended(people, pump, tmp_path, monkeypatch):
    monkeypatch.setattr("commandcenter.wiring.TAPS", {})
    spec = READINGS.model_copy(update={"area_code": CHONGCHUAN})
    make_dataset(spec)
    late = datetime(2026, 11, 20, 15, 59, 59, 999_000, tzinfo=UTC)  # a moment before midnight in Shanghai
    with clock.at(late):
        good = csv_file(tmp_path, [*rows(5, at=late), *rows(1, station="x" * 30, at=late)])
        assert deliver(dataset_code=spec.code, path=good).rows_rejected == 1
        assert deliver(dataset_code=spec.code, path=good, period="again").state == "unchanged"
    with clock.at(late + timedelta(hours=1)):
        (tmp_path / "bad.csv").write_text("nothing,of,it\n1,2,3\n")
        assert deliver(dataset_code=spec.code, path=tmp_path / "bad.csv").state == "refused"
    assert recount.compare() == []  # announced and not folded yet
    pump()
    assert recount.compare() == []
    day = shanghai_day(late)
    for area in (CITY, CHONGCHUAN):
        assert value(area, "data.deliveries", day) == 1
        assert value(area, "data.rows_in", day) == 6
        assert value(area, "data.rows_rejected", day) == 1
        assert value(area, "data.refused", day + timedelta(days=1)) == 1
    make_dataset(spec.model_copy(update={"area_code": RUDONG}))  # what was counted stays where it was
    assert recount.compare() == []
    Summary.objects.filter(area_code=CITY, figure="data.rows_in").update(value=7)
    assert [(d.area, d.figure, d.kept, d.rows) for d in recount.compare()] == [(CITY, "data.rows_in", 7, 6)]


def test_adding_nothing_touches_nothing(people):
    services.fold_events([])
    assert not Summary.objects.exists()
