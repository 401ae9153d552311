"""Rules: what each finds, that they are made without code, tried before they hold, and survive a new pack."""

from collections import OrderedDict
from datetime import date

import pyarrow as pa
import pytest
from django.core.exceptions import PermissionDenied
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.core import clock
from commandcenter.core.errors import BadInput, Conflict
from commandcenter.journal.models import AuditEntry
from datahub.checks.known import KnownValues
from datahub.checks.rules import form_fault
from datahub.declare import ColumnSpec, DatasetSpec, RuleSpec
from datahub.quality.services.rules import restore_rule, save_rule, switch_rule
from datahub.quality.trying import try_rule
from datahub.selectors import spec_of
from datahub.services import deliver, load_packs, save_dataset
from tests.factories.datahub import NOON, READINGS, REGISTER, csv_file, table_of_rows

from .kit import PERSONS, PROVIDER, SHOPS, declared, shop, shops, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(city):
    return staff()


def rule(kind, column, params=None, **over):
    return RuleSpec(
        **{"code": f"{column}_{kind}", "kind": kind, "column": column, "params": params or {}, **over}
    )


def with_rules(*rules, spec=SHOPS):
    return declared(spec.model_copy(update={"rules": rules}))


def faults(delivery):
    return [(one.row_number, one.reason) for one in delivery.rejects.all()]


@pytest.mark.parametrize(
    ("made", "records", "expected"),
    [
        pytest.param(rule("required", "staff"), [{"staff": ""}, {"staff": 1}], [(1, "required")], id="required"),
        pytest.param(
            rule("compare", "opened", {"op": "<=", "other": "closed"}),
            [{"opened": "2020-02-02", "closed": "2020-02-01"}, {"opened": "2020-02-02", "closed": "2020-02-02"},
             {"opened": "2020-02-02", "closed": ""}],
            [(1, "contradicts")],
            id="start before end",
        ),
        pytest.param(
            rule("unique", "name"),
            [{"name": "甲"}, {"name": "乙"}, {"name": "甲"}, {"name": "甲"}],
            [(3, "repeated"), (4, "repeated")],
            id="unique",
        ),
        pytest.param(
            rule("unique", "name", {"with": ["staff"]}),
            [{"name": "甲", "staff": 1}, {"name": "甲", "staff": 2}, {"name": "甲", "staff": 1},
             {"name": "甲", "staff": ""}, {"name": "甲", "staff": ""}],
            [(3, "repeated")],
            id="unique together, a gap is nothing to compare",
        ),
        pytest.param(
            rule("credit_code", "name"),
            [{"name": "91350100M000100Y43"}, {"name": "91350100M000100Y44"}],
            [(2, "credit_code")],
            id="credit code",
        ),
        pytest.param(
            rule("pattern", "name", {"form": "[A-Z]{2}\\d{3}"}),
            [{"name": "AB123"}, {"name": "AB1234"}, {"name": "xAB123"}],
            [(2, "pattern"), (3, "pattern")],
            id="pattern holds for the whole value",
        ),
        pytest.param(
            rule("code_list", "staff", {"codes": ["1", "2"]}),
            [{"staff": 1}, {"staff": 3}],
            [(2, "not_in_list")],
            id="code list of numbers",
        ),
        pytest.param(
            rule("not_future", "opened"), [{"opened": "2030-01-01"}], [(1, "in_future")], id="not in the future"
        ),
    ],
)  # fmt: skip
def test_a_rule_keeps_the_rows_out_that_fail_it(who, tmp_path, made, records, expected):
    with_rules(made)
    with clock.at(NOON):
        found = shops(tmp_path, [{**shop(str(n)), **over} for n, over in enumerate(records)])
    assert faults(found) == expected
    assert found.checks[made.code] == len(expected)


