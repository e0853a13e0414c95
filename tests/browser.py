"""A headless browser for the tests of the pages: fixtures that every test has (`tests/conftest.py` registers them).

`page` is a Playwright page of a context of its own; its test fails if the page did what no page of ours does: an error
in the console, an exception, something that the content security policy stopped. `keep_screenshot` writes to
build/pages/. `axe_violations` says what the rules of accessibility object to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENSHOTS = Path("build/pages")
WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 390, "height": 844}
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(
    scope="module"
)  # not longer: Playwright's event loop runs meanwhile, and other tests have loops of their own
def chromium() -> Iterator[Browser]:
    """A headless browser with an empty profile."""
    from playwright.sync_api import sync_playwright

    from tools import browser

    found = browser.find()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=found.executable, args=FLAGS, env={**os.environ, **found.environment}, headless=True
        )
        yield launched
        launched.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the page complained of; a test that provokes something takes it out, what is left at the end fails."""
    return []


@pytest.fixture
def page(chromium: Browser, complaints: list[str], request: pytest.FixtureRequest) -> Iterator[Page]:
    """An empty page, 1,280 pixels wide, in a context that shares nothing with another test's; how it ends is
    kept as build/pages/last/TEST.png, and what it says is in the report of a test that fails.
    """
    context = chromium.new_context(viewport=WIDE, reduced_motion="reduce")  # no picture of half a transition
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    print(page.url, page.locator("body").inner_text(), sep="\n")
    page.screenshot(path=SCREENSHOTS / "last" / f"{request.node.name}.png", full_page=True)
    context.close()
    assert complaints == []


@pytest.fixture
def axe_violations() -> Callable[[Page], list[str]]:
    """Return a function that lists what axe-core's rules object to on a page as it is now, a line for each element."""
    from axe_playwright_python.sync_playwright import Axe

    def violations(page: Page) -> list[str]:
        found = Axe().run(page).response["violations"]
        return [
            f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]
        ]

    return violations


@pytest.fixture
def keep_screenshot() -> Callable[..., Path]:
    """Return a function that keeps a picture of a whole page as build/pages/NAME.png."""

    def keep(page: Page, name: str, *, narrow: bool = False, dark: bool = False) -> Path:
        path = SCREENSHOTS / f"{name}.png"
        page.set_viewport_size(NARROW if narrow else WIDE)
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.screenshot(path=path, full_page=True)
        return path

    return keep


def overflow(page: Page) -> int:
    """Return by how many pixels a page is wider than its window at 390 pixels; 0 where nothing scrolls sideways."""
    page.set_viewport_size(NARROW)
    wider: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    page.set_viewport_size(WIDE)
    return max(0, wider)
