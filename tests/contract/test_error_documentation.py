"""Every error is documented, and nothing is documented that is no error."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tenantml import errors
from tenantml.domain.training.execution_outcome import OUR_FAULT

FAMILIES = {
    "TenantMLError",
    "TransientError",
    "UploadError",
    "DatasetError",
    "CustomerAccountError",
    "TrainingError",
    "TenantError",
    "RequestError",
    "RowError",
    "QuotaError",
}
NAMES = {name for name, found in vars(errors).items() if isinstance(found, type)}


@pytest.fixture(scope="module")
def documented(repository: Path) -> dict[str, str]:
    """Each heading of an error with its text."""
    parts = re.split(r"^### (\w+)$", (repository / "docs" / "errors.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_families_are_those_that_others_inherit_from() -> None:
    assert {name for name in NAMES if getattr(errors, name).__subclasses__()} == FAMILIES


def test_every_error_has_a_heading_and_every_heading_an_error(documented: dict[str, str]) -> None:
    assert sorted(documented) == sorted(NAMES - FAMILIES | {OUR_FAULT})


def test_every_error_says_what_happened_and_what_to_do(documented: dict[str, str]) -> None:
    for name, text in documented.items():
        what, _, do = text.partition("**Do:**")
        assert len(what.strip()) > 20, name
        assert len(do.strip()) > 8, name


def test_every_section_says_who_is_told(repository: Path) -> None:
    sections = re.split(r"^## ", (repository / "docs" / "errors.md").read_text(), flags=re.MULTILINE)[1:]
    assert [section.partition("\n")[0] for section in sections if not re.search(r"Told(,|:)", section)] == []


def test_the_status_of_a_request_error_is_the_documented_one(documented: dict[str, str]) -> None:
    for name in NAMES - FAMILIES:
        error = getattr(errors, name)
        if issubclass(error, errors.RequestError):
            assert re.match(rf"\s*{error.status}\. ", documented[name]), name


def test_every_error_says_in_the_code_what_it_means() -> None:
    assert [name for name in NAMES if not (getattr(errors, name).__doc__ or "").strip()] == []


def test_every_error_is_raised_somewhere(repository: Path) -> None:
    used: set[str] = set()
    for folder in ("layers", "functions"):
        for path in (repository / folder).rglob("*.py"):
            if path.name != "errors.py":
                used |= {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
                used |= set(re.findall(r'"Error": "(\w+)"', path.read_text()))
    for folder, pattern in (("statemachine", "*.json"), (".", "template.yaml")):
        for path in (repository / folder).glob(pattern):
            used |= {name for name in NAMES if re.search(rf'"(?:Error|code)": ?"{name}"', path.read_text())}
    assert sorted(NAMES - FAMILIES - used) == []
