"""Importing old tickets: all or nothing of a file, every refusal with row, column and reason."""

import io
import json
import zipfile
from datetime import UTC, datetime

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from commandcenter.core.errors import BadInput, DomainError
from commandcenter.core.times import SHANGHAI
from commandcenter.journal.models import Event, Fact
from dispatch.models import Order
from hotline.models import ImportMapping, ImportRun, Ticket, TicketMove
from hotline.services.importing import import_tickets
from tests.factories.hotline import CITY, category, load_tree, make_city, operator_of

pytestmark = pytest.mark.django_db

HEADER = ["留言编号", "留言用户", "留言主题", "留言时间", "留言详情", "答复意见", "答复时间"]


def row(number=1, **change):
    values = {
        "留言编号": number,
        "留言用户": "A0001",
        "留言主题": "路灯不亮",
        "留言时间": "2019/4/25 9:32:09",
        "留言详情": "\n\t\t\n\t路灯坏了\t一个月\n\n",
        "答复意见": "已修复",
        "答复时间": "2019/5/10 14:56:53",
    } | change
    return [values[name] for name in HEADER]


@pytest.fixture
def write(tmp_path):
    """Write rows as a file; the ending says which kind."""
    make_city()

    def inner(rows, name="old.xlsx", header=HEADER, encoding="utf-8"):
        path = tmp_path / name
        if name.endswith(".xlsx"):
            book = openpyxl.Workbook()
            for line in [header, *rows]:
                book.active.append(line)
            book.save(path)
        else:
            import csv

            text = io.StringIO()
            csv.writer(text).writerows([header, *rows])
            path.write_bytes(text.getvalue().encode(encoding))
        return path

    return inner


def run(path, mapping="tipdm"):
    out, err = io.StringIO(), io.StringIO()
    call_command("import_tickets", str(path), "--mapping", mapping, stdout=out, stderr=err)
    return json.loads(out.getvalue().splitlines()[-1]), err.getvalue()


def test_old_tickets_keep_their_own_times_and_start_nothing(write):
    told, _err = run(write([row(1), row(2, 留言时间=datetime(2019, 4, 8, 8, 37, 20))]))  # noqa: DTZ001
    seconds = told.pop("seconds")
    assert seconds >= 0
    assert told == {"rows_in": 2, "taken": 2, "duplicates": 0, "rejected": 0}
    first, second = Ticket.objects.order_by("external_id")
    assert first.taken_at == datetime(2019, 4, 25, 9, 32, 9, tzinfo=SHANGHAI)
    assert second.taken_at == datetime(2019, 4, 8, 8, 37, 20, tzinfo=SHANGHAI)
    assert first.state == "closed"
    assert first.content == "路灯坏了 一个月"
    assert first.number.startswith("RX20190425")
    assert first.area_code == CITY
    assert (Event.objects.count(), Order.objects.count(), Fact.objects.count()) == (0, 0, 0)
    assert set(TicketMove.objects.values_list("action", flat=True)) == {"import"}
    assert not Ticket.objects.live().exists()
    assert not Ticket.objects.visible_to(operator_of()).in_queue().exists()


def test_a_second_run_takes_none(write):
    path = write([row(1), row(2)])
    run(path)
    told, _err = run(path)
    assert (told["taken"], told["duplicates"], told["rejected"]) == (0, 2, 0)
    assert Ticket.objects.count() == 2


def test_the_same_number_twice_in_one_file_is_taken_once(write):
    told, _err = run(write([row(1), row(1), row(2)]))
    assert (told["taken"], told["duplicates"]) == (2, 1)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"留言时间": "next week"}, "留言时间"),
        ({"留言时间": "2019/2/30 10:00:00"}, "留言时间"),
        ({"留言时间": "2099/1/1 10:00:00"}, "留言时间"),
        ({"留言时间": "1899/1/1"}, "留言时间"),
        ({"留言时间": ""}, "留言时间"),
        ({"留言详情": " \n"}, "留言详情"),
        ({"留言编号": ""}, "留言编号"),
        ({"留言编号": "9" * 65}, "留言编号"),
        ({"答复时间": "2018/1/1 00:00:00"}, "答复时间"),
        ({"答复时间": "soon"}, "答复时间"),
    ],
)
def test_a_bad_row_is_named_and_stops_no_other(write, change, column):
    told, err = run(write([row(1), row(2, **change), row(3)]))
    assert (told["taken"], told["rejected"]) == (2, 1)
    problem = ImportRun.objects.get().problems[0]
    assert (problem["row"], problem["column"]) == (2, column)
    assert problem["reason"]
    assert "old.xlsx" in err
    assert column in err


def test_gbk_is_read_and_said(write):
    told, _err = run(write([row(1), row(2)], "old.csv", encoding="gb18030"))
    assert told["taken"] == 2
    assert Ticket.objects.get(external_id="1").title == "路灯不亮"
    assert ImportRun.objects.get().encoding == "GBK"


