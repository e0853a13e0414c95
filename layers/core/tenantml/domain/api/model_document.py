"""The document of one model: the columns that its live version was trained with, in order, with types and classes.

A client that is generated from it sends columns by these names and types only. What the API takes beyond it (CSV,
numbers as categories, booleans in words, columns that the model ignores) is left out: one way to say a thing is enough
for a client.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from tenantml.domain.api import schemas
from tenantml.domain.api.document import Json, frame, of_operation
from tenantml.domain.api.operations import OPERATIONS
from tenantml.domain.meaning import is_missing
from tenantml.domain.predictions import cells
from tenantml.domain.predictions.rows import Schema

MAX_ENUM = 100
TYPES = {
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "category": "string",
    "text": "string",
    "date": "string",
    "datetime": "string",
    "empty": "string",
}
SAMPLES: dict[str, Any] = {"boolean": True, "text": "text"}
SAMPLE_DAY, SAMPLE_TIME = dt.date(2026, 11, 22), "T17:03:01Z"


def model_document(
    model: str, version: str, profile: Mapping[str, Any], *, reject_unseen: bool, regression: bool
) -> Json:
    """Return the OpenAPI 3.1 document of a model's predictions.

    `profile` is what inspecting the training set left; `reject_unseen` closes the lists of categories.
    """
    target = profile["target"]["column"]
    columns = [column for column in profile["columns"] if column["name"] != target]
    row = {column["name"]: example_of(column) for column in columns}
    known = schemas.components()
    classes = () if regression else Schema.from_profile(profile).classes
    parts = {
        "Problem": known["Problem"],
        "Advice": known["Advice"],
        "Row": {
            "type": "object",
            "description": f"One row to predict {target!r} of; the columns in the order of training.",
            "properties": {column["name"]: schema_of(column, reject_unseen) for column in columns},
            "required": [column["name"] for column in columns],
            "additionalProperties": False,
            "example": row,
        },
        "PredictionRequest": {
            "type": "object",
            "properties": {
                "rows": {"type": "array", "minItems": 1, "maxItems": 10_000, "items": schemas.reference("Row")}
            },
            "required": ["rows"],
            "additionalProperties": False,
            "example": {"rows": [row]},
        },
        "Prediction": value() if regression else classification(classes),
        "Predictions": known["Predictions"],
    }
    path = "/models/{model}/predictions"
    operation = of_operation(next(known for known in OPERATIONS if known.name == "predict"))
    operation.pop("parameters")
    operation["requestBody"]["content"]["application/json"]["example"] = {"rows": [row]}
    operation["requestBody"]["content"].pop("text/csv")
    header = ",".join(["predicted_label", "probability", *map(cells.quoted, classes)]) if classes else "predicted_value"
    operation["responses"]["200"]["content"]["text/csv"]["schema"] = schemas.TEXT | {
        "description": f"A header and a line per row: {header}"
    }
    return frame(
        f"TenantML: {model}",
        f"Predictions of {target!r} by the model {model}, as its version {version} was trained.",
        "../..",
        {path.format(model=model): {"post": operation}},
        parts,
    )


def schema_of(column: Mapping[str, Any], reject_unseen: bool) -> Json:
    """Return the schema of a column; an empty cell is null in every one."""
    found: Json = {"type": [TYPES[column["type"]], "null"], "description": described(column)}
    if column["type"] == "integer":
        found |= {"minimum": -(2**63), "maximum": 2**63 - 1}
    categories = [category for category in column.get("categories", ()) if not is_missing(category)]
    if column["type"] == "category" and categories:
        if reject_unseen and len(categories) <= MAX_ENUM:
            found["enum"] = [*categories, None]
        else:
            found["examples"] = categories[:MAX_ENUM]
    return found


def described(column: Mapping[str, Any]) -> str:
    """Say in words what training saw in the column."""
    forms = cells.column_of(column).forms
    parts = [f"{column['type']} as {' or '.join(forms)}" if forms else column["type"]]
    if column.get("min") is not None:
        parts.append(f"from {column['min']} to {column['max']} in training")
    if column["type"] == "category" and column.get("categories"):
        parts.append(f"{len(column['categories'])} values in training")
    parts.append(f"empty in {column['nulls']} rows of training" if column["nulls"] else "never empty in training")
    return ", ".join(parts)


def example_of(column: Mapping[str, Any]) -> Any:
    """Return a value that the column takes, from the training set where the profile holds one."""
    kind = column["type"]
    if kind in {"integer", "number"}:
        low = column.get("min") or 0
        return int(low) if kind == "integer" else float(low)
    if kind == "category":
        return next((category for category in column.get("categories", ()) if not is_missing(category)), None)
    if kind in {"date", "datetime"}:
        form = next(iter(cells.column_of(column).forms), "YYYY-MM-DD")
        return cells.day_written(SAMPLE_DAY, form) + (SAMPLE_TIME if kind == "datetime" else "")
    return SAMPLES.get(kind)


def classification(classes: Sequence[str]) -> Json:
    """Return the schema of a class, its probability and every class's."""
    label = schemas.TEXT | ({"enum": list(classes)} if classes else {})
    probabilities: Json = {"type": "object", "additionalProperties": schemas.NUMBER}
    if classes:
        probabilities |= {"properties": dict.fromkeys(classes, schemas.NUMBER)}
    return schemas.record(
        "The class, its probability, and every class's.",
        predicted_label=label,
        probability=schemas.NUMBER,
        probabilities=probabilities,
    )


def value() -> Json:
    """Return the schema of a predicted value."""
    return schemas.record("The value.", predicted_value=schemas.NUMBER)
