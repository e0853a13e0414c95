"""A version's model, endpoint configuration and endpoint in the customer's account: created, watched and removed
together.

All three have one name. SageMaker keeps no order on deletion except that an endpoint holds its configuration, and that
the execution role must live until the endpoint is gone.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tenantml.aws.autopilot import EXECUTION_TAG
from tenantml.aws.clients import error_code, named
from tenantml.aws.customer import REVOKED
from tenantml.domain.models import ModelSettings
from tenantml.domain.names import CustomerAccount
from tenantml.errors import NameTaken, QuotaExceeded

ERRORS = REVOKED | {"ResourceLimitExceeded": QuotaExceeded}
ABSENT = {"ResourceNotFound", "ValidationException"}


def create(
    client: Any,
    account: CustomerAccount,
    name: str,
    execution: str,
    containers: list[dict[str, Any]],
    settings: ModelSettings,
) -> None:
    """Create all three, or adopt those that this execution made before.

    Raises:
        QuotaExceeded: no instance of this type is left in the customer's account.
        CustomerAccessRevoked: the access role may not create them any more.
        NameTaken: something of this name is not ours.
    """
    tags = [{"Key": EXECUTION_TAG, "Value": execution}]
    variant: dict[str, Any] = {"VariantName": "AllTraffic", "ModelName": name}
    if settings.serverless_memory_mb:
        variant["ServerlessConfig"] = {
            "MemorySizeInMB": settings.serverless_memory_mb,
            "MaxConcurrency": settings.serverless_concurrency,
        }
    else:
        variant |= {"InstanceType": settings.instance_type, "InitialInstanceCount": settings.instance_count}
    steps = (
        (
            "model",
            client.create_model,
            {"ModelName": name, "Containers": containers, "ExecutionRoleArn": account.execution_role_arn},
        ),
        (
            "endpoint-config",
            client.create_endpoint_config,
            {"EndpointConfigName": name, "ProductionVariants": [variant]},
        ),
        ("endpoint", client.create_endpoint, {"EndpointName": name, "EndpointConfigName": name}),
    )
    with named(ERRORS, f"the version {name} could not be deployed in account {account.account_id}"):
        for kind, call, request in steps:
            try:
                call(**request, Tags=tags)
            except ClientError as error:
                if "already exist" not in str(error) and error_code(error) != "ResourceInUse":
                    raise
                found = client.list_tags(ResourceArn=account.sagemaker_arn(kind, name))["Tags"]
                if {"Key": EXECUTION_TAG, "Value": execution} not in [
                    {"Key": tag["Key"], "Value": tag["Value"]} for tag in found
                ]:
                    raise NameTaken(
                        f"a SageMaker {kind} {name} exists in account {account.account_id} and is not this execution's"
                    ) from error


def status(client: Any, name: str) -> tuple[str, str]:
    """Return the endpoint's status and its failure reason, `("Absent", "")` when there is none."""
    with named(ERRORS, f"the endpoint {name} could not be looked at"):
        try:
            answer = client.describe_endpoint(EndpointName=name)
        except ClientError as error:
            if error_code(error) in ABSENT:
                return "Absent", ""
            raise
    return answer["EndpointStatus"], answer.get("FailureReason", "")


def remove(client: Any, name: str) -> list[str]:
    """Delete the endpoint, its configuration and its model, whichever exist; return what was there as `kind/name`.

    Raises:
        CustomerAccessRevoked: the access role may not delete any more.
    """
    steps = (
        ("endpoint", client.delete_endpoint, {"EndpointName": name}),
        ("endpoint-config", client.delete_endpoint_config, {"EndpointConfigName": name}),
        ("model", client.delete_model, {"ModelName": name}),
    )
    removed = []
    with named(ERRORS, f"the version {name} could not be removed"):
        for kind, call, request in steps:
            try:
                call(**request)
                removed.append(f"{kind}/{name}")
            except ClientError as error:
                if error_code(error) not in ABSENT:
                    raise
    return removed
