"""The two people who on-board a tenant: the SaaS's operator, and the cloud team of the customer's account.

The operator invokes the stack's operator functions; the customer applies `onboarding/customer_access.yaml` unchanged,
with the parameters that the registration returned, and deletes that stack last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import REGION
from local.cloud import EmbeddedCloud
from local.deploy import deploy
from local.platform import Platform
from tenantml.domain.tenancy.onboarding import access_stack

ACCESS_TEMPLATE = Path(__file__).resolve().parent.parent / "onboarding" / "customer_access.yaml"


@dataclass(frozen=True)
class OnboardedTenant:
    """A tenant that may configure models and upload; the key is shown only here."""

    tenant: str
    account_id: str
    api_key: str
    prefix: str


def onboard(platform: Platform, tenant: str, account_id: str, contact: str) -> OnboardedTenant:
    """Register `tenant`, apply the access template in its account, activate it."""
    registration = {"tenant": tenant, "account_id": account_id, "region": REGION, "contact": contact}
    registered = platform.call("RegisterTenantFunction", registration)
    apply_access_stack(platform.cloud, account_id, registered["onboarding"]["parameters"])
    activated = platform.call("ActivateTenantFunction", {"tenant": tenant})
    return OnboardedTenant(
        tenant, account_id, activated["api_key"], registered["onboarding"]["parameters"]["NamePrefix"]
    )


def apply_access_stack(cloud: EmbeddedCloud, account_id: str, parameters: Mapping[str, str]) -> None:
    """Create the customer's stack, as that account's root, and wait for it; raises StackFailed with the reasons."""
    template = ACCESS_TEMPLATE.read_text(encoding="utf-8")
    deploy(cloud.client("cloudformation", account_id), access_stack(parameters["NamePrefix"]), template, parameters)


def delete_access_stack(cloud: EmbeddedCloud, account_id: str) -> None:
    """Delete the customer's stacks and wait until they are gone; raises botocore's WaiterError when something holds it.

    Endpoints first: SageMaker needs serving execution, which is in the stack, to delete them.
    """
    sagemaker = cloud.client("sagemaker", account_id)
    for endpoint in sagemaker.list_endpoints(StatusEquals="Deleting")["Endpoints"]:
        sagemaker.get_waiter("endpoint_deleted").wait(
            EndpointName=endpoint["EndpointName"], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    cloudformation = cloud.client("cloudformation", account_id)
    for stack in cloudformation.describe_stacks()["Stacks"]:
        if stack["StackName"].endswith(access_stack("")):
            cloudformation.delete_stack(StackName=stack["StackId"])
            cloudformation.get_waiter("stack_delete_complete").wait(
                StackName=stack["StackId"], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
            )
