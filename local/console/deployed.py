"""Which resources the stack has, and clients in each account: what the page's readers begin with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from tenantml_cli.stack import state_machines

# What the product's own code reads from its environment, and the resource that it names.
_SETTINGS = {
    "REGISTRY_TABLE": "RegistryTable",
    "EVIDENCE_TABLE": "EvidenceTable",
    "GRANTS_TABLE": "GrantsTable",
    "STAGING_BUCKET": "StagingBucket",
}
_CONFIG = Config(retries={"mode": "standard"}, connect_timeout=5, read_timeout=30, max_pool_connections=20)


@dataclass(frozen=True)
class Deployed:
    """A deployed stack: its resources by their logical names."""

    stack: str
    resources: Mapping[str, str]

    @classmethod
    def find(cls, stack: str) -> Deployed:
        """Ask CloudFormation for the stack's resources; raises botocore's ClientError when there is no such stack."""
        pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        resources = (resource for page in pages for resource in page["StackResourceSummaries"])
        return cls(stack, {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources})

    @property
    def machines(self) -> dict[str, str]:
        """The ARN of each state machine, by its short name."""
        return state_machines(self.resources)

    @property
    def log_group(self) -> str:
        """The one log group of all functions."""
        return self.resources["FunctionsLogGroup"]

    def as_environment(self) -> dict[str, str]:
        """Return what the product's own code expects in its environment."""
        return {variable: self.resources[name] for variable, name in _SETTINGS.items()}


@cache
def client(service: str, account: str = "") -> Any:
    """Return a client in the operator's account, or as the root of another account of the embedded cloud."""
    keys = {"aws_access_key_id": account, "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"]}
    # boto3 types each service by name; this one takes any.
    return boto3.Session().client(service, config=_CONFIG, **(keys if account else {}))  # type: ignore[call-overload]


def own_account() -> str:
    """Return the number of the account that the stack is in."""
    return str(client("sts").get_caller_identity()["Account"])
