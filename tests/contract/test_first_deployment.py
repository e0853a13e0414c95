"""What AWS does with the templates on their first day, as its documentation has it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse

from tenantml.aws import clients
from tenantml.aws.s3 import presigned
from tenantml.domain.access import session_policies
from tenantml.domain.names import console_of
from tenantml.services import tenant_scope
from tests.tenants import account_of
from tools.deployment import check, wrong_name
from tools.translate import translated

TEMPLATES = ("template.yaml", "onboarding/customer_access.yaml")
KEEPING = {"AWS::S3::Bucket", "AWS::DynamoDB::Table"}


@pytest.fixture(scope="module")
def deployed(repository: Path) -> dict[str, Any]:
    return translated(repository / "template.yaml")


# Hosts of buckets: botocore presigns for BUCKET.s3.amazonaws.com in every region unless it is asked for virtual hosts.


@pytest.mark.parametrize("region", ["eu-central-1", "ap-southeast-3", "us-west-2"])  # the global host is us-east-1's
def test_uploads_are_sent_to_the_regional_host_of_the_bucket(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": region}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("INGEST_BUCKET", "tenantml-ingest")
    monkeypatch.setenv("TENANT_DATA_ROLE", "arn:aws:iam::111111111111:role/tenant-data")
    forget = (clients.shared_session, clients.platform, tenant_scope._scoped_client)
    for cached in forget:
        cached.cache_clear()
    try:
        with mock_aws(), tenant_scope.scoped_to("acme"):
            s3 = tenant_scope.s3()
            host = f"https://tenantml-ingest.s3.{region}.amazonaws.com/"
            assert presigned.upload_form(s3, "acme/churn/a.csv", 10, "0" * 32)["url"] == host
            assert presigned.part_url(s3, "acme/churn/a.csv", "multipart", 1, 10).startswith(f"{host}acme/churn/a.csv?")
    finally:
        for cached in forget:
            cached.cache_clear()


# Names, region and credentials are checked before anything is built.


@pytest.mark.parametrize(
    ("stack", "region", "wrong"),
    [
        ("tenantml", "eu-central-1", None),
        ("t" * 26, "eu-central-1", None),
        ("t" * 27, "eu-central-1", "at most 26 characters"),
        ("t" * 25, "ap-southeast-3", "at most 24 characters"),
        ("TenantML", "eu-central-1", "a-z, 0-9"),
        ("1-stack", "eu-central-1", "a-z, 0-9"),
        ("stack-", "eu-central-1", "a-z, 0-9"),
    ],
)
def test_a_stack_whose_buckets_could_not_be_named_is_refused(stack: str, region: str, wrong: str | None) -> None:
    reason = wrong_name(stack, region)
    assert (reason is None) if wrong is None else (reason is not None and wrong in reason)


def test_the_longest_name_fits_every_name_of_the_template(deployed: dict[str, Any]) -> None:
    values = {"StackName": "t" * 26, "AccountId": "1" * 12, "Region": "eu-central-1"}
    lengths = {
        key: [
            len(re.sub(r"\$\{AWS::(\w+)\}", lambda name: values[name[1]], resource["Properties"][key]["Fn::Sub"]))
            for resource in deployed["Resources"].values()
            if key in resource.get("Properties", {})
        ]
        for key in ("BucketName", "RoleName")
    }
    assert max(lengths["BucketName"]) == 63
    assert max(lengths["RoleName"]) <= 64


def test_without_a_region_or_credentials_nothing_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("REGION", "DEFAULT_REGION", "PROFILE", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")  # which boto3 and version 1 of the AWS CLI do not read
    assert "set AWS_DEFAULT_REGION" in (check("tenantml") or "")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert "credentials" in (check("tenantml") or "")


def test_an_update_that_would_end_grants_of_the_earlier_kind_says_so_before_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    bucket, s3 = "tenantml-staging-123456789012-us-east-1", boto3.client("s3", region_name="us-east-1")
    grant = {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "s3:GetObject"}
    tls_only = {"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}

    def granted(until: str) -> dict[str, Any]:
        ends = {"DateLessThan": {"aws:CurrentTime": until}}
        named = {"Sid": f"TenantmlGrant{'0' * 24}Read", "Resource": f"arn:aws:s3:::{bucket}/acme/x/train.csv"}
        return grant | named | {"Condition": ends}

    with mock_aws():
        assert check("tenantml") is None  # a new stack
        s3.create_bucket(Bucket=bucket)
        for statements in ([tls_only], [tls_only, granted("2026-01-01T00:00:00Z")]):
            s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": statements}))
            assert check("tenantml") is None
        standing = [tls_only, granted("2026-01-01T00:00:00Z"), granted("2126-01-01T00:00:00Z")]
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": standing}))
        assert "the last until 2126-01-01T00:00:00Z" in (check("tenantml") or "")
        monkeypatch.setenv("END_GRANTS", "yes")
        assert check("tenantml") is None


# The templates


def test_what_keeps_data_is_kept_but_not_when_its_creation_is_rolled_back(deployed: dict[str, Any]) -> None:
    kept = {
        name: (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        for name, resource in deployed["Resources"].items()
        if resource["Type"] in KEEPING
    }
    assert len(kept) > 5
    assert {name for name, policies in kept.items() if policies != ("RetainExceptOnCreate", "Retain")} == set()


def test_the_api_has_the_one_stage_that_is_throttled(deployed: dict[str, Any]) -> None:
    stages = [found["Properties"] for found in deployed["Resources"].values() if found["Type"].endswith("::Stage")]
    assert [stage["StageName"] for stage in stages] == ["v1"]
    assert stages[0]["MethodSettings"][0]["ThrottlingRateLimit"]


def test_eventbridge_publishes_to_a_topic_whose_policy_has_no_condition_for_it(deployed: dict[str, Any]) -> None:
    """EventBridge user guide, "Amazon SNS permissions": it does not support Condition blocks there."""
    statements = [
        statement
        for resource in deployed["Resources"].values()
        if resource["Type"] == "AWS::SNS::TopicPolicy"
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "events.amazonaws.com"}
    ]
    assert statements
    assert [statement for statement in statements if "Condition" in statement] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_condition_that_no_page_of_aws_confirms_can_be_switched_off(name: str, repository: Path) -> None:
    template = yaml_parse((repository / name).read_text())
    assert template["Parameters"]["SourceConditions"]["AllowedValues"] == ["enforce", "omit"]
    roles = [template["Globals"]["Function"]] if "Globals" in template else []
    roles += [role["Properties"] for role in template["Resources"].values() if role["Type"] == "AWS::IAM::Role"]
    conditions = [
        statement["Condition"]
        for role in roles
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
        if statement["Principal"].get("Service") in {"lambda.amazonaws.com", "sagemaker.amazonaws.com"}
    ]
    assert conditions
    assert {json.dumps(found["Fn::If"][::2]) for found in conditions} == {'["EnforceSource", {"Ref": "AWS::NoValue"}]'}


# Partitions: `aws` is one of three


def test_nothing_that_is_deployed_names_a_partition(repository: Path) -> None:
    paths = [repository / name for name in TEMPLATES]
    paths += [path for folder in ("layers", "functions") for path in (repository / folder).rglob("*.py")]
    for path in paths:
        # The registries are named region by region, each in its own partition.
        text = re.sub(r"# generated: registries.*?# /generated", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert "arn:aws:" not in text, path


@pytest.mark.parametrize(
    ("region", "partition", "console"),
    [
        ("eu-central-1", "aws", "eu-central-1.console.aws.amazon.com"),
        ("cn-north-1", "aws-cn", "console.amazonaws.cn"),
        ("us-gov-west-1", "aws-us-gov", "console.amazonaws-us-gov.com"),
    ],
)
def test_arns_are_of_the_customers_partition(region: str, partition: str, console: str) -> None:
    account = account_of("222222222222", region)
    policies = [
        session_policies.train(account, "tenantml-1"),
        session_policies.deploy(account, "tenantml-churn"),
        session_policies.inventory(account),
    ]
    arns = re.findall(r"arn:[\w-]+:", f"{asdict(account.roles)} {policies}")
    assert set(arns) == {f"arn:{partition}:"}
    assert console_of(region) == console
