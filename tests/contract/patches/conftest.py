"""One embedded cloud for all contract tests of its patches; each test creates resources under its own names."""

from __future__ import annotations

import io
import itertools
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import CUSTOMER_ACCOUNT, SAAS_ACCOUNT, internet
from local.cloud import EmbeddedCloud
from tests.waiting import PATIENCE_SECONDS

Statement = dict[str, Any]
# Limits that are too far away to reach in a test; and a receiver that nothing is sent to.
LOWERED = {
    internet.SETTING: '{"receiver.example": 1}',
    "TENANTML_LOCAL_API_SECONDS": "3",
    "TENANTML_LOCAL_ENVIRONMENTS": "20",
    "TENANTML_LOCAL_COPY_OBJECT_BYTES": "10000000",
    "TENANTML_LOCAL_HISTORY_EVENTS": "120",
}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud"), wait_scale=0.02, settings=LOWERED, faulty=True) as running:
        yield running


@pytest.fixture(scope="session")
def unique() -> Callable[[str], str]:
    counter = itertools.count(1)
    return lambda prefix: f"{prefix}-{next(counter)}"


def document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="session")
def policy() -> Callable[..., str]:
    return document


@pytest.fixture(scope="session")
def code_of() -> Callable[..., str]:
    """The error code that a call ends in; fails when it succeeds."""

    def code(call: Callable[..., Any], *arguments: Any, **options: Any) -> str:
        with pytest.raises(ClientError) as caught:
            call(*arguments, **options)
        error: dict[str, str] = caught.value.response["Error"]
        code.message = error.get("Message", "")  # type: ignore[attr-defined]
        return error["Code"]

    return code


class Role:
    """A role and a session of it."""

    def __init__(self, arn: str, credentials: dict[str, Any]) -> None:
        self.arn, self.credentials = arn, credentials


@pytest.fixture(scope="session")
def make_role(cloud: EmbeddedCloud, unique: Callable[[str], str]) -> Callable[..., Role]:
    """A role that allows the statements, and a session of it."""

    def make(*statements: Statement, account: str = SAAS_ACCOUNT, path: str = "/", **options: Any) -> Role:
        iam, name = cloud.client("iam", account), unique("role")
        own_account = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": "sts:AssumeRole",
        }
        services = {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
        trust = document(own_account, services)
        arn = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust, **options)["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=document(*statements))
        session = cloud.client("sts", account).assume_role(RoleArn=arn, RoleSessionName="contract")
        return Role(arn, session["Credentials"])

    return make


@pytest.fixture(scope="session")
def access_role(make_role: Callable[..., Role]) -> Role:
    """A role of the customer that may do anything in S3, as far as the customer is concerned."""
    return make_role({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, account=CUSTOMER_ACCOUNT)


@pytest.fixture(scope="session")
def make_bucket(cloud: EmbeddedCloud, unique: Callable[[str], str]) -> Callable[..., str]:
    """A versioned bucket that sends its events to EventBridge."""

    def make(account: str = SAAS_ACCOUNT) -> str:
        s3, name = cloud.client("s3", account), unique("contract-bucket")
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        return name

    return make


@pytest.fixture(scope="session")
def make_function(
    cloud: EmbeddedCloud, unique: Callable[[str], str], make_role: Callable[..., Role]
) -> Callable[[str], str]:
    """The ARN of a Lambda function whose module is the given code and whose handler is `handler`."""

    def make(code: str) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("app.py", code)
        function = cloud.client("lambda").create_function(
            FunctionName=unique("function"),
            Runtime="python3.13",
            Role=make_role().arn,
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=20,
        )
        return str(function["FunctionArn"])

    return make


@pytest.fixture(scope="session")
def make_event_queue(
    cloud: EmbeddedCloud, unique: Callable[[str], str]
) -> Callable[[dict[str, Any]], Callable[[], Any]]:
    """A queue of the default bus's events of a pattern; what it gives waits for the next one."""

    def make(pattern: dict[str, Any]) -> Callable[[], Any]:
        name = unique("events")
        sqs, events = cloud.client("sqs"), cloud.client("events")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:{SAAS_ACCOUNT}:{name}"
        service = {"Service": "events.amazonaws.com"}
        allowed = {"Effect": "Allow", "Principal": service, "Action": "sqs:SendMessage", "Resource": arn}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(allowed)})
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

        def next_event() -> Any:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < deadline:
                for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    return json.loads(message["Body"])
            raise AssertionError(f"no event of {pattern}")

        return next_event

    return make


@pytest.fixture(scope="session")
def start_machine(
    cloud: EmbeddedCloud, unique: Callable[[str], str], make_role: Callable[..., Role]
) -> Callable[..., str]:
    """Create a JSONata state machine, start it, answer with the execution's ARN."""
    everything = make_role({"Effect": "Allow", "Action": "*", "Resource": "*"})

    def start(definition: dict[str, Any], data: Any = None, *, role: Role = everything, name: str = "once") -> str:
        states = cloud.client("stepfunctions")
        machine = states.create_state_machine(
            name=unique("machine"), roleArn=role.arn, definition=json.dumps({"QueryLanguage": "JSONata", **definition})
        )
        execution = states.start_execution(
            stateMachineArn=machine["stateMachineArn"], name=name, input=json.dumps(data or {})
        )
        return str(execution["executionArn"])

    return start


@pytest.fixture(scope="session")
def end_of(cloud: EmbeddedCloud) -> Callable[[str], dict[str, Any]]:
    """Wait for an execution's end and describe it, its output parsed."""

    def wait(execution_arn: str) -> dict[str, Any]:
        states, deadline = cloud.client("stepfunctions"), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            described: dict[str, Any] = states.describe_execution(executionArn=execution_arn)
            if described["status"] != "RUNNING":
                output = described.get("output")
                return {**described, "output": json.loads(output) if output else None}
            time.sleep(0.02)
        raise AssertionError(f"{execution_arn} still runs")

    return wait


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).resolve().parents[3]
