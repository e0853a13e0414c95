"""The condition keys that our trust policy, our buckets and our tenant-scoped credentials stand on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from local import CUSTOMER_ACCOUNT, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud

_ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
_PATH = "/tenantml/customer-access/"


@pytest.fixture(scope="module")
def customer_role_arn(cloud: EmbeddedCloud, policy: Callable[..., str], unique: Callable[[str], str]) -> str:
    """Trusts the SaaS account's roles under one path, with the tenant's external ID."""
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{SAAS_ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"sts:ExternalId": "the-right-one"},
            "StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{SAAS_ACCOUNT}:role{_PATH}*"},
        },
    }
    iam = cloud.client("iam", CUSTOMER_ACCOUNT)
    role = iam.create_role(RoleName=unique("customer_trusting_saas"), AssumeRolePolicyDocument=policy(trust))["Role"]
    return str(role["Arn"])


def test_a_role_under_the_trusted_path_gets_in(
    cloud: EmbeddedCloud, make_role: Callable[..., Any], customer_role_arn: str
) -> None:
    sts = cloud.client("sts", credentials=make_role(_ASSUME, path=_PATH).credentials)
    session = sts.assume_role(RoleArn=customer_role_arn, RoleSessionName="contract", ExternalId="the-right-one")
    assert session["AssumedRoleUser"]["Arn"].startswith(f"arn:aws:sts::{CUSTOMER_ACCOUNT}:assumed-role/")


@pytest.mark.parametrize("external_id", [{}, {"ExternalId": "a-wrong-one"}])
def test_no_external_id_or_a_wrong_one_is_refused(
    cloud: EmbeddedCloud, make_role: Callable[..., Any], customer_role_arn: str, code_of: Any, external_id: Any
) -> None:
    sts = cloud.client("sts", credentials=make_role(_ASSUME, path=_PATH).credentials)
    options = {"RoleArn": customer_role_arn, "RoleSessionName": "contract", **external_id}
    assert code_of(sts.assume_role, **options) == "AccessDenied"


def test_a_role_under_another_path_is_refused(
    cloud: EmbeddedCloud, make_role: Callable[..., Any], customer_role_arn: str, code_of: Any
) -> None:
    sts = cloud.client("sts", credentials=make_role(_ASSUME).credentials)
    options = {"RoleArn": customer_role_arn, "RoleSessionName": "contract", "ExternalId": "the-right-one"}
    assert code_of(sts.assume_role, **options) == "AccessDenied"


def test_a_bucket_that_denies_plain_http_is_usable_on_loopback(
    cloud: EmbeddedCloud, make_bucket: Callable[..., str], make_role: Callable[..., Any], policy: Callable[..., str]
) -> None:
    bucket = make_bucket()
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": arns}
    plain_http = {"Bool": {"aws:SecureTransport": "false"}}
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy({**deny, "Condition": plain_http}))
    role = make_role({"Effect": "Allow", "Action": "s3:*", "Resource": arns})
    s3 = cloud.client("s3", credentials=role.credentials)
    s3.put_object(Bucket=bucket, Key="key", Body=b"1")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"1"


_OPERATIONS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "put_item": lambda table, key: {"TableName": table, "Item": {"pk": {"S": key}, "sk": {"S": "1"}}},
    "get_item": lambda table, key: {"TableName": table, "Key": {"pk": {"S": key}, "sk": {"S": "1"}}},
    "query": lambda table, key: {
        "TableName": table,
        "KeyConditionExpression": "#pk = :key AND begins_with(sk, :start)",
        "ExpressionAttributeNames": {"#pk": "pk"},
        "ExpressionAttributeValues": {":key": {"S": key}, ":start": {"S": "1"}},
    },
    "transact_write_items": lambda table, key: {
        "TransactItems": [{"Put": {"TableName": table, "Item": {"pk": {"S": key}, "sk": {"S": "2"}}}}]
    },
}


@pytest.fixture(scope="module")
def tenants_table(cloud: EmbeddedCloud, make_role: Callable[..., Any], unique: Callable[[str], str]) -> tuple[Any, str]:
    """A client that is scoped to the rows of the tenant acme, and the table."""
    table = unique("table")
    cloud.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    scope = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["TENANT#acme"]}}
    actions = [f"dynamodb:{action}" for action in ("GetItem", "PutItem", "Query")]
    role = make_role({"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": scope})
    return cloud.client("dynamodb", credentials=role.credentials), table


@pytest.mark.parametrize("operation", _OPERATIONS)
def test_credentials_scoped_by_leading_keys_reach_the_tenants_own_rows(
    tenants_table: tuple[Any, str], operation: str
) -> None:
    client, table = tenants_table
    answer = getattr(client, operation)(**_OPERATIONS[operation](table, "TENANT#acme"))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("operation", _OPERATIONS)
def test_credentials_scoped_by_leading_keys_reach_no_other_rows(
    tenants_table: tuple[Any, str], operation: str, code_of: Any
) -> None:
    client, table = tenants_table
    call = getattr(client, operation)
    assert code_of(call, **_OPERATIONS[operation](table, "TENANT#globex")) == "AccessDeniedException"


def test_a_condition_on_the_type_lets_events_of_that_type_pass_alone(
    cloud: EmbeddedCloud, make_role: Callable[..., Any], code_of: Any
) -> None:
    """Service authorization reference, "Amazon EventBridge": PutEvents has the condition key events:detail-type."""
    condition = {"StringEquals": {"events:detail-type": ["Model Paused", "Model Resumed"]}}
    role = make_role({"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*", "Condition": condition})
    client = cloud.client("events", credentials=role.credentials)

    def entry(kind: str) -> dict[str, str]:
        return {"Source": "tenantml", "DetailType": kind, "Detail": "{}"}

    assert client.put_events(Entries=[entry("Model Resumed")])["FailedEntryCount"] == 0
    for refused in (["Tenant Suspended"], ["Tenant Active", "Tenant Suspended"]):
        assert code_of(client.put_events, Entries=[entry(kind) for kind in refused]) == "AccessDeniedException"


@pytest.fixture(scope="module")
def tagged(cloud: EmbeddedCloud, make_role: Callable[..., Any]) -> Callable[..., Any]:
    """The credentials of a session with tags, of a role that allows a statement."""

    def session(statement: dict[str, Any], tags: list[dict[str, str]]) -> Any:
        role = make_role(statement)
        own = {"AWS": f"arn:aws:iam::{SAAS_ACCOUNT}:root"}
        trust = {"Effect": "Allow", "Principal": own, "Action": ["sts:AssumeRole", "sts:TagSession"]}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        cloud.client("iam").update_assume_role_policy(RoleName=role.arn.rsplit("/", 1)[1], PolicyDocument=document)
        return cloud.client("sts").assume_role(RoleArn=role.arn, RoleSessionName="contract", Tags=tags)["Credentials"]

    return session


@pytest.mark.parametrize(
    ("tags", "key", "allowed"),
    [
        ([{"Key": "tenant", "Value": "acme"}], "TENANT#acme", True),
        ([{"Key": "tenant", "Value": "acme"}], "TENANT#globex", False),
        ([], "TENANT#", False),
        ([], "TENANT#${aws:PrincipalTag/tenant}", False),
        ([], "TENANT#None", False),
    ],
)
def test_a_policy_variable_stands_for_the_sessions_tag_and_without_it_nothing_is_allowed(
    cloud: EmbeddedCloud,
    tagged: Callable[..., Any],
    tenants_table: tuple[Any, str],
    code_of: Any,
    tags: Any,
    key: str,
    allowed: bool,
) -> None:
    _, table = tenants_table
    scope = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["TENANT#${aws:PrincipalTag/tenant}"]}}
    statement = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*", "Condition": scope}
    client = cloud.client("dynamodb", credentials=tagged(statement, tags))
    request = {"TableName": table, "Key": {"pk": {"S": key}, "sk": {"S": "1"}}}
    if allowed:
        assert client.get_item(**request)["ResponseMetadata"]["HTTPStatusCode"] == 200
    else:
        assert code_of(client.get_item, **request) == "AccessDeniedException"


# IAM user guide, "IAM policy elements: Variables and tags", "Where you can use policy variables": in a resource's last
# part, and a statement whose variable has no value matches nothing.
@pytest.mark.parametrize(
    ("tags", "key", "allowed"),
    [
        ([{"Key": "tenant", "Value": "acme"}], "acme/churn/profile.json", True),
        ([{"Key": "tenant", "Value": "acme"}], "globex/churn/profile.json", False),
        ([{"Key": "tenant", "Value": "*"}], "globex/churn/profile.json", False),
        ([{"Key": "other", "Value": "acme"}], "acme/churn/profile.json", False),
        ([], "${aws:PrincipalTag/tenant}/churn/profile.json", False),
    ],
)
def test_a_policy_variable_in_a_resource_stands_for_the_sessions_tag(
    cloud: EmbeddedCloud,
    tagged: Callable[..., Any],
    make_bucket: Callable[..., str],
    code_of: Any,
    tags: Any,
    key: str,
    allowed: bool,
) -> None:
    bucket = make_bucket()
    cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=b"{}")
    resource = f"arn:aws:s3:::{bucket}/${{aws:PrincipalTag/tenant}}/*/profile.json"
    client = cloud.client(
        "s3", credentials=tagged({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}, tags)
    )
    if allowed:
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"{}"
    else:
        assert code_of(client.get_object, Bucket=bucket, Key=key) == "AccessDenied"
