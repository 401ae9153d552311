"""Files in a drop folder: whole ones, once each, and none that leads elsewhere."""

import os
import threading
from datetime import timedelta

import pytest
from django.db import connection

from commandcenter.core import clock
from commandcenter.core.errors import BadInput
from commandcenter.core.spoken import Needles
from datahub.connectors import folder
from datahub.connectors.errors import Busy, SourceFailed
from datahub.connectors.models import Source, SourceBatch
from datahub.connectors.services import leases, run_due, run_source, save_source
from datahub.models import Delivery
from datahub.quality.models import Incident
from datahub.vault import traces
from tests.factories.datahub import NOON, PEOPLE, csv_file, csv_text, make_dataset, rows

from .conftest import CODE, stations

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(drop, noon):
    (drop / "air").mkdir(parents=True)
    return drop / "air"


@pytest.fixture
def source(place, connect):
    return connect("folder", {"folder": "air", "settle_s": 0})


def put(place, name, *names, **over):
    records = [{**rows(1)[0], "station": one, **over} for one in names]
    return csv_file(place, records, name)


def there(place):
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if not path.is_dir())


def test_a_file_is_taken_and_put_aside(place, source, run):
    put(place, "a.csv", "A1", "A2")
    ended = run(source)
    assert (ended.outcome, ended.rows, ended.batches) == ("delivered", 2, 1)
    assert (stations(), there(place)) == (["A1", "A2"], ["done/a.csv"])
    assert (ended.delivery.file_name, ended.delivery.source) == ("a.csv", "folder")
    assert run(source).outcome == "nothing"


def test_a_file_that_still_grows_waits_until_it_is_whole(place, connect, run):
    source = connect("folder", {"folder": "air", "settle_s": 10})
    path = put(place, "a.csv", "A1")
    with clock.at(NOON):
        first = run(source)
        assert (first.outcome, there(place)) == ("nothing", ["a.csv"])
    source.refresh_from_db()
    assert source.next_run_at == NOON + timedelta(seconds=10), "it is looked at again soon"
    with path.open("a") as file, clock.at(NOON + timedelta(seconds=11)):
        file.write(csv_text([{**rows(1)[0], "station": "A2"}]).splitlines()[1] + "\n")
        file.flush()
        assert run(source).outcome == "nothing", "it grew: the time begins again"
    with clock.at(NOON + timedelta(seconds=20)):
        assert run(source).outcome == "nothing"
    with clock.at(NOON + timedelta(seconds=21)):
        assert run(source).rows == 2


@pytest.mark.parametrize(
    "name", ["a.csv.part", "a.tmp", ".a.csv", "a.csv~", "a.csv.filepart", "b.reason.txt"]
)
def test_unfinished_names_are_left_alone(place, source, run, name):
    put(place, name, "A1")
    assert (run(source).outcome, there(place)) == ("nothing", [name])


def test_only_names_that_fit_the_pattern(place, connect, run):
    source = connect("folder", {"folder": "air", "settle_s": 0, "pattern": "*.csv"})
    put(place, "a.csv", "A1")
    put(place, "b.txt", "B1")
    run(source)
    assert there(place) == ["b.txt", "done/a.csv"]


@pytest.mark.parametrize("kind", ["symlink", "hardlink", "pipe"])
def test_what_is_no_ordinary_file_is_refused_and_said(place, source, run, tmp_path, kind):
    secret = csv_file(tmp_path, [{**rows(1)[0], "station": "SECRET"}], "secret.csv")
    if kind == "symlink":
        (place / "a.csv").symlink_to(secret)
    elif kind == "hardlink":
        (place / "a.csv").hardlink_to(secret)
    else:
        os.mkfifo(place / "a.csv")
    put(place, "b.csv", "B1")
    ended = run(source)
    assert (ended.outcome, ended.code, "a.csv" in ended.reason) == ("failed", "not_taken", True)
    assert stations() == ["B1"], "the others are taken all the same"
    assert Incident.objects.get().kind == "source_failing"
    (place / "a.csv").unlink()
    assert run(source).outcome == "nothing"
    assert Incident.objects.get().state == "closed"


@pytest.mark.parametrize("where", ["folder", "done"])
def test_a_folder_that_is_a_link_is_not_entered(place, source, run, tmp_path, where):
    outside = tmp_path / "outside"
    outside.mkdir()
    put(place, "a.csv", "A1")
    if where == "folder":
        place.rename(tmp_path / "moved")
        place.symlink_to(outside)
    else:
        (place / "done").symlink_to(outside)
    assert run(source).code == "link"
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc", "done", "a/failed", ".hidden", "", "a/b/c/d/e"]
)
def test_folders_outside_the_drop_folder_cannot_be_watched(readings, name):
    with pytest.raises(BadInput):
        save_source(by=None, dataset_code=CODE, name="x", kind="folder", settings={"folder": name})
    assert not Source.objects.exists()


def test_two_sources_do_not_watch_one_folder(place, source, connect):
    with pytest.raises(BadInput):
        connect("folder", {"folder": "air"})


def test_a_source_that_sends_yesterday_again_adds_nothing(place, source, run):
    put(place, "monday.csv", "A1", "A2")
    run(source)
    put(place, "tuesday.csv", "A1", "A2")  # the same bytes under another name
    again = run(source)
    assert (again.outcome, again.rows) == ("unchanged", 0)
    put(place, "monday.csv", "A1", "A2")  # and under the same
    assert run(source).outcome == "unchanged"
    assert stations() == ["A1", "A2"]
    kept = there(place)
    assert len(kept) == 3
    assert all(name.startswith("done/") for name in kept)


