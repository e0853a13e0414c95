"""What each role of ours reaches in our own account: the attempts of code in a function, and of people in a group."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local import SAAS_ACCOUNT
from local.platform import STACK
from tenantml.services.registry import keys
from tenantml.services.registry.keys import Key
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


ACME_TAG = [{"Key": "tenant", "Value": "acme"}]
OTHER_TAGS = [[], [{"Key": "tenant", "Value": "*"}], [{"Key": "other", "Value": "acme"}]]
DATA_ROLES = ["TenantDataRole", "PredictionDataRole"]  # those that functions assume for one tenant


def row_at(table: str, key: Key) -> dict[str, Any]:
    """The part of a request that names one row."""
    return {"TableName": table, "Key": {"pk": {"S": key.pk}, "sk": {"S": key.sk}}}


def setting(**values: str) -> dict[str, Any]:
    """The part of a request that sets attributes of a row."""
    return {
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in values),
        "ExpressionAttributeNames": {f"#{name}": name for name in values},
        "ExpressionAttributeValues": {f":{name}": {"S": value} for name, value in values.items()},
    }


def of_partition(table: str, pk: str) -> dict[str, Any]:
    """The request for all rows of a partition."""
    return {"TableName": table, "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": pk}}}


@pytest.mark.parametrize("role", DATA_ROLES)
def test_a_tenants_credentials_read_its_own_rows(acme: Tenant, as_role: Callable[..., Clients], role: str) -> None:
    rows, table = as_role(role, ACME_TAG)("dynamodb"), acme.platform.outputs["RegistryTable"]
    assert rows.get_item(**row_at(table, keys.tenant("acme")))["Item"]["tenant"]["S"] == "acme"
    assert "Item" not in rows.get_item(**row_at(table, keys.model("acme", "nothing")))


@pytest.mark.parametrize("tags", [ACME_TAG, *OTHER_TAGS])
@pytest.mark.parametrize("role", DATA_ROLES)
def test_a_tenants_credentials_reach_no_other_rows(
    acme: Tenant, globex: Tenant, as_role: Callable[..., Clients], role: str, tags: list[dict[str, str]]
) -> None:
    table, client = acme.platform.outputs["RegistryTable"], as_role(role, tags)("dynamodb")
    attempts: list[Callable[[], Any]] = [
        lambda: client.get_item(**row_at(table, keys.tenant("globex"))),
        lambda: client.get_item(**row_at(table, keys.model("globex", "churn"))),
        lambda: client.query(**of_partition(table, keys.of_tenant("globex").pk)),
        lambda: client.query(**of_partition(table, keys.usage("globex", "").pk)),
        lambda: client.update_item(**row_at(table, keys.model("globex", "churn")), **setting(stolen="yes")),
        lambda: client.update_item(**row_at(table, keys.usage("globex", "2026-11-22")), **setting(stolen="yes")),
        lambda: client.get_item(**row_at(table, keys.listed_tenant("globex"))),
        lambda: client.scan(TableName=table),
        lambda: client.delete_item(**row_at(table, keys.model("acme", "churn"))),
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


@pytest.mark.parametrize("role", DATA_ROLES)
def test_a_tenants_credentials_read_its_own_profiles(
    as_role: Callable[..., Clients], files: dict[str, str], role: str
) -> None:
    s3 = as_role(role, ACME_TAG)("s3")
    assert s3.get_object(Bucket=files["staging"], Key="acme/files/e-1/profile.json")["Body"].read() == b"{}"


def test_a_tenants_credentials_put_its_own_uploads(as_role: Callable[..., Clients], files: dict[str, str]) -> None:
    s3 = as_role("TenantDataRole", ACME_TAG)("s3")
    begun = s3.create_multipart_upload(Bucket=files["ingest"], Key="acme/files/large.csv")
    s3.abort_multipart_upload(Bucket=files["ingest"], Key="acme/files/large.csv", UploadId=begun["UploadId"])


@pytest.mark.parametrize("tags", [ACME_TAG, *OTHER_TAGS])
@pytest.mark.parametrize("role", DATA_ROLES)
def test_a_tenants_credentials_reach_no_other_files(
    as_role: Callable[..., Clients], files: dict[str, str], role: str, tags: list[dict[str, str]]
) -> None:
    s3, staging, ingest = as_role(role, tags)("s3"), files["staging"], files["ingest"]
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
        lambda: rows.get_item(**row_at(table, keys.tenant("acme"))),
        lambda: rows.get_item(**row_at(table, keys.model("acme", "churn"))),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


def test_code_in_the_predict_function_counts_usage_writes_receipts_and_changes_nothing_else_of_a_tenant(
    acme: Tenant, as_role: Callable[..., Clients], files: dict[str, str]
) -> None:
    outputs, injected = acme.platform.outputs, as_role("PredictionDataRole", ACME_TAG)
    s3, rows, table, evidence = injected("s3"), injected("dynamodb"), outputs["RegistryTable"], outputs["EvidenceTable"]
    model, head = keys.model("acme", "churn"), keys.head("acme", "tenantml-predict-churn/2026-11-22/attempt")
    rows.update_item(**row_at(table, keys.usage("acme", "2026-11-22")), **setting(attempt="yes"))
    rows.put_item(TableName=evidence, Item=row_at(evidence, head)["Key"])
    attempts: list[Callable[[], Any]] = [
        lambda: s3.put_object(Bucket=files["ingest"], Key="acme/files/a.csv", Body=b"a\n"),  # would start a training
        lambda: s3.create_multipart_upload(Bucket=files["ingest"], Key="acme/files/a.csv"),
        lambda: rows.update_item(**row_at(table, model), **setting(live_version="v20261122-170301-9f3c")),
        lambda: rows.update_item(**row_at(table, model), **setting(forget_at="1")),  # DynamoDB would delete it
        lambda: rows.put_item(TableName=table, Item=row_at(table, model)["Key"]),
        lambda: rows.update_item(**row_at(table, keys.limits("acme")), **setting(requests_per_day="1")),
        lambda: rows.update_item(**row_at(table, keys.tenant("acme")), **setting(account_id="999999999999")),
        lambda: rows.query(**of_partition(table, keys.of_tenant("acme").pk)),
        lambda: rows.query(**of_partition(evidence, keys.of_tenant("acme").pk)),
        lambda: rows.get_item(**row_at(evidence, head)),
        lambda: rows.delete_item(**row_at(table, keys.usage("acme", "2026-11-22"))),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


@pytest.mark.parametrize(
    ("role", "tags"),
    [
        *((role, ACME_TAG) for role in DATA_ROLES),
        ("AcceptUploadFunctionRole", []),
        ("DeployCandidateFunctionRole", []),
        ("RecordOutcomeFunctionRole", []),
        ("CleanUpFunctionRole", []),
        ("SweepTenantFunctionRole", []),
        ("LimitTenantFunctionRole", []),
        ("StopExecutionsFunctionRole", []),
    ],
)
def test_whoever_writes_a_tenants_rows_cannot_point_it_at_another_account(
    acme: Tenant, as_role: Callable[..., Clients], role: str, tags: list[dict[str, str]]
) -> None:
    rows, table = as_role(role, tags)("dynamodb"), acme.platform.outputs["RegistryTable"]
    row = row_at(table, keys.tenant("acme"))
    before, update = acme.registered, row | setting(account_id="999999999999", external_id="known")
    attempts: list[Callable[[], Any]] = [
        lambda: rows.update_item(**update),
        lambda: rows.transact_write_items(TransactItems=[{"Update": update}]),
        lambda: rows.put_item(TableName=table, Item=row["Key"]),
        lambda: rows.delete_item(**row),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
    assert acme.registered == before


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


@pytest.mark.parametrize("role", ["CleanUpFunctionRole", "SweepTenantFunctionRole", "RemoveOursFunctionRole"])
def test_no_other_function_lets_anybody_read_or_writes_the_ledger_of_it(
    acme: Tenant, as_role: Callable[..., Clients], files: dict[str, str], role: str
) -> None:
    client, table = as_role(role), acme.platform.outputs["GrantsTable"]
    row = {"bucket": {"S": files["staging"]}, "grant_id": {"S": "forged"}}
    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    policy = {"Version": "2012-10-17", "Statement": [open_to_all | {"Resource": f"arn:aws:s3:::{files['staging']}/*"}]}
    point = {"AccountId": SAAS_ACCOUNT, "Name": "tml-forged"}
    attempts: list[Callable[[], Any]] = [
        lambda: client("s3control").create_access_point(**point, Bucket=files["staging"]),
        lambda: client("s3control").put_access_point_policy(**point, Policy=json.dumps(policy)),
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


@pytest.mark.parametrize("role", ["tenant-data", "prediction-data"])
def test_nobody_but_the_tenant_facing_functions_may_take_a_tenants_credentials(
    acme: Tenant, operator: Clients, role: str
) -> None:
    sts = operator("sts")
    arn = f"arn:aws:iam::111111111111:role/tenantml-{role}-us-east-1"
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=arn, RoleSessionName="attempt", Tags=ACME_TAG)


# operators


@pytest.fixture(scope="module")
def operator(acme: Tenant, person: Callable[..., dict[str, str]]) -> Clients:
    credentials = person("olga", "OperatorGroup")
    return lambda service: acme.platform.cloud.client(service, credentials=credentials)


@pytest.fixture(scope="module")
def data_handler(acme: Tenant, person: Callable[..., dict[str, str]]) -> Clients:
    credentials = person("dora", "DataGroup")
    return lambda service: acme.platform.cloud.client(service, credentials=credentials)


def test_an_operator_operates_and_does_nothing_else(acme: Tenant, operator: Clients, files: dict[str, str]) -> None:
    outputs = acme.platform.outputs
    answer = operator("lambda").invoke(FunctionName=outputs["DescribeTenantsFunction"], Payload=b"{}")
    assert "FunctionError" not in answer
    role = acme.registered.roles.training_access
    attempts: list[Callable[[], Any]] = [
        lambda: operator("dynamodb").scan(TableName=outputs["RegistryTable"]),
        lambda: operator("dynamodb").get_item(**row_at(outputs["RegistryTable"], keys.tenant("acme"))),
        lambda: operator("s3").list_objects_v2(Bucket=outputs["IngestBucket"]),
        lambda: operator("s3").get_object(Bucket=files["staging"], Key="acme/files/e-1/train.csv"),
        lambda: operator("s3").get_object(Bucket=files["staging"], Key="acme/files/e-1/holdout.csv"),
        lambda: operator("s3").put_object(Bucket=files["ingest"], Key="acme/files/a.csv", Body=b"a\n"),
        lambda: operator("sts").assume_role(RoleArn=role, RoleSessionName="attempt"),
        lambda: operator("iam").list_roles(),
        lambda: operator("logs").filter_log_events(logGroupName="/aws/vendedlogs/states/tenantml-training"),
        lambda: operator("lambda").invoke(FunctionName=outputs["ProbeTenantFunction"], Payload=b"{}"),
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
        lambda: data_handler("dynamodb").get_item(**row_at(outputs["RegistryTable"], keys.tenant("acme"))),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
