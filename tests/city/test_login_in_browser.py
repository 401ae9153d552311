"""The login page as people meet it, and sockets that end with their session."""

import re

import pytest
from playwright.sync_api import expect

from city.roles import Role
from city.services import grant_role, revoke_role
from tests.factories.city import CITY, PASSWORD, AreaFactory, UserFactory

pytestmark = [pytest.mark.browser]


def log_in(page, user) -> None:
    page.goto("/")
    page.locator("[data-test=login-name]").fill(user.username)
    page.locator("[data-test=login-password]").fill(PASSWORD)
    page.locator("[data-test=login-submit]").click()


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_login_fits_and_leads_home(live_city, new_context, phone, locale):
    AreaFactory(code=CITY)
    user = UserFactory(may=[Role.LEADER])
    page = new_context(phone=phone, locale=locale).new_page()
    page.goto("/")
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert width <= 0
    expect(page.locator("[data-test=login-name]")).to_be_focused()
    log_in(page, user)
    page.wait_for_url(re.compile("/cockpit/"))


def test_a_wrong_password_says_so_and_keeps_the_name(live_city, page):
    user = UserFactory()
    page.goto("/")
    page.locator("[data-test=login-name]").fill(user.username)
    page.locator("[data-test=login-password]").fill("wrong")
    page.locator("[data-test=login-submit]").click()
    expect(page.locator("[data-test=login-error]")).to_be_visible()
    expect(page.locator("[data-test=login-name]")).to_have_value(user.username)


def test_logging_out_in_one_tab_closes_the_socket_of_the_other(live_city, browser_context):
    AreaFactory(code=CITY)
    user = UserFactory(may=[Role.LEADER])
    first, second = browser_context.new_page(), browser_context.new_page()
    log_in(first, user)
    second.goto("/profile/")
    expect(second.locator("[data-live-dot]")).to_have_attribute("data-state", "on")
    first.goto("/profile/")
    first.locator("[data-test=user-menu]").click()
    first.locator("[data-test=logout]").click()
    second.wait_for_url(re.compile("/accounts/login/"))


def test_a_change_of_rights_closes_sockets_and_the_screen_stays_where_it_is(live_city, page):
    AreaFactory(code=CITY)
    user = UserFactory(may=[Role.LEADER])
    log_in(page, user)
    page.goto("/profile/")
    dot = page.locator("[data-live-dot]")
    expect(dot).to_have_attribute("data-state", "on")
    with page.expect_websocket():
        grant_role(user_id=user.pk, role=Role.ANALYST, area_code=CITY)
    expect(dot).to_have_attribute("data-state", "on")
    assert page.url.endswith("/profile/")


def test_who_loses_the_last_role_hears_nothing_any_more(live_city, page):
    AreaFactory(code=CITY)
    user = UserFactory(may=[Role.LEADER])
    log_in(page, user)
    page.goto("/profile/")
    dot = page.locator("[data-live-dot]")
    expect(dot).to_have_attribute("data-state", "on")
    revoke_role(grant_id=user.grants.get().pk)
    expect(dot).to_have_attribute("data-state", "off")
    assert page.url.endswith("/profile/")
