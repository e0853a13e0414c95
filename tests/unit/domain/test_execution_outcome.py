"""Outcomes: a named failure is reported with its message, a bug without its details."""

from __future__ import annotations

import json

import pytest

from tenantml.domain.training.execution_outcome import concerns_operators, message_of, of


def test_a_success_has_no_error() -> None:
    assert of(None, []) == {"status": "succeeded", "error": None, "left_behind": []}


def test_a_named_failure_is_reported_under_its_name_with_its_message() -> None:
    cause = json.dumps({"errorType": "TooFewRows", "errorMessage": "499 rows, 500 are needed", "stackTrace": []})
    assert of({"Error": "TooFewRows", "Cause": cause}, ["arn:x"]) == {
        "status": "failed",
        "error": {"code": "TooFewRows", "message": "499 rows, 500 are needed"},
        "left_behind": ["arn:x"],
    }


@pytest.mark.parametrize(
    "code", ["KeyError", "Lambda.Unknown", "States.Timeout", "States.QueryEvaluationError", "annotations", ""]
)
def test_an_unnamed_failure_is_reported_without_its_details(code: str) -> None:
    outcome = of({"Error": code, "Cause": '{"errorMessage": "secret/path/of/ours"}'}, [])
    assert outcome["error"]["code"] == "InternalFailure"
    assert "secret" not in json.dumps(outcome)


@pytest.mark.parametrize("cause", ["plain words", '"a JSON text"', "[1]", "{broken"])
def test_a_cause_that_no_function_wrote_is_its_own_message(cause: str) -> None:
    assert message_of({"Error": "ExecutionStopped", "Cause": cause}) == cause


def test_a_failure_may_have_no_cause() -> None:
    assert message_of({"Error": "States.Timeout"}) == ""
    assert message_of({"Error": "E", "Cause": '{"other": 1}'}) == '{"other": 1}'


@pytest.mark.parametrize("name", ["TooFewRows", "UploadSuperseded", "BelowQualityBar", "ExecutionStopped"])
def test_operators_are_not_notified_of_what_a_tenant_can_fix(name: str) -> None:
    assert not concerns_operators(of({"Error": name, "Cause": "why"}, []))


@pytest.mark.parametrize("name", ["CustomerAccessRevoked", "TrainingFailed", "States.Timeout"])
def test_operators_are_notified_of_what_a_tenant_cannot_fix(name: str) -> None:
    assert concerns_operators(of({"Error": name, "Cause": "why"}, []))


def test_operators_are_not_called_for_a_success() -> None:
    assert not concerns_operators(of(None, []))
