"""The SaaS's own key, and a customer that requires its own key, network and boundary: where they are used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from local import CUSTOMER_ACCOUNT, REGION
from local.cloud import EmbeddedCloud
from local.onboard import apply_access_stack, delete_access_stack
from local.platform import WAIT_SCALE, Platform
from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import Document, TenantApi
from tests.e2e.conftest import Tenant, note_permissions


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """A cloud of its own: the stack is deployed with a key."""
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud"), wait_scale=WAIT_SCALE) as running:
        yield running
        note_permissions(running, "own-keys")


def _key(cloud: EmbeddedCloud, *account: str) -> str:
    return str(cloud.client("kms", *account).create_key()["KeyMetadata"]["Arn"])


@pytest.fixture(scope="module")
def data_key_arn(cloud: EmbeddedCloud) -> str:
    return _key(cloud)


@pytest.fixture(scope="module")
def encrypted(cloud: EmbeddedCloud, data_key_arn: str) -> Platform:
    return Platform.deploy(cloud, {"DataKeyArn": data_key_arn})


@pytest.fixture(scope="module")
def theirs(cloud: EmbeddedCloud) -> Document:
    """The customer's own key and network, as an operator registers them."""
    ec2 = cloud.client("ec2", CUSTOMER_ACCOUNT)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"] for number in (1, 2)]
    group = ec2.create_security_group(VpcId=vpc, GroupName="models", Description="models")["GroupId"]
    network = {"subnet_ids": subnets, "security_group_ids": [group]}
    return network | {"kms_key_arn": _key(cloud, CUSTOMER_ACCOUNT), "instance_types": ["ml.m5.large", "ml.m5.xlarge"]}


@pytest.fixture(scope="module")
def boundary_arn(cloud: EmbeddedCloud) -> str:
    """What the customer's account allows any role at most."""
    actions = ["sagemaker:*", "s3:*", "kms:*", "iam:PassRole", "logs:*", "cloudwatch:PutMetricData", "ecr:*", "ec2:*"]
    actions.append("servicequotas:ListServiceQuotas")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    made = cloud.client("iam", CUSTOMER_ACCOUNT).create_policy(
        PolicyName="at-most", PolicyDocument=json.dumps(document)
    )
    return str(made["Policy"]["Arn"])


@pytest.fixture(scope="module")
def insistent(encrypted: Platform, theirs: Document, boundary_arn: str, data_key_arn: str) -> Tenant:
    """A tenant on-boarded with all of it."""
    request = {"tenant": "acme", "account_id": CUSTOMER_ACCOUNT, "region": REGION, "contact": "cloud@acme.example"}
    parameters = encrypted.call("RegisterTenantFunction", request | theirs)["onboarding"]["parameters"]
    assert parameters["SaasDataKeyArn"] == data_key_arn
    parameters |= {"PermissionsBoundaryArn": boundary_arn}
    apply_access_stack(encrypted.cloud.clients(CUSTOMER_ACCOUNT), parameters)
    api_key = encrypted.call("ActivateTenantFunction", {"tenant": "acme"})["api_key"]
    return Tenant("acme", CUSTOMER_ACCOUNT, TenantApi(encrypted.api_url, api_key), encrypted)


@pytest.fixture(scope="module")
def trained(insistent: Tenant, iris: Path) -> Document:
    """An upload of that tenant, trained and deployed."""
    ended = insistent.train("iris", iris, target="species", max_candidates=1, network_isolation=True)
    assert ended["error"] is None, ended
    return ended


def encryption_of(platform: Platform, bucket: str, *account: str) -> Any:
    rules = platform.cloud.client("s3", *account).get_bucket_encryption(Bucket=bucket)
    (rule,) = rules["ServerSideEncryptionConfiguration"]["Rules"]
    return rule


