"""Rejected rows are mended, checked and sent again; each once, and nobody's values lie about."""

import csv
import io

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from commandcenter.core.errors import BadInput, Conflict
from commandcenter.journal.models import AuditEntry, TraceLink
from datahub.models import Delivery, Reject
from datahub.quality.checking import check_mends
from datahub.quality.fields import cells_of, fields_of
from datahub.quality.models import Mend
from datahub.quality.services import mending, sheets
from datahub.quality.services.rules import switch_rule
from datahub.selectors import read
from datahub.services import deliver, work_dataset
from tests.factories.datahub import READINGS, csv_file

from .kit import PERSONS, SHOPS, declared, shop, shops, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(city):
    return staff()


@pytest.fixture
def bad(who, tmp_path):
    """A delivery of five shops, of which three stayed out."""
    declared()
    return shops(
        tmp_path,
        [
            shop("A"),
            shop("B", staff="many"),
            shop("C", staff=900),
            shop("D", opened="2021-05-01", closed="2020-05-01"),
            shop("E"),
        ],
    )


def reject(delivery, row):
    return delivery.rejects.select_related("mend__replay").get(row_number=row)


def run(delivery, by, **options):
    sent = mending.replay(delivery_id=delivery.pk, by=by, **options)
    work_dataset(SHOPS.code)
    return Delivery.objects.get(pk=sent.delivery_id)


def names(code=SHOPS.code):
    return sorted(read(code, columns=["code"]).column("code").to_pylist())


def test_mended_rows_reach_the_table_and_point_back(bad, who):
    changes = {reject(bad, 2).pk: {"staff": "7"}, reject(bad, 4).pk: {"closed": "2022-05-01"}}
    assert mending.mend_rows(delivery_id=bad.pk, changes=changes, by=who["steward"]) == 2
    found = check_mends(bad)
    assert (found.passing, found.faults, found.gaps) == (set(changes), {}, {})
    new = run(bad, who["steward"])
    assert (new.state, new.rows_in, new.rows_committed, new.source) == ("committed", 2, 2, "replay")
    assert names() == ["A", "B", "D", "E"]
    first = reject(bad, 2)
    assert (first.mend.replay.delivery, first.mend.row, first.mend.by) == (new, 1, who["steward"])
    assert TraceLink.objects.filter(
        from_ref=f"datahub.row:{bad.pk}:2", to_ref=f"datahub.row:{new.pk}:1", kind="mended"
    ).exists()
    assert TraceLink.objects.filter(from_ref=bad.ref, to_ref=new.ref, kind="replayed").exists()


def test_a_row_is_replayed_once(bad, who):
    mending.mend_rows(delivery_id=bad.pk, changes={reject(bad, 2).pk: {"staff": "7"}}, by=who["steward"])
    run(bad, who["steward"])
    with pytest.raises(Conflict):
        mending.replay(delivery_id=bad.pk, by=who["steward"])
    with pytest.raises(Conflict):
        mending.mend_rows(delivery_id=bad.pk, changes={reject(bad, 2).pk: {"staff": "8"}}, by=who["steward"])
    assert names() == ["A", "B", "E"]


def test_what_is_still_wrong_comes_back_as_a_reject_of_the_new_delivery(bad, who):
    changes = {reject(bad, 2).pk: {"staff": "7"}, reject(bad, 3).pk: {"staff": "-4"}}
    mending.mend_rows(delivery_id=bad.pk, changes=changes, by=who["steward"])
    found = check_mends(bad)
    assert found.passing == {reject(bad, 2).pk}
    assert [(f.header, f.reason) for f in found.faults[reject(bad, 3).pk]] == [("staff", "out_of_range")]
    new = run(bad, who["steward"])
    assert (new.rows_committed, new.rows_rejected) == (1, 1)
    again = new.rejects.get()
    assert (again.row_number, again.raw, again.row["code"]) == (2, "-4", "C")
    mending.mend_rows(delivery_id=new.pk, changes={again.pk: {"staff": "4"}}, by=who["steward"])
    run(new, who["steward"])
    assert names() == ["A", "B", "C", "E"]


