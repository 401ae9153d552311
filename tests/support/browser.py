"""Debian's Chromium under Playwright. Each person of a test gets an own context, hence an own session."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

CHROMIUM = os.environ.get("CC_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
WALL = {"width": 1920, "height": 1080}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium per module. Not per session: while the sync API lives, its loop runs in this thread, and
    async tests of other modules could not start theirs; Django too would refuse ordinary queries."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"there is no Chromium at {CHROMIUM}; run bin/test as root once, or install chromium")
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        playwright.selectors.set_test_id_attribute("data-test")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def new_context(browser: Browser, request) -> Iterator[Callable[..., BrowserContext]]:
    """Make a context: `new_context(phone=True, locale="en")`. Requests that leave the machine are refused
    and fail the test, as do errors on the console that name the content security policy."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def make(*, phone: bool = False, locale: str = "zh-CN", **more: object) -> BrowserContext:
        options: dict[str, object] = {"locale": locale, "timezone_id": "Asia/Shanghai", "viewport": WALL}
        if phone:
            options.update(viewport=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
        if "live_city" in request.fixturenames:
            options["base_url"] = request.getfixturevalue("live_city").url
        context = browser.new_context(**{**options, **more})  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        context.route(lambda url: not url.startswith(("http://127.0.0.1", "data:", "blob:")), refuse)
        context.on("console", listen)
        contexts.append(context)
        return context

    def refuse(route) -> None:  # type: ignore[no-untyped-def]
        faults.append(f"a request left the machine: {route.request.url}")
        route.abort()

    def listen(message) -> None:  # type: ignore[no-untyped-def]
        if "Content Security Policy" in message.text:
            faults.append(f"{message.text} (on {message.page.url if message.page else '?'})")

    expect.set_options(timeout=10_000)
    yield make
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def browser_context(new_context) -> BrowserContext:
    return new_context()


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    return browser_context.new_page()


@pytest.fixture
def log_in() -> Callable[..., None]:
    """Log a user of the test in through the session cookie, without the login form."""

    def enter(context: BrowserContext, user, url: str) -> None:  # type: ignore[no-untyped-def]
        from django.conf import settings
        from django.test import Client

        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
              "url": url, "httpOnly": True, "sameSite": "Lax"}]
        )  # fmt: skip

    return enter