def test_columns_that_change_overnight_put_the_file_aside_with_the_reason(place, source, run):
    put(place, "1.csv", "A1")
    run(source)
    renamed = csv_text([{**rows(1)[0], "station": "A2"}]).replace("value", "pm25")
    (place / "2.csv").write_text(renamed)
    put(place, "3.csv", "A3")
    ended = run(source)
    assert (ended.outcome, ended.code) == ("failed", "columns_changed")
    assert "value" in ended.reason
    assert "pm25" in ended.reason
    assert stations() == ["A1", "A3"], "nothing of the changed file, all of the one after it"
    assert there(place) == ["done/1.csv", "done/3.csv", "failed/2.csv", "failed/2.csv.reason.txt"]
    assert "value" in (place / "failed/2.csv.reason.txt").read_text()
    incident = Incident.objects.get()
    assert (incident.kind, incident.times) == ("columns_changed", 1)
    run(source)  # an empty folder has mended nothing
    assert Incident.objects.get().state == "open"
    put(place, "4.csv", "A4")
    run(source)
    assert Incident.objects.get().state == "closed"


def test_a_required_column_that_is_gone_makes_one_incident(place, source, run):
    (place / "1.csv").write_text("place,when\nA,B\n")
    ended = run(source)
    assert (ended.code, "station" in ended.reason) == ("columns_changed", True)
    assert [one.kind for one in Incident.objects.all()] == ["columns_changed"]
    assert not Delivery.objects.exists()


def test_a_file_that_cannot_be_read_goes_to_failed(place, source, run):
    (place / "a.csv").write_bytes(b"")
    (place / "b.zip").write_bytes(b"PK\x03\x04" + os.urandom(500))
    put(place, "c.csv", "C1", value="many")
    ended = run(source)
    assert (ended.outcome, ended.code) == ("failed", "delivery_refused")
    assert "value" in ended.reason
    assert [name for name in there(place) if name.endswith(".txt")] == [
        "failed/a.csv.reason.txt", "failed/b.zip.reason.txt", "failed/c.csv.reason.txt",
    ]  # fmt: skip
    assert stations() == []


def test_a_full_disk_leaves_the_file_where_it_is(place, source, run, monkeypatch):
    put(place, "a.csv", "A1")
    monkeypatch.setattr(
        folder.spool, "settle", lambda path: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    ended = run(source)
    assert (ended.outcome, ended.code, there(place)) == ("failed", "no_room", ["a.csv"])
    assert list(folder.spool.folder().iterdir()) == []
    monkeypatch.undo()


def test_a_file_that_is_replaced_while_it_is_delivered_is_not_put_aside(place, source, run, monkeypatch):
    put(place, "a.csv", "A1")
    take = folder.take

    def take_and_replace(*given):
        taken = take(*given)
        put(place, "new.csv", "A2")
        os.replace(place / "new.csv", place / "a.csv")
        return taken

    monkeypatch.setattr(folder, "take", take_and_replace)
    run(source)
    monkeypatch.setattr(folder, "take", take)
    assert (there(place), stations()) == (["a.csv"], ["A1"])
    run(source)
    assert stations() == ["A1", "A2"]


def test_of_persons_no_file_stays_in_clear(place, noon, connect, run):
    make_dataset(PEOPLE)
    source = connect("folder", {"folder": "people", "settle_s": 0}, dataset_code=PEOPLE.code)
    inner = place.parent / "people"
    (inner / "a.csv").write_text("number,phone,age\n1,13900001111,30\n")
    assert run(source).rows == 1
    assert there(inner) == []
    (inner / "b.csv").write_text("number,13900002222,age\n1,13900003333,30\n")
    ended = run(source)
    assert ended.outcome == "failed"
    said = ended.reason + (inner / "failed" / "b.csv.reason.txt").read_text() + Incident.objects.get().detail
    assert "1390000" not in said


def test_whoever_erases_a_person_finds_the_files_that_were_put_aside(place, connect, run):
    make_dataset(PEOPLE)
    source = connect("folder", {"folder": "people", "settle_s": 0}, dataset_code=PEOPLE.code)
    inner = place.parent / "people"
    (inner / "a.csv").write_text("number,age\n,13900001111\n")
    assert run(source).outcome == "failed"
    (inner / "b.csv").write_text("number,phone,age\n1,13900001111,30\n")
    found = traces.files_with(Needles(["13900001111"]))[1]
    assert found == [inner / "failed" / "a.csv"], "what waits is still its sender's"


def test_old_files_that_were_put_aside_go(place, connect, run):
    source = connect("folder", {"folder": "air", "settle_s": 0, "keep_days": 1})
    put(place, "a.csv", "A1")
    run(source)
    with clock.at(clock.datetime.now(clock.UTC) + timedelta(days=2)):
        run(source)
    assert there(place) == []


def test_many_files_come_oldest_first(place, source, run):
    for n in range(5):
        path = put(place, f"{9 - n}.csv", f"A{n}")
        os.utime(path, (1_700_000_000 + n, 1_700_000_000 + n))
    assert run(source).batches == 5
    names = list(SourceBatch.objects.order_by("number").values_list("file_name", flat=True))
    assert names == ["9.csv", "8.csv", "7.csv", "6.csv", "5.csv"]


def test_a_source_is_run_by_one_worker_at_a_time(place, source):
    assert leases.take(source.pk) is not None
    with pytest.raises(Busy):
        run_source(source.pk)
    assert run_due() == 0


@pytest.mark.django_db(transaction=True)
def test_four_workers_take_each_file_once(place, source):
    for n in range(12):
        put(place, f"{n}.csv", f"A{n:02d}")
    others = []

    def work():
        try:
            run_due(budget_s=20)
        except SourceFailed as error:  # pragma: no cover
            others.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
    assert (others, source.runs.count()) == ([], 1)
    assert stations() == [f"A{n:02d}" for n in range(12)]
