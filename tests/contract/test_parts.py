"""The libraries of the pages are npm's own files: what each is, and that nobody changed a byte."""

from __future__ import annotations

import gzip
import hashlib
import tomllib
from pathlib import Path

import pytest

PARTS = Path("layers/pages/tenantml_pages/parts")
ENTRIES = tomllib.loads((PARTS / "parts.toml").read_text())["part"]


@pytest.mark.parametrize("part", ENTRIES, ids=lambda part: part["file"])
def test_a_part_is_the_file_that_its_entry_names(part: dict[str, str | int]) -> None:
    content = (PARTS / str(part["file"])).read_bytes()
    assert hashlib.sha256(content).hexdigest() == part["sha256"]
    assert len(content) == part["bytes"]
    assert (PARTS / str(part["licence_file"])).stat().st_size > 500


def test_every_file_has_an_entry() -> None:
    named = {"parts.toml", *(part["file"] for part in ENTRIES), *(part["licence_file"] for part in ENTRIES)}
    assert {str(file.relative_to(PARTS)) for file in PARTS.rglob("*") if file.is_file()} == named


def test_what_a_page_loads_stays_small() -> None:
    together = sum(len(gzip.compress((PARTS / part["file"]).read_bytes(), 9)) for part in ENTRIES)
    assert together < 64 * 1024, "decision 0024 chose these because they are 57 kB together"


def test_no_part_needs_eval() -> None:
    for part in ENTRIES:
        text = (PARTS / part["file"]).read_text(encoding="utf-8")
        assert "new Function" not in text, part["file"]
        assert "eval(" not in text, part["file"]
