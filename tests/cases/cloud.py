"""Takes a case through the embedded cloud, as a tenant does: configure, upload, wait, and predict every row twice."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any

from local.sagemaker.serving.cells import Kind, kind_of
from tenantml.domain.meaning import boolean_of, is_missing, number_of
from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import Document, TenantApi
from tests.cases.files import TRAINS, Case, Result, differences

TRAINING_SECONDS = 900
BATCH_ROWS = 200


def run(case: Case, api: TenantApi, folder: Path) -> tuple[Result, list[str]]:
    """Return what came of a case, and how that is not what it expects."""
    path = folder / f"{case.name}.csv"
    path.write_bytes(case.content)
    model = model_of(case)
    try:
        api.configure(model, {"max_candidates": 2} | case.settings)
        document = _outcome(api, api.upload(model, path))
    except Refused as refused:
        result = Result(refused.code, str(refused))
        return result, differences(case, result)
    error = document["error"] or {"code": TRAINS, "message": ""}
    result = Result(error["code"], error["message"], tuple(document["advice"]))
    wrong = differences(case, result)
    if document["status"] == "succeeded":
        wrong += _predict(case, api, model)
    elif result.outcome == "TrainingFailed":
        wrong.append("the training failed")
    return result, wrong


def model_of(case: Case) -> str:
    """Return a name for the case's model, of as many characters as a name may have."""
    return f"m-{case.name}"[:30].strip("-")


def _outcome(api: TenantApi, upload_key: str) -> Document:
    deadline = time.monotonic() + TRAINING_SECONDS
    while (found := api.execution_of(upload_key)) is None or not found["ended_at"]:
        if time.monotonic() > deadline:
            raise Refused("StillRunning", f"not over after {TRAINING_SECONDS} s")
        time.sleep(0.5)
    return api.execution(found["execution"])


def _predict(case: Case, api: TenantApi, model: str) -> list[str]:
    """Predict all rows of the file, as CSV and as JSON; say where the two differ, what is refused, and whether classes
    are spelt as the file spells them.
    """
    header, *rows = _rows(case.content)
    target = header.index(case.settings["target"])
    spellings = {row[target] for row in rows}
    names = header[:target] + header[target + 1 :]
    rows = [row[:target] + row[target + 1 :] for row in rows]
    columns = [
        [_value(text, kind) for text in column] for column in zip(*rows, strict=True) for kind in [kind_of(column)]
    ]
    objects = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    for start in range(0, len(rows), BATCH_ROWS):
        part = slice(start, start + BATCH_ROWS)
        try:
            of_csv = api.predict(model, _csv(names, rows[part]))["predictions"]
            of_json = api.predict_rows(model, objects[part])["predictions"]
        except Refused as refused:
            return [f"rows from {start + 1} on are not predicted: {refused.code}: {refused}"]
        for number, (one, other) in enumerate(zip(of_csv, of_json, strict=True), start + 1):
            if one != other:
                return [f"row {number} is predicted otherwise as JSON than as CSV"]
            if not spellings.issuperset(one.get("probabilities", ())):
                return ["a class is not spelt as in the file"]
    return []


def _rows(content: bytes) -> list[list[str]]:
    text = content.decode("utf-8-sig").removeprefix("\ufeff")
    return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]


def _value(text: str, kind: Kind) -> Any:
    """Return a cell as an app has it that read the file into typed columns."""
    if is_missing(text):
        return None
    return number_of(text) if kind == "number" else boolean_of(text) if kind == "boolean" else text


def _csv(names: list[str], rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([names, *rows])
    return out.getvalue()
