"""The pages: who gets what, what a click does, how many queries a list costs."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from city.roles import Role
from commandcenter.core import clock
from commandcenter.journal.models import AuditEntry
from dispatch import services
from dispatch.models import Order
from tests.dispatch.helpers import everything
from tests.factories.city import CITY, RUDONG, UserFactory
from tests.factories.dispatch import MORNING, OrderFactory, dispatcher_of, officer_of, unit

pytestmark = pytest.mark.django_db
INBOX = "/orders/"


@pytest.fixture
def org():
    return unit()


@pytest.fixture
def officer(org):
    return officer_of(org)


@pytest.fixture
def now():
    """The present is the morning of the factories, an hour later."""
    with clock.at(MORNING + timedelta(hours=1)):
        yield


def do(client, order, action, **data):
    """Post an action's form as the page does, with its prefix."""
    fields = {f"{action}-{name}": value for name, value in data.items()}
    return client.post(reverse("dispatch:act", args=[order.pk, action]), fields)


class TestInbox:
    def test_anonymous_is_sent_to_login(self, client):
        assert client.get(INBOX).status_code == 302

    @pytest.mark.parametrize("role", [Role.OPERATOR, Role.STEWARD, Role.GRID_WORKER])
    def test_roles_without_orders_are_refused(self, client, role):
        client.force_login(UserFactory(roles=[(role, CITY)]))
        assert client.get(INBOX).status_code == 403

    def test_sorted_by_what_runs_out_first(self, client, org, officer, now):
        normal = OrderFactory(org=org)
        urgent = OrderFactory(org=org, urgency="urgent")
        signed = OrderFactory(org=org, state="signed", officer=officer)
        client.force_login(officer)
        page = client.get(INBOX)
        assert [order.pk for order in page.context["page_obj"].object_list] == [
            urgent.pk,
            normal.pk,
            signed.pk,
        ]

    def test_views_count_and_filter(self, client, org, officer, now):
        OrderFactory(org=org)
        OrderFactory(org=org, urgency="critical")  # ten minutes are over
        OrderFactory(org=org, state="handled", officer=officer)
        OrderFactory(org=org, state="held", officer=officer)
        OrderFactory(org=org, state="closed", officer=officer)
        OrderFactory()  # another unit's
        client.force_login(officer)
        page = client.get(INBOX)
        counts = {name: count for name, _label, count in page.context["views"]}
        assert counts == {
            "todo": 2, "unsigned": 2, "overdue": 1, "to_check": 1, "held": 1, "open": 4, "ended": None,
        }  # fmt: skip
        for view in ("overdue", "to_check", "held", "ended"):
            assert len(client.get(INBOX, {"view": view}).context["page_obj"].object_list) == 1

    def test_search_kind_urgency_and_area(self, client, now):
        client.force_login(dispatcher_of(CITY))
        lamp = OrderFactory(title="路灯不亮")
        other = OrderFactory(org=unit(RUDONG), title="Noise", kind="report", urgency="urgent")

        def found(**query):
            return {order.pk for order in client.get(INBOX, query).context["page_obj"].object_list}

        assert found() == {lamp.pk, other.pk}
        assert found(q="路灯") == {lamp.pk}
        assert found(q=other.number) == {other.pk}
        assert found(kind="report") == found(urgency="urgent") == found(area=RUDONG) == {other.pk}
        assert found(kind="nonsense", view="nonsense", page="x") == {lamp.pk, other.pk}

    def test_htmx_gets_only_the_list(self, client, officer, org, now):
        OrderFactory(org=org)
        client.force_login(officer)
        part = client.get(INBOX, headers={"HX-Request": "true"}).content.decode()
        assert 'data-test="order-row"' in part
        assert "<html" not in part

    @pytest.mark.parametrize("rows", [1, 20])
    def test_queries_do_not_grow_with_rows(self, client, officer, org, now, query_budget, rows):
        for _ in range(rows):
            OrderFactory(org=org)
        client.force_login(officer)
        client.get(INBOX)  # caches of the process are warm, as they are in service
        with query_budget("dispatch.inbox"):
            client.get(INBOX)

    def test_export_carries_a_watermark_masks_and_is_audited(self, client, officer, org, now):
        OrderFactory(org=org, title="=HYPERLINK(1) call 13812345678")
        OrderFactory(title="not mine")
        client.force_login(officer)
        text = b"".join(client.get(reverse("dispatch:export")).streaming_content).decode("utf-8-sig")
        assert officer.username in text.splitlines()[0]
        assert "'=HYPERLINK(1) call 138****5678" in text
        assert "not mine" not in text
        assert AuditEntry.objects.filter(action="dispatch.export_orders", actor_id=officer.pk).exists()


