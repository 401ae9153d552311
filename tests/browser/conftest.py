"""A small city that the browser tests walk through, and one browser context per person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.management import call_command
from playwright.sync_api import BrowserContext, Page, expect

from city.roles import Role
from tests.dashboards.helpers import People, make_city
from tests.factories.city import CHONGCHUAN, CITY, AreaFactory, OrganisationFactory, UserFactory, square

TOWN = f"{CHONGCHUAN}001"


@dataclass
class Staff(People):
    supervisor: object = None
    analyst: object = None
    grid_worker: object = None


@pytest.fixture
def staff(live_city) -> Staff:
    """Two counties, a town, a village; one person of each role."""
    people = make_city()
    call_command("load_categories", "--commit", verbosity=0)
    AreaFactory(code=f"{TOWN}001", name="学田社区", polygon=square(120.8, 31.9, 0.03))
    OrganisationFactory(
        code="320613-cg",
        name="崇川区城管局",
        short_name="崇川城管",
        area_code=CHONGCHUAN,
        function="urban_mgmt",
    )
    people.unit.name = people.unit.short_name = "崇川区住建局"
    people.unit.save()
    return Staff(
        **vars(people),
        supervisor=UserFactory(roles=[(Role.SUPERVISOR, CITY)]),
        analyst=UserFactory(roles=[(Role.ANALYST, CITY)]),
        grid_worker=UserFactory(roles=[(Role.GRID_WORKER, TOWN)], area_code=TOWN),
    )


@pytest.fixture
def open_as(new_context, log_in, live_city) -> Callable[..., Page]:
    """`open_as(user, "/orders/")`: a page in that person's own context, with the live line up."""

    def enter(user, path: str, **options) -> Page:
        context: BrowserContext = new_context(**options)
        log_in(context, user, live_city.url)
        page = context.new_page()
        page.goto(path)
        return page

    return enter


def wait_until_live(page: Page) -> None:
    """The page hears news: what happens now will reach it."""
    dot = page.locator('[data-live-dot][data-state="on"], [data-connection][data-state="on"]')
    expect(dot).to_have_count(1, timeout=30_000)


def figure(page: Page, key: str):
    return page.locator(f'[data-test="figure-{key}"] [data-value]')
