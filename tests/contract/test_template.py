"""What both templates must say of every resource of a kind, after SAM's transform: of those to come, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tenantml.services import api_keys
from tests.contract.test_dashboard import emitted
from tools.translate import translated

Resources = dict[str, dict[str, Any]]

OPERATORS = [{"Ref": "OperatorTopic"}]
COUNTED_ONLY = {"TenantsSuspended"}  # a suspension is told as it happens (StandingRule); its count is for the dashboard
NOBODY_WAITS = {"WebhookDeadLetterQueue"}  # whose receiver is down sees it in the deliveries
SCHEDULES = {
    "WriteBucketPolicyFunction": "rate(1 hour)",
    "DispatchUpkeepFunction": "rate(1 hour)",
    "RescueLostFunction": "rate(1 hour)",
}
PUBLIC = {"OnboardingBucket"}
EMPTIED_BY_ITS_OWNER = {"Bucket"}  # the customer's: it goes with the stack, which ends the access


@pytest.fixture(scope="module")
def ours(repository: Path) -> Resources:
    found: Resources = translated(repository / "template.yaml")["Resources"]
    return found


@pytest.fixture(scope="module")
def theirs(repository: Path) -> Resources:
    found: Resources = yaml_parse((repository / "onboarding/customer_access.yaml").read_text())["Resources"]
    return found


@pytest.fixture(scope="module")
def both(ours: Resources, theirs: Resources) -> Resources:
    return ours | theirs


def of(resources: Resources, kind: str) -> Resources:
    """Return the resources of a kind, at least one."""
    found = {name: one for name, one in resources.items() if one["Type"] == kind}
    assert found, kind
    return found


def test_every_bucket_takes_tls_alone(both: Resources) -> None:
    refusing = {
        one["Properties"]["Bucket"]["Ref"]: statement
        for one in of(both, "AWS::S3::BucketPolicy").values()
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
    }
    assert refusing == {
        name: {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        for name in of(both, "AWS::S3::Bucket")
    }


def test_every_bucket_is_encrypted_and_closed_to_the_public(both: Resources) -> None:
    for name, one in of(both, "AWS::S3::Bucket").items():
        (rule,) = one["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in (
            "AES256",
            {"Fn::If": ["HasDataKey", "aws:kms", "AES256"]},
            {"Fn::If": ["HasKey", "aws:kms", "AES256"]},
        ), name
        closed = dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        )
        if name in PUBLIC:
            closed |= {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
        assert one["Properties"]["PublicAccessBlockConfiguration"] == closed, name


def test_what_holds_data_outlives_its_stack_and_versions_and_unfinished_uploads_are_forgotten(both: Resources) -> None:
    tables = of(both, "AWS::DynamoDB::Table")
    for name, one in (tables | of(both, "AWS::S3::Bucket")).items():
        expected = "Delete" if name in EMPTIED_BY_ITS_OWNER else "RetainExceptOnCreate"
        assert (one["DeletionPolicy"], one["UpdateReplacePolicy"]) == (expected, "Retain"), name
    for name, one in of(both, "AWS::S3::Bucket").items():
        rules = one["Properties"].get("LifecycleConfiguration", {"Rules": []})["Rules"]
        assert {rule["Status"] for rule in rules} <= {"Enabled"}, name
        forgets = {field for rule in rules for field in rule}
        if "VersioningConfiguration" in one["Properties"]:
            assert one["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}, name
            assert "NoncurrentVersionExpiration" in forgets, name
        assert name in PUBLIC or {"AbortIncompleteMultipartUpload", "ExpirationInDays"} & forgets, name


def test_every_table_is_encrypted_and_can_be_restored_and_the_registry_forgets(ours: Resources) -> None:
    for name, one in of(ours, "AWS::DynamoDB::Table").items():
        assert one["Properties"]["SSESpecification"] == {"SSEEnabled": True}, name
        assert one["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name
    forgets = ours["RegistryTable"]["Properties"]["TimeToLiveSpecification"]
    assert forgets == {"AttributeName": "forget_at", "Enabled": True}


def test_every_alarm_tells_operators_and_every_metric_of_our_code_has_one(ours: Resources, repository: Path) -> None:
    alarms = of(ours, "AWS::CloudWatch::Alarm")
    assert {name: one["Properties"].get("AlarmActions") for name, one in alarms.items()} == dict.fromkeys(
        alarms, OPERATORS
    )
    about = {
        one["Properties"]["MetricName"]: one["Properties"] for one in alarms.values()
        if one["Properties"].get("Namespace") == "TenantML"  # those of quotas are expressions of AWS's own metrics
    }  # fmt: skip
    assert about.keys() == emitted(repository) - COUNTED_ONLY
    for name, one in about.items():
        assert one["Dimensions"] == [{"Name": "service", "Value": "tenantml"}], name
        assert (one["Threshold"], one["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold"), name
        assert one["Statistic"] in {"Sum", "Maximum"}, name


def dead_letter_queues(ours: Resources) -> Iterator[tuple[str, str]]:
    """Yield each queue that something takes from, with where it sends what cannot be taken."""
    for one in of(ours, "AWS::Lambda::EventSourceMapping").values():
        source = one["Properties"]["EventSourceArn"].get("Fn::GetAtt", ["", ""])
        if source[0] in of(ours, "AWS::SQS::Queue"):
            yield source[0], ours[source[0]]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]


def test_every_queue_is_encrypted_and_what_cannot_be_taken_from_it_is_kept_and_told(ours: Resources) -> None:
    dead = dict(dead_letter_queues(ours))
    assert {*dead, *dead.values()} == of(ours, "AWS::SQS::Queue").keys()
    for name, one in of(ours, "AWS::SQS::Queue").items():
        assert one["Properties"]["SqsManagedSseEnabled"] is True, name
    for name in dead:
        tries = 3 if name == "UpkeepQueue" else 5  # the next hour's round tries again
        assert ours[name]["Properties"]["RedrivePolicy"]["maxReceiveCount"] >= tries, name
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for one in of(ours, "AWS::CloudWatch::Alarm").values()
        for dimension in one["Properties"].get("Dimensions", [])
        if dimension["Name"] == "QueueName"
    }
    assert watched == ({*dead.values()} - NOBODY_WAITS) | {"UpkeepQueue"}  # whose age is watched


def test_a_message_is_hidden_for_longer_than_it_is_worked_on_and_one_that_fails_comes_back_alone(
    ours: Resources,
) -> None:
    """Six times the function's time-out (Lambda developer guide, "Using Lambda with Amazon SQS")."""
    for name, mapping in of(ours, "AWS::Lambda::EventSourceMapping").items():
        one, queue = mapping["Properties"], mapping["Properties"]["EventSourceArn"].get("Fn::GetAtt", ["", ""])[0]
        if queue not in of(ours, "AWS::SQS::Queue"):
            continue
        seconds = ours[one["FunctionName"]["Ref"]]["Properties"]["Timeout"]
        assert ours[queue]["Properties"]["VisibilityTimeout"] >= 6 * seconds, name
        assert one["BatchSize"] == 1 or one["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name


def test_what_runs_on_a_schedule_runs_as_often_as_it_should(ours: Resources) -> None:
    found = {
        target["Arn"]["Fn::GetAtt"][0]: one["Properties"]["ScheduleExpression"]
        for one in of(ours, "AWS::Events::Rule").values()
        if "ScheduleExpression" in one["Properties"]
        for target in one["Properties"]["Targets"]
    }
    assert found == SCHEDULES


def test_whatever_ends_without_its_failure_path_is_rescued(ours: Resources) -> None:
    detail = ours["StoppedRule"]["Properties"]["EventPattern"]["detail"]
    assert detail["$or"] == [
        {"status": ["ABORTED", "TIMED_OUT"]},
        {"status": ["FAILED"], "error": ["States.DataLimitExceeded", "States.Runtime"]},
    ]
    machines = ("Training", "Deployment", "Batch")
    assert detail["stateMachineArn"] == [{"Ref": f"{name}StateMachine"} for name in machines]
    (target,) = ours["StoppedRule"]["Properties"]["Targets"]
    assert target["Arn"] == {"Ref": "RescueStateMachine"}


def test_no_log_holds_what_states_pass_on_and_every_log_ends(ours: Resources) -> None:
    for name, one in of(ours, "AWS::StepFunctions::StateMachine").items():
        logging = one["Properties"]["LoggingConfiguration"]
        assert (logging["IncludeExecutionData"], logging["Level"]) == (False, "ERROR"), name
    for name, one in of(ours, "AWS::Logs::LogGroup").items():
        assert one["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


def test_a_key_that_is_revoked_opens_for_half_a_minute_more_at_most(repository: Path) -> None:
    api = yaml_parse((repository / "template.yaml").read_text())["Resources"]["Api"]["Properties"]
    (authorizer,) = api["Auth"]["Authorizers"].values()
    assert authorizer["Identity"] == {"Headers": ["x-api-key"], "ReauthorizeEvery": 30}
    assert "30 s" in (api_keys.revoke.__doc__ or "")