class TestOrderPage:
    @pytest.mark.parametrize("path", ["dispatch:order", "act"])
    def test_another_countys_order_is_not_there(self, client, path):
        order = OrderFactory()
        before = everything()
        client.force_login(officer_of(unit(RUDONG)))
        if path == "act":
            answer = do(client, order, "sign")
        else:
            answer = client.get(reverse(path, args=[order.pk]))
        assert answer.status_code == 404
        assert everything() == before

    def test_one_primary_step_and_the_others_in_the_menu(self, client, officer, org, now):
        order = OrderFactory(org=org, contact_needed=True)
        client.force_login(officer)
        assert client.get(order.get_absolute_url()).context["steps"].primary == "sign"
        assert do(client, order, "sign").status_code == 302
        steps = client.get(order.get_absolute_url()).context["steps"]
        assert steps.primary == "contact"
        assert set(steps.others) == {
            "handle", "request_return", "request_extension", "request_hold", "assist", "pass_down",
        }  # fmt: skip
        do(client, order, "contact", outcome="reached", note="")
        assert client.get(order.get_absolute_url()).context["steps"].primary == "handle"

    def test_the_whole_way_by_clicks(self, client, officer, org, now):
        order, commander = OrderFactory(org=org), dispatcher_of()
        client.force_login(officer)
        do(client, order, "sign")
        do(client, order, "handle", result="Bulb replaced", solved="yes")
        client.force_login(commander)
        assert client.get(order.get_absolute_url()).context["steps"].primary == "check"
        do(client, order, "check", passed="0", note="No photo")
        client.force_login(officer)
        do(client, order, "handle", result="With photo", solved="yes")
        client.force_login(commander)
        do(client, order, "check", passed="1", note="")
        order.refresh_from_db()
        assert order.state == "closed"
        assert [move.action for move in order.moves.all()] == [
            "open", "sign", "handle", "send_back", "handle", "close",
        ]  # fmt: skip

    def test_requests_and_rulings_by_clicks(self, client, officer, org, now):
        order, commander = OrderFactory(org=org, state="signed", officer=officer), dispatcher_of()
        client.force_login(officer)
        do(client, order, "request_extension", days=2, reason="Spare part")
        do(client, order, "request_hold", reason="Frost", release_condition="Thaw", review_on="2026-06-20")
        client.force_login(commander)
        do(client, order, "decide_extension", granted="1", note="")
        do(client, order, "decide_hold", granted="1", note="")
        do(client, order, "release", note="")
        client.force_login(officer)
        do(client, order, "request_return", reason="Not ours")
        client.force_login(commander)
        do(client, order, "rule", accepted="0", note="It is yours")
        order.refresh_from_db()
        assert (order.state, order.ruled, order.extended_days) == ("signed", True, 2)

    def test_an_assist_by_clicks(self, client, officer, org, now):
        order, helper = OrderFactory(org=org, state="signed", officer=officer), unit()
        client.force_login(officer)
        do(client, order, "assist", org=helper.pk, task="Close the lane")
        child = Order.objects.get(parent=order)
        assert child.org == helper
        assert child in client.get(order.get_absolute_url()).context["children"]

    def test_a_rule_that_says_no_is_a_sentence_and_nothing_happens(self, client, officer, org, now):
        order = OrderFactory(org=org, state="signed", officer=officer)
        client.force_login(officer)
        before = everything()
        answer = client.post(reverse("dispatch:act", args=[order.pk, "sign"]), follow=True)
        assert [message.level_tag for message in answer.context["messages"]] == ["error"]
        assert everything() == before

    def test_an_empty_result_comes_back_with_its_error(self, client, officer, org, now):
        order = OrderFactory(org=org, state="signed", officer=officer)
        client.force_login(officer)
        before = everything()
        answer = do(client, order, "handle", result="", solved="yes")
        assert answer.status_code == 422
        assert "result" in answer.context["forms"]["handle"].errors
        assert everything() == before

    def test_a_reader_who_may_not_act_is_refused(self, client, now):
        order = OrderFactory()
        client.force_login(UserFactory(roles=[(Role.LEADER, CITY)]))
        assert client.get(order.get_absolute_url()).status_code == 200
        before = everything()
        assert do(client, order, "sign").status_code == 403
        assert everything() == before

    def test_opening_a_confidential_order_is_audited(self, client, officer, org, now):
        order = OrderFactory(org=org, confidential=True)
        client.force_login(officer)
        client.get(order.get_absolute_url())
        entry = AuditEntry.objects.get(action="dispatch.open_confidential")
        assert (entry.actor_id, entry.target_ref) == (officer.pk, order.ref)

    @pytest.mark.parametrize("part", ["timeline", "steps"])
    def test_parts_for_htmx(self, client, officer, org, now, part):
        order = OrderFactory(org=org)
        client.force_login(officer)
        text = client.get(order.get_absolute_url(), {"part": part}).content.decode()
        assert "<html" not in text
        assert "data-test" in text

    def test_next_never_leads_away_from_us(self, client, officer, org, now):
        order = OrderFactory(org=org)
        client.force_login(officer)
        answer = client.post(
            reverse("dispatch:act", args=[order.pk, "sign"]), {"next": "https://elsewhere.example/"}
        )
        assert answer.url == order.get_absolute_url()

    def test_the_accused_unit_is_not_offered_as_helper(self, client, officer, org, now):
        accused = unit()
        order = OrderFactory(
            org=org, state="signed", officer=officer, accused_org_id=accused.pk, confidential=True
        )
        client.force_login(officer)
        form = client.get(order.get_absolute_url()).context["forms"]["assist"]
        assert accused not in form.fields["org"].queryset


