"""Every page of the platform under axe-core's rules of WCAG 2 A and AA, and the ways by keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from city.roles import Role
from dispatch import services as orders
from tests.factories.city import CHONGCHUAN, CITY, UserFactory
from tests.factories.datahub import READINGS, csv_file, make_dataset, rows

from .pages import ADMIN, PAGES, all_names, excused, make_sample, path_of

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WCAG_21 = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
WCAG_22 = [*WCAG_21, "wcag22aa"]
# Not of WCAG, and asked for all the same: one main part, one first heading, headings in order, no loose parts.
MORE = ["landmark-one-main", "page-has-heading-one", "heading-order", "landmark-unique", "region"]
GRAVE = {"serious", "critical"}

RUN = """async ([tags, more]) => {
  const rules = Object.fromEntries(more.map(id => [id, {enabled: true}]));
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, rules, preload: false, resultTypes: ["violations"]});
  return found.violations.map(v => ({id: v.id, impact: v.impact, nodes: v.nodes.map(n => n.html.slice(0, 160) +
    " | " + n.target.join(" ") + " | " + (n.any[0]?.message ?? "").slice(0, 140))}));
}"""


def test_no_page_is_forgotten():
    """Whoever adds an address says here who opens it, or why it is no page."""
    named = set(PAGES) | excused()
    assert sorted(all_names() - named) == []
    assert sorted(named - all_names()) == []
    assert sorted(set(PAGES) & excused()) == []


def judge(page: Page, *, ours: bool) -> list[str]:
    """Grave faults of what is on the screen, one line each."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(RUN, [WCAG_22, MORE] if ours else [WCAG_21, []])
    grave = [one for one in found if one["impact"] in GRAVE or ours and one["id"] in MORE]
    return [f"{one['id']} ({one['impact']}): {node}" for one in grave for node in one["nodes"][:4]]


@pytest.mark.django_db(transaction=True)
def test_every_page_can_be_used_by_everybody(staff, open_as, new_context, live_city, tmp_path):
    staff.steward = UserFactory(roles=[(Role.STEWARD, CITY)])
    for role in ("system_admin", "security_admin", "audit_admin"):
        setattr(staff, role, UserFactory(roles=[(Role(role), CITY)], is_staff=True))
    sample = make_sample(staff, tmp_path)
    tabs: dict[tuple[str, bool], Page] = {}
    faults: dict[str, list[str]] = {}
    views = [(name, page.who, path_of(name, page, sample), phone) for name, page in sorted(PAGES.items())
             for phone in ([False, True] if page.phone else [False])]  # fmt: skip
    views += [(name, who, reverse(name), False) for name, who in ADMIN.items()]
    for name, who, path, phone in views:
        if (who, phone) not in tabs:
            user = getattr(staff, who, None)
            tabs[who, phone] = (
                open_as(user, "/accounts/login/", phone=phone)
                if user
                else new_context(phone=phone).new_page()
            )
        tab = tabs[who, phone]
        answer = tab.goto(path, wait_until="load")
        where = f"{name}{' on a telephone' if phone else ''}"
        if answer is None or answer.status not in (200, 403 if name == "account_inactive" else 200):
            faults[where] = [f"answered {answer and answer.status}"]
        elif found := judge(tab, ours=name not in ADMIN):
            faults[where] = found
    listing = "\n".join(f"{name}\n    " + "\n    ".join(found) for name, found in faults.items())
    assert not faults, listing


# ---------------------------------------------------------------- by keyboard alone


def tab_to(page: Page, target: str, most: int = 80) -> None:
    """Press Tab until the element with this data-test has the focus, which must be seen on the way."""
    for _press in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("id => document.activeElement?.closest(`[data-test='${id}']`) !== null", target):
            assert page.evaluate(SEEN), f"nobody sees that {target} has the focus"
            return
    pytest.fail(f"{target} cannot be reached by Tab")


SEEN = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== "none" || style.boxShadow !== "none";
}"""


@pytest.mark.django_db(transaction=True)
def test_the_main_ways_need_no_mouse(staff, open_as, tmp_path):
    """A call is taken, an order signed, handled and checked, a file brought: Tab, Enter and typing only."""
    desk = open_as(staff.operator, "/hotline/intake/")
    for name, words in (
        ("caller-phone", "13800001111"),
        ("title", "路灯不亮"),
        ("content", "人民路 5 号门前路灯不亮"),
    ):
        tab_to(desk, name)
        desk.keyboard.type(words)
    tab_to(desk, "act")
    desk.keyboard.press("Enter")
    expect(desk.get_by_test_id("taken")).to_be_visible()

    order = orders.open_order(
        kind="instruction", case_ref="hotline.ticket:1", title="清理排水口", content="", org_id=staff.unit.pk,
        area_code=f"{CHONGCHUAN}001",
    )  # fmt: skip
    unit = open_as(staff.officer, "/orders/")
    tab_to(unit, "order-link")
    unit.keyboard.press("Enter")
    unit.wait_for_url("**/orders/*/")
    tab_to(unit, "do-sign")
    unit.keyboard.press("Enter")
    expect(unit.locator('[data-step="handle"]')).to_be_visible()
    tab_to(unit, "form-handle")
    unit.keyboard.type("已清理")
    tab_to(unit, "do-handle")
    unit.keyboard.press("Enter")
    expect(unit.locator('[data-test="clock"][data-state="handled"]')).to_be_visible()
    review = open_as(staff.dispatcher, "/orders/review/")
    tab_to(review, "order-link")
    review.keyboard.press("Enter")
    review.wait_for_url(f"**/orders/{order.pk}/")
    tab_to(review, "form-check")
    review.keyboard.press("Tab")  # from the note to the first of the two decisions
    review.keyboard.press("Enter")
    expect(review.locator('[data-test="clock"][data-state="closed"]')).to_be_visible()
    assert order.moves.filter(action="close").exists()

    make_dataset(READINGS)
    steward = open_as(UserFactory(roles=[(Role.STEWARD, CITY)]), f"/data/{READINGS.code}/upload/")
    tab_to(steward, "upload-file")
    with steward.expect_navigation(url="**/data/uploads/**"):  # the file dialog's part; it is sent at once
        steward.get_by_test_id("upload-file").set_input_files(csv_file(tmp_path, rows(3)))
    expect(steward.locator("h1")).to_be_visible()
