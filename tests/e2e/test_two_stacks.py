"""Staging and production in one account of ours, and the same customer's account in both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import CUSTOMER_ACCOUNT, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud
from local.inventory import inventory
from local.onboard import onboard
from local.platform import STACK, WAIT_SCALE, Platform
from tenantml.domain.names import PREDICTION, TRAINING, Access
from tenantml_cli.tenant_api import TenantApi
from tests.e2e.conftest import Tenant
from tests.e2e.test_operations import sweep
from tests.e2e.test_roles import DENIED, QUICK, Credentials, assumed, first_row

OTHER_STACK = f"{STACK}-staging"  # begins as the other's names do


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """A cloud of its own, for two stacks."""
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud"), wait_scale=WAIT_SCALE) as running:
        yield running


def tenant_in(cloud: EmbeddedCloud, stack: str) -> Tenant:
    """Deploy the template under a name, and on-board the tenant `acme` there, always in the same account."""
    platform = Platform.deploy(cloud, name=stack)
    made = onboard(platform, "acme", CUSTOMER_ACCOUNT, f"cloud@{stack}.example")
    return Tenant("acme", CUSTOMER_ACCOUNT, TenantApi(platform.api_url, made.api_key), platform)


def almighty(platform: Platform, access: Access) -> Credentials:
    """Credentials of a role on one of a stack's paths that may do everything in our account."""
    iam, version = platform.cloud.client("iam"), {"Version": "2012-10-17"}
    ours = {"Effect": "Allow", "Principal": {"AWS": SAAS_ACCOUNT}, "Action": "sts:AssumeRole"}
    trust, name = json.dumps(version | {"Statement": [ours]}), f"almighty-{platform.name}-{access}"
    role = iam.create_role(Path=f"/{platform.name}/{access}-access/", RoleName=name, AssumeRolePolicyDocument=trust)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps(version | {"Statement": [everything]})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    return assumed(platform, role["Role"]["Arn"])


def refused(attempt: Callable[[], Any]) -> None:
    with pytest.raises(ClientError, match=DENIED):
        attempt()


def enters_its_own_and_nothing_of_the_others(one: Tenant, other: Tenant) -> None:
    """Try what a stack's roles may do, with its own external ID and with the other's."""
    platform, own, theirs = one.platform, one.registered, other.registered
    inside: dict[Access, Credentials] = {}
    for access in (TRAINING, PREDICTION):
        as_role = almighty(platform, access)
        inside[access] = assumed(platform, own.roles.access(access), as_role, ExternalId=own.external_id)
        for role_arn in (theirs.roles.training_access, theirs.roles.prediction_access):
            refused(lambda: assumed(platform, role_arn, as_role, ExternalId=theirs.external_id))  # noqa: B023 - called at once
    made = other.api.call("GET", "/executions")["executions"][0]
    job, endpoint = made["training"]["job_name"], made["endpoint"]["name"]

    def client(service: str, access: Access = TRAINING) -> Any:
        return platform.cloud.client(service, CUSTOMER_ACCOUNT, credentials=inside[access])

    refused(lambda: client("sagemaker").describe_auto_ml_job_v2(AutoMLJobName=job))
    refused(lambda: client("sagemaker").delete_endpoint(EndpointName=endpoint))
    refused(lambda: client("sagemaker-runtime", PREDICTION).invoke_endpoint(EndpointName=endpoint, Body=b"1"))
    refused(lambda: client("s3").list_objects_v2(Bucket=theirs.account.bucket))
    refused(
        lambda: client("s3").get_object(Bucket=other.platform.outputs["StagingBucket"], Key="acme/iris/e/train.csv")
    )


def test_two_stacks_share_a_customers_account_and_neither_enters_or_removes_what_is_the_others(
    cloud: EmbeddedCloud, iris: Path
) -> None:
    production, staging = tenant_in(cloud, STACK), tenant_in(cloud, OTHER_STACK)
    assert production.registered.prefix != staging.registered.prefix
    live = production.train("iris", iris, **QUICK)
    assert live["error"] is None, live
    before = inventory(cloud, CUSTOMER_ACCOUNT)
    tried = staging.train("iris", iris, **QUICK)
    assert tried["error"] is None, tried

    enters_its_own_and_nothing_of_the_others(production, staging)
    enters_its_own_and_nothing_of_the_others(staging, production)

    # what another stack has made is no orphan, and is not off-boarded
    assert [sweep(one.platform, one.name)["orphans"]["removed"] for one in (production, staging)] == [[], []]
    report = staging.platform.offboard("acme")
    assert (report["status"], report["remains"]) == ("complete", [])
    assert inventory(cloud, CUSTOMER_ACCOUNT) == before
    assert production.api.predict_rows("iris", first_row(iris))["version"] == live["version"]
    tenants = [one.platform.call("DescribeTenantsFunction", {})["tenants"] for one in (production, staging)]
    assert [[row["status"] for row in rows] for rows in tenants] == [["active"], []]
