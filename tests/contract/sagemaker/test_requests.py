"""What SageMaker refuses, in its own words, before anything is created."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from local.sagemaker import jobs
from local.sagemaker.errors import ApiError
from local.sagemaker.service import OPERATIONS
from local.sagemaker.shapes import check_answer, check_request, operation
from local.sagemaker.store import Scope

SCOPE = Scope("222222222222", "us-east-1")
ROLE_ARN = "arn:aws:iam::222222222222:role/tenantml_autopilot_execution"
SOURCE = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train.csv"}}
REQUEST: dict[str, Any] = {
    "AutoMLJobName": "tenantml-0123456789abcdef-1",
    "AutoMLJobInputDataConfig": [{"ChannelType": "training", "DataSource": SOURCE}],
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
    "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "y"}},
    "RoleArn": ROLE_ARN,
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The accepted request with one member set (or removed, by None); list positions are numbers in the path."""
    request = copy.deepcopy(REQUEST)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inside: Any = request
    for step in steps:
        inside = inside[step] if isinstance(step, int) else inside.setdefault(step, {})
    inside[last] = value
    return request


def refused(request: dict[str, Any]) -> ApiError:
    """The error with which CreateAutoMLJobV2 refuses a request, by its shape or by a rule."""

    def create() -> None:
        check_request(operation("CreateAutoMLJobV2").input_shape, request)
        jobs.create_v2(request, SCOPE)

    with pytest.raises(ApiError) as raised:
        create()
    return raised.value


def test_the_request_that_the_others_are_made_of_is_accepted() -> None:
    check_request(operation("CreateAutoMLJobV2").input_shape, REQUEST)


@pytest.mark.parametrize(
    ("path", "value", "constraint"),
    [
        (
            "AutoMLJobName",
            "-a",
            "at 'autoMLJobName' failed to satisfy constraint: Member must satisfy regular expression",
        ),
        ("AutoMLJobName", "a" * 33, "Member must have length less than or equal to 32"),
        ("RoleArn", None, "Value null at 'roleArn' failed to satisfy constraint: Member must not be null"),
        ("RoleArn", "arn:aws:iam::1:role/short", "at 'roleArn' failed to satisfy constraint"),
        ("AutoMLJobInputDataConfig", [], "Member must have length greater than or equal to 1"),
        (
            "AutoMLJobInputDataConfig.0.DataSource.S3DataSource.S3DataType",
            "Folder",
            (
                "'autoMLJobInputDataConfig.1.member.dataSource.s3DataSource.s3DataType' failed to satisfy constraint: "
                "Member must satisfy enum value set: [ManifestFile, S3Prefix, AugmentedManifestFile]"
            ),
        ),
        (
            "AutoMLProblemTypeConfig.TabularJobConfig.CompletionCriteria.MaxCandidates",
            751,
            (
                "Value '751' at 'autoMLProblemTypeConfig.tabularJobConfig.completionCriteria.maxCandidates' failed to "
                "satisfy constraint: Member must have value less than or equal to 750"
            ),
        ),
        ("AutoMLProblemTypeConfig.TextGenerationJobConfig", {}, "Exactly one member must be set"),
        ("AutoMLProblemTypeConfig", {}, "Exactly one member must be set"),
        ("OutputDataConfig.S3OutputPath", "/tmp/out", "Member must satisfy regular expression pattern: (https|s3)"),
        ("Tags", [{"Key": "a;b", "Value": ""}], "at 'tags.1.member.key' failed to satisfy constraint"),
        ("AutoMLJobObjective", {"MetricName": "LogLoss"}, "Member must satisfy enum value set"),
    ],
)
def test_a_member_that_does_not_fit_is_named_with_the_constraint(path: str, value: Any, constraint: str) -> None:
    error = refused(changed(path, value))
    assert error.code == "ValidationException"
    assert error.message.startswith("1 validation error detected: Value ")
    assert constraint in error.message


def test_all_violations_are_reported_at_once() -> None:
    request = changed("RoleArn", None) | {"AutoMLJobName": "a_b"}
    assert refused(request).message.startswith("2 validation errors detected: ")
    assert "length greater than or equal to 1; Value '' at" in refused(changed("AutoMLJobName", "")).message


