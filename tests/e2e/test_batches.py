"""Batches: a file of rows becomes the prediction of each, in the customer's account, and nothing else of it stays."""

from __future__ import annotations

import csv
import io
import json
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenantml_cli.errors import Refused
from tenantml_cli.sending import post_form
from tenantml_cli.stack import Stack
from tenantml_cli.tenant_api import Document
from tests.e2e.conftest import asked
from tests.e2e.leaks import CELL, leaks
from tests.waiting import wait_for

if TYPE_CHECKING:
    from local.console.process import Console
    from tests.e2e.conftest import Tenant


def rows_with_notes(path: Path) -> list[list[str]]:
    """The rows of a table, with a column of notes that hold line breaks, quotes and commas."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    notes = ["two\nlines", 'said "no", twice', "plain", "a\r\nb", ""]
    return [["note", *header], *([notes[number % 5], *row] for number, row in enumerate(rows))]


def as_csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def sent(tenant: Tenant, model: str, path: Path, content: bytes) -> Document:
    """Send a batch, and return its document when it has ended."""
    asked = tenant.api.call("POST", f"/models/{model}/batches", b"{}", "application/json")
    path.write_bytes(content)
    post_form(asked["form"]["url"], asked["form"]["fields"], path)
    return wait_for(
        lambda: tenant.api.call("GET", f"/models/{model}/batches/{asked['batch']}"),
        lambda found: found["ended_at"],
        seconds=120,
        is_passing=False,
    )


@pytest.fixture(scope="module")
def trained(acme: Tenant, churn: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """A live version of the model `batched`, and the rows that it was trained from."""
    rows = rows_with_notes(churn)
    path = tmp_path_factory.mktemp("batch") / "notes.csv"
    path.write_bytes(as_csv(rows))
    outcome = acme.train("batched", path, target="Churn?", max_candidates=1)
    assert outcome["error"] is None, outcome
    return rows


def without_target(rows: list[list[str]]) -> list[list[str]]:
    place = rows[0].index("Churn?")
    return [[cell for number, cell in enumerate(row) if number != place] for row in rows]


@pytest.fixture(scope="module")
def batch(acme: Tenant, trained: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> Document:
    """The batch of all these rows, when it has ended."""
    return sent(acme, "batched", tmp_path_factory.mktemp("batch") / "rows.csv", as_csv(without_target(trained)))


def test_every_row_is_joined_with_what_the_endpoint_predicts_of_it(
    acme: Tenant, globex: Tenant, trained: list[list[str]], batch: Document
) -> None:
    rows = without_target(trained)
    assert (batch["status"], batch["error"], batch["rows"]) == ("succeeded", None, len(rows) - 1), batch
    assert 0 < float(batch["cost"]["usd"]) < float(batch["quote"]["worst_case_usd"])
    spent = acme.api.call("GET", "/usage")["spending"]
    assert spent["batch"]["seconds"] >= batch["cost"]["seconds"] > 0
    with urllib.request.urlopen(batch["download"]["url"]) as answer:
        header, *joined = csv.reader(io.StringIO(answer.read().decode(), newline=""), strict=True)
    width = len(rows[0]) + 1
    assert header[:width] == ["row_number", *rows[0]]
    assert header[width : width + 2] == ["predicted_label", "probability"]
    assert [row[:width] for row in joined] == [[str(number), *row] for number, row in enumerate(rows[1:], 1)]
    told = acme.api.predict("batched", as_csv(rows[:51]).decode())
    assert told["version"] == batch["version"]
    for row, prediction in zip(joined, told["predictions"], strict=False):
        assert row[width] == prediction["predicted_label"]
        assert float(row[width + 1]) == pytest.approx(prediction["probability"])
        classes = [name.removeprefix("probability_") for name in header[width + 2 :]]
        assert {name: pytest.approx(float(p)) for name, p in zip(classes, row[width + 2 :], strict=True)} == prediction[
            "probabilities"
        ]

    customer = acme.registered.account
    cloud = acme.platform.cloud
    kept = cloud.client("s3", acme.account_id).list_objects_v2(
        Bucket=customer.bucket, Prefix=customer.folder("batched", batch["execution"])
    )
    assert [found["Key"].rpartition("/")[2] for found in kept["Contents"]] == ["predictions.csv"]
    models = cloud.client("sagemaker", acme.account_id).list_models()["Models"]
    assert customer.job(batch["execution"]) not in [found["ModelName"] for found in models]
    receipt = acme.api.call("GET", f"/executions/{batch['execution']}/receipt")
    assert receipt["faults"] == []
    done = {entry["action"] for entry in receipt["entries"]}
    assert {f"sagemaker:{action}" for action in ("CreateModel", "CreateTransformJob", "DeleteModel")} <= done
    listed = acme.api.call("GET", "/models/batched/batches")["batches"]
    assert batch["batch"] in [found["batch"] for found in listed]

    globex.api.configure("batched", {"target": "Churn?"})
    request = json.dumps({"version": batch["version"]}).encode()
    for call in (
        ("GET", f"/models/batched/batches/{batch['batch']}"),
        ("POST", "/models/batched/batches", request, "application/json"),
    ):
        with pytest.raises(Refused) as refused:
            globex.api.call(*call)
        assert (refused.value.status, refused.value.code) == (404, "NotFound")
    assert globex.api.call("GET", "/models/batched/batches")["batches"] == []


def test_operators_see_it_as_a_graph_with_what_was_logged_of_it(
    acme: Tenant, batch: Document, console: Console
) -> None:
    (row,) = (each for each in asked(console, "executions", machine="batch") if each["name"] == batch["execution"])
    assert (row["tenant"], row["model"], row["status"]) == (acme.name, "batched", "SUCCEEDED")
    shown = asked(console, "execution", arn=row["arn"])
    planned = json.loads(Path("statemachine/batch.asl.json").read_text())["States"]
    assert [state["name"] for state in shown["states"]] == list(planned)
    assert shown["visits"][-1]["state"] == "Predicted"
    assert "batch ended" in [line["message"] for line in asked(console, "logs", names=",".join(shown["logged_as"]))]

    stack = Stack(acme.platform.name, acme.platform.cloud.client)
    assert "batch ended" in "".join(line["line"] for line in stack.logs(batch["execution"]))
    with pytest.raises(Refused, match="is over"):
        stack.stop(batch["execution"], "a test")


def test_a_file_is_refused_by_its_line_before_anything_is_done_in_the_account(
    acme: Tenant, trained: list[list[str]], tmp_path: Path
) -> None:
    rows = without_target(trained)[:8]
    number = next(place for place, cell in enumerate(rows[1]) if cell.isdigit())
    mistyped = [list(row) for row in rows]
    mistyped[4][number] = CELL
    missing = [row[:number] + row[number + 1 :] for row in rows]
    extra = [[*row, "x"] for row in rows]
    extra[0][-1] = "more"
    lines = 1 + sum(1 + row[0].count("\n") for row in mistyped[1:4]) + 1
    for content, code, said in (
        (as_csv(mistyped), "InvalidValue", f"row 4, line {lines}, column {rows[0][number]!r}"),
        (as_csv(missing), "MissingColumn", repr(rows[0][number])),
        (as_csv(extra), "UnexpectedColumn", "'more'"),
        (as_csv(rows[:1]), "HeaderOnly", "(line 1)"),
        (b"", "EmptyFile", "empty"),
    ):
        batch = sent(acme, "batched", tmp_path / "rows.csv", content)
        assert (batch["status"], batch["error"]["code"]) == ("failed", code)
        assert said in batch["error"]["message"]
        assert acme.api.call("GET", f"/executions/{batch['execution']}/receipt")["entries"] == []
        assert batch["cost"] is None
    assert acme.api.call("GET", "/usage")["spending"]["batches_running"] == 0
    assert list(leaks(acme.platform.cloud)) == []
