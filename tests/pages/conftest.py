"""A service with the pages, as an operator starts it, and a Chromium that looks at them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.operations.served import Service, served

ROOT = Path(__file__).parents[2]
AXE = (Path(__file__).parent / "axe/axe.min.js").read_text()
SCREENSHOTS = ROOT / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def chromium() -> str | None:
    """The browser of this machine, found as `scripts/browser.sh` finds it."""
    carried = ROOT / "var/browser/chromium"
    named = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), str(carried) if carried.exists() else None]
    return next(filter(None, named), None)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with served(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def address(service: Service) -> str:
    return f"http://127.0.0.1:{service.port}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module: while it is there, nothing else in this process can run an event loop."""
    found = chromium()
    if found is None:
        assert "CI" not in os.environ, "CI has to have a Chromium: scripts/browser.sh"
        pytest.skip("this machine has no Chromium; scripts/browser.sh says how to get one")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield launched
        launched.close()


class Watched:
    """What a page asked of other hosts, and what its browser refused or complained of."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        self._address = address
        context.on("request", self._asked)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._address, "data:")):
            self.elsewhere.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        """What the browser refuses, and what a script complains of; a refusal is looked at by its test."""
        overtaken = message.text.startswith(("htmx:afterRequest", "htmx:sendAbort"))
        if message.type == "error" and "Failed to load resource" not in message.text and not overtaken:
            self.complaints.append(message.text)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """An empty tab. In the end: nothing left the origin, nothing broke the policy, no script failed."""
    context = browser.new_context(base_url=address, viewport=DESKTOP)  # type: ignore[arg-type]
    watched = Watched(context, address)
    yield context.new_page()
    context.close()
    assert (watched.elsewhere, watched.complaints) == ([], [])


def seen(page: Page, name: str) -> None:
    """Puts pictures of the page, on a desk and on a phone, into the folder that CI keeps."""
    SCREENSHOTS.mkdir(exist_ok=True)
    for size, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        page.screenshot(path=SCREENSHOTS / f"{name}-{size}.png", full_page=True)
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


def accessible(page: Page) -> None:
    """axe finds nothing serious or critical, light or dark, and nothing is wider than a phone."""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate(AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        worst = [
            f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"][:3]
        ]
        assert worst == [], f"{page.url} {scheme}"
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    assert width <= PHONE["width"], f"{page.url} is {width} wide on a phone"
