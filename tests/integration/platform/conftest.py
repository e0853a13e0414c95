"""The SaaS account on moto: what the template stores things in, and the functions' environment; customers beside it."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

from tenantml.aws.clients import platform, shared_session, unbound_client
from tenantml.domain.tenancy.tenant import ACTIVE, Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload, destination_of
from tenantml.errors import TenantMLError
from tenantml.services import registry
from tenantml.services.registry import live
from tests.functions import module_of, sample_event, template
from tests.tenants import tenant_of
from tools.deployment import publish

SAAS, CUSTOMER, REGION = "123456789012", "222222222222", "us-east-1"
TABLES = {"REGISTRY_TABLE": "RegistryTable", "GRANTS_TABLE": "GrantsTable", "EVIDENCE_TABLE": "EvidenceTable"}
BUCKETS = {"STAGING_BUCKET": "StagingBucket", "INGEST_BUCKET": "IngestBucket", "ONBOARDING_BUCKET": "OnboardingBucket"}
TEMPLATE = template()["Resources"]
CONTEXT = SimpleNamespace(aws_request_id="8476a536", function_name="tenantml-f")
CHURNED = "Churn?"
TENANT = tenant_of("acme", CUSTOMER, REGION, "cloud@acme.example", "tenantml-external-id", ACTIVE)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Make the template's tables, buckets and bus; return the environment that names them.

    Clients stay from test to test, since each costs more than a test; what moto keeps does not.
    """
    for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        machine_arns = {
            f"{name.upper()}_STATE_MACHINE": platform("stepfunctions").create_state_machine(
                name=f"tenantml-{name}", definition="{}", roleArn=f"arn:aws:iam::{SAAS}:role/r"
            )["stateMachineArn"]
            for name in ("training", "deployment", "batch")
        }
        platform("events").create_event_bus(Name="tenantml")
        environment = {
            **{variable: make_table(name) for variable, name in TABLES.items()},
            **{variable: make_bucket(name) for variable, name in BUCKETS.items()},
            "EVENT_BUS": "tenantml",
            "WEBHOOK_QUEUE": make_queue("WebhookQueue"),
            "UPKEEP_QUEUE": make_queue("UpkeepQueue"),
            **machine_arns,
            "TENANT_DATA_ROLE": f"arn:aws:iam::{SAAS}:role/tenant-data",
            "OUTSIDER_ROLE": f"arn:aws:iam::{SAAS}:role/outsider",
            "PLATFORM_ACCOUNT": SAAS,
            "STACK_NAME": "tenantml",
            "INSPECTION_SECONDS": "600",
        }
        publish(platform("s3"), environment["ONBOARDING_BUCKET"])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield environment


def make_table(name: str) -> str:
    """Make a table with the keys and indexes that the template gives it."""
    known = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    properties = {key: value for key, value in TEMPLATE[name]["Properties"].items() if key in known}
    platform("dynamodb").create_table(TableName=name, **properties)
    return name


