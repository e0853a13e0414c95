"""Some of the files that people have, through the whole pipeline; `make cases` takes all of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cases import cloud
from tests.cases.files import CASES
from tests.e2e.conftest import Tenant

CHOSEN = ("null-words-in-numbers", "scripts-of-the-world", "target-of-r-booleans")
MORE = ("name-of-two-lines", "zero-and-one-with-gaps")


@pytest.mark.parametrize("names", [CHOSEN, pytest.param(MORE, marks=pytest.mark.explore)])
def test_every_row_of_a_file_that_trained_is_predicted_alike_as_csv_and_as_json(
    acme: Tenant, tmp_path: Path, names: tuple[str, ...]
) -> None:
    with ThreadPoolExecutor(len(names)) as pool:
        outcomes = pool.map(lambda name: cloud.run(CASES[name], acme.api, tmp_path), names)
    assert [f"{name}: {wrong}, {result}" for name, (result, wrong) in zip(names, outcomes, strict=True) if wrong] == []
