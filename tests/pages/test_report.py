"""The model report, read with a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenantml_pages.report import render
from tests.unit.pages import facts

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.parametrize("language", ["en-US", "de", "en-US@posix", ""])
def test_its_plots_are_drawn_whatever_the_browser_calls_its_language(page: Page, tmp_path: Path, language: str) -> None:
    """A Chromium that was started with LANG=C says en-US@posix, which Intl refuses."""
    page.add_init_script(f"Object.defineProperty(Navigator.prototype, 'language', {{ get: () => '{language}' }})")
    report = tmp_path / "report.html"
    report.write_text(render(facts.binary()), encoding="utf-8")
    page.goto(report.as_uri())
    assert page.evaluate("navigator.language") in (language, "en-US")
    plots = page.locator("[data-plot]").count()
    assert plots == page.locator("[data-plot] canvas").count() > 2