class TestReview:
    def test_only_dispatchers(self, client, officer):
        client.force_login(officer)
        assert client.get(reverse("dispatch:review")).status_code == 403

    def test_three_heaps_of_the_own_area(self, client, org, officer, now):
        handled = OrderFactory(org=org, state="handled", officer=officer)
        returned = OrderFactory(org=org, state="return_review", officer=officer)
        asked = OrderFactory(org=org, state="signed", officer=officer)
        services.request_extension(order_id=asked.pk, by=officer, days=2, reason="Spare part")
        OrderFactory(org=unit(RUDONG), state="handled")
        client.force_login(dispatcher_of(org.area_code))
        for tab, order in (("check", handled), ("returns", returned), ("requests", asked)):
            page = client.get(reverse("dispatch:review"), {"tab": tab})
            assert page.context["counts"] == {"check": 1, "returns": 1, "requests": 1}
            assert [row["order"].pk for row in page.context["rows"]] == [order.pk]

    def test_a_decision_comes_back_to_the_heap(self, client, org, officer, now):
        order = OrderFactory(org=org, state="handled", officer=officer)
        client.force_login(dispatcher_of())
        there = reverse("dispatch:review") + "?" + urlencode({"tab": "check"})
        answer = client.post(
            reverse("dispatch:act", args=[order.pk, "check"]),
            {"check-passed": "1", "check-note": "", "next": there},
        )
        assert answer.url == there

    @pytest.mark.parametrize("tab", ["check", "returns", "requests"])
    @pytest.mark.parametrize("rows", [1, 10])
    def test_queries_do_not_grow_with_rows(self, client, org, officer, now, query_budget, tab, rows):
        state = {"check": "handled", "returns": "return_review", "requests": "signed"}[tab]
        for _ in range(rows):
            order = OrderFactory(org=org, state=state, officer=officer)
            if tab == "requests":
                services.request_extension(order_id=order.pk, by=officer, days=2, reason="Spare part")
        client.force_login(dispatcher_of())
        url = reverse("dispatch:review") + f"?tab={tab}"
        client.get(url)
        with query_budget(f"dispatch.review_{tab}"):
            client.get(url)


class TestScores:
    def test_an_officer_sees_the_own_unit_and_no_other(self, client, org, officer, now):
        for _ in range(5):
            OrderFactory(org=org, state="signed", officer=officer)
        client.force_login(officer)
        page = client.get(reverse("dispatch:scores"))
        assert page.context["unit"] == org
        assert [score.code for score in page.context["own"].items][0] == "XW-01"
        assert client.get(reverse("dispatch:scores"), {"unit": unit().code}).status_code == 404
        rows_of_another = client.get(reverse("dispatch:score_rows", args=["XW-01"]), {"unit": unit().code})
        assert rows_of_another.status_code == 404

    def test_a_small_sample_says_so(self, client, org, officer, now):
        OrderFactory(org=org, state="signed", officer=officer)
        client.force_login(officer)
        text = client.get(reverse("dispatch:scores")).content.decode()
        assert 'data-test="total-none"' in text
        assert 'data-test="small-sample"' in text

    def test_an_item_opens_to_the_orders_and_moves_behind_it(self, client, org, officer, now):
        orders = [OrderFactory(org=org, state="signed", officer=officer) for _ in range(5)]
        client.force_login(officer)
        page = client.get(
            reverse("dispatch:score_rows", args=["XW-01"]), {"unit": org.code, "period": "2026-06"}
        )
        assert {row["order"].pk for row in page.context["rows"]} == {order.pk for order in orders}
        assert all(len(row["moves"]) == 2 for row in page.context["rows"])
        assert page.context["hidden"] == 0

    def test_rows_that_one_may_not_open_are_counted_not_shown(self, client, org, officer, now):
        OrderFactory(org=org, state="signed", officer=officer, confidential=True)
        client.force_login(UserFactory(roles=[(Role.LEADER, CITY)]))
        page = client.get(
            reverse("dispatch:score_rows", args=["XW-01"]), {"unit": org.code, "period": "2026-06"}
        )
        assert (page.context["rows"], page.context["hidden"]) == ([], 1)

    def test_a_leader_sees_totals_of_the_area(self, client, org, officer, now):
        for _ in range(5):
            OrderFactory(org=org, state="signed", officer=officer)
        client.force_login(UserFactory(roles=[(Role.LEADER, org.area_code)]))
        page = client.get(reverse("dispatch:scores"), {"period": "2026-06"})
        assert [row["unit"] for row in page.context["totals"]] == [org]
        assert client.get(reverse("dispatch:scores"), {"period": "nonsense"}).status_code == 200

    def test_an_unknown_item_is_not_there(self, client, officer):
        client.force_login(officer)
        assert client.get(reverse("dispatch:score_rows", args=["XW-99"])).status_code == 404