def test_a_rule_that_warns_lets_the_row_in_and_counts(who, tmp_path):
    with_rules(
        rule("unique", "name", on_fail="note"),
        rule("compare", "opened", {"op": "<", "other": "closed"}, on_fail="note"),
    )
    found = shops(tmp_path, [shop("1", name="甲"), shop("2", name="甲", closed="2019-01-01")])
    assert (found.rows_committed, found.rows_rejected) == (2, 0)
    assert (found.checks["name_unique"], found.checks["opened_compare"]) == (1, 1)


def test_a_late_row_warns_only(who):
    spec = READINGS.model_copy(update={"rules": (rule("timely", "at", {"hours": 2}, on_fail="note"),)})
    declared(spec)
    from datetime import timedelta

    with clock.at(NOON):
        found = deliver(dataset_code=READINGS.code, table=table_of_rows(5, step=timedelta(hours=1)))
    assert (found.rows_committed, found.checks["at_timely"]) == (5, 2)


def test_uniqueness_holds_across_blocks(who):
    from datahub.formats.columnar import BATCH_ROWS

    with_rules(rule("unique", "name"))
    n = BATCH_ROWS + 10
    names = [f"n{i}" for i in range(n)]
    names[-1] = "n3"
    table = pa.table({"code": [f"c{i}" for i in range(n)], "name": names})
    found = deliver(dataset_code=SHOPS.code, table=table)
    assert faults(found) == [(n, "repeated")]


# ---------------------------------------------------------------- reference


def referring(who, **register):
    declared(REGISTER.model_copy(update={"provider": PROVIDER, **register}))
    deliver(dataset_code=REGISTER.code, table=pa.table({"id": ["1", "2"], "name": ["甲", "乙"]}))
    return with_rules(rule("reference", "name", {"dataset": REGISTER.code, "column": "name"}))


def test_a_value_has_to_stand_in_the_register(who, tmp_path):
    referring(who)
    found = shops(tmp_path, [shop("1", name="甲"), shop("2", name="丙")])
    assert faults(found) == [(2, "not_in_register")]


def test_a_value_that_the_register_replaced_counts_no_more(who, tmp_path):
    referring(who)
    deliver(dataset_code=REGISTER.code, table=pa.table({"id": ["1"], "name": ["甲改"]}))
    found = shops(tmp_path, [shop("1", name="甲"), shop("2", name="甲改")])
    assert faults(found) == [(1, "not_in_register")]


def test_without_a_right_to_the_register_nothing_is_measured_and_nobody_suffers(who, tmp_path):
    referring(who, provider="3206-jy", share_type="conditional")
    found = shops(tmp_path, [shop("1", name="丙")])
    assert (found.rows_rejected, "name_reference" in found.checks) == (0, False)
    assert {"code": "not_measured", "detail": "name_reference: no_right"} in found.notes


def test_a_register_with_too_many_values_is_not_asked(who, tmp_path, monkeypatch):
    referring(who)
    monkeypatch.setattr("datahub.quality.references.MOST_VALUES", 1)
    monkeypatch.setattr("datahub.quality.references._kept", OrderedDict())
    found = shops(tmp_path, [shop("1", name="丙")])
    assert (found.rows_rejected, found.notes[-1]["detail"]) == (0, "name_reference: too_many")


@given(st.lists(st.integers(-50, 50)), st.lists(st.one_of(st.none(), st.integers(-60, 60)), max_size=40))
def test_known_values_answer_like_a_set(held, asked):
    known = KnownValues(pa.array(held, pa.int64()))
    assert known.strange(pa.array(asked, pa.int64())).tolist() == [
        v is not None and v not in set(held) for v in asked
    ]
    words = [None if v is None else str(v) for v in asked]
    assert known.strange(pa.array(words, pa.string())).tolist() == [
        v is not None and v not in set(held) for v in asked
    ]


def test_words_asked_of_a_register_of_numbers_are_strange():
    known = KnownValues(pa.array([0, 1], pa.int64()))
    assert known.strange(pa.array(["0", "zero", "1.5", "", None])).tolist() == [
        False,
        True,
        True,
        True,
        False,
    ]


# ---------------------------------------------------------------- patterns


