"""On-boarding: what a customer's cloud team receives, ready to apply."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tenantml.domain.names import console_of
from tenantml.domain.tenancy.tenant import Tenant

TEMPLATE_FILE = "customer_access.yaml"


@dataclass(frozen=True)
class Platform:
    """What a customer's template needs to know about us."""

    account_id: str
    stack_name: str
    staging_bucket: str
    template_url: str
    template_sha256: str
    data_key_arn: str = ""


def access_stack(prefix: str) -> str:
    """Return the name of a customer's stack: several tenants may share the account, and its region."""
    return f"{prefix}-access"


def instructions(tenant: Tenant, platform: Platform) -> dict[str, Any]:
    """Return the template's parameters, a one-click link that fills them in, the same as a command line (it fetches
    the template first), and the template's SHA-256, by which the cloud team knows that it applies what it reviewed.
    """
    parameters = {
        "SaasAccountId": platform.account_id,
        "SaasStackName": platform.stack_name,
        "SaasStagingBucket": platform.staging_bucket,
        "SaasTenant": tenant.tenant,
        "NamePrefix": tenant.prefix,
        "ExternalId": tenant.external_id,
    }
    own = {
        "SaasDataKeyArn": platform.data_key_arn,
        "KmsKeyArn": tenant.kms_key_arn,
        "SubnetIds": ",".join(tenant.subnet_ids),
        "SecurityGroupIds": ",".join(tenant.security_group_ids),
        "InstanceTypes": ",".join(tenant.instance_types),
    }
    parameters |= {name: value for name, value in own.items() if value}
    stack_name = access_stack(tenant.prefix)
    query = urlencode(
        {"templateURL": platform.template_url, "stackName": stack_name}
        | {f"param_{name}": value for name, value in parameters.items()}
    )
    console = f"https://{console_of(tenant.region)}/cloudformation/home?region={tenant.region}"
    fetched = ["curl", "--fail", "--silent", "--show-error", "--output", TEMPLATE_FILE, platform.template_url]
    words = [
        "aws",
        "cloudformation",
        "deploy",
        "--region",
        tenant.region,
        "--stack-name",
        stack_name,
        "--template-file",
        TEMPLATE_FILE,
    ]
    words += [
        "--capabilities",
        "CAPABILITY_NAMED_IAM",
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in parameters.items()),
    ]
    return {
        "stack_name": stack_name,
        "parameters": parameters,
        "link": f"{console}#/stacks/quickcreate?{query}",
        "cli": f"{shlex.join(fetched)} && {shlex.join(words)}",
        "template_url": platform.template_url,
        "template_sha256": platform.template_sha256,
    }
