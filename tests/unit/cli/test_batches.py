"""`tenantml batch`, against a server that answers as the API and S3 do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tenantml_cli.__main__ import main
from tests.unit.cli.conftest import Recorder

BATCH = {
    "batch": "6929e4a50c3b1d7f", "model": "churn", "version": "v1", "status": "running", "state": "CheckTransform",
    "rows": None, "execution": "e", "started_at": None, "ended_at": None, "expires_at": None, "error": None,
    "advice": [], "left_behind": [], "download": None,
}  # fmt: skip


def ended(server: Recorder, **fields: Any) -> list[tuple[int, bytes]]:
    """What the API and S3 answer from the request for a batch until it has ended."""
    form = {"url": f"{server.url}/bucket", "fields": {"key": "acme/churn/batches/6929e4a50c3b1d7f.csv"}}
    states = [BATCH | {"status": "awaiting file"}, BATCH, BATCH | {"status": "succeeded", "rows": 2} | fields]
    return [(201, json.dumps(BATCH | {"form": form}).encode()), (204, b""),
            *((200, json.dumps(state).encode()) for state in states)]  # fmt: skip


def test_a_batch_is_sent_waited_for_and_saved(asked: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    link = {"url": f"{asked.url}/result", "expires": "2026-11-29T12:00:00Z"}
    asked.answers = [*ended(asked, download=link), (200, b"row_number,a,predicted_label\n1,1,x\n2,2,y\n")]
    assert main(["batch", "run", "churn", "rows.csv", "--version", "v1"]) == 0
    made, sent, *polls, fetched = asked.requests
    assert (made[0], made[1], json.loads(made[3])) == (
        "POST", "/models/churn/batches", {"version": "v1", "size_bytes": Path("rows.csv").stat().st_size},
    )  # fmt: skip
    assert (sent[1], sent[3].count(b"a\n1\n2\n")) == ("/bucket", 1)
    assert {path for _, path, _, _ in polls} == {"/models/churn/batches/6929e4a50c3b1d7f"}
    assert (fetched[1], "x-api-key" in fetched[2]) == ("/result", False), "a link needs no key, and is given none"
    saved = Path("churn-6929e4a50c3b1d7f.csv")
    assert saved.read_text().endswith("2,2,y\n")
    printed = capsys.readouterr()
    assert printed.out == f"2 rows with their predictions: {saved.absolute()}\n"
    assert "CheckTransform" in printed.err


def test_a_batch_that_fails_exits_with_4_and_one_whose_result_is_gone_with_3(
    asked: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"code": "InvalidValue", "message": "row 2, column a"}
    asked.answers = ended(asked, status="failed", error=error)
    assert main(["batch", "run", "churn", "rows.csv", "--json"]) == 4
    assert json.loads(capsys.readouterr().err)["error"] == error
    asked.answer = 200, json.dumps(BATCH | {"status": "succeeded", "expires_at": "2026-11-01T00:00:00Z"}).encode()
    assert main(["batch", "download", "churn", "6929e4a50c3b1d7f", "--json"]) == 3
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "NoResult"
    assert not list(Path().glob("churn-*"))


def test_a_download_that_breaks_off_leaves_no_file_and_keeps_the_one_before(asked: Recorder) -> None:
    Path("out.csv").write_text("before")
    link = {"url": f"{asked.url}/result", "expires": "2026-11-29T12:00:00Z"}
    asked.answers = [*ended(asked, download=link), (403, b"<Error><Code>AccessDenied</Code></Error>")]
    assert main(["batch", "run", "churn", "rows.csv", "--out", "out.csv"]) == 3
    assert sorted(path.name for path in Path().iterdir()) == ["out.csv", "rows.csv"]
    assert Path("out.csv").read_text() == "before"


def test_batches_are_listed(asked: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    times = {"started_at": "2026-11-28T12:00:00Z", "ended_at": "2026-11-28T12:03:12Z", "state": None}
    asked.answer = (
        200,
        json.dumps({"batches": [BATCH | times | {"status": "failed", "rows": 7}], "next_token": None}).encode(),
    )
    assert main(["batch", "list", "churn"]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert row.split()[:5] == ["6929e4a50c3b1d7f", "v1", "failed", "-", "7"]
    assert "3 min 12 s" in row
