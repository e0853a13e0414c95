"""What a customer's account holds, and the calls made there: evidence for "nothing left" and for "nothing touched"."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from local.cloud import EmbeddedCloud

# Service, operation, result key, and the member that names an item. No AutoML jobs: AWS has no call that deletes one.
_LISTINGS = (
    ("sagemaker", "list_endpoints", "Endpoints", "EndpointArn"),
    ("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigArn"),
    ("sagemaker", "list_models", "Models", "ModelArn"),
    ("iam", "list_roles", "Roles", "Arn"),
    ("iam", "list_users", "Users", "Arn"),
    ("lambda", "list_functions", "Functions", "FunctionArn"),
    ("logs", "describe_log_groups", "logGroups", "arn"),
)


def inventory(cloud: EmbeddedCloud, account_id: str) -> set[str]:
    """The ARNs of everything in an account: SageMaker, S3 down to object versions, IAM, functions, log groups."""
    arns: set[str] = set()
    for service, operation, key, name in _LISTINGS:
        arns.update(item[name] for item in _pages(cloud.client(service, account_id), operation, key))
    s3 = cloud.client("s3", account_id)
    for bucket in s3.list_buckets()["Buckets"]:
        arns.add(f"arn:aws:s3:::{bucket['Name']}")
        for key in ("Versions", "DeleteMarkers"):
            versions = _pages(s3, "list_object_versions", key, Bucket=bucket["Name"])
            arns.update(f"arn:aws:s3:::{bucket['Name']}/{item['Key']}" for item in versions)
    stacks = _pages(cloud.client("cloudformation", account_id), "list_stacks", "StackSummaries")
    arns.update(stack["StackId"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE")
    return arns


def record_calls(cloud: EmbeddedCloud) -> None:
    """Let the embedded cloud's trail record every AWS call from now on."""
    setting = json.dumps({"cloudtrail._recording_enabled": "true"}).encode()
    request = urllib.request.Request(f"{cloud.endpoint_url}/_ministack/config", setting, method="POST")  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        if not json.load(answer)["applied"]:
            raise RuntimeError("the embedded cloud no longer records calls; local/inventory.py must follow it")


def calls_into(cloud: EmbeddedCloud, account_id: str) -> list[str]:
    """The newest recorded calls in an account, at most 50, except its root's, and uses of its roles."""
    inside = cloud.client("cloudtrail", account_id).lookup_events()["Events"]
    made = [f"{event['EventSource']} {event['EventName']}" for event in inside if event["AccessKeyId"] != account_id]
    of_sts = [{"AttributeKey": "EventSource", "AttributeValue": "sts.amazonaws.com"}]
    for event in cloud.client("cloudtrail").lookup_events(LookupAttributes=of_sts)["Events"]:
        role_arn = json.loads(event["CloudTrailEvent"])["requestParameters"].get("RoleArn", "")
        if f"::{account_id}:" in role_arn:
            made.append(f"sts.amazonaws.com AssumeRole {role_arn}")
    return made


def decisions(cloud: EmbeddedCloud) -> list[dict[str, Any]]:
    """IAM's decisions so far, each once: `account`, `principal` (role/NAME or user/NAME), `action`, `allowed`.

    An allowed request has the statement's `sid` and its matching pattern as `resource`; a refused one has the
    resource's ARN, and the role's `session`.
    """
    path = cloud.state_dir / "iam_decisions.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def policies(cloud: EmbeddedCloud, account_id: str) -> list[tuple[str, dict[str, Any]]]:
    """The statements of an account's roles and groups, inline and attached, each with its owner's name."""
    iam = cloud.client("iam", account_id)
    documents: list[tuple[str, Any]] = []
    for role in _pages(iam, "list_roles", "Roles"):
        named = {"RoleName": role["RoleName"]}
        for policy in _pages(iam, "list_role_policies", "PolicyNames", **named):
            answer = iam.get_role_policy(PolicyName=policy, **named)
            documents.append((role["RoleName"], answer["PolicyDocument"]))
        for attached in _pages(iam, "list_attached_role_policies", "AttachedPolicies", **named):
            policy = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]
            answer = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
            documents.append((role["RoleName"], answer["PolicyVersion"]["Document"]))
    for group in _pages(iam, "list_groups", "Groups"):
        for policy in iam.list_group_policies(GroupName=group["GroupName"])["PolicyNames"]:
            answer = iam.get_group_policy(GroupName=group["GroupName"], PolicyName=policy)
            documents.append((group["GroupName"], answer["PolicyDocument"]))
    return [(owner, statement) for owner, document in documents for statement in document["Statement"]]


def _pages(client: Any, operation: str, key: str, **arguments: str) -> list[Any]:
    pages = client.get_paginator(operation).paginate(**arguments)
    return [item for page in pages for item in page.get(key) or []]
