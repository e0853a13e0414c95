"""IAM's own actions, each on the resource that the service authorization reference has for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from local import SAAS_ACCOUNT
from local.cloud import EmbeddedCloud
from local.sagemaker.shapes import service_model

_KINDS = ("role", "user", "group", "policy", "instance-profile")
_IAM = f"arn:aws:iam::{SAAS_ACCOUNT}:"
_VALUES: dict[str, Any] = {
    "Path": "/contract/",
    "PolicyArn": f"{_IAM}policy/contract/nobody",
    "PermissionsBoundary": f"{_IAM}policy/contract/nobody",
    "AssumeRolePolicyDocument": "{}",
    "PolicyDocument": "{}",
    "Tags": [{"Key": "a", "Value": "b"}],
    "TagKeys": ["a"],
    "SetAsDefault": True,
}


# They name their user or role by a key, a task or a service; here such a request is about `*`.
_BY_ANOTHER_NAME = {
    "ChangePassword",
    "CreateServiceLinkedRole",
    "GetAccessKeyLastUsed",
    "GetServiceLinkedRoleDeletionStatus",
}


def _documented() -> dict[str, str]:
    """The resource type of each of IAM's actions that has one of these, from the reference as parliament carries it."""
    spec = find_spec("parliament")  # not imported: it warns
    assert spec is not None
    assert spec.origin is not None
    services = json.loads(Path(spec.origin).with_name("iam_definition.json").read_text())
    known = set(service_model("iam").operation_names) - _BY_ANOTHER_NAME
    found = {}
    for action in next(service["privileges"] for service in services if service["prefix"] == "iam"):
        types = {entry["resource_type"].rstrip("*") for entry in action["resource_types"]} - {""}
        if len(types) == 1 and types <= set(_KINDS) and action["privilege"] in known:
            found[action["privilege"]] = types.pop()
    return found


def _request(operation: str) -> dict[str, Any]:
    """Everything that an operation requires or by which it names something."""
    shape = service_model("iam").operation_model(operation).input_shape
    assert shape is not None
    named = [
        name
        for name in shape.members
        if name in ("Path", "PolicyArn") or (name.endswith("Name") and not name.startswith("New"))
    ]
    wanted = {*named, *shape.required_members}
    return {name: _VALUES.get(name, "nobody-of-this-long-name") for name in wanted}


def _is_denied(client: Any, operation: str) -> bool:
    """Whether IAM refused the call; what the service then says of it does not matter."""
    try:
        getattr(client, xform_name(operation))(**_request(operation))
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "AccessDenied")
    return False


@pytest.fixture(scope="module")
def allowed_on(cloud: EmbeddedCloud, make_role: Callable[..., Any]) -> Callable[..., Any]:
    """An IAM client that may do everything on resources of these types; the same one for the same types."""
    made: dict[tuple[str, ...], Any] = {}

    def client(*kinds: str) -> Any:
        if kinds not in made:
            statement = {"Effect": "Allow", "Action": "iam:*", "Resource": [f"{_IAM}{kind}/*" for kind in kinds]}
            # IAM's client checks lengths and patterns only of what is sent, which the refusal comes before.
            made[kinds] = cloud.client("iam", credentials=make_role(statement).credentials)
        return made[kinds]

    return client


@pytest.mark.parametrize(("operation", "kind"), sorted(_documented().items()))
def test_an_action_is_checked_on_the_type_that_the_reference_has_for_it(
    allowed_on: Callable[..., Any], operation: str, kind: str
) -> None:
    assert not _is_denied(allowed_on(kind), operation)
    assert _is_denied(allowed_on(*(other for other in _KINDS if other != kind)), operation)


@pytest.mark.parametrize(
    ("create", "read", "request_of", "resource"),
    [
        ("create_role", "get_role", {"RoleName": "pathed", "AssumeRolePolicyDocument": None}, "role/team/pathed"),
        ("create_user", "get_user", {"UserName": "pathed"}, "user/team/pathed"),
        ("create_group", "get_group", {"GroupName": "pathed"}, "group/team/pathed"),
    ],
)
def test_a_path_is_part_of_the_resource(
    cloud: EmbeddedCloud,
    make_role: Callable[..., Any],
    policy: Callable[..., str],
    create: str,
    read: str,
    request_of: dict[str, Any],
    resource: str,
) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html: paths are part of the ARN
    trust = {"Effect": "Allow", "Principal": {"AWS": f"{_IAM}root"}, "Action": "sts:AssumeRole"}
    request = {name: policy(trust) if value is None else value for name, value in request_of.items()}
    inside, outside = (
        cloud.client("iam", credentials=make_role({"Effect": "Allow", "Action": "iam:*", "Resource": arn}).credentials)
        for arn in (f"{_IAM}{resource}", f"{_IAM}{resource.replace('team/', '')}")
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(outside, create)(**request, Path="/team/")
    getattr(inside, create)(**request, Path="/team/")
    name = {key: value for key, value in request.items() if key.endswith("Name")}
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(outside, read)(**name)
    assert getattr(inside, read)(**name)


def test_a_policy_names_a_log_group_with_its_streams(
    cloud: EmbeddedCloud, make_role: Callable[..., Any], unique: Callable[[str], str]
) -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    group = unique("/contract/functions")
    cloud.client("logs").create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:us-east-1:{SAAS_ACCOUNT}:log-group:{group}"
    whole, bare = (
        cloud.client(
            "logs", credentials=make_role({"Effect": "Allow", "Action": "logs:*", "Resource": name}).credentials
        )
        for name in (f"{arn}:*", arn)
    )
    assert whole.filter_log_events(logGroupName=group)["events"] == []
    with pytest.raises(ClientError, match="AccessDenied"):
        bare.filter_log_events(logGroupName=group)
    assert bare.list_tags_for_resource(resourceArn=arn)["tags"] == {}


def test_an_action_without_a_user_is_about_the_caller(
    cloud: EmbeddedCloud, unique: Callable[[str], str], policy: Callable[..., str]
) -> None:
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html: "If you do not specify a user name,
    # IAM determines the user name implicitly based on the AWS access key ID signing the request."
    root, name = cloud.client("iam"), unique("owner")
    root.create_user(UserName=name)
    own = {"Effect": "Allow", "Action": "iam:ListAccessKeys", "Resource": f"{_IAM}user/{name}"}
    root.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(own))
    key = root.create_access_key(UserName=name)["AccessKey"]
    iam = cloud.client("iam", credentials=key)
    assert "AccessKeyMetadata" in iam.list_access_keys()  # which keys, the emulator does not know
    with pytest.raises(ClientError, match="AccessDenied"):
        iam.list_access_keys(UserName=f"{name}-other")
