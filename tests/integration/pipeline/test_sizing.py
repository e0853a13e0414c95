"""On what a version is served: larger artefacts than the smallest instance has memory for, and settings that say what
it has to be.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.services import registry
from tests.integration.pipeline.faults import DyingInvoke, call, twice
from tests.integration.pipeline.test_crashes import assert_it_failed_without_an_endpoint, names

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary

CLIMBING = {"DeployCandidate", "CheckEndpoint", "EnlargeEndpoint"}

Pipeline = Callable[..., Iterator[str]]


def make_artefacts_take(customer: Customer, memory_mb: int) -> None:
    """Let the models that the customer's training made take so much memory in each worker."""
    s3, bucket = customer.client("s3"), customer.tenant.account.bucket
    for row in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        if row["Key"].endswith("model.tar.gz"):
            with tarfile.open(fileobj=io.BytesIO(s3.get_object(Bucket=bucket, Key=row["Key"])["Body"].read())) as made:
                answer = json.load(made.extractfile("answer.json") or io.BytesIO())
            content, body = json.dumps(answer | {"memory_mb": memory_mb}).encode(), io.BytesIO()
            with tarfile.open(fileobj=body, mode="w:gz") as archive:
                entry = tarfile.TarInfo("answer.json")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
            s3.put_object(Bucket=bucket, Key=row["Key"], Body=body.getvalue())


def walk(
    pipeline: Pipeline, customer: Customer, memory_mb: int, invoke: Callable[[str, Any], Any] = call
) -> Iterator[str]:
    """Walk both machines, with artefacts that take so much memory; yield the states' names."""
    for state in pipeline(customer, invoke):
        if state == "SelectCandidate":
            make_artefacts_take(customer, memory_mb)
        yield state


def plan_of(customer: Customer) -> dict[str, Any]:
    run = customer.run
    plan: dict[str, Any] = (registry.find_version(run.tenant, run.model, run.version) or {})["plan"]
    return plan


def deployed_on(customer: Customer) -> list[tuple[str, str | None]]:
    """Return the instance type of each endpoint configuration of the account, and the workers of its model."""
    client = customer.client("sagemaker")
    found = []
    for name in names(customer, "endpoint-config"):
        variant = client.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"][0]
        (container,) = client.describe_model(ModelName=variant["ModelName"])["Containers"]
        found.append((variant["InstanceType"], container["Environment"].get("SAGEMAKER_MODEL_SERVER_WORKERS")))
    return found


def test_a_small_model_goes_where_aws_deploys_candidates(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = new_customer()
    assert [*walk(pipeline, customer, memory_mb=500)][-1] == "Live"
    assert deployed_on(customer) == [("ml.m5.2xlarge", None)]
    assert plan_of(customer)["reason"].startswith("one container with artefacts of 1 MiB: ml.m5.2xlarge")


@pytest.mark.parametrize("how", ["dying", *(pytest.param(how, marks=pytest.mark.explore) for how in ("once", "twice"))])
def test_a_model_too_large_for_an_instance_climbs_a_step_and_one_too_large_for_every_step_leaves_no_endpoint(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary, how: str
) -> None:
    # Two tenants take turns, whatever happens to the functions.
    climbs, fails, dying = new_customer(), new_customer(), DyingInvoke(boundary)
    ways: dict[str, Callable[[str, Any], Any]] = {"once": call, "twice": twice, "dying": dying}

    def invoke(function: str, payload: Any) -> Any:
        return (ways[how] if payload["state"] in CLIMBING else call)(function, payload)

    walks = walk(pipeline, climbs, 6000, invoke), walk(pipeline, fails, 60_000, invoke)
    walked = [[state for state in states if state] for states in zip(*zip_longest(*walks), strict=True)]
    assert [(states[-1], states.count("EnlargeEndpoint")) for states in walked] == [("Live", 1), ("Failed", 2)]
    assert (walked[0].count("DeployCandidate"), deployed_on(climbs)) == (2, [("ml.m5.4xlarge", "4")])
    plan = plan_of(climbs)
    assert (plan["instance_type"], plan["steps_up"]) == ("ml.m5.4xlarge", 1)
    assert "its container did not come up there" in plan["reason"]
    assert_it_failed_without_an_endpoint(fails, boundary, "DeploymentFailed")
    assert plan_of(fails)["instance_type"] == "ml.m5.12xlarge"
    assert (dying.deaths["EnlargeEndpoint"] > 5) == (how == "dying")


def test_an_instance_that_the_settings_name_is_tried_alone(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary
) -> None:
    customer = new_customer(instance_type="ml.m5.large")
    walked = [*walk(pipeline, customer, memory_mb=6000)]
    assert (walked[-1], walked.count("EnlargeEndpoint")) == ("Failed", 0)
    assert_it_failed_without_an_endpoint(customer, boundary, "DeploymentFailed")
    assert plan_of(customer)["reason"] == "instance_type of the settings"
