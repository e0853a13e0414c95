"""What each role of ours reaches in our own account: the attempts of code in a function, and of people in a group."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local.platform import STACK
from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import TenantApi

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant

TWIN = "twin-of-"  # roles with the policies of others


Clients = Callable[[str], Any]


@pytest.fixture(scope="module")
def as_role(acme: Tenant) -> Callable[..., Clients]:
    """Clients with the credentials of one of the stack's roles, as code in its function has them; with tags.

    Nobody but its service may assume the role itself, so another one has its policies and its boundary.
    """
    cloud = acme.platform.cloud
    iam, stack = cloud.client("iam"), cloud.client("cloudformation")

    def clients(logical: str, tags: list[dict[str, str]] | None = None) -> Clients:
        found = stack.describe_stack_resource(StackName=STACK, LogicalResourceId=logical)["StackResourceDetail"]
        original, name = found["PhysicalResourceId"], f"{TWIN}{logical}"
        role = iam.get_role(RoleName=original)["Role"]
        own = {"AWS": "arn:aws:iam::111111111111:root"}
        trust = {"Effect": "Allow", "Principal": own, "Action": ["sts:AssumeRole", "sts:TagSession"]}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            bounded = {"PermissionsBoundary": arn} if (arn := boundary_of(role)) else {}
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **bounded)
            for policy in iam.list_role_policies(RoleName=original)["PolicyNames"]:
                statements = iam.get_role_policy(RoleName=original, PolicyName=policy)["PolicyDocument"]
                iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(statements))
        session = cloud.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::111111111111:role/{name}", RoleSessionName="attempt", Tags=tags or []
        )
        return lambda service: cloud.client(service, credentials=session["Credentials"])

    return clients


def boundary_of(role: dict[str, Any]) -> str:
    """The ARN of a role's permissions boundary; empty without one."""
    return str(role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""))


@pytest.fixture(scope="module")
def scoped(as_role: Callable[..., Clients]) -> Callable[[list[dict[str, str]]], Clients]:
    """Clients as the role that tenant-facing functions assume, in a session with these tags."""
    return lambda tags: as_role("TenantDataRole", tags)


ACME_TAG = [{"Key": "tenant", "Value": "acme"}]


def read(table: str, pk: str, sk: str = "TENANT") -> dict[str, Any]:
    """The request for one row of the registry."""
    return {"TableName": table, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}


def test_a_tenants_credentials_read_its_own_rows(acme: Tenant, scoped: Callable[..., Clients]) -> None:
    row = scoped(ACME_TAG)("dynamodb").get_item(**read(acme.platform.outputs["RegistryTable"], "TENANT#acme"))["Item"]
    assert row["tenant"]["S"] == "acme"