@pytest.mark.parametrize("form", ["(a+)+$", "(a|aa)+", "(.*)*x", "([a-zA-Z]+)*"])
def test_a_catastrophic_pattern_costs_no_more_than_another(who, tmp_path, form):
    import time

    with_rules(rule("pattern", "name", {"form": form}))
    began = time.monotonic()
    shops(tmp_path, [shop(str(n), name="a" * 400 + "!") for n in range(50)])
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("form", ["(", "a)|(b", "(?=x)", "\\1", "x" * 201, "(a{1000}){1000}", "[z-a]"])
def test_a_pattern_that_is_none_is_refused_with_the_reason(form):
    assert form_fault(form)


# ---------------------------------------------------------------- made by the steward


def test_a_rule_made_by_the_steward_holds_from_the_next_delivery(who, tmp_path):
    declared()
    assert shops(tmp_path, [shop("1", name="x")]).rows_rejected == 0
    save_rule(
        dataset_code=SHOPS.code,
        rule=rule("code_list", "name", {"codes": ["甲"]}),
        by=who["steward"],
        note="核对",
    )
    assert shops(tmp_path, [shop("2", name="x"), shop("3", name="甲")], "b.csv").rows_rejected == 1
    entry = AuditEntry.objects.get(action="datahub.change_rule")
    assert (entry.reason, entry.body["before"], entry.body["after"]["params"]) == (
        "核对",
        None,
        {"codes": ["甲"]},
    )


def test_a_rule_is_changed_switched_off_and_taken_back(who, tmp_path):
    declared()
    wide = SHOPS.rules[0].model_copy(update={"params": {"min": 0, "max": 9999}})
    save_rule(dataset_code=SHOPS.code, rule=wide, by=who["steward"])
    assert shops(tmp_path, [shop("1", staff=900)]).rows_rejected == 0
    switch_rule(dataset_code=SHOPS.code, code="staff_range", active=False, by=who["steward"])
    assert "staff_range" not in {one.code for one in spec_of(SHOPS.code).rules}
    with pytest.raises(Conflict):
        switch_rule(dataset_code=SHOPS.code, code="staff_range", active=False, by=who["steward"])
    restore_rule(dataset_code=SHOPS.code, code="staff_range", by=who["steward"])
    assert next(one for one in spec_of(SHOPS.code).rules if one.code == "staff_range").params["max"] == 500


def test_what_a_steward_did_survives_a_new_declaration(who):
    declared()
    switch_rule(dataset_code=SHOPS.code, code="staff_range", active=False, by=who["steward"])
    save_rule(dataset_code=SHOPS.code, rule=rule("max_length", "name", {"characters": 5}), by=who["steward"])
    assert save_dataset(SHOPS)[1] is False  # nothing of the declaration changed
    wider = SHOPS.model_copy(update={"summary": "new", "rules": (*SHOPS.rules, rule("required", "staff"))})
    assert save_dataset(wider)[1] is True
    assert {one.code for one in spec_of(SHOPS.code).rules} == {
        "open_before_close", "name_max_length", "staff_required",
    }  # fmt: skip


def test_packs_load_twice_without_a_change(db):
    load_packs()
    assert load_packs()["changed"] == 0


