"""Settings: what is wrong is named, all at once, and what is right survives being written and read."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.training.endpoint_rules import LOCAL_STORAGE
from tenantml.domain.training.instance_types import FAMILIES
from tenantml.domain.training.model_settings import METRICS, MODES, ModelSettings
from tenantml.errors import InvalidSettings
from tests.tenants import account_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
)


def test_a_target_is_enough() -> None:
    settings = ModelSettings.from_document({"target": "Churn?"})
    assert settings == ModelSettings("Churn?")
    assert ModelSettings.from_document(settings.as_document()) == settings


@pytest.mark.parametrize(
    "more",
    [
        {"problem_type": "Regression", "objective": "RMSE"},
        {"problem_type": None, "objective": None},
        {"thresholds": {"F1": 0.8, "AUC": 1}},
        {"promote": "always", "margin": 0, "min_gain": 0.005, "beats_baseline": False, "undecided": "keep"},
        {"min_gain": None},
        {"fatal_advice": ["target-leak", "personal-data"]},
        {"advice_thresholds": {"identifier_share": 0.9, "leak_rows_per_value": 3}},
        {"serverless_memory_mb": 3072, "serverless_concurrency": 200},
        {"endpoint": "serverless", "serverless_memory_mb": 3072, "expected_requests_per_hour": 0},
        {"endpoint": "none", "instance_type": "ml.m5.large"},
        {"instance_count": 2, "max_instances": 2, "calls_per_instance": 60},
        {"max_candidates": 750, "max_runtime_seconds": 2_592_000},
        {"holdout_fraction": 0.5, "delivery": "in-place", "unseen_category": "reject", "mode": "AUTO"},
    ],
)
def test_every_setting_can_be_given(more: dict[str, Any]) -> None:
    document = {"target": "y", **more}
    assert document.items() <= ModelSettings.from_document(document).as_document().items()


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        (None, "must be a JSON object"),
        ([], "must be a JSON object"),
        ({}, "target: missing"),
        ({"target": " "}, "target: empty"),
        ({"target": 5}, "target: expected text"),
        ({"target": "y", "colour": "red"}, "colour: unknown setting"),
        ({"target": "y", "max_candidates": "10"}, "max_candidates: expected a whole number"),
        ({"target": "y", "max_candidates": True}, "max_candidates: expected a whole number"),
        ({"target": "y", "max_candidates": 1.5}, "max_candidates: expected a whole number"),
        ({"target": "y", "max_candidates": 751}, "max_candidates: 751 is not between 1 and 750"),
        ({"target": "y", "max_runtime_seconds": 2_592_001}, "max_runtime_seconds"),
        ({"target": "y", "max_upload_bytes": 0}, "max_upload_bytes"),
        ({"target": "y", "holdout_fraction": 0.6}, "holdout_fraction"),
        ({"target": "y", "holdout_fraction": float("nan")}, "holdout_fraction"),
        ({"target": "y", "ignore_columns": ["x", "y"]}, "ignore_columns: holds the target"),
        ({"target": "y", "ignore_columns": "x"}, "ignore_columns"),
        ({"target": "y", "holdout_rows_max": 1}, "holdout_rows_max"),
        ({"target": "y", "delivery": "pigeon"}, "delivery: 'pigeon' is not one of copy, upload, in-place"),
        ({"target": "y", "mode": "FAST"}, "mode: 'FAST'"),
        ({"target": "y", "unseen_category": "guess"}, "unseen_category"),
        (
            {"target": "y", "instance_type": "m5.large"},
            "'m5.large' is no instance type of SageMaker's endpoints; did you mean ml.m5.large or ",
        ),
        ({"target": "y", "instance_type": "ml.M5.large"}, "did you mean ml.m5.large or "),
        ({"target": "y", "instance_type": "ml.m5.lrage"}, "did you mean ml.m5.large or "),
        (
            {"target": "y", "instance_type": "?" * 60_000},
            f"'{'?' * 40}' is no instance type of SageMaker's endpoints; expected one such",
        ),
        ({"target": "y", "instance_count": 0}, "instance_count"),
        ({"target": "y", "problem_type": "Regression"}, "give both or neither"),
        ({"target": "y", "objective": "F1"}, "give both or neither"),
        ({"target": "y", "problem_type": "Guessing", "objective": "F1"}, "problem_type: 'Guessing'"),
        ({"target": "y", "problem_type": "Regression", "objective": "F1"}, "objective: 'F1' is not one of MAE"),
        ({"target": "y", "thresholds": {"Charm": 0.5}}, "thresholds: 'Charm'"),
        ({"target": "y", "promote": "never"}, "promote: 'never' is not one of if-not-worse, always, manual"),
        ({"target": "y", "undecided": "wait"}, "undecided: 'wait' is not one of value, keep, promote, ask"),
        ({"target": "y", "approval_hours": 337}, "approval_hours: 337 is not between 1 and 336"),
        ({"target": "y", "approval_hours": 0.5}, "approval_hours: expected a whole number"),
        ({"target": "y", "margin": 0.51}, "margin: 0.51 is not between 0 and 0.5"),
        ({"target": "y", "min_gain": -0.1}, "min_gain: -0.1 is not between 0 and 0.5"),
        ({"target": "y", "beats_baseline": 1}, "beats_baseline: expected true or false"),
        ({"target": "y", "thresholds": {"F1": "high"}}, "thresholds: expected an object whose values are a number"),
        (
            {"target": "y", "thresholds": {"F1": float("nan")}},
            "thresholds: expected an object whose values are a number",
        ),
        (
            {"target": "y", "thresholds": {"F1": float("inf")}},
            "thresholds: expected an object whose values are a number",
        ),
        ({"target": "y", "thresholds": {"F1": 10**400}}, "thresholds: expected an object whose values are a number"),
        # rounds to 1e38, which the registry gives back with more digits than it takes
        (
            {"target": "y", "thresholds": {"AUC": 9.999999999999998e37}},
            "thresholds: expected an object whose values are a number",
        ),
        ({"target": "y", "thresholds": []}, "thresholds: expected an object"),
        ({"target": "y", "advice_thresholds": {"charm": 0.5}}, "advice_thresholds: 'charm'"),
        (
            {"target": "y", "advice_thresholds": {"identifier_share": 1.01}},
            "advice_thresholds.identifier_share: 1.01 is not between 0.5 and 1",
        ),
        ({"target": "y", "advice_thresholds": {"imbalance_share": 1e-300}}, "advice_thresholds.imbalance_share"),
        ({"target": "y", "advice_thresholds": {"leak_minority_rows": 1e31}}, "advice_thresholds: expected an object"),
        ({"target": "y", "fatal_advice": "leak"}, "fatal_advice: expected a list of text"),
        ({"target": "y", "fatal_advice": [1]}, "fatal_advice: expected a list of text"),
        ({"target": "y", "fatal_advice": ["target_leak"]}, "fatal_advice: 'target_leak' is not one of target-leak"),
        ({"target": "y", "serverless_memory_mb": 1500}, "serverless_memory_mb: expected 3072 to 6144"),
        ({"target": "y", "serverless_memory_mb": "2048"}, "serverless_memory_mb: expected a whole number or null"),
        ({"target": "y", "serverless_memory_mb": 2048}, "serverless_memory_mb: expected 3072 to 6144"),
        ({"target": "y", "serverless_memory_mb": 3072, "mode": "HYPERPARAMETER_TUNING"}, "only mode ENSEMBLING"),
        ({"target": "y", "endpoint": "batch"}, "endpoint: 'batch' is not one of auto, serverless, real-time, none"),
        ({"target": "y", "endpoint": "serverless", "mode": "HYPERPARAMETER_TUNING"}, "endpoint: only mode ENSEMBLING"),
        ({"target": "y", "endpoint": "serverless", "instance_type": "ml.m5.large"}, "instance_type: a serverless"),
        ({"target": "y", "endpoint": "real-time", "serverless_memory_mb": 3072}, "not with endpoint real-time"),
        ({"target": "y", "endpoint": "none", "serverless_memory_mb": 3072}, "not with endpoint none"),
        (
            {"target": "y", "endpoint": "serverless", "max_instances": 3},
            "max_instances: a serverless endpoint scales by",
        ),
        ({"target": "y", "serverless_memory_mb": 3072, "max_instances": 3}, "max_instances: a serverless endpoint"),
        ({"target": "y", "endpoint": "none", "max_instances": 3}, "max_instances: with endpoint none nothing stands"),
        ({"target": "y", "instance_count": 3, "max_instances": 2}, "max_instances: 2 is less than instance_count, 3"),
        ({"target": "y", "max_instances": 101}, "max_instances: 101 is not between 1 and 100"),
        ({"target": "y", "calls_per_instance": 0}, "calls_per_instance: 0 is not between 1 and 1000000"),
        ({"target": "y", "expected_requests_per_hour": -1}, "expected_requests_per_hour: -1 is not between 0"),
        ({"target": "y", "max_runtime_seconds": 899}, "max_runtime_seconds: 899 is not between 900"),
    ],
)
def test_a_wrong_setting_is_named(document: object, wrong: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        ModelSettings.from_document(document)
    assert wrong in str(caught.value)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(ModelSettings)])
@given(value=JSON)
def test_any_json_value_of_a_setting_is_taken_or_named(name: str, value: object) -> None:
    said = ""
    try:
        taken = getattr(ModelSettings.from_document({"target": "y", name: value}), name)
    except InvalidSettings as error:
        taken, said = value, str(error)
    assert taken == value
    assert not said or name in said


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidSettings, match=r"mode: .*; max_candidates: .*; instance_count: "):
        ModelSettings.from_document({"target": "y", "mode": "x", "max_candidates": 0, "instance_count": 0})


def test_metrics_and_modes_are_those_of_sagemaker() -> None:
    sagemaker = get_session().get_service_model("sagemaker")
    assert {metric for group in METRICS.values() for metric in group} <= set(
        sagemaker.shape_for("AutoMLMetricEnum").enum
    )
    assert set(METRICS) == set(sagemaker.shape_for("ProblemType").enum)
    assert set(MODES) == set(sagemaker.shape_for("AutoMLMode").enum)


KEY = "arn:aws:kms:eu-central-1:222222222222:key/1"


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"delivery": "in-place"}, "delivery: in-place reads our bucket in us-east-1"),
        ({"instance_type": "ml.m5d.large"}, "instance_type: the local disk of ml.m5d.large"),
        ({"serverless_memory_mb": 3072}, "serverless_memory_mb: SageMaker has no serverless endpoints in a VPC"),
        ({"endpoint": "serverless"}, "endpoint: SageMaker has no serverless endpoints in a VPC"),
    ],
)
def test_what_the_account_rules_out_is_refused(settings: dict[str, Any], wrong: str) -> None:
    account = account_of("222222222222", "eu-central-1", KEY, ("subnet-1",), ("sg-1",))
    with pytest.raises(InvalidSettings, match=wrong):
        ModelSettings("y", **settings).require_fit(account, "us-east-1")
    ModelSettings("y", **settings).require_fit(account_of("222222222222", "us-east-1"), "us-east-1")


def test_an_endpoint_has_an_instance_type_that_the_customer_allows_and_a_serverless_one_has_none() -> None:
    account = account_of(instance_types=("ml.m5.xlarge", "ml.c5.large"))
    ModelSettings("y", instance_type="ml.c5.large").require_fit(account, "us-east-1")
    ModelSettings("y", serverless_memory_mb=3072).require_fit(account, "us-east-1")
    with pytest.raises(InvalidSettings, match=r"instance_type: .* allows ml\.m5\.xlarge, ml\.c5\.large, and not "):
        ModelSettings("y", instance_type="ml.m5.large").require_fit(account, "us-east-1")
    ModelSettings("y").require_fit(account, "us-east-1")


def test_a_serverless_endpoint_has_no_disk_that_a_key_would_not_encrypt() -> None:
    lean = ModelSettings("y", serverless_memory_mb=3072, instance_type="ml.m5d.large")
    lean.require_fit(account_of("222222222222", "eu-central-1", KEY), "us-east-1")


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"endpoint": "serverless", "instance_count": 2}, "instance_count: a serverless endpoint has no instances"),
        ({"serverless_memory_mb": 3072, "instance_count": 2}, "instance_count: a serverless endpoint"),
        (
            {"problem_type": "Regression", "objective": "MSE", "thresholds": {"R2": 0.5, "AUC": 0.5}},
            "thresholds: AUC is not measured of a Regression; there are MAE, MSE, R2, RMSE",
        ),
    ],
)
def test_what_no_version_could_follow_is_refused_when_it_is_written_and_read_where_it_is_stored(
    settings: dict[str, Any], wrong: str
) -> None:
    stored = ModelSettings.from_document({"target": "y"} | settings)
    with pytest.raises(InvalidSettings, match=wrong):
        stored.require_fit(account_of(), "us-east-1")


def test_a_serverless_endpoint_is_refused_with_network_isolation() -> None:
    with pytest.raises(InvalidSettings, match="network_isolation: SageMaker has no serverless endpoints with it"):
        ModelSettings("y", endpoint="serverless", network_isolation=True).require_fit(account_of(), "us-east-1")


def test_each_family_with_a_disk_is_one_of_sagemakers_and_none_that_ec2_marks_with_a_d_is_missing() -> None:
    marked = {family for family in FAMILIES if re.match(r"[a-z]+\d+[a-z]*d", family)}  # c5d, m6gd, g4dn
    assert marked <= LOCAL_STORAGE <= FAMILIES.keys()


@pytest.mark.parametrize(
    ("wanted", "near", "far"),
    [("copy", "copy", "upload"), ("upload", "upload", "upload"), ("in-place", "in-place", "in-place")],
)
def test_a_copy_stays_in_its_region_and_is_an_upload_to_another(wanted: str, near: str, far: str) -> None:
    settings = ModelSettings("y", delivery=wanted)
    assert settings.delivery_to("us-east-1", "us-east-1") == near
    assert settings.delivery_to("eu-central-1", "us-east-1") == far


@pytest.mark.parametrize(
    "document",
    [{f"{number:x}": 1 for number in range(6000)}, {"target": "y", "fatal_advice": [""] * 20_000}],
    ids=["unknown settings", "unknown rules"],
)
def test_of_a_document_that_is_all_wrong_no_more_is_said_than_an_answer_takes(document: dict[str, Any]) -> None:
    """An answer of a Lambda function has 6 MB at most (Lambda developer guide, "Lambda quotas")."""
    with pytest.raises(InvalidSettings, match=r"; and [0-9]+ more$") as refused:
        ModelSettings.from_document(document)
    assert len(str(refused.value)) < 100_000
