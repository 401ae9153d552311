"""The pages of sharing: every role sees its own, a whole application goes through them, a secret shows once."""

import pytest
from django.urls import reverse

from datahub.sharing import services
from datahub.sharing.models import Agreement, Delivering
from tests.factories.sharing import (
    CLOSED,
    COLUMNS,
    CONDITIONAL,
    CONSUMER,
    UNCONDITIONAL,
    applied,
    granted,
    people,
    shared,
)


@pytest.fixture
def who(city):
    return people()


def page(client, user, name, *args, **data):
    client.force_login(user)
    url = reverse(f"datahub:sharing:{name}", args=args)
    return client.post(url, data, follow=True) if data else client.get(url)


def apply_data(**over):
    return {
        "org_code": CONSUMER, "purpose": "汛期会商", "legal_basis": "《突发事件应对法》", "columns": COLUMNS,
        "column_1": "value", "op_1": "ge", "value_1": "10", "quota_calls": "100", "until": "2027-01-31", **over,
    }  # fmt: skip


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("person", ["steward", "provider", "consumer"])
def test_every_page_opens_for_both_sides_and_the_bureau(client, who, noon, person, language):
    shared(rows=3)
    agreement, _token = granted(who)
    services.set_file_drop(agreement_id=agreement.pk, by=who["consumer"])
    services.carry_all()
    client.cookies["django_language"] = language
    for name, args in (("inbox", ()), ("pick", ()), ("ledger", ()), ("agreement", (agreement.pk,))):
        assert page(client, who[person], name, *args).status_code == 200, name


def test_an_application_goes_all_the_way_through_the_pages(client, who, noon):
    shared(rows=20)
    answer = page(client, who["consumer"], "apply", CONDITIONAL.code, **apply_data())
    agreement = Agreement.objects.get(consumer_kind="organisation")
    assert answer.redirect_chain[-1][0] == reverse("datahub:sharing:agreement", args=[agreement.pk])
    assert agreement.row_filter == [{"column": "value", "op": "ge", "value": "10"}]
    inbox = page(client, who["steward"], "inbox").content.decode()
    assert agreement.number in inbox
    assert 'data-test="time-left"' in inbox
    page(client, who["steward"], "act", agreement.pk, "pass_check", note="齐全")
    assert agreement.number in page(client, who["provider"], "inbox").content.decode()
    page(
        client, who["provider"], "act", agreement.pk, "grant", columns=["station", "value"], until="2026-12-31",
        mask_station="name", quota_calls="50",
    )  # fmt: skip
    agreement.refresh_from_db()
    assert (agreement.state, agreement.columns, agreement.quota_calls) == (
        "granted",
        ["station", "value"],
        50,
    )
    assert agreement.masking == {"station": "name"}
    client.force_login(who["consumer"])
    shown = client.post(reverse("datahub:sharing:act", args=[agreement.pk, "token"]))
    token = shown.context["once"]["secret"]
    assert token in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert token not in page(client, who["consumer"], "agreement", agreement.pk).content.decode()
    rows = client.get(
        f"/api/share/v1/{CONDITIONAL.code}/rows", headers={"Authorization": f"Bearer {token}"}
    ).json()
    assert [row["value"] for row in rows["rows"]] == list(range(10, 20))
    assert rows["rows"][0]["station"].endswith("*")


def test_faults_stand_beside_their_fields_and_nothing_is_sent(client, who, noon):
    shared()
    client.force_login(who["consumer"])
    url = reverse("datahub:sharing:apply", args=[CONDITIONAL.code])
    answer = client.post(url, apply_data(value_1="viel"))
    assert answer.status_code == 409
    assert client.post(url, apply_data(purpose=" ")).context["form"].errors["purpose"]
    assert client.post(url, apply_data(org_code="3206-hj")).context["form"].errors["org_code"]
    assert not Agreement.objects.filter(consumer_kind="organisation").exists()


