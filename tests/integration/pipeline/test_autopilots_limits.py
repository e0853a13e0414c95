"""What Autopilot answers and what it allows, as the pipeline meets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.aws.sagemaker import automl
from tenantml.domain.pricing import costs
from tenantml.domain.training.account_quotas import NOT_READ, QUOTA_SHORTAGE
from tenantml.errors import CustomerAccessRevoked, QuotaExceeded
from tenantml.services import account_limits, registry
from tests.integration.pipeline.faults import call

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer

Pipeline = Callable[..., Iterator[str]]


def execution_of(customer: Customer) -> dict[str, Any]:
    return registry.require_execution(customer.run.tenant, customer.run.execution)


def shortages_of(customer: Customer) -> list[str]:
    return [one["message"] for one in execution_of(customer)["advice"] if one["rule"] == QUOTA_SHORTAGE]


def test_the_captured_names_reach_the_tenant_under_the_standard_ones(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = new_customer(thresholds={"F1": 0.8})
    list(pipeline(customer, call))
    training = execution_of(customer)["training"]
    assert training["candidate"] == "WeightedEnsemble-L3-FULL-t1"
    assert training["objective"] == {"name": "F1", "value": 0.875}
    assert training["problem_type"] == "BinaryClassification"
    assert [row["name"] for row in training["candidates"]] == ["WeightedEnsemble-L3-FULL-t1", "LightGBM-L1-FULL-t1"]


@pytest.mark.parametrize("failure", [CustomerAccessRevoked("not now"), KeyError("a member that is not there")])
def test_what_keeps_progress_from_being_shown_does_not_end_the_training(
    new_customer: Callable[..., Customer],
    pipeline: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
) -> None:
    customer, listed = new_customer(), automl.candidates

    def fail_once(*_: Any) -> Any:
        monkeypatch.setattr(automl, "candidates", listed)
        raise failure

    monkeypatch.setattr(automl, "candidates", fail_once)
    left = list(pipeline(customer, call))
    assert left[-1] == "Live"
    assert execution_of(customer)["status"] == "succeeded"


def test_the_mode_that_was_trained_in_is_said(new_customer: Callable[..., Customer], pipeline: Pipeline) -> None:
    tuned, left_to_us = new_customer(mode="HYPERPARAMETER_TUNING"), new_customer()
    for customer in (tuned, left_to_us):
        list(pipeline(customer, call))
    modes = [execution_of(customer)["training"]["mode"] for customer in (tuned, left_to_us)]
    assert modes == ["HYPERPARAMETER_TUNING", "ENSEMBLING"]
    assert_all_steps_are_counted(tuned, steps=5)  # data, transformer, its application; a training for each of two
    assert_all_steps_are_counted(left_to_us, steps=2)


def assert_all_steps_are_counted(customer: Customer, steps: int) -> None:
    """The cost has the seconds of each job behind the candidates, once."""
    sagemaker, job = customer.client("sagemaker"), customer.tenant.account.job(customer.run.execution)
    candidates = automl.candidates(sagemaker, job)
    named = costs.steps_of(candidates)
    assert len(named) == steps
    found = [costs.Job.of_step(kind, automl.step(sagemaker, kind, name) or {}) for kind, name in named]
    cost = execution_of(customer)["cost"]
    assert cost["training_seconds"] == sum(one.seconds for one in found if one is not None)
    assert (cost["not_measured"], Decimal(cost["training_usd"]) > 0) == (0, True)


def test_an_upload_waits_for_the_one_job_that_the_account_may_run(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = new_customer()
    sagemaker = customer.client("sagemaker")
    refusals: list[str] = []
    bucket = customer.tenant.account.bucket
    customer.client("s3").put_object(Bucket=bucket, Key="theirs/train.csv", Body=b"a,wait\n" + b"1,2\n" * 600)
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/theirs/"}

    def stopping_at_the_first_refusal(function: str, payload: Any) -> Any:
        if payload["state"] == "StartTraining" and not refusals:
            sagemaker.create_auto_ml_job_v2(
                AutoMLJobName="of-their-own",
                AutoMLJobInputDataConfig=[{"DataSource": {"S3DataSource": source}}],
                OutputDataConfig={"S3OutputPath": f"s3://{bucket}/theirs-out"},
                AutoMLProblemTypeConfig={"TabularJobConfig": {"TargetAttributeName": "wait"}},
                RoleArn=customer.tenant.account.roles.training_execution,
            )
        try:
            return call(function, payload)
        except QuotaExceeded as refused:
            refusals.append(str(refused))
            sagemaker.stop_auto_ml_job(AutoMLJobName="of-their-own")
            raise

    assert list(pipeline(customer, stopping_at_the_first_refusal))[-1] == "Live"
    assert "'Maximum number of concurrent AutoML Jobs' is 1 Jobs" in refusals[0]


def test_a_quota_that_will_keep_a_version_from_being_deployed_is_said_while_it_trains(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = new_customer(instance_type="ml.c5.large")
    states = pipeline(customer, call)
    while next(states) != "StartTraining":
        pass
    (shortage,) = shortages_of(customer)
    assert "ml.c5.large for endpoint usage is 0" in shortage


def test_a_second_version_needs_room_next_to_the_live_one(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    first = new_customer(instance_type="ml.c5.xlarge")
    list(pipeline(first, call))
    second = first.uploads_again()
    states = pipeline(second, call)
    while next(states) != "StartTraining":
        pass
    (said_first,), (said_then,) = shortages_of(first), shortages_of(second)
    assert "a second version needs 2" in said_first
    assert "a version needs 2, so that it cannot be deployed" in said_then


def test_a_role_of_an_older_template_trains_without_a_word_on_quotas_and_says_what_its_cost_lacks(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = new_customer(instance_type="ml.c5.xlarge", mode="HYPERPARAMETER_TUNING")
    without(customer, "ReadQuotas", "MeasureWhatPreparationCosts")
    assert list(pipeline(customer, call))[-1] == "Live"
    assert shortages_of(customer) == []
    cost = execution_of(customer)["cost"]
    assert (cost["not_measured"], Decimal(cost["training_usd"]) > 0) == (1, True)
    assert account_limits.warnings(customer.tenant) == [NOT_READ]


def test_activation_warns_of_what_the_models_lack(new_customer: Callable[..., Customer]) -> None:
    assert account_limits.warnings(new_customer().tenant) == []
    (warning,) = account_limits.warnings(new_customer(instance_type="ml.c5.large").tenant)
    assert "ml.c5.large for endpoint usage is 0; a version needs 1" in warning


def without(customer: Customer, *statements: str) -> None:
    """Make the customer's role one of a template from before these statements."""
    name = customer.tenant.roles.training_access.rsplit("/", 1)[-1]
    iam, role = customer.client("iam"), {"RoleName": name, "PolicyName": "train-and-deploy"}
    policy = iam.get_role_policy(**role)["PolicyDocument"]
    policy["Statement"] = [one for one in policy["Statement"] if one["Sid"] not in statements]
    iam.put_role_policy(**role, PolicyDocument=json.dumps(policy))


def test_a_file_that_one_function_does_not_read_in_time_is_read_on_by_the_next(
    new_customer: Callable[..., Customer], pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECTION_SECONDS", "0")
    customer = new_customer()
    left = list(pipeline(customer, call))
    assert left[:5] == ["AcceptUpload", "InspectDataset", "IsInspected", "InspectDataset", "IsInspected"]
    assert left[-1] == "Live"
    assert execution_of(customer)["rows"]["train"] > 400
