"""What the policies of both templates allow, after SAM's transform: nothing wider than it says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tools.policy_documents import documents
from tools.translate import translated

Statement = dict[str, Any]
Found = list[tuple[str, Statement]]

# Statements that reach every resource -> why no name pattern is possible.
UNLIMITED = {
    "StateMachineLogging.DeliverLogs": "log delivery has no resource level (Step Functions guide, CloudWatch Logs)",
    "FunctionsBoundary.FindStreams": "listings have no resource level (Service Authorization Reference, DynamoDB)",
    "AccessRole.ListCandidatesAndLeftovers": "listings have no resource level (Service Authorization Reference)",
    "AccessRole.ReadQuotas": "listings have no resource level (Service Authorization Reference, Service Quotas)",
    "ExecutionRole.WriteMetrics": "PutMetricData has no resource level; its condition names SageMaker's namespaces",
    "ExecutionRoleVpc.DescribeTheNetwork": "descriptions have no resource level (Service Authorization Reference)",
    "ExecutionRole.PullSageMakersImages": "GetAuthorizationToken has no resource level; it gives a log-in, no image",
}
# AWS's policies that SAM attaches to functions by itself: logs, queues and streams, on every resource.
OF_SAM = {"AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole", "AWSLambdaDynamoDBExecutionRole"}
# What they are for, which no statement of ours says.
FOR_LAMBDA = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}
# Policies of their own that functions have when the stack is given a key.
OF_FUNCTIONS = ("FunctionRole", "WithDataKey")
CONFUSED_DEPUTY = {"aws:SourceArn", "aws:SourceAccount"}


@pytest.fixture(scope="module")
def platform(repository: Path) -> dict[str, Any]:
    return translated(repository / "template.yaml")


@pytest.fixture(scope="module")
def templates(repository: Path, platform: dict[str, Any]) -> list[dict[str, Any]]:
    return [platform, yaml_parse((repository / "onboarding/customer_access.yaml").read_text())]


@pytest.fixture(scope="module")
def statements(templates: list[dict[str, Any]]) -> Found:
    """Every statement of every policy document with its resource's name, with all references filled in."""
    return [
        (path.split(".")[0], statement)
        for template in templates
        for path, document in documents(template)
        for statement in listed(document["Statement"])
    ]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def unlimited(statements: Found) -> Iterator[str]:
    for owner, statement in statements:
        if statement["Effect"] == "Allow" and "*" in listed(statement.get("Resource", [])):
            yield f"{owner}.{statement['Sid']}"


def open_to_any_caller(statements: Found) -> Iterator[str]:
    """The statements that trust an AWS service whoever makes it call, however the template's conditions go: the
    parameter SourceConditions may omit a condition.
    """
    narrowed: dict[str, bool] = {}
    for owner, statement in statements:
        principal = statement.get("Principal")
        if statement["Effect"] == "Allow" and isinstance(principal, dict) and "Service" in principal:
            keys = {key for operator in statement.get("Condition", {}).values() for key in operator}
            name = f"{owner}.{statement.get('Sid')}"
            narrowed[name] = narrowed.get(name, False) or bool(keys & CONFUSED_DEPUTY)
    yield from (name for name, is_narrowed in narrowed.items() if not is_narrowed)