def test_what_is_not_shared_shows_its_basis_and_no_form(client, who, noon):
    shared(CLOSED)
    html = page(client, who["consumer"], "apply", CLOSED.code).content.decode()
    assert 'data-test="not-shared"' in html
    assert 'data-test="apply-form"' not in html
    client.force_login(who["consumer"])
    assert client.post(reverse("datahub:sharing:apply", args=[CLOSED.code]), apply_data()).status_code == 409


@pytest.mark.parametrize(
    ("person", "action"),
    [("consumer", "pass_check"), ("provider", "pass_check"), ("steward", "withdraw"), ("steward", "nothing")],
)
def test_a_step_that_is_not_yours_is_403(client, who, noon, person, action):
    shared()
    agreement = applied(who)
    client.force_login(who[person])
    answer = client.post(reverse("datahub:sharing:act", args=[agreement.pk, action]), {"note": "x"})
    assert answer.status_code == 403
    agreement.refresh_from_db()
    assert agreement.state == "applied"


def test_others_find_nothing(client, who, noon):
    shared()
    agreement = applied(who)
    assert page(client, who["other"], "agreement", agreement.pk).status_code == 404
    assert page(client, who["analyst"], "apply", CONDITIONAL.code).status_code == 403
    client.logout()
    assert client.get(reverse("datahub:sharing:inbox")).status_code == 302


def test_the_stop_button_works_at_once(client, who, noon):
    shared(rows=1)
    agreement, token = granted(who)
    page(client, who["provider"], "act", agreement.pk, "stop", note="用途不符")
    answer = client.get(
        f"/api/share/v1/{CONDITIONAL.code}/rows", headers={"Authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "stopped")


def test_files_are_fetched_by_the_consumer_while_the_grant_lasts(client, who, noon):
    shared(rows=3)
    agreement, _token = granted(who)
    services.set_file_drop(agreement_id=agreement.pk, by=who["consumer"])
    services.carry_all()
    name = f"{CONDITIONAL.code}-00000001.csv"
    url = reverse("datahub:sharing:file", args=[agreement.pk, name])
    client.force_login(who["consumer"])
    assert b"".join(client.get(url).streaming_content).count(b"\n") == 4
    assert client.get(url.replace(name, "..%2f..%2fsecret")).status_code == 404
    client.force_login(who["provider"])
    assert client.get(url).status_code == 403
    services.stop_grant(agreement_id=agreement.pk, by=who["provider"], reason="停")
    client.force_login(who["consumer"])
    assert client.get(url).status_code == 403
    assert Delivering.objects.exists()


def test_the_ledger_says_what_came_of_a_grant(client, who, noon):
    shared(UNCONDITIONAL, rows=4)
    agreement, token = granted(who, UNCONDITIONAL.code)
    client.get(f"/api/share/v1/{UNCONDITIONAL.code}/rows", headers={"Authorization": f"Bearer {token}"})
    page(client, who["consumer"], "act", agreement.pk, "yield", title="汛期预警", amount="12", unit="次")
    found = page(client, who["steward"], "ledger")
    assert found.context["totals"] == {"grants": 2, "calls": 1, "rows": 4, "refused": 0}
    assert "汛期预警" in found.content.decode()


def test_an_address_off_the_list_is_said_beside_the_form(client, who, noon):
    shared(rows=1)
    agreement, _token = granted(who)
    answer = page(client, who["consumer"], "act", agreement.pk, "webhook", url="http://127.0.0.1:9/x")
    assert answer.status_code == 409
    assert not Delivering.objects.exists()


def test_a_stopped_preview_hides_the_sample_from_everybody(client, who, noon):
    from datahub.sharing.policies import PREVIEW

    shared(rows=3)
    preview = Agreement.objects.get(consumer_ref=PREVIEW)
    assert (preview.state, preview.consumer_kind) == ("granted", "platform")
    client.force_login(who["steward"])
    url = reverse("datahub:dataset", args=[CONDITIONAL.code])
    assert 'data-test="sample"' in client.get(url).content.decode()
    services.stop_grant(agreement_id=preview.pk, by=who["steward"], reason="核查期间停用")
    assert 'data-test="sample"' not in client.get(url).content.decode()
    assert services.seed_previews() == 0  # what was stopped is not made anew