def test_every_bucket_encrypts_with_the_key_of_its_account(
    insistent: Tenant, theirs: Document, data_key_arn: str
) -> None:
    platform = insistent.platform
    for bucket, key_arn, account in (
        (platform.outputs["IngestBucket"], data_key_arn, ()),
        (platform.outputs["StagingBucket"], data_key_arn, ()),
        (insistent.registered.account.bucket, theirs["kms_key_arn"], (CUSTOMER_ACCOUNT,)),
    ):
        rule = encryption_of(platform, bucket, *account)
        assert rule["BucketKeyEnabled"] is True, bucket
        assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}


def test_job_model_and_endpoint_configuration_carry_the_customers_key_and_network(
    insistent: Tenant, trained: Document, theirs: Document
) -> None:
    sagemaker = insistent.platform.cloud.client("sagemaker", CUSTOMER_ACCOUNT)
    key_arn, vpc = theirs["kms_key_arn"], {
        "Subnets": theirs["subnet_ids"], "SecurityGroupIds": theirs["security_group_ids"],
    }  # fmt: skip
    job = sagemaker.describe_auto_ml_job_v2(AutoMLJobName=trained["training"]["job_name"])
    assert job["SecurityConfig"] == {
        "VolumeKmsKeyId": key_arn,
        "VpcConfig": vpc,
        "EnableInterContainerTrafficEncryption": True,
    }
    assert job["OutputDataConfig"]["KmsKeyId"] == key_arn
    name = trained["endpoint"]["name"]
    model = sagemaker.describe_model(ModelName=name)
    assert (model["VpcConfig"], model["EnableNetworkIsolation"]) == (vpc, True)
    assert sagemaker.describe_endpoint_config(EndpointConfigName=name)["KmsKeyId"] == key_arn


def test_artefacts_are_written_with_the_customers_key(insistent: Tenant, trained: Document, theirs: Document) -> None:
    s3 = insistent.platform.cloud.client("s3", CUSTOMER_ACCOUNT)
    bucket = insistent.registered.account.bucket
    found = [row["Key"] for row in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert found
    for key in found:
        assert s3.head_object(Bucket=bucket, Key=key)["SSEKMSKeyId"] == theirs["kms_key_arn"], key


def test_all_roles_are_within_the_customers_boundary(insistent: Tenant, boundary_arn: str) -> None:
    iam = insistent.platform.cloud.client("iam", CUSTOMER_ACCOUNT)
    for role_arn in asdict(insistent.registered.roles).values():
        bounded = iam.get_role(RoleName=role_arn.rsplit("/", 1)[-1])["Role"]["PermissionsBoundary"]
        assert bounded["PermissionsBoundaryArn"] == boundary_arn


def test_an_instance_type_that_the_customer_does_not_allow_is_refused(insistent: Tenant) -> None:
    with pytest.raises(Refused, match=r"allows ml\.m5\.large, ml\.m5\.xlarge, and not ml\.c5\.xlarge"):
        insistent.api.configure("lean", {"target": "species", "instance_type": "ml.c5.xlarge"})


def test_a_serverless_endpoint_in_a_network_is_refused_before_anything_is_spent(insistent: Tenant) -> None:
    with pytest.raises(Refused, match="no serverless endpoints in a VPC"):
        insistent.api.configure("lean", {"target": "species", "serverless_memory_mb": 3072})


def test_the_stack_of_the_customer_can_be_deleted_after_the_off_boarding(insistent: Tenant, trained: Document) -> None:
    prefix = insistent.registered.prefix
    report = insistent.platform.offboard("acme")
    assert (report["status"], report["remains"]) == ("complete", [])
    note_permissions(insistent.platform.cloud, "own-keys-standing")  # the roles, which are about to go
    delete_access_stack(insistent.platform.cloud.clients(CUSTOMER_ACCOUNT), prefix)
    iam = insistent.platform.cloud.client("iam", CUSTOMER_ACCOUNT)
    assert [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith("tml-")] == []