def test_only_rows_that_pass_are_sent_when_asked_so(bad, who):
    changes = {reject(bad, 2).pk: {"staff": "7"}, reject(bad, 3).pk: {"staff": "-4"}}
    mending.mend_rows(delivery_id=bad.pk, changes=changes, by=who["steward"])
    new = run(bad, who["steward"], only=check_mends(bad).passing)
    assert (new.rows_in, new.rows_rejected) == (1, 0)
    assert reject(bad, 3).mend.replay is None  # still there to be mended


def test_one_value_is_replaced_in_all_rows_with_the_same_fault(who, tmp_path):
    declared()
    records = [shop(str(n), staff="无" if n % 2 else "少") for n in range(6)]
    bad = shops(tmp_path, [*records, shop("good")])
    done = mending.replace_values(
        delivery_id=bad.pk, header="staff", find="无", replace="0", by=who["steward"], reason="not_integer"
    )
    assert done == 3
    assert len(check_mends(bad).passing) == 3
    new = run(bad, who["steward"])
    assert new.rows_committed == 3


def test_rows_are_sent_again_as_they_are_once_the_rule_is_off(bad, who):
    switch_rule(dataset_code=SHOPS.code, code="staff_range", active=False, by=who["steward"])
    taken = mending.take_as_they_are(delivery_id=bad.pk, by=who["steward"], reason="out_of_range")
    assert taken == 1
    assert run(bad, who["steward"]).rows_committed == 1
    assert "C" in names()


