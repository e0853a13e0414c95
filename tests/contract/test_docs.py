"""What the documentation takes from the code is up to date."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import docs


def test_every_generated_page_is_as_the_code_says() -> None:
    assert docs.stale() == [], "run `make docs` and commit what it writes"


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    """The documentation, to plant faults in."""
    shutil.copytree(repository / "docs", tmp_path / "docs")
    return tmp_path


def test_all_pages_that_were_changed_by_hand_are_found_at_once(copy: Path) -> None:
    pages = [page for page, _ in docs.rendered(copy)]
    assert len(pages) >= len(docs.FILES)
    for page in pages:
        page.write_text(page.read_text().replace(".", ","))
    (copy / "docs" / "openapi.json").unlink()
    assert docs.stale(copy) == [str(page.relative_to(copy)) for page in pages]


def test_a_part_that_does_not_exist_is_found(copy: Path) -> None:
    (copy / "docs" / "new.md").write_text("<!-- generated: weather -->\n\n<!-- /generated -->\n")
    with pytest.raises(LookupError, match=r"new\.md asks for the part 'weather'"):
        list(docs.rendered(copy))


def test_a_part_without_a_place_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(docs.PARTS, "weather", lambda: "fair")
    with pytest.raises(LookupError, match=r"no page has a place for .*weather"):
        list(docs.rendered(tmp_path))
