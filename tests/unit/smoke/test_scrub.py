"""What of an answer may be kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from hypothesis import given
from hypothesis import strategies as st

from smoke import scrub


@pytest.fixture(scope="module")
def described() -> Shape | None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    return model.operation_model("DescribeAutoMLJobV2").output_shape


def test_members_types_and_enumerated_values_are_kept_and_nothing_else(described: Shape) -> None:
    answer = {
        "AutoMLJobName": "tenantml-1",
        "AutoMLJobStatus": "Completed",
        "CreationTime": datetime.now(UTC),
        "FailureReason": "the cell 'Smith' of account 222222222222",
        "BestCandidate": {
            "FinalAutoMLJobObjectiveMetric": {"MetricName": "validation:f1", "Value": 0.93},
            "InferenceContainers": [
                {"Image": "i", "Environment": {"SAGEMAKER_PROGRAM": "serve.py", "MODEL_NAME": "x", "Mr Smith": "y"}}
            ],
        },
        "ResponseMetadata": {"RequestId": "5d5e5f"},
    }
    assert scrub.modelled(answer, described) == {
        "AutoMLJobName": "tenantml-1",
        "AutoMLJobStatus": "Completed",
        "CreationTime": "<time>",
        "FailureReason": "<text>",
        "BestCandidate": {
            "FinalAutoMLJobObjectiveMetric": {"MetricName": "validation:f1", "Value": 0},
            "InferenceContainers": [
                {
                    "Image": "i",
                    "Environment": {"SAGEMAKER_PROGRAM": "serve.py", "MODEL_NAME": "<text>", "<key>": "<text>"},
                }
            ],
        },
    }


def test_tags_that_are_not_ours_are_nobodys_business() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    tags = [{"Key": "tenantml:execution", "Value": "x"}, {"Key": "acme:payer", "Value": "y"}]
    kept = scrub.modelled({"Tags": tags}, model.operation_model("ListTags").output_shape)
    assert [tag["Key"] for tag in kept["Tags"]] == ["tenantml:execution", "<text>"]


def test_predictions_keep_their_members_and_no_class_column_or_cell() -> None:
    answer = {
        "predictions": [{"predicted_label": "Smith", "probability": 0.9, "probabilities": {"Smith": 0.9, "status": 1}}],
        "advice": [{"rule": "r", "column": "Income", "status": "Smith"}],
        "version": "v1",
        "Income": 5,
    }
    assert scrub.document(answer) == {
        "predictions": [{"predicted_label": "<text>", "probability": 0, "probabilities": {"<key>": 0}}],
        "advice": [{"<key>": "<text>"}],
        "version": "<text>",
        "<key>": 0,
    }


@given(st.text(alphabet=st.characters(categories=["L", "Nd"]), min_size=1), st.floats(0, 1))
def test_a_body_of_an_endpoint_keeps_only_its_form(label: str, probability: float) -> None:
    text = json.dumps([label, 1 - probability], ensure_ascii=False)
    (line,) = scrub.text_body(f"{label},{probability!r},{text}".encode())
    assert set(line) <= set('a9.,[]" ')


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("arn:aws:sagemaker:eu-central-1:123456789012:endpoint/x", "arn:aws:sagemaker:<region>:<account>:endpoint/x"),
        ("763104351884.dkr.ecr.eu-central-1.amazonaws.com/autogluon:1", "<host>/autogluon:1"),
        ("https://abc.execute-api.eu-central-1.amazonaws.com/v1", "https://<host>/v1"),
        ("http://127.0.0.1:4566/x", "http://<host>/x"),
        ("s3://tenantml-123456789012-eu-central-1/churn", "s3://tenantml-<account>-<region>/churn"),
        ("AKIAIOSFODNN7EXAMPLE and ASIAIOSFODNN7EXAMPLE", "<key> and <key>"),
        ("tml_UWaDQue_wq23o10hh-FQqrUe9VL890YkHwqdwnEd2w4", "<key>"),
        ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "<id>"),
        ("write to me@acme.example", "write to <address>"),
        ("an-external-id-of-ours", "<external>"),
        ("acme-prod-training and tenantml-1", "tenantml-training and tenantml-1"),
    ],
)
def test_what_belongs_to_an_account_is_replaced_in_names(text: str, kept: str) -> None:
    known = {"eu-central-1": "<region>", "an-external-id-of-ours": "<external>", "acme-prod": "tenantml"}
    value: Any = scrub.without({"A": [text]}, known)
    assert value == {"A": [kept]}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("WeightedEnsemble-L3-FULL-t1", "a-a9-a-a9"),
        ("tenantml-<digest>-1", "a-<digest>-9"),
        ("x/0f3c9a8b7d6e5f41/model.tar.gz", "a/h/a.a.a"),
        ("v20261128-164309", "a9-9"),
    ],
)
def test_a_names_form(name: str, form: str) -> None:
    assert scrub.form(name) == form