def test_a_file_goes_out_and_comes_back(bad, who):
    text = "".join(sheets.export_lines(bad, who["steward"]))
    lines = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert [line["row"] for line in lines] == ["2", "3", "4"]
    lines[0]["staff"], lines[1]["staff"], lines[2]["closed"] = "7", "8", ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    done = sheets.import_file(delivery_id=bad.pk, content=out.getvalue().encode("gb18030"), by=who["steward"])
    assert done == 3
    assert run(bad, who["steward"]).rows_committed == 3
    assert names() == ["A", "B", "C", "D", "E"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a,b\n1,2\n", id="no numbers"),
        pytest.param(b"row,staff\n99,5\n", id="no such row"),
        pytest.param(b"row,other\n2,5\n", id="no such column"),
        pytest.param(b"\xff\xfe\x00\x01", id="no text"),
        pytest.param(b"row,staff\n2,5,6,7\n", id="too many cells"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_bad_file_changes_nothing(bad, who, content):
    with pytest.raises(BadInput):
        sheets.import_file(delivery_id=bad.pk, content=content, by=who["steward"])
    assert not Mend.objects.exists()


def test_personal_values_have_to_be_entered_again_and_lie_sealed_until_then(who, tmp_path):
    declared(PERSONS)
    records = [
        {"number": "1", "id_number": "11010519491231002X", "phone": "13862901234", "age": 40},
        {"number": "2", "id_number": "440524188001010014", "phone": "13962905678", "age": "forty"},
    ]
    bad = deliver(dataset_code=PERSONS.code, path=csv_file(tmp_path, records))
    row = bad.rejects.get()
    assert "440524188001010014" not in str(row.row) + row.raw
    states = {name: cell.state for name, cell in cells_of(row, fields_of(bad)).items()}
    assert states == {"number": "kept", "id_number": "hidden", "phone": "hidden", "age": "hidden"}
    mending.mend_rows(delivery_id=bad.pk, changes={row.pk: {"age": "40"}}, by=who["steward"])
    assert check_mends(bad).gaps == {row.pk: "id_number"}
    with pytest.raises(Conflict):
        mending.replay(delivery_id=bad.pk, by=who["steward"])
    entered = {"id_number": "440524188001010014", "phone": ""}
    mending.mend_rows(delivery_id=bad.pk, changes={row.pk: entered}, by=who["steward"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed, values FROM datahub_mend")
        assert "440524188001010014" not in str(cursor.fetchall())
    line = "".join(sheets.export_lines(bad, who["steward"]))
    assert "440524188001010014" not in line
    assert check_mends(bad).passing == {row.pk}
    sent = mending.replay(delivery_id=bad.pk, by=who["steward"])
    work_dataset(PERSONS.code)
    assert Delivery.objects.get(pk=sent.delivery_id).rows_committed == 1
    assert Mend.objects.get().sealed == ""  # it lies in the vault now
    assert not AuditEntry.objects.filter(body__icontains="440524188001010014").exists()


def test_an_entered_value_is_opened_with_a_reason_only(who, tmp_path):
    declared(PERSONS)
    records = [{"number": "2", "id_number": "1", "phone": "", "age": 3}]
    bad = deliver(dataset_code=PERSONS.code, path=csv_file(tmp_path, records))
    row = bad.rejects.get()
    mending.mend_rows(
        delivery_id=bad.pk, changes={row.pk: {"id_number": "11010519491231002X"}}, by=who["steward"]
    )
    with pytest.raises(BadInput):
        mending.open_mend(reject_id=row.pk, by=who["steward"], reason="")
    found = mending.open_mend(reject_id=row.pk, by=who["steward"], reason="核对身份证复印件")
    assert found == {"id_number": "11010519491231002X"}
    assert AuditEntry.objects.get(action="datahub.open_mend").reason == "核对身份证复印件"


@pytest.mark.parametrize("person", ["other", "analyst"])
def test_who_may_not_mend_changes_nothing(bad, who, person):
    with pytest.raises(PermissionDenied):
        mending.mend_rows(delivery_id=bad.pk, changes={reject(bad, 2).pk: {"staff": "1"}}, by=who[person])
    with pytest.raises(PermissionDenied):
        mending.replay(delivery_id=bad.pk, by=who[person])
    assert not Mend.objects.exists()


def test_the_owners_officer_may_mend(bad, who):
    assert (
        mending.mend_rows(delivery_id=bad.pk, changes={reject(bad, 2).pk: {"staff": "1"}}, by=who["owner"])
        == 1
    )


def test_a_header_that_is_not_the_sources_changes_nothing(bad, who):
    with pytest.raises(BadInput):
        mending.mend_rows(delivery_id=bad.pk, changes={reject(bad, 2).pk: {"_row": "1"}}, by=who["steward"])
    assert not Mend.objects.exists()


def test_a_replay_reads_the_rows_as_their_source_was_read(city, tmp_path):
    """Composed times and other headers: the mapping of the first delivery holds for the second."""
    declared(READINGS)
    steward = staff()["steward"]
    records = [
        {"place": "S1", "v": v, "year": 2026, "month": 11, "day": 20, "hour": h, "lon": 120.9, "lat": 32.0}
        for h, v in enumerate(["1", "2000", "3"])
    ]
    bad = deliver(dataset_code=READINGS.code, path=csv_file(tmp_path, records))
    assert (bad.mapping, bad.rows_rejected) == ("parts", 1)
    assert [f.header for f in fields_of(bad)][:5] == ["place", "year", "month", "day", "hour"]
    row = bad.rejects.get()
    mending.mend_rows(delivery_id=bad.pk, changes={row.pk: {"v": "20"}}, by=steward)
    assert len(check_mends(bad).passing) == 1
    sent = mending.replay(delivery_id=bad.pk, by=steward)
    work_dataset(READINGS.code)
    assert Delivery.objects.get(pk=sent.delivery_id).rows_committed == 1
    table = read(READINGS.code, columns=["at", "value"]).to_pylist()
    assert sorted((f"{r['at']:%H}", r["value"]) for r in table) == [("16", 1.0), ("17", 20.0), ("18", 3.0)]


def test_a_long_value_that_was_cut_is_not_sent_as_if_it_were_whole(city, tmp_path):
    declared()
    steward = staff()["steward"]
    bad = shops(tmp_path, [shop("A", staff="x", name="长" * 600), shop("B")])
    row = bad.rejects.get()
    mending.mend_rows(delivery_id=bad.pk, changes={row.pk: {"staff": "1"}}, by=steward)
    assert check_mends(bad).gaps == {row.pk: "name"}


def test_all_rejects_reconcile_after_replays(bad, who):
    """Nothing is lost or doubled: committed plus what still waits is what came."""
    changes = {one.pk: {"staff": "3", "closed": ""} for one in Reject.objects.filter(delivery=bad)}
    mending.mend_rows(delivery_id=bad.pk, changes=changes, by=who["steward"])
    run(bad, who["steward"])
    assert names() == ["A", "B", "C", "D", "E"]
