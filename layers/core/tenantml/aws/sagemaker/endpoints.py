"""A version's model, endpoint configuration and endpoint in the customer's account: created, watched and removed
together.

All three have one name. SageMaker prescribes no order of deletion, except that an endpoint holds its configuration, and
that the execution role must exist until the endpoint is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tenantml.aws.error_codes import (
    ABSENT_RESOURCE,
    IN_CUSTOMER_ACCOUNT,
    INVALID,
    QUOTA_USED_UP,
    RESOURCE_EXISTS,
    AwsError,
    Names,
    absence,
    code_of,
    named,
)
from tenantml.aws.sagemaker.automl import ABSENT, EXECUTION_TAG, tags_of
from tenantml.domain.names import VARIANT, CustomerAccount
from tenantml.domain.training.endpoint_plan import EndpointPlan
from tenantml.errors import DeploymentRefused, NameTaken, QuotaExceeded, StillChanging

# A request that AWS rejects here is one that the customer's account does not support: its execution role can no longer
# read the artefacts, or a subnet or an instance type is gone.
ERRORS: Names = (
    IN_CUSTOMER_ACCOUNT | dict.fromkeys(QUOTA_USED_UP, QuotaExceeded) | dict.fromkeys(INVALID, DeploymentRefused)
)
KINDS = ("endpoint", "endpoint-config", "model")  # in the order of their removal
LISTINGS = {
    "endpoint": ("list_endpoints", "Endpoints", "EndpointName"),
    "endpoint-config": ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    "model": ("list_models", "Models", "ModelName"),
}
# "In service" in one way or another (SageMaker API reference, DescribeEndpoint, EndpointStatus).
ANSWERING = {"InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"}
CHANGING = {"Creating", "Updating", "SystemUpdating", "RollingBack"}  # DeleteEndpoint refuses these


def create(
    client: Any,
    account: CustomerAccount,
    name: str,
    execution: str,
    containers: list[dict[str, Any]],
    plan: EndpointPlan,
    *,
    isolated: bool = False,
) -> None:
    """Create all three, or adopt those that this execution made earlier.

    The model runs in the customer's network, and its instances' volumes are encrypted with the customer's key, if it
    has one; a serverless endpoint has no volume.

    Raises:
        QuotaExceeded: no instance of this type is left in the customer's account.
        DeploymentRefused: SageMaker rejects one of them; the message carries its reason.
        CustomerAccessRevoked: the access role may no longer create them.
        NameTaken: a resource of this name is not ours.
    """
    tags = tags_of(account, execution)
    variant: dict[str, Any] = {"VariantName": VARIANT, "ModelName": name}
    if plan.serverless_memory_mb:
        variant["ServerlessConfig"] = {
            "MemorySizeInMB": plan.serverless_memory_mb,
            "MaxConcurrency": plan.serverless_concurrency,
        }
        volumes = {}
    else:
        variant |= {"InstanceType": plan.instance_type, "InitialInstanceCount": plan.instance_count}
        volumes = {"KmsKeyId": account.kms_key_arn} if account.kms_key_arn else {}
    network: dict[str, Any] = {"VpcConfig": account.vpc_config} if account.vpc_config else {}
    if isolated:
        network["EnableNetworkIsolation"] = True
    steps = (
        (
            "model",
            client.create_model,
            {"ModelName": name, "Containers": containers, "ExecutionRoleArn": account.roles.serving_execution}
            | network,
        ),
        (
            "endpoint-config",
            client.create_endpoint_config,
            {"EndpointConfigName": name, "ProductionVariants": [variant]} | volumes,
        ),
        ("endpoint", client.create_endpoint, {"EndpointName": name, "EndpointConfigName": name}),
    )
    with named(ERRORS, f"the version {name} could not be deployed in account {account.account_id}"):
        for kind, call, request in steps:
            try:
                call(**request, Tags=tags)
            except AwsError as error:
                if "already exist" not in str(error) and code_of(error) not in RESOURCE_EXISTS:
                    raise
                if made_by(client, account.sagemaker_arn(kind, name)) != execution:
                    raise NameTaken(
                        f"a SageMaker {kind} {name} exists in account {account.account_id} and is not this execution's"
                    ) from error


def made_by(client: Any, arn: str) -> str | None:
    """Return the execution whose tag a resource carries; None when it is not ours."""
    tags = client.list_tags(ResourceArn=arn)["Tags"]
    return next((tag["Value"] for tag in tags if tag["Key"] == EXECUTION_TAG), None)


def _is_made_by(client: Any, resource: dict[str, Any], execution: str) -> bool:
    """Return whether a described resource is an execution's; false when it has gone since."""
    arn = next(resource[name] for name in ("EndpointArn", "EndpointConfigArn", "ModelArn") if name in resource)
    with absence(ABSENT_RESOURCE):
        return made_by(client, arn) == execution
    return False


