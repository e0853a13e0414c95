"""What the policies of both templates allow, after SAM's transform: nothing wider than it says why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Set
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tenantml.domain.access.grant import access_point_name
from tenantml.domain.tenancy.regions import REGIONS
from tools import image_registries
from tools.policy_documents import documents
from tools.reach import reaches
from tools.translate import translated

Statement = dict[str, Any]
Found = list[tuple[str, Statement]]

# Statements that reach every resource -> why no name pattern is possible.
UNLIMITED = {
    "AutopilotUsers.SeeMetrics": "metrics have no ARN",
    "StateMachineLogging.DeliverLogs": "log delivery has no resource level (Step Functions guide, CloudWatch Logs)",
    "FunctionsBoundary.FindStreams": "listings have no resource level (Service Authorization Reference, DynamoDB)",
    "FunctionsBoundary.FindGrants": "has no resource level (Service Authorization Reference, S3); it reads no data",
    "WriteBucketPolicyFunctionRole.FindAccessPoints": "as FunctionsBoundary.FindGrants",
    "DeliverDatasetFunctionRole.FindAccessPoint": "as FunctionsBoundary.FindGrants",
    "TrainingAccessRole.ListCandidatesAndLeftovers": "lists have no resource level (Service Authorization Reference)",
    "TrainingAccessRole.ReadQuotas": "as TrainingAccessRole.ListCandidatesAndLeftovers",
    "TrainingExecutionRole.WriteMetrics": "has no resource level; a condition names SageMaker's namespaces",
    "ServingExecutionRole.WriteMetrics": "as TrainingExecutionRole.WriteMetrics",
    "ExecutionRolesVpc.DescribeTheNetwork": "descriptions have no resource level (Service Authorization Reference)",
    "TrainingExecutionRole.PullSageMakersImages": "has no resource level; it gives a log-in, no image",
    "ServingExecutionRole.PullSageMakersImages": "as TrainingExecutionRole.PullSageMakersImages",
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
    assert {owner for owner, _ in passing} == {"TrainingAccessRole", "TrainingExecutionRole"}
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
TAG = "${aws:PrincipalTag/tenant}"
OF_ONE_TENANT = ("ACCOUNT#", "TENANT#", "USAGE#", "WEBHOOK#", "SECRET#")
# Each with the function that assumes it.
DATA_ROLES = {"TenantDataRole": "TenantApi", "PredictionDataRole": "Predict", "WebhookDataRole": "WebhookApi"}
LIMITS = {"FunctionsBoundary"}  # allow nothing by themselves


def may(statements: Found, action: str, resource: str, limits: Set[str] = LIMITS) -> dict[str, list[Statement]]:
    """Return who may do an action on a resource whose ARN contains a text, and by which statements."""
    found: dict[str, list[Statement]] = {}
    for owner, one in statements:
        if one["Effect"] != "Allow" or "Principal" in one or owner in limits:
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
                "ACCOUNT#*", "TENANT#*", "TENANTS", "USAGE#*", "KEY#*",
                *("WEBHOOK#*", "SECRET#*", "WEBHOOK#-", "SECRET#-"), *(kind + TAG for kind in OF_ONE_TENANT),
            }, (owner, action)  # fmt: skip


@pytest.fixture
def writers(statements: Found) -> Callable[[str, str], set[str]]:
    """Who may do an action on a partition of the registry: functions by their names."""
    return lambda action, partition: {
        owner.removesuffix("FunctionRole") for owner, keys in rows(statements, action).items() if partition in keys
    }


def test_only_what_registers_probes_suspends_or_removes_tenants_writes_whose_account_is_whose(
    writers: Callable[[str, str], set[str]],
) -> None:
    assert writers("dynamodb:PutItem", "ACCOUNT#*") == {"RegisterTenant", "ConcludeRemoval"}
    assert writers("dynamodb:UpdateItem", "ACCOUNT#*") == {
        "ActivateTenant", "ProbeTenant", "SuspendTenant", "BeginRemoval"
    }  # fmt: skip
    assert writers("dynamodb:DeleteItem", "ACCOUNT#*") == {"ConcludeRemoval"}
    assert writers("dynamodb:Query", "ACCOUNT#*") == set()
    for action in WRITES:
        assert writers(action, f"ACCOUNT#{TAG}") == set()


def test_accounts_are_read_by_the_functions_that_look_one_up_and_by_no_other(
    writers: Callable[[str, str], set[str]], apps: dict[str, Path]
) -> None:
    look_up = {"".join(map(str.title, name.split("_"))) for name, app in apps.items() if reaches(app, "find_tenant")}
    assert len(look_up) > 20
    assert writers("dynamodb:GetItem", "ACCOUNT#*") == look_up - set(DATA_ROLES.values())
    assert writers("dynamodb:GetItem", f"ACCOUNT#{TAG}") == DATA_ROLES.keys()


def test_what_the_api_counts_is_written_by_what_it_answers_with_and_is_removed_with_the_tenant(
    writers: Callable[[str, str], set[str]],
) -> None:
    assert writers("dynamodb:UpdateItem", f"USAGE#{TAG}") == DATA_ROLES.keys()
    assert writers("dynamodb:DeleteItem", "USAGE#*") == {"ConcludeRemoval"}
    for action in ("dynamodb:PutItem", "dynamodb:UpdateItem"):
        assert writers(action, "USAGE#*") == set()


def test_only_what_issues_or_revokes_keys_writes_them(writers: Callable[[str, str], set[str]]) -> None:
    assert writers("dynamodb:PutItem", "KEY#*") == {"IssueKey", "ActivateTenant"}
    assert writers("dynamodb:UpdateItem", "KEY#*") == {"IssueKey"}
    assert writers("dynamodb:DeleteItem", "KEY#*") == {"IssueKey", "RevokeKey", "BeginRemoval", "ConcludeRemoval"}
    assert writers("dynamodb:GetItem", "KEY#*") == {"Authorize"}
    assert writers("dynamodb:Query", "KEY#*") == set()
    for action in WRITES - {"dynamodb:UpdateItem"}:
        only = {"dynamodb:PutItem": {"RegisterTenant"}, "dynamodb:DeleteItem": {"ConcludeRemoval"}}[action]
        assert writers(action, "TENANTS") == only


def test_what_signs_webhooks_is_read_by_the_sender_alone_and_set_by_what_cannot_read_it(
    statements: Found, writers: Callable[[str, str], set[str]]
) -> None:
    assert writers("dynamodb:GetItem", "SECRET#*") == {"SendWebhook"}
    for action in ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"):
        for partition in (f"SECRET#{TAG}", "SECRET#-"):
            assert partition not in {key for keys in rows(statements, action).values() for key in keys}
    assert writers("dynamodb:UpdateItem", f"SECRET#{TAG}") == {"WebhookDataRole"}
    assert writers("dynamodb:UpdateItem", "SECRET#-") == {"OperatorWebhooks"}
    assert writers("dynamodb:DeleteItem", "SECRET#*") == {"ConcludeRemoval"}
    for owner, one in statements:  # nor may an update return what was there
        sets = "dynamodb:UpdateItem" in listed(one["Action"]) if "Action" in one else False
        if sets and any(key.startswith("SECRET#") for key in leading_keys(one)):
            assert one["Condition"]["StringEqualsIfExists"] == {"dynamodb:ReturnValues": "NONE"}, owner


def test_webhooks_are_reached_by_what_puts_dispatches_sends_and_forgets_them_and_by_no_other(
    writers: Callable[[str, str], set[str]],
) -> None:
    assert writers("dynamodb:PutItem", "WEBHOOK#*") == {"DispatchWebhooks"}
    assert writers("dynamodb:UpdateItem", "WEBHOOK#*") == {"SendWebhook"}
    assert writers("dynamodb:DeleteItem", "WEBHOOK#*") == {"ConcludeRemoval"}
    assert writers("dynamodb:GetItem", "WEBHOOK#*") == {"DispatchWebhooks", "SendWebhook"}
    for action in WRITES:
        assert writers(action, f"WEBHOOK#{TAG}") == {"WebhookDataRole"}
        assert writers(action, "WEBHOOK#-") == {"OperatorWebhooks"}


def test_the_sender_calls_nobody_but_its_rows_and_its_queue(statements: Found) -> None:
    asked = {
        action
        for owner, one in statements
        if owner == "SendWebhookFunctionRole" and "Principal" not in one
        for action in listed(one["Action"])
    }
    assert asked == {"dynamodb:GetItem", "dynamodb:UpdateItem", "sqs:ChangeMessageVisibility"}


def test_one_function_grants_and_none_writes_a_buckets_policy(statements: Found) -> None:
    for action, resource in (
        ("s3:CreateAccessPoint", ""),
        ("s3:PutAccessPointPolicy", ""),
        ("s3:DeleteAccessPoint", ""),
        ("dynamodb:PutItem", GRANTS),
        ("dynamodb:DeleteItem", GRANTS),
    ):
        assert may(statements, action, resource).keys() == {"WriteBucketPolicyFunctionRole"}, action
    for action in ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:DeleteAccessPointPolicy"):
        assert may(statements, action, "") == {}, action


def test_only_training_sets_are_left_to_access_points_and_only_to_ours(statements: Found) -> None:
    """What a bucket leaves to access points, whoever makes one of ours may open (S3 user guide, "Delegating access
    control to access points"); a fixed account keeps the policy from being public.
    """
    left = {
        (owner, action): (one["Principal"], one["Resource"], one["Condition"])
        for owner, one in statements
        if one["Effect"] == "Allow" and "DataAccessPoint" in json.dumps(one.get("Condition", {}))
        for action in listed(one["Action"])
    }
    bucket = "arn:aws:s3:::tenantml-staging-111111111111-us-east-1"
    ours = {"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-east-1:111111111111:accesspoint/tml-*"}}
    assert left == {
        ("StagingBucketPolicy", "s3:GetObject"): ("*", f"{bucket}/*/train.csv", ours),
        ("StagingBucketPolicy", "s3:GetObjectVersion"): ("*", f"{bucket}/*/train.csv", ours),
        ("StagingBucketPolicy", "s3:ListBucket"): ("*", bucket, ours),
    }
    assert access_point_name("b", "e").startswith("tml-")


OF_VERSIONS = {"profile.json", "candidates.json", "evaluation.json", "importance.json"}


def test_the_functions_that_tenants_call_reach_files_through_the_tenants_role_alone(statements: Found) -> None:
    for owner, one in statements:
        if owner in {f"{name}FunctionRole" for name in DATA_ROLES.values()} and "Principal" not in one:
            assert not [action for action in listed(one["Action"]) if action.startswith(("s3:", "dynamodb:"))], one
    for owner, one in statements:
        if owner in DATA_ROLES and "Principal" not in one:
            assert TAG in json.dumps(one["Resource"]) + json.dumps(one.get("Condition", {})), one
            in_buckets = [arn for arn in listed(one["Resource"]) if ":s3:" in arn]
            assert [arn for arn in in_buckets if not arn.partition("/")[2].startswith(f"{TAG}/")] == []
    read = {role: may(statements, "s3:GetObject", STAGING).get(role, []) for role in DATA_ROLES}
    found = {role: {arn.partition("/")[2] for one in read[role] for arn in listed(one["Resource"])} for role in read}
    assert found == {
        "TenantDataRole": {f"{TAG}/*/{name}" for name in OF_VERSIONS},
        "PredictionDataRole": {f"{TAG}/*/profile.json"},
        "WebhookDataRole": set(),
    }


def test_each_function_that_tenants_call_has_a_data_role_of_its_own(
    platform: dict[str, Any], statements: Found
) -> None:
    for role, function in DATA_ROLES.items():
        (trust,) = platform["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"AWS": {"Fn::GetAtt": [f"{function}FunctionRole", "Arn"]}}
        assumed = f":role/tenantml-{role.removesuffix('DataRole').lower()}-data-"
        assert may(statements, "sts:AssumeRole", assumed).keys() == {f"{function}FunctionRole"}
        variables = platform["Resources"][f"{function}Function"]["Properties"]["Environment"]["Variables"]
        assert variables["TENANT_DATA_ROLE"] == {"Fn::GetAtt": [role, "Arn"]}


def test_a_session_for_a_tenants_data_is_of_one_tenant_and_reaches_its_evidence_alone(
    platform: dict[str, Any], statements: Found
) -> None:
    for role in DATA_ROLES:
        (trust,) = platform["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Condition"] == {
            "StringLike": {"aws:RequestTag/tenant": "?*"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["tenant"]},
        }
    reached = {
        (owner, action): {key for one in allowing for key in leading_keys(one)}
        for action in ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem")
        for owner, allowing in may(statements, action, EVIDENCE).items()
        if owner in DATA_ROLES
    }
    assert reached == {
        ("TenantDataRole", "dynamodb:GetItem"): {f"TENANT#{TAG}"},
        ("TenantDataRole", "dynamodb:Query"): {f"TENANT#{TAG}"},
        ("PredictionDataRole", "dynamodb:PutItem"): {f"TENANT#{TAG}"},
    }


def test_training_access_reads_its_own_tenants_files_of_our_bucket(of_role: Callable[[str], list[Statement]]) -> None:
    for role in ("TrainingAccessRole", "TrainingExecutionRole"):
        foreign = {
            arn
            for one in of_role(role)
            if "s3:GetObject" in listed(one["Action"])
            for arn in listed(one["Resource"])
            if not arn.startswith("arn:aws:s3:::nameprefix-")
        }
        grants = "arn:aws:s3:us-east-1:222222222222:accesspoint/tml-*/object/saastenant/*"
        assert foreign == {"arn:aws:s3:::saasstagingbucket/saastenant/*", grants}, role


def test_predictions_write_counts_of_usage_and_receipts_and_nothing_else(statements: Found) -> None:
    found = {
        one["Sid"]: (one["Action"], next(where for where in (REGISTRY, EVIDENCE, STAGING) if where in one["Resource"]))
        for owner, one in statements
        if owner == "PredictionDataRole" and "Principal" not in one
    }
    assert found == {
        "RowsOfTheTenantInTheTag": ("dynamodb:GetItem", REGISTRY),
        "CountUsage": ("dynamodb:UpdateItem", REGISTRY),
        "AddReceipts": ("dynamodb:PutItem", EVIDENCE),
        "ProfilesOfTheTenantInTheTag": ("s3:GetObject", STAGING),
    }
    assert rows(statements, "dynamodb:UpdateItem")["PredictionDataRole"] == {f"USAGE#{TAG}"}
    assert rows(statements, "dynamodb:GetItem")["PredictionDataRole"] == {f"TENANT#{TAG}", f"ACCOUNT#{TAG}"}


def test_nobody_but_the_tenants_role_and_the_data_handlers_puts_a_file_where_uploads_are(statements: Found) -> None:
    assert may(statements, "s3:PutObject", INGEST).keys() == {"TenantDataRole", "DataHandlers"}


def test_holdouts_are_read_by_the_evaluation_and_the_data_handlers_alone(statements: Found) -> None:
    readers = {
        owner: {arn.partition("/")[2] for one in found for arn in listed(one["Resource"])}
        for owner, found in may(statements, "s3:GetObject", STAGING).items()
    }
    assert readers == {
        "InspectDatasetFunctionRole": {"*/profile.json", "*/holdout_rule.json"},
        "DeliverDatasetFunctionRole": {"*/train.csv", "tml-*/object/*/train.csv"},
        **{
            f"{name}FunctionRole": {"*/profile.json"}
            for name in ("CheckBatch", "CheckDrift", "DeliverBatch", "JoinBatch", "RemoveFromAccount")
        },
        "EvaluateVersionFunctionRole": {
            "*/holdout.csv",
            "*/holdout_hashes.bin",
            "*/holdout_rule.json",
            "*/profile.json",
        },
        "TenantDataRole": {f"{TAG}/*/{name}" for name in OF_VERSIONS},
        "PredictionDataRole": {f"{TAG}/*/profile.json"},
        "DataHandlers": {"*/holdout.csv"},
    }


def test_each_function_reaches_tenants_files_by_its_own_verb(statements: Found) -> None:
    """What docs/threat-model.md says of them."""

    def functions(action: str, bucket: str) -> set[str]:
        owners = may(statements, action, bucket)
        return {owner.removesuffix("FunctionRole") for owner in owners if owner.endswith("FunctionRole")}

    delete_staged = {"CleanUp", "StopExecutions", "RescueExecution", "RescueLost", "SweepTenant", "RemoveOurs"}
    for action, bucket, expected in (
        ("s3:GetObject", INGEST, {"AcceptUpload"}),
        ("s3:GetObjectVersion", INGEST, {"AcceptUpload", "InspectDataset", "CheckBatch", "DeliverBatch", "JoinBatch"}),
        ("s3:PutObject", INGEST, set()),
        ("s3:DeleteObjectVersion", INGEST, {"RemoveOurs"}),
        ("s3:GetObjectVersion", STAGING, {"DeliverDataset", "InspectDataset"}),
        ("s3:PutObject", STAGING, {"InspectDataset", "SelectCandidate", "ExplainVersion", "EvaluateVersion"}),
        ("s3:DeleteObjectVersion", STAGING, delete_staged),
    ):
        assert functions(action, bucket) == expected, (action, bucket)


def test_operators_reach_nobodys_data(statements: Found) -> None:
    asked = {action for owner, one in statements if owner == "AutopilotUsers" for action in listed(one["Action"])}
    assert asked
    assert not [action for action in asked if action.startswith(("s3:", "dynamodb:", "kms:", "iam:", "sts:"))]
    assert {one["Sid"] for owner, one in statements if owner == "DataHandlers"} == {"DropFiles", "ReadHoldouts"}


def test_evidence_is_never_deleted_and_its_copy_is_locked(platform: dict[str, Any], statements: Found) -> None:
    for action in ("dynamodb:DeleteItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"):
        assert may(statements, action, EVIDENCE, limits=set()) == {}
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


# the four roles in the customer's account


@pytest.fixture(scope="module")
def of_role(repository: Path) -> Callable[[str], list[Statement]]:
    """What one role of the customer's template may, its further policies included, with every parameter given."""
    template = yaml_parse((repository / "onboarding/customer_access.yaml").read_text())
    resources = template["Resources"]

    def of(role: str) -> list[Statement]:
        attached = {
            name
            for name, found in resources.items()
            if json.dumps({"Ref": role}) in json.dumps(found.get("Properties", {}).get("Roles", []))
        }
        return [
            statement
            for path, document in documents(template)
            if path.split(".")[0] in {role, *attached}
            for statement in document["Statement"]
            if "Principal" not in statement
        ]

    return of


def actions_of(statements: list[Statement]) -> set[str]:
    return {action for one in statements for action in listed(one["Action"])}


def test_prediction_access_invokes_our_endpoints_and_nothing_else(of_role: Callable[[str], list[Statement]]) -> None:
    (statement,) = of_role("PredictionAccessRole")
    assert listed(statement["Action"]) == ["sagemaker:InvokeEndpoint"]
    assert statement["Resource"] == "arn:aws:sagemaker:us-east-1:111111111111:endpoint/nameprefix-*"
    assert "sagemaker:InvokeEndpoint" not in actions_of(of_role("TrainingAccessRole"))


def test_each_access_role_trusts_its_own_path(statements: Found) -> None:
    trusts = {
        owner: one["Condition"]["ArnLike"]["aws:PrincipalArn"]
        for owner, one in statements
        if "Principal" in one and "sts:ExternalId" in json.dumps(one.get("Condition", {}))
    }
    start = "arn:aws:iam::222222222222:role/tenantml"
    assert trusts == {
        "TrainingAccessRole": f"{start}/training-access/*",
        "PredictionAccessRole": f"{start}/prediction-access/*",
    }


def test_serving_execution_starts_nothing_and_writes_no_object(of_role: Callable[[str], list[Statement]]) -> None:
    found = of_role("ServingExecutionRole")
    assert {action for action in actions_of(found) if action.split(":")[0] in {"sagemaker", "iam", "sts"}} == set()
    assert {action for action in actions_of(found) if action.startswith("s3:")} == {"s3:GetObject", "s3:ListBucket"}
    (artefacts,) = {one["Resource"] for one in found if one["Action"] == "s3:GetObject"}
    assert artefacts == "arn:aws:s3:::nameprefix-111111111111-us-east-1/*/output/*"


@pytest.mark.parametrize("role", ["TrainingExecutionRole", "ServingExecutionRole"])
def test_images_come_from_sagemakers_registries(role: str, of_role: Callable[[str], list[Statement]]) -> None:
    first = next(one for one in of_role(role) if one["Sid"] == "PullSageMakersImageLayers")
    assert "arn:aws:ecr:us-east-1:683313688378:repository/*" in first["Resource"]
    assert [
        arn for arn in first["Resource"] if not re.fullmatch(r"arn:aws:ecr:us-east-1:\d{12}:repository/\*", arn)
    ] == []


@pytest.mark.parametrize("role", ["TrainingExecutionRole", "ServingExecutionRole"])
def test_network_interfaces_are_bound_to_the_given_subnets(
    role: str, of_role: Callable[[str], list[Statement]]
) -> None:
    found = {one["Sid"]: one for one in of_role(role) if "ec2:" in json.dumps(one["Action"])}
    assert found["UseAndRemoveThoseOfYourSubnets"]["Condition"] == {
        "ArnLike": {"ec2:Subnet": ["arn:*:ec2:*:*:subnet/subnetids"]}
    }
    unbound = {sid for sid, one in found.items() if "Condition" not in one}
    assert unbound == {"MakeNetworkInterfaces", "DescribeTheNetwork"}
    assert found["MakeNetworkInterfaces"]["Action"] == "ec2:CreateNetworkInterface"


BATCHES = {"RunBatchTransforms": "sagemaker:CreateTransformJob"}


@pytest.mark.parametrize(
    ("role", "batches"), [("TrainingAccessRole", BATCHES), ("TrainingExecutionRole", {})], ids=["access", "execution"]
)
def test_every_endpoint_configuration_and_every_batch_has_the_given_instance_types(
    role: str, batches: dict[str, str], of_role: Callable[[str], list[Statement]]
) -> None:
    limit = {"ForAllValues:StringEquals": {"sagemaker:InstanceTypes": ["instancetypes"]}}
    given = [one for one in of_role(role) if one.get("Condition") == limit]
    configuring = {one["Sid"] for one in of_role(role) if "sagemaker:CreateEndpointConfig" in listed(one["Action"])}
    asked = dict.fromkeys(configuring, "sagemaker:CreateEndpointConfig") | batches
    assert {one["Sid"]: one["Action"] for one in given} == asked
    assert "sagemaker:CreateEndpointConfig" not in actions_of(of_role("ServingExecutionRole"))


IN_THE_VPC = {
    "ForAllValues:StringEquals": {
        "sagemaker:VpcSubnets": ["subnetids"],
        "sagemaker:VpcSecurityGroupIds": ["securitygroupids"],
    },
    "Null": {"sagemaker:VpcSubnets": "false", "sagemaker:VpcSecurityGroupIds": "false"},
}
WITH_THE_KEY = {
    "Bool": {"sagemaker:InterContainerTrafficEncryption": "true"},
    "ArnEquals": {"sagemaker:VolumeKmsKey": "arn:aws:kms:us-east-1:111111111111:key/kmskeyarn"},
}


def test_jobs_and_models_are_in_the_given_network_and_jobs_have_the_given_key(
    of_role: Callable[[str], list[Statement]],
) -> None:
    # Without the parameters there is no condition.
    jobs = [one for one in of_role("TrainingAccessRole") if "sagemaker:CreateAutoMLJobV2" in listed(one["Action"])]
    assert [one.get("Condition") for one in jobs] == [IN_THE_VPC | WITH_THE_KEY, None]
    models = [one for one in of_role("TrainingAccessRole") if "sagemaker:CreateModel" in listed(one["Action"])]
    assert [one.get("Condition") for one in models] == [IN_THE_VPC, None]
    assert [one["Action"] for one in (*jobs, *models)] == ["sagemaker:CreateAutoMLJobV2"] * 2 + [
        "sagemaker:CreateModel"
    ] * 2


def test_every_name_in_the_customers_account_begins_with_the_prefix(
    of_role: Callable[[str], list[Statement]],
) -> None:
    for role in ("TrainingAccessRole", "PredictionAccessRole", "TrainingExecutionRole", "ServingExecutionRole"):
        for one in of_role(role):
            for arn in listed(one["Resource"]):
                if re.match("arn:aws:(sagemaker|iam|cloudwatch):", arn) and not re.search(
                    "sm-clarify|aws-service-role", arn
                ):
                    assert "nameprefix" in arn, (role, one["Sid"], arn)
                if arn.startswith("arn:aws:s3:::") and "saasstagingbucket" not in arn:
                    assert arn.startswith("arn:aws:s3:::nameprefix-"), (role, one["Sid"], arn)


def test_the_registries_are_those_of_the_sdk(repository: Path) -> None:
    template = (repository / "onboarding/customer_access.yaml").read_text()
    assert image_registries.written(template) == template
    assert image_registries.MODULE.read_text() == image_registries.module(), "run `make docs`, commit what it writes"
    mapping = yaml_parse(template)["Mappings"]["SageMakersRegistries"]
    assert tuple(mapping) == REGIONS  # a registration in any other is refused before a customer applies this
    assert len(image_registries.registries()) > 30


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
