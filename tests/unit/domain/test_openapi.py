"""The document of one model: its real columns, and a client that follows it is understood."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tenantml.domain.api.model_document import model_document
from tenantml.domain.api.schemas import settings
from tenantml.domain.predictions.rows import Schema, read_json
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import InvalidSettings

PROFILE: dict[str, Any] = {
    "target": {"column": "Churn?", "classes": [{"value": "False.", "rows": 9}, {"value": "True.", "rows": 3}]},
    "columns": [
        {"name": "State", "type": "category", "nulls": 2, "categories": ["KS", "NA", "OH"]},
        {"name": "Calls", "type": "integer", "nulls": 0, "min": -3, "max": 9},
        {"name": "Churn?", "type": "category", "nulls": 0, "categories": ["False.", "True."]},
        {"name": "Mins", "type": "number", "nulls": 0, "min": 0.5, "max": 99.0},
        {"name": "Intl", "type": "boolean", "nulls": 0, "categories": ["FALSE", "TRUE"]},
        {"name": "Since", "type": "date", "nulls": 0},
        {"name": "Seen", "type": "datetime", "nulls": 0},
        {"name": "Note", "type": "text", "nulls": 0},
        {"name": "Gone", "type": "empty", "nulls": 12},
    ],
}
SCHEMA = Schema.from_profile(PROFILE)


def schemas_of(**options: bool) -> dict[str, Any]:
    found = model_document("churn", "v1", PROFILE, **({"reject_unseen": False, "regression": False} | options))
    parts: dict[str, Any] = found["components"]["schemas"]
    return parts


def test_the_columns_are_those_of_training_in_their_order_without_the_target() -> None:
    row = schemas_of()["Row"]
    assert list(row["properties"]) == row["required"] == [column.name for column in SCHEMA.columns]
    assert row["additionalProperties"] is False


@pytest.mark.parametrize("reject_unseen", [True, False])
def test_the_example_fits_the_document_and_is_taken_without_advice(reject_unseen: bool) -> None:
    row = schemas_of(reject_unseen=reject_unseen)["Row"]
    Draft202012Validator(row).validate(row["example"])
    body = json.dumps({"rows": [row["example"], dict.fromkeys(row["example"])]}).encode()
    assert read_json(body, SCHEMA, max_rows=9, reject_unseen=reject_unseen).advice == []


def test_unseen_categories_are_closed_out_only_where_the_model_refuses_them() -> None:
    assert schemas_of(reject_unseen=True)["Row"]["properties"]["State"]["enum"] == ["KS", "OH", None]
    assert "enum" not in schemas_of()["Row"]["properties"]["State"]


def test_a_class_is_one_of_training_and_a_regression_has_none() -> None:
    assert schemas_of()["Prediction"]["properties"]["predicted_label"]["enum"] == ["False.", "True."]
    assert list(schemas_of(regression=True)["Prediction"]["properties"]) == ["predicted_value"]


@pytest.mark.parametrize(
    ("document", "fits"),
    [
        ({"target": "y"}, True),
        ({"target": "y", "problem_type": "Regression", "objective": "RMSE"}, True),
        ({"target": "y", "problem_type": None, "objective": None}, True),
        ({"target": "y", "problem_type": "Regression", "objective": "F1"}, False),
        ({"target": "y", "problem_type": "Regression"}, False),
        ({"target": "y", "objective": "RMSE"}, False),
        ({"target": "y", "serverless_memory_mb": 3072}, True),
        ({"target": "y", "serverless_memory_mb": 3072, "mode": "HYPERPARAMETER_TUNING"}, False),
        ({"target": "y", "endpoint": "serverless", "mode": "HYPERPARAMETER_TUNING"}, False),
        ({"target": "y", "endpoint": "serverless", "instance_type": "ml.m5.large"}, False),
        ({"target": "y", "endpoint": "real-time", "serverless_memory_mb": 3072}, False),
        ({"target": "y", "endpoint": "none", "instance_type": "ml.m5.large"}, True),
        ({"target": "y", "endpoint": "none", "max_instances": 2}, False),
        ({"target": "y", "endpoint": "serverless", "max_instances": 2}, False),
        ({"target": "y", "serverless_memory_mb": 3072, "max_instances": 2}, False),
        ({"target": "y", "max_instances": 2}, True),
        ({"target": "y", "max_candidates": 751}, False),
        ({"target": "y", "thresholds": {"F1": 0.9}}, True),
        ({"target": "y", "thresholds": {"F2": 0.9}}, False),
        ({"target": " "}, False),
        ({}, False),
    ],
)
def test_the_settings_schema_takes_what_the_code_takes(document: dict[str, Any], fits: bool) -> None:
    assert Draft202012Validator(settings()).is_valid(document) is fits
    try:
        ModelSettings.from_document(document)
    except InvalidSettings:
        assert not fits
    else:
        assert fits