def make_queue(name: str) -> str:
    """Make a queue that gives up and keeps an order as the template's does; return its address."""
    properties = TEMPLATE[name]["Properties"]
    ending, kind = (".fifo", {"FifoQueue": "true"}) if properties.get("FifoQueue") else ("", {})
    dead = platform("sqs").create_queue(QueueName=f"{name}-dead{ending}", Attributes=kind)["QueueUrl"]
    arn = platform("sqs").get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    count = properties["RedrivePolicy"]["maxReceiveCount"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": count})
    made = platform("sqs").create_queue(QueueName=f"{name}{ending}", Attributes=kind | {"RedrivePolicy": policy})
    return str(made["QueueUrl"])


def make_bucket(name: str) -> str:
    """Make a versioned bucket."""
    bucket = f"tenantml-{name.removesuffix('Bucket').lower()}-111111111111-us-east-1"  # as the sample events name it
    platform("s3").create_bucket(Bucket=bucket)
    platform("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def put_standing_policy(bucket: str) -> None:
    """Give the staging bucket the policy that it has in the template, where somebody minds its conditions: moto would
    apply it without them.
    """
    arn, account = f"arn:aws:s3:::{bucket}", platform("sts").get_caller_identity()["Account"]
    named = {"Partition": "aws", "Region": REGION, "AccountId": account}
    text = json.dumps(TEMPLATE["StagingBucketPolicy"]["Properties"]["PolicyDocument"])
    text = text.replace(json.dumps({"Fn::GetAtt": ["StagingBucket", "Arn"]}), json.dumps(arn))
    text = re.sub(r'\{"Fn::Sub": ("[^"]*")\}', r"\1", text).replace("${StagingBucket.Arn}", arn)
    platform("s3").put_bucket_policy(
        Bucket=bucket, Policy=re.sub(r"\$\{AWS::(\w+)\}", lambda found: named[found[1]], text)
    )


@pytest.fixture
def tenant(stack: dict[str, str]) -> Tenant:
    """An active tenant with a model `churn`."""
    registry.add_tenant(TENANT)
    registry.put_model(TENANT.tenant, "churn", ModelSettings(CHURNED, max_upload_bytes=1_000_000))
    return TENANT


@pytest.fixture(autouse=True)
def no_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a version that was replaced be retired at once."""
    monkeypatch.setattr(live, "DRAIN_SECONDS", 0)


@pytest.fixture
def event() -> Callable[[str], Any]:
    """Return the sample event of a function."""
    return sample_event


@pytest.fixture
def invoke(stack: dict[str, str]) -> Callable[[str, Any], Any]:
    """Invoke a function's handler as Lambda does."""

    def invoke(name: str, event: Any) -> Any:
        return json.loads(json.dumps(module_of(name).handler(event, CONTEXT)))

    return invoke


@pytest.fixture
def inspection_event(
    tenant: Tenant, stack: dict[str, str], event: Callable[[str], Any], invoke: Callable[[str, Any], Any]
) -> Callable[..., dict[str, Any]]:
    """Put an upload and have it accepted; return what the state that inspects it is given."""

    def inspection_event(content: bytes, **settings: Any) -> dict[str, Any]:
        registry.put_model(tenant.tenant, "churn", ModelSettings.from_document({"target": CHURNED} | settings))
        sample = event("accept_upload")
        stored = platform("s3").put_object(Bucket=stack["INGEST_BUCKET"], Key=sample["upload"]["key"], Body=content)
        found = {
            "version_id": stored["VersionId"],
            "etag": stored["ETag"].strip('"'),
            "size_bytes": len(content),
            "sequencer": f"{time.time_ns():018X}",
        }
        accepted = {**sample, "upload": sample["upload"] | found}
        return {**event("inspect_dataset"), **invoke("accept_upload", accepted), "upload": accepted["upload"]}

    return inspection_event


@pytest.fixture
def upload(event: Callable[[str], Any]) -> Upload:
    return Upload(**event("accept_upload")["upload"])


@pytest.fixture
def run(upload: Upload) -> Run:
    return Run.of(upload, destination_of(upload.key))


@pytest.fixture
def customer_s3(stack: dict[str, str]) -> Any:
    """An S3 client in the customer's account, with the bucket that the on-boarding template creates."""
    found = boto3.client("sts").assume_role(RoleArn=TENANT.roles.training_access, RoleSessionName="test")["Credentials"]
    client = boto3.client(
        "s3",
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
    )
    client.create_bucket(Bucket=TENANT.account.bucket)
    return client


class Body(io.BytesIO):
    """The body of an answer."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield it in one piece."""
        yield self.read()


@pytest.fixture
def answer_with(stack: dict[str, str]) -> Iterator[Callable[..., None]]:
    """Let AWS answer an operation with an error, on the wire, so many times; `about` is in the requests' body."""
    registered: list[tuple[Any, str, Any]] = []

    def answer_with(service: str, operation: str, status: int, code: str, times: int = 10**6, about: str = "") -> None:
        left = [times]

        def refuse(request: Any, **_: Any) -> AWSResponse | None:
            if not left[0] or about not in str(request.body):
                return None
            left[0] -= 1
            body = json.dumps({"__type": code, "message": "no"})
            if service in {"s3", "sts"}:
                error = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
                body = error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
            return AWSResponse(request.url, status, {"x-amzn-errortype": code}, Body(body.encode()))

        # a client has the events of its session as they were when it was made
        for events in (shared_session().get_component("event_emitter"), platform(service).meta.events):
            events.register_first(f"before-send.{service}.{operation}", refuse)
            registered.append((events, f"before-send.{service}.{operation}", refuse))
        unbound_client.cache_clear()

    yield answer_with
    for events, name, refuse in registered:
        events.unregister(name, refuse)


@pytest.fixture
def deleted(stack: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The names of endpoints that the customer has deleted. All others are in service, and the function that looks at
    them is called as Lambda does.
    """
    monkeypatch.setenv("CONFIRM_ENDPOINT_FUNCTION", "confirm_endpoint")
    names: set[str] = set()

    def call(request: Any, **_: Any) -> AWSResponse | None:
        if not request.url.endswith("/confirm_endpoint/invocations"):
            return None
        headers = HTTPHeaders()
        try:
            document = module_of("confirm_endpoint").handler(json.loads(request.body), CONTEXT)
        except TenantMLError as error:
            document = {"errorType": type(error).__name__, "errorMessage": str(error)}
            headers["X-Amz-Function-Error"] = "Unhandled"
        return AWSResponse(request.url, 200, headers, Body(json.dumps(document).encode()))

    def describe(request: Any, **_: Any) -> AWSResponse:
        if json.loads(request.body)["EndpointName"] in names:
            body = {"__type": "ValidationException", "message": "Could not find endpoint"}
            return AWSResponse(request.url, 400, HTTPHeaders(), Body(json.dumps(body).encode()))
        return AWSResponse(request.url, 200, HTTPHeaders(), Body(b'{"EndpointStatus": "InService"}'))

    listening = [
        (platform("lambda").meta.events, "before-send.lambda.Invoke", call),
        (shared_session().get_component("event_emitter"), "before-send.sagemaker.DescribeEndpoint", describe),
    ]
    for events, name, listen in listening:
        events.register_first(name, listen)
    yield names
    for events, name, listen in listening:
        events.unregister(name, listen)


@pytest.fixture
def published(stack: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    """The details of the events that EventBridge gets, in order, each with its detail-type."""
    found: list[dict[str, Any]] = []

    def listen(params: dict[str, Any], **_: Any) -> None:
        assert params["Entries"][0]["EventBusName"] == stack["EVENT_BUS"]
        found.extend({"kind": entry["DetailType"]} | json.loads(entry["Detail"]) for entry in params["Entries"])

    events = platform("events").meta.events
    events.register("provide-client-params.events.PutEvents", listen)
    yield found
    events.unregister("provide-client-params.events.PutEvents", listen)


def meanwhile(kind: str, act: Callable[[], Any]) -> list[Any]:
    """Do something once, just before a row of a kind is written; return a list that then has what came of it."""
    done: list[Any] = []
    events = platform("dynamodb").meta.events

    def listen(params: dict[str, Any], **_: Any) -> None:
        if params["Key"]["sk"]["S"].startswith(kind):
            events.unregister("before-parameter-build.dynamodb.UpdateItem", listen)
            done.append(act())

    events.register("before-parameter-build.dynamodb.UpdateItem", listen)
    return done