@pytest.mark.parametrize(
    ("made", "field"),
    [
        pytest.param(rule("range", "name", {"min": 1}), "column", id="range of a text"),
        pytest.param(rule("range", "staff"), "min", id="range without ends"),
        pytest.param(rule("range", "staff", {"min": 2, "max": 1}), "max", id="ends crossed"),
        pytest.param(rule("code_list", "name"), "codes", id="empty list"),
        pytest.param(rule("code_list", "staff", {"codes": ["x"]}), "codes", id="words for numbers"),
        pytest.param(rule("pattern", "name", {"form": "("}), "form", id="no pattern"),
        pytest.param(rule("compare", "opened", {"op": "<", "other": "name"}), "other", id="date and text"),
        pytest.param(
            rule("compare", "opened", {"op": "~", "other": "closed"}), "op", id="no such comparison"
        ),
        pytest.param(rule("timely", "opened", {"hours": 0}, on_fail="note"), "hours", id="no hours"),
        pytest.param(rule("timely", "opened", {"hours": 5}), "on_fail", id="late rows kept out"),
        pytest.param(rule("unique", "name", {"with": ["nope"]}), "with", id="no such second column"),
        pytest.param(
            rule("reference", "name", {"dataset": "a.b", "column": "c"}), "dataset", id="no such register"
        ),
        pytest.param(rule("max_length", "name"), "characters", id="no length"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_at_its_field(who, made, field):
    declared()
    with pytest.raises(BadInput) as error:
        save_rule(dataset_code=SHOPS.code, rule=made, by=who["steward"])
    assert [problem.field for problem in error.value.problems] == [field]
    assert spec_of(SHOPS.code).rules == SHOPS.rules


@pytest.mark.parametrize("person", ["owner", "other", "analyst"])
def test_only_the_steward_changes_rules(who, person):
    declared()
    with pytest.raises(PermissionDenied):
        save_rule(dataset_code=SHOPS.code, rule=rule("required", "staff"), by=who[person])
    assert spec_of(SHOPS.code).rules == SHOPS.rules


# ---------------------------------------------------------------- tried before it holds


def test_a_dry_run_counts_what_would_fail_and_changes_nothing(who, tmp_path):
    dataset = declared()
    shops(tmp_path, [shop(str(n), staff=n) for n in range(20)])
    shops(tmp_path, [shop(f"x{n}", staff=100) for n in range(5)], "b.csv")
    made = rule("range", "staff", {"max": 15})
    whole = try_rule(dataset, made, who["steward"])
    assert (whole.rows, whole.failed, len(whole.examples)) == (25, 9, 9)
    last = try_rule(dataset, made, who["steward"], last_only=True)
    assert (last.rows, last.failed) == (5, 5)
    assert last.examples[0]["ref"].startswith("datahub.row:")
    assert spec_of(SHOPS.code).rules == SHOPS.rules


def test_a_dry_run_of_uniqueness(who, tmp_path):
    dataset = declared()
    shops(tmp_path, [shop(str(n), name="甲" if n < 3 else str(n)) for n in range(6)])
    assert try_rule(dataset, rule("unique", "name"), who["steward"]).failed == 2


def test_a_dry_run_on_personal_values_shows_none_and_is_written_down(who, tmp_path):
    spec = PERSONS.model_copy(update={"rules": ()})
    dataset = declared(spec)
    records = [
        {"number": "1", "id_number": "11010519491231002X", "phone": "", "age": 40},
        {"number": "2", "id_number": "110105194912310021", "phone": "", "age": 41},
    ]
    deliver(dataset_code=spec.code, path=csv_file(tmp_path, records))
    trial = try_rule(dataset, rule("id_number", "id_number"), who["steward"])
    assert (trial.rows, trial.failed) == (2, 1)
    assert "110105194912310021" not in str(trial.examples)
    assert AuditEntry.objects.filter(action="datahub.open_fields").count() == 1


def test_a_dry_run_without_rows_says_so(who):
    assert try_rule(declared(), rule("required", "staff"), who["steward"]).why == "empty"


def test_times_and_dates_are_compared_on_shanghais_clock(who):
    spec = DatasetSpec(
        code="test.works",
        name="测试工程",
        columns=(
            ColumnSpec(code="on_day", kind="date", name="日期"),
            ColumnSpec(code="at", kind="time", name="时间"),
        ),
        rules=(rule("compare", "on_day", {"op": "<=", "other": "at"}),),
    )
    declared(spec)
    table = pa.table(
        {
            "on_day": pa.array([date(2026, 1, 2), date(2026, 1, 2)]),
            "at": ["2026-01-02 00:00:00", "2026-01-01 23:59:59"],
        }
    )
    assert faults(deliver(dataset_code=spec.code, table=table)) == [(2, "contradicts")]