def names(client: Any, kind: str, contains: str) -> list[str]:
    """Return the names of all endpoints, configurations or models that contain a text.

    Raises:
        CustomerAccessRevoked: the access role may no longer list them.
    """
    operation, rows, name = LISTINGS[kind]
    return [row[name] for row in listed(client, operation, rows, contains)]


def listed(client: Any, operation: str, rows: str, contains: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of every page of one of SageMaker's lists, of names that contain a text.

    Raises:
        CustomerAccessRevoked: the access role may no longer list them.
    """
    with named(IN_CUSTOMER_ACCOUNT, f"{operation} was refused in the customer's account"):
        for page in client.get_paginator(operation).paginate(NameContains=contains):
            yield from page[rows]


def status(client: Any, name: str) -> tuple[str, str]:
    """Return the endpoint's status and its failure reason, `(ABSENT, "")` when there is none."""
    with named(IN_CUSTOMER_ACCOUNT, f"the endpoint {name} could not be described"), absence(ABSENT_RESOURCE):
        answer = client.describe_endpoint(EndpointName=name)
        return answer["EndpointStatus"], answer.get("FailureReason", "")
    return ABSENT, ""


def model_files(client: Any, name: str) -> list[str]:
    """Return the s3:// addresses of what the containers of a model load; none of a model that is gone."""
    with named(IN_CUSTOMER_ACCOUNT, f"the model {name} could not be described"), absence(ABSENT_RESOURCE):
        answer = client.describe_model(ModelName=name)
        containers = answer.get("Containers") or [answer.get("PrimaryContainer") or {}]
        return sorted({item["ModelDataUrl"] for item in containers if "ModelDataUrl" in item})
    return []


def remove(client: Any, name: str, execution: str | None = None) -> list[str]:
    """Delete the endpoint, its configuration and its model, whichever exist; return what was there as `kind/name`. With
    an `execution`, only what that execution made.

    An endpoint that is being deleted already counts as deleted: its configuration and model can go before it is gone.

    Raises:
        StillChanging: the endpoint is being created or updated; nothing was deleted.
        CustomerAccessRevoked: the access role may no longer delete them.
    """
    return [f"{kind}/{name}" for kind in KINDS if remove_one(client, kind, name, execution)]


def replace(client: Any, name: str) -> None:
    """Delete all three, and return when their names are free again.

    Raises:
        StillChanging: the endpoint is not gone yet.
        CustomerAccessRevoked: the access role may no longer delete them.
    """
    remove(client, name)
    found, _ = status(client, name)
    if found != ABSENT:
        raise StillChanging(f"the endpoint {name} is {found}; its name is free when it is gone")


def remove_one(client: Any, kind: str, name: str, execution: str | None = None) -> bool:
    """Delete an `endpoint`, `endpoint-config` or `model`, and return whether there was one to delete. With an
    `execution`, one that it did not make is none.

    Describes it first: SageMaker answers ValidationException both for what is absent and for what it cannot delete now.

    Raises:
        StillChanging: the endpoint is being created or updated.
        CustomerAccessRevoked: the access role may no longer describe or delete it.
    """
    describe, delete, request = {
        "endpoint": (client.describe_endpoint, client.delete_endpoint, {"EndpointName": name}),
        "endpoint-config": (
            client.describe_endpoint_config,
            client.delete_endpoint_config,
            {"EndpointConfigName": name},
        ),
        "model": (client.describe_model, client.delete_model, {"ModelName": name}),
    }[kind]
    with named(IN_CUSTOMER_ACCOUNT, f"the {kind} {name} could not be removed"):
        resource: dict[str, Any] = {}
        with absence(ABSENT_RESOURCE):
            resource = describe(**request)
        if not resource or (execution and not _is_made_by(client, resource, execution)):
            return False
        status = resource.get("EndpointStatus")
        if status in CHANGING:
            raise StillChanging(f"{resource['EndpointArn']} is {status}; it can be deleted after that")
        if status == "Deleting":
            return False
        try:
            delete(**request)
        except AwsError as error:
            if code_of(error) not in ABSENT_RESOURCE:
                raise
            raise StillChanging(f"the {kind} {name} changed while it was being removed; it is checked again") from error
    return True
