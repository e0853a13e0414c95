"""The two people who on-board a tenant: the SaaS's operator, and the cloud team of the customer's account.

The operator invokes the stack's operator functions; the customer applies `onboarding/customer_access.yaml` unchanged,
with the parameters that the registration returned, and deletes that stack last. On AWS and on the embedded cloud alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import REGION
from local.deploy import deploy
from local.platform import Platform
from tenantml.domain.tenancy.onboarding import access_stack
from tenantml_cli.errors import Refused
from tenantml_cli.stack import Stack

ACCESS_TEMPLATE = Path(__file__).resolve().parent.parent / "onboarding" / "customer_access.yaml"
_STACK_SECONDS = 900.0
# A role that was just created is not known everywhere in AWS yet (IAM user guide, "Changes that I make are not always
# immediately visible"): these refusals are repeated for two minutes.
_MAY_BE_TOO_EARLY = {"RoleNotAssumable", "PermissionMissing"}
_IAM_SECONDS = 120.0
_IAM_POLL_SECONDS = 5.0

Clients = Callable[[str], Any]  # a service's client, in one account


@dataclass(frozen=True)
class Customer:
    """A customer's account, as its cloud team uses it."""

    account_id: str
    region: str
    contact: str
    client: Clients


@dataclass(frozen=True)
class OnboardedTenant:
    """A tenant that may configure models and upload; the key is shown only here."""

    tenant: str
    account_id: str
    api_key: str
    prefix: str


def onboard(platform: Platform, tenant: str, account_id: str, contact: str) -> OnboardedTenant:
    """Register `tenant`, apply the access template in its account of the embedded cloud, activate it."""
    customer = Customer(account_id, REGION, contact, platform.cloud.clients(account_id))
    parameters = register(platform, tenant, customer)
    apply_access_stack(customer.client, parameters)
    return OnboardedTenant(tenant, account_id, activate(platform, tenant), parameters["NamePrefix"])


def register(stack: Stack, tenant: str, customer: Customer) -> Mapping[str, str]:
    """Register a tenant and return the parameters of its cloud team's template; raises Refused."""
    request = {"account_id": customer.account_id, "region": customer.region, "contact": customer.contact}
    registered = stack.call("RegisterTenantFunction", {"tenant": tenant} | request)
    parameters: Mapping[str, str] = registered["onboarding"]["parameters"]
    return parameters


def activate(stack: Stack, tenant: str) -> str:
    """Prove the tenant's role and return its API key; raises Refused, at once or when the role stays unknown."""
    deadline = time.monotonic() + _IAM_SECONDS
    while True:
        try:
            return str(stack.call("ActivateTenantFunction", {"tenant": tenant})["api_key"])
        except Refused as error:
            if error.code not in _MAY_BE_TOO_EARLY or time.monotonic() > deadline:
                raise
        time.sleep(_IAM_POLL_SECONDS)


def apply_access_stack(client: Clients, parameters: Mapping[str, str]) -> None:
    """Create the customer's stack in the clients' account and wait for it; raises StackFailed with the reasons."""
    template = ACCESS_TEMPLATE.read_text(encoding="utf-8")
    name = access_stack(parameters["NamePrefix"])
    deploy(client("cloudformation"), name, template, parameters, timeout_seconds=_STACK_SECONDS)


def delete_access_stack(client: Clients, prefix: str) -> None:
    """Delete the customer's stack of a tenant and wait until it is gone; raises botocore's WaiterError when something
    holds it.

    Endpoints first: SageMaker needs serving execution, which is in the stack, to delete them.
    """
    waiting = {"Delay": 1, "MaxAttempts": int(_STACK_SECONDS)}
    sagemaker = client("sagemaker")
    for endpoint in sagemaker.list_endpoints(StatusEquals="Deleting")["Endpoints"]:
        sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=endpoint["EndpointName"], WaiterConfig=waiting)
    cloudformation = client("cloudformation")
    cloudformation.delete_stack(StackName=access_stack(prefix))
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=access_stack(prefix), WaiterConfig=waiting)
