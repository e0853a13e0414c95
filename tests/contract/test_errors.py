"""Every error says all about itself, is raised somewhere, and has a place on its page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tenantml import errors
from tenantml.services import rescue
from tools.docs import errors_page
from tools.reach import errors_of

KINDS = {kind.__name__: kind for kind in errors.kinds()}
TURNS = {errors.TENANT, errors.APP, errors.CLOUD_TEAM, errors.OPERATOR, errors.NOBODY}
# Answered as 502: the tenant was checked before, and its limits when they were written; no request begins a training.
NOT_EXPECTED_OF_THE_API = {"InvalidOperation", "TenantNotFound", "TooManyTrainings", "TrainingsPerDayExceeded"}


def faults(kind: type[errors.TenantMLError]) -> Iterator[str]:
    """What an error does not say about itself."""
    if len(vars(kind).get("__doc__") or "") < 20:
        yield "no docstring that says what happened"
    if len(kind.do) < 8:
        yield "no `do` that says what to do next"
    if kind.turn not in TURNS:
        yield f"no `turn` that is known: {kind.turn}"


def test_every_error_says_what_happened_whose_turn_it_is_and_what_to_do() -> None:
    assert {name: wrong for name, kind in KINDS.items() if (wrong := list(faults(kind)))} == {}


def test_an_error_that_says_nothing_is_found() -> None:
    silent = type("Silent", (errors.TenantMLError,), {"turn": "the neighbour", "__module__": __name__})
    assert len(list(faults(silent))) == 3


def test_every_error_has_a_heading_on_the_page_which_is_its_anchor() -> None:
    assert sorted(re.findall(r"^### (\w+)$", errors_page(), re.MULTILINE)) == sorted(KINDS)


def test_every_error_that_may_leave_the_api_has_a_status(apps: dict[str, Path]) -> None:
    leaving = set().union(*(errors_of(apps[name]) for name in ("authorize", "tenant_api", "predict", "describe_api")))
    assert len(leaving) > 20
    assert sorted(name for name in leaving & KINDS.keys() if not KINDS[name].status) == sorted(NOT_EXPECTED_OF_THE_API)


def test_every_error_is_raised_somewhere(repository: Path) -> None:
    used: set[str] = set()
    for folder in ("layers", "functions"):
        for path in (repository / folder).rglob("*.py"):
            if path.parent.name != "errors":
                used |= {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
                used |= set(re.findall(r'"Error": "(\w+)"', path.read_text()))
    for path in [*(repository / "statemachine").glob("*.json"), repository / "template.yaml"]:
        used |= set(re.findall(r'(?:"Error": ?"|\bCode: )(\w+)', path.read_text()))
    unused = sorted(KINDS.keys() - used)
    assert not unused, f"raised nowhere: {', '.join(unused)}"


def test_every_failure_is_named_by_a_test(repository: Path) -> None:
    tested = {
        word for path in (repository / "tests").rglob("*.py") for word in re.findall(r"[A-Z]\w+", path.read_text())
    }
    causes = {cause["Error"] for cause in rescue.CAUSES.values()}
    assert sorted((KINDS.keys() | causes) - tested) == []
