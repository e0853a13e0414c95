"""The browser that the other tests of pages rely on: it runs pages, and its checks find what they are for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.browser import overflow
from tools import browser

if TYPE_CHECKING:
    from playwright.sync_api import Page

FAULTY = """<!doctype html><title>faulty</title><img src="data:,"><div style="width: 900px">wide</div>
<script>document.title = "ran"; console.error("planted")</script>"""


def test_the_checks_find_planted_faults(
    page: Page, complaints: list[str], axe_violations: Callable[[Page], list[str]]
) -> None:
    page.set_content(FAULTY)
    assert page.title() == "ran"
    assert {line.partition(":")[0] for line in axe_violations(page)} >= {"image-alt", "html-has-lang"}
    assert overflow(page) > 500
    assert complaints.pop() == "planted"


def test_without_a_browser_one_line_says_what_to_install() -> None:
    nowhere = "browser.HOME = browser.MAC = browser.Path('none')"
    script = f"import sys; from tools import browser; {nowhere}; sys.exit(browser.main())"
    result = subprocess.run(
        [sys.executable, "-c", script], env={"PATH": ""}, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (1, browser.ADVICE + "\n")