def test_a_message_without_reply_is_archived(write):
    run(write([row(1, 答复意见="", 答复时间="")]))
    assert Ticket.objects.get().state == "archived"


def test_a_label_becomes_a_category(write):
    category("0501")
    run(write([[*row(1), "城乡建设"]], header=[*HEADER, "一级标签"]))
    assert Ticket.objects.get().category.code == "05"


def test_words_suggest_a_category(write):
    load_tree()
    run(write([row(1, 留言主题="烧烤店油烟扰民")]))
    ticket = Ticket.objects.get()
    assert ticket.suggested_category == "0706"
    assert ticket.category is None


@pytest.mark.parametrize("missing", ["留言编号", "留言主题", "留言时间", "留言详情"])
def test_a_missing_column_refuses_the_file_and_names_what_there_is(write, missing):
    header = [name if name != missing else "x" for name in HEADER]
    with pytest.raises(BadInput) as refusal:
        import_tickets(path=write([row(1)], header=header), mapping="tipdm")
    assert missing in str(refusal.value)
    assert "留言用户" in str(refusal.value)
    assert (Ticket.objects.count(), ImportRun.objects.count()) == (0, 0)


def test_an_unknown_mapping_lists_the_known_ones(write):
    ImportMapping.objects.create(name="mine", definition={})
    with pytest.raises(CommandError, match=r"mine, standard, tipdm"):
        run(write([row(1)]), mapping="nope")


def zip_bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (300 * 1024 * 1024))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: None, id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 99), id="a picture"),
        pytest.param(lambda path: path.write_bytes(b"PK\x03\x04 broken"), id="broken zip"),
        pytest.param(lambda path: path.write_bytes(b"\x1f\x8b\x08\x00 cut"), id="broken gzip"),
        pytest.param(lambda path: path.write_text(",".join(HEADER) + "\n"), id="header only"),
        pytest.param(zip_bomb, id="zip bomb"),
    ],
)
def test_a_file_of_another_kind_is_refused_whole(tmp_path, make):
    make_city()
    path = tmp_path / "old.xlsx"
    make(path)
    with pytest.raises(BadInput) as refusal:
        import_tickets(path=path, mapping="tipdm")
    assert "old.xlsx" in str(refusal.value)
    assert (Ticket.objects.count(), ImportRun.objects.count()) == (0, 0)


def test_nothing_is_half_written(write, monkeypatch):
    path = write([row(n) for n in range(1, 5)])

    def fails(*args, **kwargs):
        raise RuntimeError("disk full")

    monkeypatch.setattr(ImportRun.objects, "create", fails)
    with pytest.raises(RuntimeError):
        import_tickets(path=path, mapping="tipdm")
    assert (Ticket.objects.count(), TicketMove.objects.count()) == (0, 0)


def test_a_saved_mapping_reads_coordinates_and_seals_reports(tmp_path):
    make_city()
    ImportMapping.objects.create(
        name="county",
        definition={
            "source": "county",
            "columns": {
                "title": ["Subject"], "content": ["Text"], "taken_at": ["When"], "request_type": ["Kind"],
                "lon": ["X"], "lat": ["Y"], "caller_phone": ["Phone"],
            },
            "datum": "gcj02",
        },
    )  # fmt: skip
    path = tmp_path / "county.csv"
    path.write_text(
        "Subject,Text,When,Kind,X,Y,Phone\n"
        "a,b,2020-01-02 03:04,举报,120.9,32.0,+86 138 0013 8000\n"
        "a,b,2020-01-02 03:04,投诉,500,32.0,\n"
        "a,b,2020-01-02 03:04,unknown,120.9,32.0,\n"
        "c,d,2020年1月2日,咨询,,,\n",
        encoding="utf-8",
    )
    told, _err = run(path, "county")
    assert (told["rows_in"], told["taken"], told["rejected"]) == (4, 2, 2)
    sealed = Ticket.objects.get(title="a")
    assert sealed.sealed
    assert sealed.caller_phone == "13800138000"
    assert 120.88 < sealed.location.x < 120.9
    assert [one["column"] for one in ImportRun.objects.get().problems] == ["X", "Kind"]
    again, _err = run(path, "county")
    assert (again["taken"], again["duplicates"]) == (0, 2)


@pytest.mark.parametrize(
    "definition",
    [
        {"source": "live", "columns": {}},
        {"source": "x", "columns": {"nonsense": ["A"]}},
        {"source": "x", "columns": {}, "extra": 1},
        {},
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(write, definition):
    ImportMapping.objects.create(name="odd", definition=definition)
    with pytest.raises(DomainError):
        import_tickets(path=write([row(1)]), mapping="odd")
    assert Ticket.objects.count() == 0


def test_imports_add_up_and_are_dated_by_the_clock(write):
    run(write([row(1), row(1), row(2, 留言详情="")]))
    one = ImportRun.objects.get()
    assert one.rows_in == one.taken + one.duplicates + one.rejected == 3
    assert (datetime.now(UTC) - one.at).total_seconds() < 60
