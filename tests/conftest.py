"""What every test can ask for. The heavier helpers live beside this file, one topic each.

- database: made as the owner role from a migrated template, then used as the web role (tests/support/database.py)
- `news`, `pump`, `query_budget`: events of this test, one round of the journal, recorded query counts
- `live_city`: a real web server, journal loop and worker on this worker's database (tests/support/live.py)
- `browser`, `new_context`, `page`: Debian's Chromium (tests/support/browser.py)
"""

import pytest

pytest_plugins = [
    "tests.support.database",
    "tests.support.journal",
    "tests.support.budgets",
    "tests.support.live",
    "tests.support.browser",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-budgets", action="store_true", help="write tests/query_budgets.json anew (without -n)"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share the running city stay on one xdist worker, and their data must be committed.

    In one process they come last, so that the city starts once (see `quiet_city`).
    """
    for item in items:
        if "live_city" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.live)
            item.add_marker(pytest.mark.xdist_group("live"))
    items.sort(key=lambda item: "live_city" in getattr(item, "fixturenames", ()))


@pytest.fixture(autouse=True)
def settings_dirs(settings, tmp_path_factory, request):
    """Each test that touches the lake, media or anchors gets empty folders; `live_city` keeps its own."""
    if "live_city" in request.fixturenames:
        yield settings
        return
    folder = tmp_path_factory.mktemp("dirs")
    settings.LAKE_URL = str(folder / "lake")
    settings.MEDIA_ROOT = folder / "media"
    settings.ANCHOR_DIR = folder / "anchors"
    settings.DROP_DIR = folder / "drop"
    for path in (folder / "lake", folder / "media", folder / "anchors"):
        path.mkdir()
    yield settings


@pytest.fixture(autouse=True)
def fresh_cache(request):
    """A test finds no rate limits, lockouts or snapshots that another one left in Redis."""
    from django.core.cache import cache

    if "live_city" not in request.fixturenames:
        cache.clear()


@pytest.fixture(autouse=True)
def forget_city(request, monkeypatch):
    """Areas, the index of polygons and the calendar are kept in the process; each test reads its own, once."""
    from city import calendar, locate, selectors

    monkeypatch.setattr(selectors, "AREAS_FRESH_SECONDS", 3_600.0)
    monkeypatch.setattr(calendar, "FRESH_SECONDS", 3_600.0)
    if "live_city" not in request.fixturenames:
        calendar.forget()
        selectors.forget_areas()
        locate.forget()
