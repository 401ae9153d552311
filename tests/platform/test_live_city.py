"""The running city that other tests lean on: it answers, its worker works, its parts can die."""

import urllib.request

from playwright.sync_api import Page, expect


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
