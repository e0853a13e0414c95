"""An endpoint that scales begins to when it is in service, and ends before it is deleted, whoever dies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.aws.sagemaker import endpoints
from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.errors import StillChanging
from tenantml.services import offboarding, orphans, registry, reports, spending
from tests.integration.pipeline.faults import DyingInvoke, call
from tests.integration.pipeline.machine import OFFBOARDING, Broken
from tests.integration.pipeline.test_crashes import assert_it_failed_without_an_endpoint

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary
    from tests.integration.pipeline.machine import Machine

Pipeline = Callable[..., Iterator[str]]
MachineOf = Callable[..., "Machine"]
SCALING = {"max_instances": 3, "calls_per_instance": 240, "bake_minutes": 0}


def targets(customer: Customer) -> dict[str, tuple[int, int]]:
    """The least and the most instances of what may scale, by endpoint."""
    found = customer.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    return {row["ResourceId"]: (row["MinCapacity"], row["MaxCapacity"]) for row in found["ScalableTargets"]}


def variant_of(customer: Customer) -> str:
    return f"endpoint/{customer.tenant.account.endpoint(customer.run.model, customer.run.version)}/variant/AllTraffic"


def test_an_endpoint_scales_from_when_it_is_in_service_until_it_is_replaced_whoever_dies(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary
) -> None:
    customer, dying = new_customer(**SCALING), DyingInvoke(boundary)

    def invoke(function: str, payload: Any) -> Any:
        return (dying if payload["state"] in {"CheckEndpoint", "RetireVersion"} else call)(function, payload)

    assert list(pipeline(customer, invoke))[-1] == "Live"
    assert targets(customer) == {variant_of(customer): (1, 3)}
    run = customer.run
    plan = registry.get_version(run.tenant, run.model, run.version)["plan"]
    assert (plan["max_instances"], plan["calls_per_instance"]) == (3, 240)
    assert "max_instances asks for instances that scale" in plan["reason"]
    standing = spending.find_ledger(run.tenant).endpoints[f"{run.model}/{run.version}"]
    assert (standing["micros_per_hour"], standing["scaled"]) == (3 * 461_000, True)

    again = customer.uploads_again()
    assert list(pipeline(again, invoke))[-1] == "Live"
    assert targets(customer) == {variant_of(again): (1, 3)}, "the version before scales no more"
    assert dying.deaths["RetireVersion"] > 3


def test_nothing_scales_of_a_version_that_does_not_go_live(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary
) -> None:
    customer, seen = new_customer(**SCALING), []

    def invoke(function: str, payload: Any) -> Any:
        if payload["state"] == "EvaluateVersion":
            seen.append(targets(customer))
            raise Broken
        return call(function, payload)

    assert list(pipeline(customer, invoke))[-1] == "Failed"
    assert seen == [{variant_of(customer): (1, 3)}]
    assert targets(customer) == {}
    assert_it_failed_without_an_endpoint(customer, boundary)


def test_the_sweep_ends_the_scaling_of_what_nobody_needs(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = new_customer(**SCALING)
    assert list(pipeline(customer, call))[-1] == "Live"
    run = customer.run
    registry.remove_model(run.tenant, run.model)
    orphans.remove_orphans(customer.tenant)
    assert targets(customer) == {}
    assert endpoints.names(customer.client("sagemaker"), "endpoint-config", customer.tenant.prefix) == []


def test_off_boarding_ends_the_scaling_of_an_endpoint_before_it_deletes_it(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = new_customer(**SCALING)
    assert list(pipeline(customer, call))[-1] == "Live"
    begun = offboarding.begin(Offboarding.of({"tenant": customer.run.tenant, "model": customer.run.model}))
    with suppress(StillChanging):
        offboarding.remove_resources(Offboarding.from_document(begun["offboarding"]), "endpoint")
    assert targets(customer) == {}


def test_a_model_that_is_kept_scales_on_and_a_repeat_of_its_removal_keeps_it(
    new_customer: Callable[..., Customer], pipeline: Pipeline, machine_of: MachineOf
) -> None:
    customer = new_customer(**SCALING)
    assert list(pipeline(customer, call))[-1] == "Live"
    account, tenant, model = customer.tenant.account, customer.tenant.tenant, customer.run.model

    def invoke(function: str, payload: Any) -> Any:
        if payload["state"] == "RemoveObjects":
            raise Broken
        return call(function, payload)

    kept = {"tenant": tenant, "keep": ["models"]}
    assert list(machine_of(customer, invoke, OFFBOARDING).execute(kept))[-1] == "Incomplete"
    assert list(machine_of(customer, call, OFFBOARDING).execute({"tenant": tenant}))[-1] == "Removed"
    assert targets(customer) == {variant_of(customer): (1, 3)}
    head = reports.latest(Offboarding(tenant), None, ended=True)
    assert head
    report = reports.read(tenant, head["removal"])
    assert report["kept_on_wish"] == ["models"]
    reasons = {row["arn"]: row["reason"] for row in report["kept"]}
    assert "from 1 to 3 instances" in reasons[f"scalable target {variant_of(customer)}"]
    endpoint = account.sagemaker_arn("endpoint", account.endpoint(model, customer.run.version))
    assert "336.53 USD a month: 1 x ml.m5.2xlarge, and up to 1009.59 USD with 3 x" in reasons[endpoint]
    page = customer.client("s3").get_object(Bucket=account.bucket, Key=f"{model}/handover/README.md")["Body"].read()
    assert f"--resource-id {variant_of(customer)}" in page.decode()


@pytest.mark.parametrize("sid", ["ScaleEndpoints", "WhatScalingDoesToAlarms"])
def test_an_older_template_lets_a_version_fail_by_name_and_removes_it(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary, sid: str
) -> None:
    customer = new_customer(**SCALING)
    role = {"RoleName": customer.tenant.roles.training_access.rpartition("/")[2], "PolicyName": "train-and-deploy"}
    iam = customer.client("iam")
    document = iam.get_role_policy(**role)["PolicyDocument"]
    document["Statement"] = [one for one in document["Statement"] if one["Sid"] != sid]
    iam.put_role_policy(**role, PolicyDocument=json.dumps(document))
    assert list(pipeline(customer, call))[-1] == "Failed"
    assert_it_failed_without_an_endpoint(customer, boundary, "ScalingRefused")
