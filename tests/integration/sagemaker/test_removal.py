"""Removing while SageMaker is still at work: what it refuses now is not taken for what does not exist."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config

from local import CUSTOMER_ACCOUNT
from tenantml.aws.sagemaker import automl, endpoints
from tenantml.errors import StillChanging

KINDS = ("endpoint", "endpoint-config", "model")


def test_an_endpoint_that_is_being_created_is_not_taken_for_absent(account: Any) -> None:
    name = account.model(environment={"READY_WHEN": "removal-gate"})
    hardware = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    variants = [{"VariantName": "AllTraffic", "ModelName": name, **hardware}]
    account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    with pytest.raises(StillChanging, match=f"endpoint/{name} is Creating"):
        endpoints.remove(account.sagemaker, name)
    assert account.sagemaker.describe_model(ModelName=name)["ModelName"] == name
    (account.cloud.state_dir / "tmp" / "removal-gate").touch()
    account.endpoint_when(name, lambda found: found["EndpointStatus"] == "InService")
    assert endpoints.remove(account.sagemaker, name) == [f"{kind}/{name}" for kind in KINDS]
    assert endpoints.remove(account.sagemaker, name) == []


def test_what_does_not_exist_is_removed_already(account: Any) -> None:
    assert [endpoints.remove_one(account.sagemaker, kind, "tenantml-never") for kind in KINDS] == [False] * 3
    assert automl.stop(account.sagemaker, "tenantml-never") == "Absent"


def test_a_job_is_stopping_until_it_has_stopped(account: Any) -> None:
    job = account.start("wait")
    assert automl.stop(account.sagemaker, job) == "Stopping"
    account.finished(job)
    assert automl.stop(account.sagemaker, job) == "Stopped"


def test_a_job_that_ends_just_before_it_is_stopped_has_ended(account: Any) -> None:
    job = account.start("wait")
    client = account.cloud.client("sagemaker", CUSTOMER_ACCOUNT, config=Config())  # a client of its own, with a hook

    def end_it_first(**_: Any) -> None:
        account.sagemaker.stop_auto_ml_job(AutoMLJobName=job)
        account.finished(job)

    client.meta.events.register_first("before-call.sagemaker.StopAutoMLJob", end_it_first)
    assert automl.stop(client, job) == "Stopped"