@pytest.mark.parametrize("tags", [ACME_TAG, [], [{"Key": "tenant", "Value": "*"}], [{"Key": "other", "Value": "acme"}]])
def test_a_tenants_credentials_reach_no_other_rows(
    acme: Tenant, globex: Tenant, scoped: Callable[..., Clients], tags: list[dict[str, str]]
) -> None:
    table, client = acme.platform.outputs["RegistryTable"], scoped(tags)("dynamodb")
    key = {":pk": {"S": "TENANT#globex"}}
    update = {"UpdateExpression": "SET stolen = :pk", "ExpressionAttributeValues": key}
    attempts: list[Callable[[], Any]] = [
        lambda: client.get_item(**read(table, "TENANT#globex")),
        lambda: client.query(TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=key),
        lambda: client.update_item(**read(table, "TENANT#globex"), **update),
        lambda: client.get_item(**read(table, "TENANTS", "TENANT#globex")),
        lambda: client.scan(TableName=table),
        lambda: client.delete_item(**read(table, "TENANT#acme")),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


@pytest.fixture(scope="module")
def files(acme: Tenant) -> dict[str, str]:
    """Files of two tenants, as they are while an execution runs, and the buckets that they are in."""
    outputs, s3 = acme.platform.outputs, acme.platform.cloud.client("s3")
    for tenant in ("acme", "globex"):
        for name in ("train.csv", "holdout.csv", "profile.json"):
            s3.put_object(Bucket=outputs["StagingBucket"], Key=f"{tenant}/files/e-1/{name}", Body=b"{}")
    return {"staging": outputs["StagingBucket"], "ingest": outputs["IngestBucket"]}


def test_a_tenants_credentials_read_its_own_profiles_and_put_its_own_uploads(
    scoped: Callable[..., Clients], files: dict[str, str]
) -> None:
    s3 = scoped(ACME_TAG)("s3")
    assert s3.get_object(Bucket=files["staging"], Key="acme/files/e-1/profile.json")["Body"].read() == b"{}"
    begun = s3.create_multipart_upload(Bucket=files["ingest"], Key="acme/files/large.csv")
    s3.abort_multipart_upload(Bucket=files["ingest"], Key="acme/files/large.csv", UploadId=begun["UploadId"])


@pytest.mark.parametrize("tags", [ACME_TAG, [], [{"Key": "tenant", "Value": "*"}], [{"Key": "other", "Value": "acme"}]])
def test_a_tenants_credentials_reach_no_other_files(
    scoped: Callable[..., Clients], files: dict[str, str], tags: list[dict[str, str]]
) -> None:
    s3, staging, ingest = scoped(tags)("s3"), files["staging"], files["ingest"]
    attempts: list[Callable[[], Any]] = [
        lambda: s3.get_object(Bucket=staging, Key="globex/files/e-1/profile.json"),
        lambda: s3.get_object(Bucket=staging, Key="acme/files/e-1/train.csv"),
        lambda: s3.get_object(Bucket=staging, Key="acme/files/e-1/holdout.csv"),
        lambda: s3.put_object(Bucket=staging, Key="acme/files/e-1/profile.json", Body=b"{}"),
        lambda: s3.put_object(Bucket=ingest, Key="globex/files/a.csv", Body=b"a\n"),
        lambda: s3.put_object(Bucket=ingest, Key="acme-2/files/a.csv", Body=b"a\n"),
        lambda: s3.create_multipart_upload(Bucket=ingest, Key="globex/files/a.csv"),
        lambda: s3.get_object(Bucket=ingest, Key="acme/files/a.csv"),
        lambda: s3.list_objects_v2(Bucket=ingest, Prefix="acme/"),
        lambda: s3.delete_object(Bucket=ingest, Key="acme/files/a.csv"),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


@pytest.mark.parametrize("role", ["PredictFunctionRole", "TenantApiFunctionRole"])
def test_code_in_a_function_that_tenants_call_reaches_no_data_as_the_function_itself(
    acme: Tenant, as_role: Callable[..., Clients], files: dict[str, str], role: str
) -> None:
    s3, rows, table = as_role(role)("s3"), as_role(role)("dynamodb"), acme.platform.outputs["RegistryTable"]
    attempts: list[Callable[[], Any]] = [
        lambda: s3.get_object(Bucket=files["staging"], Key="acme/files/e-1/profile.json"),
        lambda: s3.get_object(Bucket=files["staging"], Key="acme/files/e-1/train.csv"),
        lambda: s3.put_object(Bucket=files["ingest"], Key="acme/files/a.csv", Body=b"a\n"),
        lambda: rows.get_item(**read(table, "TENANT#acme")),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


def key_row(table: str) -> dict[str, Any]:
    """The request that would make an API key of acme's of a text that somebody knows."""
    sha256 = hashlib.sha256(b"tml_known").hexdigest()
    return {"TableName": table, "Item": {"pk": {"S": f"KEY#{sha256}"}, "sk": {"S": "KEY"}, "tenant": {"S": "acme"}}}


@pytest.mark.parametrize(
    "role",
    [
        "AcceptUploadFunctionRole",
        "DeployCandidateFunctionRole",
        "LimitTenantFunctionRole",
        "ConcludeRemovalFunctionRole",
    ],
)
def test_a_function_that_writes_rows_of_tenants_makes_no_api_key_and_registers_nobody(
    acme: Tenant, as_role: Callable[..., Clients], role: str
) -> None:
    rows, table = as_role(role)("dynamodb"), acme.platform.outputs["RegistryTable"]
    claim = {"pk": {"S": "TENANTS"}, "sk": {"S": "TENANT#forged"}}
    attempts: list[Callable[[], Any]] = [
        lambda: rows.put_item(**key_row(table)),
        lambda: rows.put_item(TableName=table, Item=claim),
        lambda: rows.transact_write_items(TransactItems=[{"Put": key_row(table)}]),
        lambda: rows.scan(TableName=table),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
    with pytest.raises(Refused) as refused:
        TenantApi(acme.platform.api_url, "tml_known").call("GET", "/models")
    assert refused.value.status == 401


@pytest.mark.parametrize("role", ["CleanUpFunctionRole", "SweepFunctionRole", "RemoveOursFunctionRole"])
def test_no_other_function_writes_the_bucket_policy_or_its_ledger(
    acme: Tenant, as_role: Callable[..., Clients], files: dict[str, str], role: str
) -> None:
    client, table = as_role(role), acme.platform.outputs["GrantsTable"]
    row = {"bucket": {"S": files["staging"]}, "grant_id": {"S": "forged"}}
    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    policy = {"Version": "2012-10-17", "Statement": [open_to_all | {"Resource": f"arn:aws:s3:::{files['staging']}/*"}]}
    attempts: list[Callable[[], Any]] = [
        lambda: client("s3").put_bucket_policy(Bucket=files["staging"], Policy=json.dumps(policy)),
        lambda: client("s3").delete_bucket_policy(Bucket=files["staging"]),
        lambda: client("dynamodb").put_item(TableName=table, Item=row),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


@pytest.mark.parametrize("role", ["ConcludeRemovalFunctionRole", "DeliverDatasetFunctionRole"])
def test_evidence_is_deleted_by_no_function(acme: Tenant, as_role: Callable[..., Clients], role: str) -> None:
    table, rows = acme.platform.outputs["EvidenceTable"], as_role(role)("dynamodb")
    key = {"pk": {"S": "TENANT#acme"}, "sk": {"S": "HEAD#acme-files-e-1"}}
    attempts: list[Callable[[], Any]] = [
        lambda: rows.delete_item(TableName=table, Key=key),
        lambda: rows.delete_table(TableName=table),
        lambda: rows.transact_write_items(TransactItems=[{"Delete": {"TableName": table, "Key": key}}]),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


def test_nobody_but_the_tenant_facing_functions_may_take_a_tenants_credentials(acme: Tenant, operator: Clients) -> None:
    sts = operator("sts")
    arn = "arn:aws:iam::111111111111:role/tenantml-tenant-data-us-east-1"
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=arn, RoleSessionName="attempt", Tags=ACME_TAG)


# operators


@pytest.fixture(scope="module")
def operator(acme: Tenant, person: Callable[..., dict[str, str]]) -> Clients:
    credentials = person("OperatorGroup")
    return lambda service: acme.platform.cloud.client(service, credentials=credentials)


@pytest.fixture(scope="module")
def data_handler(acme: Tenant, person: Callable[..., dict[str, str]]) -> Clients:
    credentials = person("DataGroup")
    return lambda service: acme.platform.cloud.client(service, credentials=credentials)


def test_an_operator_operates_and_does_nothing_else(acme: Tenant, operator: Clients, files: dict[str, str]) -> None:
    outputs = acme.platform.outputs
    answer = operator("lambda").invoke(FunctionName=outputs["DescribeTenantsFunction"], Payload=b"{}")
    assert "FunctionError" not in answer
    role = acme.registered.roles.training_access
    attempts: list[Callable[[], Any]] = [
        lambda: operator("dynamodb").scan(TableName=outputs["RegistryTable"]),
        lambda: operator("dynamodb").get_item(**read(outputs["RegistryTable"], "TENANT#acme")),
        lambda: operator("s3").list_objects_v2(Bucket=outputs["IngestBucket"]),
        lambda: operator("s3").get_object(Bucket=files["staging"], Key="acme/files/e-1/train.csv"),
        lambda: operator("s3").get_object(Bucket=files["staging"], Key="acme/files/e-1/holdout.csv"),
        lambda: operator("s3").put_object(Bucket=files["ingest"], Key="acme/files/a.csv", Body=b"a\n"),
        lambda: operator("sts").assume_role(RoleArn=role, RoleSessionName="attempt"),
        lambda: operator("iam").list_roles(),
        lambda: operator("lambda").invoke(FunctionName=outputs["ProbeTenantsFunction"], Payload=b"{}"),
        lambda: operator("stepfunctions").start_execution(
            stateMachineArn=outputs["TrainingStateMachineArn"], name="forged-by-hand", input="{}"
        ),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


def test_a_data_handler_reads_holdouts_and_drops_files_and_does_nothing_else(
    acme: Tenant, data_handler: Clients, files: dict[str, str]
) -> None:
    outputs, s3 = acme.platform.outputs, data_handler("s3")
    assert s3.get_object(Bucket=files["staging"], Key="acme/files/e-1/holdout.csv")["Body"].read() == b"{}"
    s3.put_object(Bucket=files["ingest"], Key="acme/nothing/a.csv", Body=b"a\n1\n")
    attempts: list[Callable[[], Any]] = [
        lambda: s3.get_object(Bucket=files["staging"], Key="acme/files/e-1/train.csv"),
        lambda: s3.get_object(Bucket=files["ingest"], Key="acme/nothing/a.csv"),
        lambda: s3.list_objects_v2(Bucket=files["staging"]),
        lambda: s3.put_object(Bucket=files["staging"], Key="acme/files/e-1/train.csv", Body=b""),
        lambda: data_handler("lambda").invoke(FunctionName=outputs["DescribeTenantsFunction"], Payload=b"{}"),
        lambda: data_handler("dynamodb").get_item(**read(outputs["RegistryTable"], "TENANT#acme")),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
