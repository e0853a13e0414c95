"""The SaaS's own key, and a customer that requires its own key, network and boundary: where they are used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import CUSTOMER_ACCOUNT, REGION, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud
from local.onboard import apply_access_stack, delete_access_stack
from local.platform import WAIT_SCALE, Platform
from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import Document, TenantApi
from tests.e2e.conftest import Tenant, note_permissions
from tests.e2e.test_roles import assumed


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
    actions = ["sagemaker:*", "s3:*", "kms:*", "iam:PassRole", "logs:*", "cloudwatch:*", "ecr:*", "ec2:*"]
    actions += ["servicequotas:ListServiceQuotas", "application-autoscaling:*"]
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


@pytest.fixture(scope="module")
def inside(insistent: Tenant) -> Any:
    """A SageMaker client with training access, as code in a function of the pipeline gets it, with no session policy
    of ours.
    """
    platform, registered = insistent.platform, insistent.registered
    iam, version = platform.cloud.client("iam"), {"Version": "2012-10-17"}
    trust = {"Effect": "Allow", "Principal": {"AWS": SAAS_ACCOUNT}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        Path="/tenantml/training-access/",
        RoleName="almighty",
        AssumeRolePolicyDocument=json.dumps(version | {"Statement": [trust]}),
    )["Role"]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_role_policy(
        RoleName="almighty", PolicyName="all", PolicyDocument=json.dumps(version | {"Statement": [everything]})
    )
    as_ours = assumed(platform, role["Arn"])
    session = assumed(platform, registered.roles.training_access, as_ours, ExternalId=registered.external_id)
    return platform.cloud.client("sagemaker", CUSTOMER_ACCOUNT, credentials=session)


def test_no_job_and_no_model_leaves_the_customers_network_and_no_job_its_key(
    insistent: Tenant, theirs: Document, inside: Any
) -> None:
    account, roles = insistent.registered.account, insistent.registered.roles
    subnets, groups = theirs["subnet_ids"], theirs["security_group_ids"]
    network = {"Subnets": subnets[:1], "SecurityGroupIds": groups}  # some of theirs are theirs
    security = {
        "VolumeKmsKeyId": theirs["kms_key_arn"], "VpcConfig": network, "EnableInterContainerTrafficEncryption": True,
    }  # fmt: skip
    elsewhere = [
        {},
        {"VpcConfig": network | {"Subnets": [*subnets, "subnet-0123456789abcdef0"]}},
        {"VpcConfig": network | {"SecurityGroupIds": ["sg-0123456789abcdef0"]}},
    ]
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.bucket}/none"}}
    job = {
        "AutoMLJobName": account.job("x-0123456789abcdef"),
        "AutoMLJobInputDataConfig": [{"ChannelType": "training", "DataSource": source}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{account.bucket}/none"},
        "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "y", "ProblemType": "Regression"}},
        "RoleArn": roles.training_execution,
    }
    model = {
        "ModelName": f"{account.prefix}-mine",
        "ExecutionRoleArn": roles.serving_execution,
        "Containers": [{"Image": "i", "ModelDataUrl": f"s3://{account.bucket}/none/output/model.tar.gz"}],
    }
    wrong_jobs = [
        *({**security, "VpcConfig": None, **other} for other in elsewhere),
        {**security, "VolumeKmsKeyId": None},
        {**security, "VolumeKmsKeyId": f"{theirs['kms_key_arn']}0"},
        {**security, "EnableInterContainerTrafficEncryption": None},
        {**security, "EnableInterContainerTrafficEncryption": False},
    ]
    for wrong in wrong_jobs:
        kept = {name: value for name, value in wrong.items() if value is not None}
        with pytest.raises(ClientError, match="perform: sagemaker:CreateAutoMLJobV2"):
            inside.create_auto_ml_job_v2(**job, SecurityConfig=kept)
    with pytest.raises(ClientError, match="perform: sagemaker:CreateAutoMLJobV2"):
        inside.create_auto_ml_job_v2(**job)
    for other in elsewhere:
        with pytest.raises(ClientError, match="perform: sagemaker:CreateModel"):
            inside.create_model(**model, **other)
    # IAM lets these pass; the service refuses the rest of them: no objective, no artefact.
    with pytest.raises(ClientError, match="ValidationException"):
        inside.create_auto_ml_job_v2(**job, SecurityConfig=security)
    with pytest.raises(ClientError, match="ValidationException"):
        inside.create_model(**model, VpcConfig=network)


@pytest.mark.parametrize("instance_type", ["ml.m5.4xlarge", "ml.p3.2xlarge"])
def test_no_endpoint_configuration_has_another_instance_type(
    insistent: Tenant, inside: Any, instance_type: str
) -> None:
    name = f"{insistent.registered.prefix}-mine"
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": instance_type, "InitialInstanceCount": 1}
    with pytest.raises(ClientError, match="perform: sagemaker:CreateEndpointConfig"):
        inside.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


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
