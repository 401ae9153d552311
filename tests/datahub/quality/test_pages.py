"""The pages: who gets in, what they show, what their buttons do."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from commandcenter.journal.models import AuditEntry
from datahub.models import QualityRule
from datahub.quality.models import CorrectionRequest, Incident, Mend
from datahub.quality.services import raise_incident
from datahub.quality.services.corrections import ask_correction
from datahub.services import work_dataset

from .kit import PROVIDER, SHOPS, declared, shop, shops, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(city):
    return staff()


@pytest.fixture
def bad(who, tmp_path):
    declared()
    return shops(tmp_path, [shop("A"), shop("B", staff="many"), shop("C", staff=900), shop("D", name="")])


@pytest.fixture
def as_(client):
    def enter(user):
        client.force_login(user)
        return client

    return enter


def url(name, *args):
    return reverse(f"datahub:{name}", args=args)


# ---------------------------------------------------------------- incidents


def test_the_inbox_shows_each_his_own(bad, who, as_):
    expected = {"owner": 3, "steward": 3, "other": 0}
    for person, n in expected.items():
        page = as_(who[person]).get(url("incidents")).content.decode()
        assert page.count('data-test="incident-row"') == n, person
    assert as_(who["analyst"]).get(url("incidents")).status_code == 403


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("kind=rule_failed", 3),
        ("kind=late", 0),
        ("severity=low", 0),
        ("q=测试商户", 3),
        ("q=nothing", 0),
        ("view=closed", 0),
        ("view=overdue", 0),
        ("view=nonsense", 3),
        ("dataset=test.shops", 3),
        ("dataset=%00", 0),
        ("page=999", 3),
    ],
)
def test_filters(bad, who, as_, query, n):
    page = as_(who["steward"]).get(f"{url('incidents')}?{query}")
    assert page.status_code == 200
    assert page.content.decode().count('data-test="incident-row"') == n


def test_the_inbox_costs_the_same_with_many(who, as_, django_assert_max_num_queries):
    declared()
    for n in range(25):
        raise_incident(kind="source_failing", key=str(n), reason="x", org_code=PROVIDER)
    client = as_(who["steward"])
    client.get(url("incidents"))
    with django_assert_max_num_queries(22):
        assert client.get(url("incidents")).status_code == 200


def test_many_are_acknowledged_at_once_but_only_ones_own(bad, who, as_):
    foreign = raise_incident(kind="device_fault", key="x", reason="offline", org_code="3206-jy")
    chosen = list(Incident.objects.values_list("pk", flat=True))
    as_(who["owner"]).post(url("incidents_acknowledge"), {"pk": [*chosen, "x", "99999999"]})
    states = dict(Incident.objects.values_list("pk", "state"))
    assert states.pop(foreign.pk) == "open"
    assert set(states.values()) == {"acknowledged"}


def test_the_export_is_written_down(bad, who, as_):
    answer = as_(who["owner"]).get(url("incidents_export"))
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 4
    assert AuditEntry.objects.filter(action="datahub.export_incidents").exists()


def test_an_incident_is_worked_off_on_its_page(bad, who, as_):
    found = Incident.objects.get(key="staff_range")
    client = as_(who["owner"])
    page = client.get(url("incident", found.pk)).content.decode()
    assert 'data-test="step-acknowledge"' in page
    assert 'data-test="step-close"' not in page  # the data bureau's
    assert url("mend", bad.pk) in page
    client.post(url("incident_act", found.pk, "acknowledge"))
    answer = client.post(url("incident_act", found.pk, "resolve"), {"note": "", "because": "mended"})
    assert answer.status_code == 409
    client.post(url("incident_act", found.pk, "resolve"), {"note": "源系统已改", "because": "mended"})
    found.refresh_from_db()
    assert found.state == "resolved"
    assert (
        client.post(url("incident_act", found.pk, "close"), {"note": "x", "because": "mended"}).status_code
        == 403
    )
    assert as_(who["other"]).get(url("incident", found.pk)).status_code == 404


# ---------------------------------------------------------------- scores


def test_the_score_stands_on_its_pages(bad, who, as_):
    client = as_(who["steward"])
    for name, args in [
        ("overview", ()),
        ("dataset", (SHOPS.code,)),
        ("delivery", (bad.pk,)),
        ("quality", (SHOPS.code,)),
    ]:
        page = client.get(url(name, *args))
        assert page.status_code == 200, name
    overview = client.get(f"{url('overview')}?sort=score").content.decode()
    assert url("quality", SHOPS.code) in overview
    assert f"{url('incidents')}?dataset={SHOPS.code}" in overview
    quality = client.get(url("quality", SHOPS.code)).content.decode()
    assert quality.count('data-test="dimension"') == 7
    assert 'data-test="score-day"' in quality


@pytest.mark.parametrize("day", ["2026-11-20", "nonsense", "", "1999-01-01"])
def test_a_day_is_drilled_into(bad, who, as_, day):
    assert as_(who["analyst"]).get(f"{url('quality', SHOPS.code)}?day={day}").status_code == 200


def test_who_does_not_see_the_hub_sees_no_score(bad, who, as_):
    assert as_(who["owner"]).get(url("quality", SHOPS.code)).status_code == 403


# ---------------------------------------------------------------- rules


def form(**over):
    return {
        "kind": "range", "column": "staff", "min": "1", "max": "50", "on_fail": "reject", "op": "<=", **over,
    }  # fmt: skip


def test_a_rule_is_tried_then_kept(bad, who, as_):
    client = as_(who["steward"])
    page = client.post(url("rule_new", SHOPS.code), form(do="try", max="2"))
    assert page.status_code == 200
    assert 'data-failed="1"' in page.content.decode()
    assert not QualityRule.objects.filter(declared__isnull=True).exists()
    client.post(url("rule_new", SHOPS.code), form(do="save", tolerance="2.5", note="年报口径"))
    made = QualityRule.objects.get(declared__isnull=True)
    assert (made.code, made.params, made.tolerance) == ("staff_range_2", {"min": 1, "max": 50}, 0.025)
    again = client.get(url("rule", SHOPS.code, made.code)).content.decode()
    assert 'value="50.0"' in again or 'value="50"' in again
    client.post(url("rule", SHOPS.code, made.code), form(do="save_off", max="60"))
    made.refresh_from_db()
    assert (made.params["max"], made.active) == (60, False)


@pytest.mark.parametrize(
    "over",
    [
        {"kind": "code_list", "column": "name", "codes": "甲\n乙\n\n甲"},
        {"kind": "pattern", "column": "name", "form": "[^x]+"},
        {"kind": "compare", "column": "opened", "op": "<", "other": "closed"},
        {"kind": "unique", "column": "name", "with_columns": ["staff", "name"]},
        {"kind": "credit_code", "column": "code", "on_fail": "note"},
        {"kind": "required", "column": "opened"},
        {"kind": "max_length", "column": "name", "characters": "9"},
        {"kind": "not_future", "column": "opened"},
        {"kind": "timely", "column": "opened", "hours": "48", "on_fail": "note"},
    ],
)
def test_every_kind_is_made_without_code(bad, who, as_, over):
    answer = as_(who["steward"]).post(url("rule_new", SHOPS.code), form(do="save", **over))
    assert answer.status_code == 302
    assert QualityRule.objects.get(declared__isnull=True).kind == over["kind"]


@pytest.mark.parametrize(
    "over",
    [
        {"kind": "pattern", "column": "name", "form": "("},
        {"kind": "nonsense"},
        {"column": "nope"},
        {"min": "9", "max": "1"},
        {"kind": "reference", "column": "name", "dataset": "", "register_column": ""},
        {"tolerance": "101"},
    ],
)
def test_a_bad_rule_is_said_at_its_field(bad, who, as_, over):
    answer = as_(who["steward"]).post(url("rule_new", SHOPS.code), form(do="save", **over))
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode() or "alert-danger" in answer.content.decode()
    assert not QualityRule.objects.filter(declared__isnull=True).exists()


def test_rules_are_switched_and_restored(bad, who, as_):
    client = as_(who["steward"])
    client.post(url("rule_act", SHOPS.code, "staff_range", "off"))
    assert not QualityRule.objects.get(code="staff_range").active
    assert 'data-active="no"' in client.get(url("rules", SHOPS.code)).content.decode()
    client.post(url("rule_act", SHOPS.code, "staff_range", "restore"))
    assert QualityRule.objects.get(code="staff_range").active
    assert client.post(url("rule_act", SHOPS.code, "staff_range", "nonsense")).status_code == 404
    assert as_(who["analyst"]).post(url("rule_act", SHOPS.code, "staff_range", "off")).status_code == 403
    assert as_(who["analyst"]).get(url("rules", SHOPS.code)).status_code == 200


# ---------------------------------------------------------------- mending


def cell(bad, row, place):
    reject = bad.rejects.get(row_number=row)
    return f"cell-{reject.pk}-{place}"


def test_rows_are_mended_checked_and_sent_on_the_page(bad, who, as_):
    client = as_(who["owner"])
    page = client.get(url("mend", bad.pk)).content.decode()
    assert page.count('data-test="mend-row"') == 3
    client.post(url("mend", bad.pk), {cell(bad, 2, 2): "7", cell(bad, 3, 2): "901", cell(bad, 4, 1): "丁"})
    assert Mend.objects.count() == 3
    checked = client.post(url("mend_check", bad.pk)).content.decode()
    assert 'data-passing="2" data-failing="1"' in checked
    client.post(url("mend_replay", bad.pk))
    work_dataset(SHOPS.code)
    new = bad.replays.get().delivery
    assert (new.rows_committed, new.by) == (2, who["owner"])
    left = client.get(url("mend", bad.pk)).content.decode()
    assert left.count('data-test="mend-row"') == 1
    steward = as_(who["steward"]).get(url("delivery", bad.pk)).content.decode()
    assert steward.count('data-test="mended-by"') == 2
    assert 'data-test="replay-of"' in client.get(url("delivery", new.pk)).content.decode()


def test_many_rows_at_once_and_as_a_file(bad, who, as_):
    client = as_(who["steward"])
    done = {"header": "staff", "find": "many", "replace": "3", "reason": "not_integer", "column": "staff"}
    client.post(url("mend_replace", bad.pk), done)
    assert Mend.objects.get().values == {"staff": "3"}
    answer = client.get(url("mend_export", bad.pk))
    text = b"".join(answer.streaming_content).decode().replace("900", "90")
    file = SimpleUploadedFile("mended.csv", text.encode(), "text/csv")
    client.post(url("mend_upload", bad.pk), {"file": file})
    assert {m.values.get("staff") for m in Mend.objects.all()} >= {"3", "90"}
    client.post(url("mend_upload", bad.pk), {})
    client.post(url("mend_take", bad.pk), {"reason": "required"})


@pytest.mark.parametrize(
    "query", ["reason=not_integer", "reason=x", "column=staff&reason=out_of_range", "page=9"]
)
def test_faults_are_filtered(bad, who, as_, query):
    assert as_(who["steward"]).get(f"{url('mend', bad.pk)}?{query}").status_code == 200


@pytest.mark.parametrize("person", ["other", "analyst"])
def test_nobody_else_sees_or_mends_rejects(bad, who, as_, person):
    client = as_(who[person])
    assert client.get(url("mend", bad.pk)).status_code == 403
    assert client.get(url("mend_export", bad.pk)).status_code == 403
    for name in ("mend", "mend_check", "mend_replay", "mend_replace", "mend_take", "mend_upload"):
        assert client.post(url(name, bad.pk), {}).status_code == 403
    assert not Mend.objects.exists()


@pytest.mark.parametrize("name", ["cell-1-0", "cell-x-0", "cell-1-99", "empty-0-0", "cell--"])
def test_odd_fields_change_nothing(bad, who, as_, name):
    assert as_(who["steward"]).post(url("mend", bad.pk), {name: "x"}).status_code == 302
    assert not Mend.objects.exists()


# ---------------------------------------------------------------- corrections


def asked(bad, by):
    return ask_correction(
        row_ref=f"datahub.row:{bad.pk}:1",
        column="name",
        wrong="店A",
        proposed="甲店",
        evidence="营业执照",
        by=by,
    )


def test_a_correction_from_the_sample_row_to_its_end(bad, who, as_):
    client = as_(who["steward"])
    page = client.get(url("dataset", SHOPS.code)).content.decode()
    link = f"{url('correction_ask')}?row=datahub.row:{bad.pk}:1"
    assert link in page
    shown = client.get(f"{link}&column=name").content.decode()
    assert 'value="店A"' in shown
    body = {"row": f"datahub.row:{bad.pk}:1", "column": "name", "wrong": "店A", "proposed": "甲店"}
    assert client.post(url("correction_ask"), body).status_code == 422
    client.post(url("correction_ask"), {**body, "evidence": "营业执照副本"})
    made = CorrectionRequest.objects.get()
    owner = as_(who["owner"])
    assert 'data-test="correction-row"' in owner.get(url("corrections")).content.decode()
    page = owner.get(url("correction", made.pk)).content.decode()
    assert 'data-test="step-register"' in page
    assert owner.post(url("correction_act", made.pk, "refuse"), {"note": ""}).status_code == 422
    owner.post(url("correction_act", made.pk, "accept"))
    owner.post(url("correction_act", made.pk, "register"), {"note": "已核"})
    made.refresh_from_db()
    assert made.state == "corrected"
    assert owner.get(url("corrections") + "?view=ended").status_code == 200


def test_others_do_not_see_it(bad, who, as_):
    made = asked(bad, who["steward"])
    assert as_(who["other"]).get(url("correction", made.pk)).status_code == 404
    assert as_(who["other"]).get(f"{url('correction_ask')}?row=datahub.row:{bad.pk}:1").status_code == 404
    assert as_(who["other"]).get(f"{url('correction_ask')}?row=%00").status_code == 404
    client = as_(who["steward"])
    assert client.post(url("correction_act", made.pk, "accept")).status_code == 403
    client.post(url("correction_act", made.pk, "withdraw"))
    made.refresh_from_db()
    assert made.state == "withdrawn"
