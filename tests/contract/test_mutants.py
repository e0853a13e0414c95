"""The tables of `make mutants`: what each row removes is where it says, and the tests that should see it exist."""

from __future__ import annotations

import ast
import functools
import json

import pytest

from tests.mutants.mutants import REPOSITORY, Change, Mutant, Stale, read_tables

MUTANTS = read_tables()
READERS = {".py": ast.parse, ".json": json.loads}


@functools.cache
def names_in(file: str) -> set[str]:
    path = REPOSITORY / file
    found = ast.walk(ast.parse(path.read_text())) if path.is_file() else ()
    return {node.name for node in found if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def wrong(mutant: Mutant) -> list[str]:
    """Return what is wrong with a row, in words."""
    found = []
    try:
        for path, content in mutant.contents(REPOSITORY).items():
            READERS.get(path.suffix, str)(content)
            if content == path.read_text():
                found.append("changes nothing")
    except (Stale, SyntaxError, json.JSONDecodeError) as error:
        found.append(str(error))
    for test in mutant.tests:
        file, _, name = test.partition("::")
        if not names_in(file) or (name and name.partition("[")[0] not in names_in(file)):
            found.append(f"there is no test {test}")
    return found


def test_every_row_removes_what_is_there_and_names_tests_that_exist() -> None:
    assert {mutant.name: found for mutant in MUTANTS if (found := wrong(mutant))} == {}


def test_names_tell_rows_and_groups_apart() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len({*names, *(mutant.group for mutant in MUTANTS)}) == len(names) + len({one.group for one in MUTANTS})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change("Makefile", "no such text"), "0 times"),
        (Change("Makefile", ".PHONY"), "not once"),
        (Change("Makefile", "FUZZ_SECONDS ?= 300", after="FUZZ_SECONDS=300"), "no such text after"),
        (Change("no/such/file", "text"), "does not exist"),
    ],
)
def test_a_row_that_is_stale_is_found(change: Change, said: str) -> None:
    (found,) = wrong(Mutant("planted", "none", (change,), (MUTANTS[0].tests[0],)))
    assert said in found


def test_a_row_whose_test_is_gone_is_found() -> None:
    row = {"name": "planted", "file": "Makefile", "text": "FUZZ_SECONDS ?= 300", "tests": ["tests/test_no.py::test_no"]}
    assert wrong(Mutant.of_row("none", row)) == ["there is no test tests/test_no.py::test_no"]
