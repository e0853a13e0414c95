"""Whatever a tenant sends, and however it fails, no log and no execution holds a cell of it, or a secret."""

from __future__ import annotations

import csv
import itertools
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenantml_cli.errors import Refused
from tests.e2e.leaks import CELL, leaks

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant


@pytest.fixture(scope="module")
def noted(iris: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Flowers, each with a note that nobody may read."""
    path = tmp_path_factory.mktemp("leaks") / "noted.csv"
    with iris.open(newline="") as file, path.open("w", newline="") as written:
        header, *rows = csv.reader(file)
        csv.writer(written).writerows(
            [["note", *header], *([f"{CELL} {number % 9}", *row] for number, row in enumerate(rows))]
        )
    return path


def test_no_log_and_no_execution_holds_a_cell_or_a_secret(acme: Tenant, noted: Path, tmp_path: Path) -> None:
    header, first, *rest = noted.read_text().splitlines()
    trained = acme.train("noted", noted, target="species", max_candidates=1)
    assert trained["error"] is None, trained
    for number, (lines, code) in enumerate(
        (
            ([first, *rest], "NoHeader"),
            ([header, first, f"{first},{CELL}", *rest], "RaggedRow"),
            ([header, first, f'"{CELL}"{first}', *rest], "StrayQuote"),
            ([header, *(line.rpartition(",")[0] + f",{CELL} {n}" for n, line in enumerate(rest))], "RareClass"),
        )
    ):
        path = tmp_path / f"{number}.csv"
        path.write_text("\n".join(lines) + "\n")
        assert (acme.outcome(acme.api.upload("noted", path))["error"] or {}).get("code") == code
    names = header.split(",")[1:-1]
    row = dict.fromkeys(names, 1.5) | {"note": f"{CELL} 3"}
    assert acme.api.predict_rows("noted", [row])["predictions"]
    for other in ({names[0]: CELL}, {CELL: 1}):
        with pytest.raises(Refused, match="column"):
            acme.api.predict_rows("noted", [row | other])
    acme.api.put_webhook("pager", {"url": "https://hooks.acme.example/in", "events": ["execution.ended"]})
    acme.api.delete_webhook("pager")

    cloud = acme.platform.cloud
    assert list(itertools.islice(leaks(cloud), 20)) == []

    logs, group = cloud.client("logs"), {"logGroupName": "/planted"}
    logs.create_log_group(**group)
    logs.create_log_stream(**group, logStreamName="a")
    event = {"timestamp": int(time.time() * 1000), "message": json.dumps({"x": f"of {acme.api.api_key}"})}
    logs.put_log_events(**group, logStreamName="a", logEvents=[event])
    (found,) = leaks(cloud)
    logs.delete_log_group(**group)
    assert found.startswith("a log: ")