def test_a_wrong_type_is_a_serialization_error() -> None:
    assert refused(changed("AutoMLJobName", 5)).code == "SerializationException"
    assert refused(changed("DataSplitConfig.ValidationFraction", True)).code == "SerializationException"


def test_tags_may_hold_letters_of_any_language() -> None:
    check_request(operation("CreateAutoMLJobV2").input_shape, changed("Tags", [{"Key": "größe", "Value": "東京 1"}]))


TABULAR = "AutoMLProblemTypeConfig.TabularJobConfig"
VALIDATION = {"ChannelType": "validation", "DataSource": SOURCE}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "AutoMLJobObjective",
            {"MetricName": "F1"},
            "Either both ProblemType and AutoMLJobObjective must be specified",
        ),
        (f"{TABULAR}.ProblemType", "Regression", "Either both ProblemType and AutoMLJobObjective must be specified"),
        ("DataSplitConfig.ValidationFraction", 0, "greater than 0 and less than 1"),
        ("DataSplitConfig.ValidationFraction", 1, "greater than 0 and less than 1"),
        ("AutoMLJobInputDataConfig", [VALIDATION], "exactly one training channel"),
        ("AutoMLJobInputDataConfig", [{"DataSource": SOURCE}] * 2, "exactly one training channel"),
        ("AutoMLJobInputDataConfig", [{"ChannelType": "training"}], "DataSource is required"),
        ("AutoMLJobInputDataConfig.0.ContentType", "text/csv", "Content type text/csv is not supported"),
        ("ModelDeployConfig", {"AutoGenerateEndpointName": True}, "ModelDeployConfig is not supported"),
        (
            "AutoMLComputeConfig",
            {"EmrServerlessComputeConfig": {"ExecutionRoleARN": "arn:aws:iam::222222222222:role/canvas"}},
            "AutoMLComputeConfig is not supported",
        ),
        (f"{TABULAR}.GenerateCandidateDefinitionsOnly", True, "GenerateCandidateDefinitionsOnly is not supported"),
        (f"{TABULAR}.SampleWeightAttributeName", "w", "SampleWeightAttributeName is not supported"),
        ("AutoMLProblemTypeConfig", {"ImageClassificationJobConfig": {}}, "any problem type but tabular"),
    ],
)
def test_a_rule_that_no_shape_states_is_enforced(path: str, value: Any, message: str) -> None:
    error = refused(changed(path, value))
    assert (error.code, message in error.message) == ("ValidationException", True), error.message


def test_a_validation_fraction_beside_a_validation_channel_is_refused() -> None:
    request = changed("DataSplitConfig.ValidationFraction", 0.2)
    request["AutoMLJobInputDataConfig"].append(VALIDATION)
    assert "cannot be specified together with a validation channel" in refused(request).message


@pytest.mark.parametrize(
    ("problem_type", "metric"),
    [("BinaryClassification", "MSE"), ("MulticlassClassification", "F1"), ("Regression", "AUC")],
)
def test_an_objective_of_another_problem_type_is_refused(problem_type: str, metric: str) -> None:
    request = changed(f"{TABULAR}.ProblemType", problem_type) | {"AutoMLJobObjective": {"MetricName": metric}}
    assert f"Invalid objective metric {metric} for problem type {problem_type}" in refused(request).message


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_exists_in_botocores_model(name: str) -> None:
    assert operation(name).name == name


def test_an_answer_with_an_unknown_or_missing_member_is_a_bug_that_is_noticed() -> None:
    shape = operation("CreateModel").output_shape
    arn = "arn:aws:sagemaker:us-east-1:222222222222:model/m"
    assert check_answer(shape, {"ModelArn": arn}) == {"ModelArn": arn}
    for wrong in ({}, {"ModelArn": arn, "Modelarn": arn}, {"ModelArn": "m"}):
        with pytest.raises(ValueError, match="botocore's model does not know"):
            check_answer(shape, wrong)
