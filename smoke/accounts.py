"""The two accounts that a run needs, and everything that can be found wrong with them before anything is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from local.onboard import Clients, Customer
from tenantml_cli.errors import CommandError, Refused
from tenantml_cli.stack import Stack

TENANT = "smoke"
CONTACT = "smoke@tenantml.example"
_DEPLOYED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


class NotReady(Exception):
    """Nothing was made; the message says in one line why, and what to do."""


@dataclass(frozen=True)
class Accounts:
    """The SaaS account's stack, as an operator reaches it, and the customer's account."""

    saas_account: str
    region: str
    stack: Stack
    customer: Customer


def find(stack_name: str, saas_profile: str, customer_profile: str) -> Accounts:
    """Return both accounts, with which a run can begin; raises NotReady."""
    saas = _session("SAAS_PROFILE", saas_profile, None)
    if not saas.region_name:
        raise NotReady("no region: set AWS_DEFAULT_REGION, such as AWS_DEFAULT_REGION=eu-central-1")
    if not customer_profile:
        raise NotReady("no customer: CUSTOMER_PROFILE=name of the profile of the customer's account")
    region = str(saas.region_name)
    customer = _session("CUSTOMER_PROFILE", customer_profile, region)
    saas_account, customer_account = _account("SAAS_PROFILE", saas), _account("CUSTOMER_PROFILE", customer)
    if saas_account == customer_account:
        raise NotReady(f"both profiles are in account {saas_account}: the customer's must be another one")
    accounts = Accounts(
        saas_account,
        region,
        Stack(stack_name, saas.client),
        Customer(customer_account, region, CONTACT, _clients(customer)),
    )
    try:
        _check_stack(stack_name, saas, region)
        _check_tenant(accounts.stack)
        _check_customer(accounts.customer)
    except (BotoCoreError, ClientError, CommandError, KeyError) as error:
        raise NotReady(f"stack {stack_name!r} in {region} cannot be used: {error}") from error
    return accounts


def _session(variable: str, profile: str, region: str | None) -> boto3.Session:
    try:
        return boto3.Session(profile_name=profile or None, region_name=region)
    except ProfileNotFound as error:
        raise NotReady(f"{variable}: {error}; `aws configure --profile {profile}` makes it") from error


def _clients(session: boto3.Session) -> Clients:
    make: Clients = session.client  # type: ignore[assignment]  # boto3 types each service by name
    return make


def _account(variable: str, session: boto3.Session) -> str:
    try:
        return session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise NotReady(f"{variable}: no credentials that AWS accepts; sign in, or name a profile ({error})") from error


def _check_stack(name: str, saas: boto3.Session, region: str) -> None:
    try:
        stack = saas.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        # CloudFormation has no code of its own for a stack that does not exist, and hides it from who may not see it.
        if error.response["Error"]["Code"] not in {"ValidationError", "AccessDenied"}:
            raise
        raise NotReady(f"no stack {name!r} in {region} that SAAS_PROFILE may see: STACK=name, or deploy it") from error
    if stack["StackStatus"] not in _DEPLOYED:
        raise NotReady(f"stack {name!r} is {stack['StackStatus']}: finish or repeat its deployment (`make deploy`)")
    if "TrainingStateMachineArn" not in {output["OutputKey"] for output in stack.get("Outputs", [])}:
        raise NotReady(f"stack {name!r} is none of TenantML's, or of an old version: STACK=name, or deploy it again")


def _check_tenant(stack: Stack) -> None:
    try:
        stack.call("DescribeTenantsFunction", {"tenant": TENANT})
    except Refused as error:
        if error.code != "TenantNotFound":
            raise
        return
    raise NotReady(
        f"the tenant {TENANT!r} exists, from a run that broke off: first `tenantml tenant offboard {TENANT} --yes`"
    )


def _check_customer(customer: Customer) -> None:
    try:
        customer.client("cloudformation").describe_stacks()
    except ClientError as error:
        raise NotReady(f"CUSTOMER_PROFILE may not do what a cloud team does: {error}") from error


def recorded(accounts: Accounts, attach: Any) -> Accounts:
    """The same accounts, with `attach` applied to every client that is made from here on."""
    customer, stack = accounts.customer, accounts.stack
    return Accounts(
        accounts.saas_account,
        accounts.region,
        Stack(stack.name, lambda service, **options: attach(stack.client(service, **options))),
        Customer(
            customer.account_id, customer.region, customer.contact, lambda service: attach(customer.client(service))
        ),
    )
