"""Predict with a model of yours, by calling its endpoint directly. It needs boto3, and credentials of your account that
may `sagemaker:InvokeEndpoint`.

    python client.py rows.csv > predictions.csv

or, from Python, `predict([{"column": value, ...}, ...])`. `MODEL` says which columns there are, as in training.
"""

from __future__ import annotations

import ast
import csv
import io
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MODEL: dict[str, Any] = {}
ROWS_AT_ONCE = 500


def predict(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one prediction per row: `predicted_label` and `probabilities` by class, or `predicted_value`.

    Raises:
        ValueError: a row lacks a column, or has one that the model does not know; or the endpoint's answer is short.
    """
    import boto3  # noqa: PLC0415

    runtime = boto3.client("sagemaker-runtime", region_name=MODEL["region"])
    found: list[dict[str, Any]] = []
    for first in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[first : first + ROWS_AT_ONCE]
        body = "".join(line_of(row, first + place) for place, row in enumerate(part, 1))
        answer = runtime.invoke_endpoint(
            EndpointName=MODEL["endpoint"], ContentType="text/csv", Accept="text/csv", Body=body.encode()
        )
        lines = [line for line in csv.reader(io.StringIO(answer["Body"].read().decode(), newline="")) if line]
        if len(lines) != len(part):
            raise ValueError(f"the endpoint answered {len(lines)} predictions to {len(part)} rows")
        found += map(prediction_of, lines)
    return found


def line_of(row: Mapping[str, Any], number: int) -> str:
    """Return a row as the endpoint takes it: CSV without a header, the columns in the order of training."""
    names = [column["name"] for column in MODEL["columns"]]
    if row.keys() != set(names):
        missing, extra = sorted(set(names) - row.keys()), sorted(row.keys() - set(names))
        raise ValueError(f"row {number}: missing columns {missing}, unknown columns {extra}")
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerow(_text(row[column["name"]], column) for column in MODEL["columns"])
    return written.getvalue()


def _text(value: Any, column: Mapping[str, Any]) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):  # in the words of the training file, such as TRUE
        return next(
            (word for word in column.get("words", ()) if word.lower() == str(value).lower()), str(value).lower()
        )
    return str(value)


def prediction_of(line: Sequence[str]) -> dict[str, Any]:
    """Return what one line of the endpoint's answer says."""
    if not MODEL["output_keys"]:
        return {"predicted_value": float(line[0])}
    fields = dict(zip(MODEL["output_keys"], line, strict=True))
    labels = [_class_of(label) for label in _items(fields["labels"])]
    probabilities = dict(zip(labels, map(float, _items(fields["probabilities"])), strict=True))
    return {"predicted_label": _class_of(fields["predicted_label"]), "probabilities": probabilities}


def _items(text: str) -> list[str]:
    """Read a list, of texts in quotes or of bare words."""
    try:
        return [str(item) for item in ast.literal_eval(text)]
    except (ValueError, SyntaxError):
        return [word.strip("\"' ") for word in re.split(",", text.strip("[] "))]


def _class_of(label: str) -> str:
    """Return a class as the training file writes it: an endpoint may answer 1.0 for 1."""
    for name in MODEL["classes"]:
        if label == name or (_number(label) is not None and _number(label) == _number(name)):
            return str(name)
    return next((str(name) for name in MODEL["classes"] if name.lower() == label.lower()), label)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def main() -> None:
    """Read rows from the file that is named, and write predictions."""
    with Path(sys.argv[1]).open(newline="", encoding="utf-8-sig") as file:
        rows = [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]
    answers = predict(rows)
    names = ["predicted_label", *MODEL["classes"]] if MODEL["output_keys"] else ["predicted_value"]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for answer in answers:
        writer.writerow([{**answer, **answer.get("probabilities", {})}[name] for name in names])


if __name__ == "__main__":
    main()