def roles(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    resources = template["Resources"].items()
    return {name: found["Properties"] for name, found in resources if found["Type"] == "AWS::IAM::Role"}


def test_a_statement_reaches_everything_only_with_a_reason(statements: Found) -> None:
    assert set(unlimited(statements)) == UNLIMITED.keys()


def test_no_statement_names_actions_by_a_pattern(statements: Found) -> None:
    allowed = [(owner, one) for owner, one in statements if one["Effect"] == "Allow"]
    assert len(allowed) > 100
    assert [owner for owner, one in allowed if any("*" in action for action in listed(one["Action"]))] == []
    assert [owner for owner, one in allowed if {"NotAction", "NotResource", "NotPrincipal"} & one.keys()] == []


def test_what_sam_attaches_of_awss_is_kept_within_the_functions_boundary(platform: dict[str, Any]) -> None:
    attached = {name: listed(role.get("ManagedPolicyArns", [])) for name, role in roles(platform).items()}
    of_aws = {name: [arn for arn in arns if isinstance(arn, str)] for name, arns in attached.items()}
    bounded = {name for name, arns in of_aws.items() if arns}
    assert len(bounded) > 30
    assert {arn.rsplit("/", 1)[-1] for arns in of_aws.values() for arn in arns} == OF_SAM
    for name in bounded:
        assert roles(platform)[name]["PermissionsBoundary"] == {"Ref": "FunctionsBoundary"}, name


def test_the_functions_boundary_is_exactly_as_wide_as_its_functions(statements: Found) -> None:
    limits = [one for owner, one in statements if owner == "FunctionsBoundary"]
    asked = [
        (owner, action, resource)
        for owner, one in statements
        if owner.endswith(OF_FUNCTIONS) and "Principal" not in one
        for action in listed(one["Action"])
        for resource in listed(one["Resource"])
    ]
    for owner, action, resource in asked:
        fits = [
            pattern
            for limit in limits
            if action in listed(limit["Action"])
            for pattern in listed(limit["Resource"])
            if fnmatchcase(resource, pattern)
        ]
        assert fits, f"{owner} is allowed {action} on {resource}, its boundary refuses it"
    most = {action for limit in limits for action in listed(limit["Action"])}
    assert most == {action for _, action, _ in asked} | FOR_LAMBDA


def test_every_service_is_believed_only_when_it_calls_for_us(
    statements: Found, templates: list[dict[str, Any]]
) -> None:
    # EventBridge cannot publish to a topic past a condition; a rule's targets are in its own account.
    assert list(open_to_any_caller(statements)) == ["OperatorTopicPolicy.OurRules"]
    permissions = [
        found["Properties"]
        for template in templates
        for found in template["Resources"].values()
        if found["Type"] == "AWS::Lambda::Permission"
    ]
    assert len(permissions) > 10
    assert [one for one in permissions if not {"SourceArn", "SourceAccount"} & one.keys()] == []


def test_roles_are_passed_by_name_and_only_to_sagemaker(statements: Found) -> None:
    passing = [(owner, one) for owner, one in statements if "iam:PassRole" in listed(one["Action"])]
    assert {owner for owner, _ in passing} == {"AccessRole", "ExecutionRole"}
    for owner, one in passing:
        assert one["Action"] == "iam:PassRole"
        assert one["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}, owner
        assert "*" not in json.dumps(one["Resource"])


# what is whose, behind the front doors

# Parts of ARNs, as `documents` fills them in.
REGISTRY, EVIDENCE, GRANTS = ":table/registrytable", ":table/evidencetable", ":table/grantstable"
INGEST, STAGING, COPIES = ":tenantml-ingest-", ":tenantml-staging-", ":tenantml-evidence-"
WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
LEADING = "dynamodb:LeadingKeys"
LIMITS = {"FunctionsBoundary"}  # allow nothing by themselves


def may(statements: Found, action: str, resource: str) -> dict[str, list[Statement]]:
    """Return who may do an action on a resource whose ARN contains a text, and by which statements."""
    found: dict[str, list[Statement]] = {}
    for owner, one in statements:
        if one["Effect"] != "Allow" or "Principal" in one or owner in LIMITS:
            continue
        if action in listed(one["Action"]) and any(resource in arn or arn == "*" for arn in listed(one["Resource"])):
            found.setdefault(owner, []).append(one)
    return found


def rows(statements: Found, action: str) -> dict[str, set[str]]:
    """Return which partitions of the registry each role may do an action on; all of them without a condition."""
    found = {
        owner: {key for one in allowing for key in leading_keys(one)}
        for owner, allowing in may(statements, action, REGISTRY).items()
    }
    assert found, action
    return found


def leading_keys(statement: Statement) -> list[str]:
    """Return the partitions that a statement reaches; `*` when a request that names none passes, too."""
    condition = statement.get("Condition", {})
    named = [keys[LEADING] for operator, keys in condition.items() if operator.startswith("ForAllValues:")]
    bound = condition.get("Null", {}).get(LEADING) == "false"
    return named[0] if named and bound else ["*"]


def test_every_right_to_the_registry_is_to_partitions_by_name(statements: Found) -> None:
    for action in ("dynamodb:GetItem", "dynamodb:Query", *WRITES):
        for owner, partitions in rows(statements, action).items():
            assert partitions <= {
                "TENANT#*", "TENANTS", "KEY#*", "ACCOUNT#*", "TENANT#${aws:PrincipalTag/tenant}"
            }, (owner, action)  # fmt: skip


def test_only_what_issues_or_revokes_keys_writes_them(statements: Found) -> None:
    def writers(action: str, partition: str) -> set[str]:
        return {
            owner.removesuffix("FunctionRole") for owner, keys in rows(statements, action).items() if partition in keys
        }

    assert writers("dynamodb:PutItem", "KEY#*") == {"IssueKey", "ActivateTenant"}
    assert writers("dynamodb:UpdateItem", "KEY#*") == {"IssueKey"}
    assert writers("dynamodb:DeleteItem", "KEY#*") == {"IssueKey", "RevokeKey", "BeginRemoval", "ConcludeRemoval"}
    assert writers("dynamodb:GetItem", "KEY#*") == {"Authorize"}
    assert writers("dynamodb:Query", "KEY#*") == set()
    for action in WRITES - {"dynamodb:UpdateItem"}:
        only = {"dynamodb:PutItem": {"RegisterTenant"}, "dynamodb:DeleteItem": {"ConcludeRemoval"}}[action]
        assert writers(action, "ACCOUNT#*") == writers(action, "TENANTS") == only


def test_one_function_writes_the_bucket_policy_and_its_ledger(statements: Found) -> None:
    for action, resource in (
        ("s3:PutBucketPolicy", STAGING),
        ("dynamodb:PutItem", GRANTS),
        ("dynamodb:DeleteItem", GRANTS),
    ):
        assert may(statements, action, resource).keys() == {"WriteBucketPolicyFunctionRole"}, action
    assert may(statements, "s3:PutBucketPolicy", "").keys() == {"WriteBucketPolicyFunctionRole"}
    assert may(statements, "s3:DeleteBucketPolicy", "") == {}


def test_the_functions_that_tenants_call_reach_files_through_the_tenants_role_alone(statements: Found) -> None:
    for owner, one in statements:
        if owner in {"PredictFunctionRole", "TenantApiFunctionRole"} and "Principal" not in one:
            assert not [action for action in listed(one["Action"]) if action.startswith(("s3:", "dynamodb:"))], one
    tag = "${aws:PrincipalTag/tenant}"
    for owner, one in statements:
        if owner == "TenantDataRole" and "Principal" not in one:
            assert tag in json.dumps(one["Resource"]) + json.dumps(one.get("Condition", {})), one
            in_buckets = [arn for arn in listed(one["Resource"]) if ":s3:" in arn]
            assert [arn for arn in in_buckets if not arn.partition("/")[2].startswith(f"{tag}/")] == []
    (profiles,) = may(statements, "s3:GetObject", STAGING)["TenantDataRole"]
    assert profiles["Resource"].partition("/")[2] == f"{tag}/*/profile.json"


def test_nobody_but_the_tenants_role_and_the_data_handlers_puts_a_file_where_uploads_are(statements: Found) -> None:
    assert may(statements, "s3:PutObject", INGEST).keys() == {"TenantDataRole", "DataHandlers"}


def test_holdouts_are_read_by_the_data_handlers_alone(statements: Found) -> None:
    readers = {
        owner: {arn.partition("/")[2] for one in found for arn in listed(one["Resource"])}
        for owner, found in may(statements, "s3:GetObject", STAGING).items()
    }
    assert readers == {
        "InspectDatasetFunctionRole": {"*/profile.json"},
        "DeliverDatasetFunctionRole": {"*/train.csv"},
        "TenantDataRole": {"${aws:PrincipalTag/tenant}/*/profile.json"},
        "DataHandlers": {"*/holdout.csv"},
    }


def test_operators_reach_nobodys_data(statements: Found) -> None:
    asked = {action for owner, one in statements if owner == "AutopilotUsers" for action in listed(one["Action"])}
    assert asked
    assert not [action for action in asked if action.startswith(("s3:", "dynamodb:", "kms:", "iam:", "sts:"))]
    assert {one["Sid"] for owner, one in statements if owner == "DataHandlers"} == {"DropFiles", "ReadHoldouts"}


def test_evidence_is_never_deleted_and_its_copy_is_locked(platform: dict[str, Any], statements: Found) -> None:
    for action in ("dynamodb:DeleteItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"):
        assert may(statements, action, EVIDENCE) == {}
    asked = {action for _, one in statements for action in listed(one["Action"]) if "Principal" not in one}
    assert not {
        "s3:BypassGovernanceRetention", "s3:PutObjectRetention", "s3:PutObjectLegalHold",
        "s3:PutBucketObjectLockConfiguration",
    } & asked  # fmt: skip
    assert may(statements, "s3:PutObject", COPIES).keys() == {"CopyEvidenceFunctionRole"}
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject"):
        assert may(statements, action, COPIES) == {}
    bucket = platform["Resources"]["EvidenceCopyBucket"]["Properties"]
    retention = {"Mode": {"Ref": "EvidenceLock"}, "Days": {"Ref": "EvidenceLockDays"}}
    assert (bucket["ObjectLockEnabled"], bucket["VersioningConfiguration"]) == (True, {"Status": "Enabled"})
    assert bucket["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}
    }  # fmt: skip
    modes = platform["Parameters"]["EvidenceLock"]
    assert (modes["Default"], set(modes["AllowedValues"])) == ("none", {"none", "GOVERNANCE", "COMPLIANCE"})
    made_with_it = [name for name, one in platform["Resources"].items() if one.get("Condition") == "LocksEvidence"]
    assert {"EvidenceCopyBucket", "CopyEvidenceFunction", "CopyEvidenceFunctionRole"} <= set(made_with_it)


def test_planted_faults_are_found() -> None:
    wide = {"Sid": "Wide", "Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::one/*", "*"]}
    assert list(unlimited([("Role", wide)])) == ["Role.Wide"]
    trusting: Statement = {
        "Sid": "Trust",
        "Effect": "Allow",
        "Principal": {"Service": ["events.amazonaws.com"]},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
    }
    assert list(open_to_any_caller([("Role", trusting)])) == ["Role.Trust"]
