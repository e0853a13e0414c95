"""Some of the files that people have, through the whole pipeline; `make cases` takes all of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cases import cloud
from tests.cases.files import CASES
from tests.e2e.conftest import Tenant

CHOSEN = (
    "name-of-two-lines",
    "null-words-in-numbers",
    "scripts-of-the-world",
    "target-of-r-booleans",
    "zero-and-one-with-gaps",
)


def test_every_row_of_a_file_that_trained_is_predicted_alike_as_csv_and_as_json(acme: Tenant, tmp_path: Path) -> None:
    with ThreadPoolExecutor(len(CHOSEN)) as pool:
        outcomes = pool.map(lambda name: cloud.run(CASES[name], acme.api, tmp_path), CHOSEN)
    assert [f"{name}: {wrong}, {result}" for name, (result, wrong) in zip(CHOSEN, outcomes, strict=True) if wrong] == []
