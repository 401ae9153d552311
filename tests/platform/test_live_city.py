"""The running city that other tests lean on: it answers, its worker works, its parts can die."""

import urllib.request

import pytest
from playwright.sync_api import Page, expect

from city.roles import Role
from tests.factories.city import CITY, UserFactory


def test_it_answers(live_city):
    with urllib.request.urlopen(f"{live_city.url}/healthz", timeout=5) as answer:
        assert answer.status == 200


def test_a_browser_sees_the_login_page(live_city, page: Page):
    page.goto("/accounts/login/")
    expect(page.locator("input[name=login]")).to_be_visible()


def test_a_killed_part_is_there_again_for_the_next_test(live_city):
    live_city.kill("journal")
    assert "journal" not in live_city.processes


def test_it_is_whole_again(live_city):
    assert {"web", "journal", "worker"} <= live_city.processes.keys()
    assert all(process.poll() is None for process in live_city.processes.values())


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN])
def test_the_administration_works_under_its_policy(live_city, new_context, log_in, role):
    """new_context fails the test when the console speaks of the content security policy."""
    context = new_context()
    log_in(context, UserFactory(roles=[(role, CITY)]), live_city.url)
    page = context.new_page()
    page.goto("/admin/")
    expect(page.locator("body")).to_be_visible()
    links = page.locator("a[href^='/admin/'][href*='/']").evaluate_all("all => all.map(a => a.pathname)")
    lists = sorted({link for link in links if link.count("/") == 4})
    assert lists, "every administrator has something to look after"
    for path in lists[:4]:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200
