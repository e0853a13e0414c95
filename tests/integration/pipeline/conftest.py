"""Both accounts on an embedded cloud with IAM enforced, the handlers in this process, and whatever happens to them."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local import REGION, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud
from local.onboard import apply_access_stack
from tenantml.aws import sagemaker_runtime
from tenantml.aws.clients import platform, shared_session, unbound_client
from tenantml.domain.tenancy.tenant import ACTIVE, Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import METADATA, Upload, destination_of
from tenantml.services import registry
from tenantml.services.registry import live
from tests.integration.pipeline.faults import Boundary
from tests.integration.pipeline.machine import DEPLOYMENT, TRAINING, Machine, nobody
from tests.integration.platform.conftest import BUCKETS, TABLES, make_bucket, make_table, put_standing_policy
from tests.tenants import tenant_of
from tests.waiting import wait_for

REPOSITORY = Path(__file__).parents[3]
DOUBLES = REPOSITORY / "tests" / "integration" / "sagemaker"
SETTINGS = {
    "TENANTML_LOCAL_TRAINER": str(DOUBLES / "double_trainer.py"),
    "TENANTML_LOCAL_SERVING": str(DOUBLES / "double_serving.py"),
    "TENANTML_LOCAL_MAX_AUTOML_JOBS": "1",  # as in most of AWS's regions
    "TENANTML_LOCAL_ENDPOINT_INSTANCES": "20,ml.c5.large=0,ml.c5.xlarge=1",
}
CSV = b"age,plan,Churn?\n" + b"".join(b"%d,p%d,%s\n" % (i, i % 3, [b"True.", b"False."][i % 2]) for i in range(600))
ROLE = f"arn:aws:iam::{SAAS_ACCOUNT}:role/tenantml/training-access/pipeline"
NUMBERS = itertools.count(1)
VERSION = {"Version": "2012-10-17"}
NOTHING = {"Type": "Succeed"}


@pytest.fixture(scope="session")
def cloud() -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(settings=SETTINGS, faulty=True) as found:
        iam = found.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": SAAS_ACCOUNT}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
        path, _, name = ROLE.partition(":role")[2].rpartition("/")
        iam.create_role(
            Path=f"{path}/", RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]} | VERSION)
        )
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        iam.put_role_policy(
            RoleName=name, PolicyName="all", PolicyDocument=json.dumps({"Statement": [everything]} | VERSION)
        )
        yield found


@pytest.fixture(scope="session")
def session_environment(cloud: EmbeddedCloud) -> dict[str, str]:
    """The functions' environment; what it names is made, as the template says."""
    keys = cloud.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="pipeline")["Credentials"]
    environment = cloud.environment(credentials=keys) | {
        "EVENT_BUS": "tenantml",
        "PLATFORM_ACCOUNT": SAAS_ACCOUNT,
        "TENANT_DATA_ROLE": ROLE,
        "STACK_NAME": "tenantml",
        "INSPECTION_SECONDS": "600",
        "OFFBOARDED_RECORDS": "delete",
    }
    machines = ("TRAINING", "DEPLOYMENT", "BATCH")
    environment |= {f"{name}_STATE_MACHINE": make_machine(cloud, name.lower()) for name in machines}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        forget_clients()
        platform("events").create_event_bus(Name="tenantml")
        environment |= {variable: make_table(name) for variable, name in TABLES.items()}
        environment |= {variable: make_bucket(name) for variable, name in BUCKETS.items()}
        put_standing_policy(environment["STAGING_BUCKET"])
    forget_clients()
    return environment


def make_machine(cloud: EmbeddedCloud, name: str, state: dict[str, Any] = NOTHING) -> str:
    """Make a state machine of one state, which does nothing: the tests walk the definition in this process."""
    definition = {"QueryLanguage": "JSONata", "StartAt": "Only", "States": {"Only": state}}
    made = cloud.client("stepfunctions").create_state_machine(
        name=f"tenantml-{name}", definition=json.dumps(definition), roleArn=ROLE
    )
    return str(made["stateMachineArn"])


def forget_clients() -> None:
    """Make new clients, with the current environment and hooks."""
    platform.cache_clear()
    shared_session.cache_clear()
    unbound_client.cache_clear()
    sagemaker_runtime._client.cache_clear()


@pytest.fixture
def boundary(session_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Boundary]:
    """What leaves this process, from now on."""
    for name, value in session_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(live, "DRAIN_SECONDS", 0)
    forget_clients()
    found, events = Boundary(), shared_session().get_component("event_emitter")
    events.register_first("before-send", found.before_send)
    for service in (
        "dynamodb",
        "events",
        "s3",
        "s3-control",
        "sagemaker",
        "sfn",
        "sts",
    ):  # before the handlers that are as specific
        events.register_first(f"needs-retry.{service}", found.needs_retry)
    events.register("provide-client-params.events.PutEvents", found.listen)
    yield found
    forget_clients()


@dataclass(frozen=True)
class Customer:
    """A tenant with an account of its own, and its upload."""

    cloud: EmbeddedCloud
    tenant: Tenant
    upload: Upload
    run: Run

    def client(self, service: str) -> Any:
        """A client of the root of the customer's account."""
        return self.cloud.client(service, self.tenant.account_id)

    def uploads_again(self, after_seconds: int = 1, content: bytes = CSV) -> Customer:
        """Upload the dataset once more, so many seconds later, as S3 dates it."""
        later = datetime.fromisoformat(self.upload.uploaded_at) + timedelta(seconds=after_seconds)
        return uploaded(self.cloud, self.tenant, self.upload.bucket, later, content)

    def is_at_rest(self) -> bool:
        """Return whether no job and no endpoint of the account is about to change."""
        sagemaker = self.client("sagemaker")
        jobs = [row["AutoMLJobStatus"] for row in sagemaker.list_auto_ml_jobs()["AutoMLJobSummaries"]]
        jobs += [row["TransformJobStatus"] for row in sagemaker.list_transform_jobs()["TransformJobSummaries"]]
        endpoints = [row["EndpointStatus"] for row in sagemaker.list_endpoints()["Endpoints"]]
        return not {"InProgress", "Stopping", "Creating", "Deleting"} & {*jobs, *endpoints}


@pytest.fixture
def new_customer(
    cloud: EmbeddedCloud, boundary: Boundary, session_environment: dict[str, str]
) -> Callable[..., Customer]:
    """Make a tenant that trusts us, in an account of its own, with a model and an upload."""

    def make(account_id: str = "", **settings: Any) -> Customer:
        number = f"{next(NUMBERS):03d}"
        tenant = tenant_of(
            f"acme{number}",
            account_id or f"5{int(number):011d}",
            REGION,
            "c@acme.example",
            f"external-id-{number:>040}",
            ACTIVE,
        )
        bucket = session_environment["INGEST_BUCKET"]
        parameters = {
            "SaasAccountId": SAAS_ACCOUNT,
            "SaasStagingBucket": session_environment["STAGING_BUCKET"],
            "SaasTenant": tenant.tenant,
            "NamePrefix": tenant.prefix,
            "ExternalId": tenant.external_id,
        }
        apply_access_stack(cloud.clients(tenant.account_id), parameters)
        let_in(cloud, tenant)
        registry.add_tenant(tenant)
        registry.put_model(tenant.tenant, "churn", ModelSettings("Churn?", **settings))
        return uploaded(cloud, tenant, bucket, datetime.now(UTC))

    return make


def let_in(cloud: EmbeddedCloud, tenant: Tenant) -> None:
    """Let the prediction access role trust this process too, which is all functions at once; whom it trusts is tested
    end to end.
    """
    iam, name = cloud.client("iam", tenant.account_id), tenant.roles.prediction_access.rpartition("/")[2]
    trust = json.dumps(iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"])
    iam.update_assume_role_policy(
        RoleName=name, PolicyDocument=trust.replace("/prediction-access/", "/training-access/")
    )


def uploaded(cloud: EmbeddedCloud, tenant: Tenant, bucket: str, at: datetime, content: bytes = CSV) -> Customer:
    """Upload a dataset, and return who did, with what S3 says of it."""
    key = f"{tenant.tenant}/churn/data.csv"
    put = platform("s3").put_object(Bucket=bucket, Key=key, Body=content, Metadata={METADATA: uuid.uuid4().hex})
    etag, moment = put["ETag"].strip('"'), at.strftime("%Y-%m-%dT%H:%M:%SZ")
    upload = Upload(bucket, key, put["VersionId"], etag, len(content), put["VersionId"][:16], moment)
    return Customer(cloud, tenant, upload, Run.of(upload, destination_of(key)))


class WaitingExecutions:
    """Executions of which each waits for a task token and does nothing else."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self._steps, self._sqs = cloud.client("stepfunctions"), cloud.client("sqs")
        self._queue_url = self._sqs.create_queue(QueueName="tokens")["QueueUrl"]
        arguments = {"QueueUrl": self._queue_url, "MessageBody": {"token": "{% $states.context.Task.Token %}"}}
        resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
        wait = {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True}
        self._machine_arn = make_machine(cloud, "waiting", wait)
        self._executions: dict[str, str] = {}

    def new(self) -> str:
        """Return a token that an execution waits for."""
        execution_arn = self._steps.start_execution(stateMachineArn=self._machine_arn)["executionArn"]
        (message,) = self._sqs.receive_message(QueueUrl=self._queue_url, WaitTimeSeconds=20)["Messages"]
        self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        token = str(json.loads(message["Body"])["token"])
        self._executions[token] = execution_arn
        return token

    def close(self, token: str) -> bool:
        """Return whether the token was sent; if not, nobody waits for it any longer."""
        try:
            self._steps.send_task_heartbeat(taskToken=token)
        except self._steps.exceptions.TaskTimedOut:
            return True
        self._steps.stop_execution(executionArn=self._executions[token])
        return False


@pytest.fixture(scope="session")
def tokens(cloud: EmbeddedCloud) -> WaitingExecutions:
    return WaitingExecutions(cloud)


Pipeline = Callable[..., Iterator[str]]


@pytest.fixture
def pipeline(machine_of: Callable[..., Machine], session_environment: dict[str, str]) -> Pipeline:
    """Walk a customer's training, and then the deployment that it started; yield the states' names."""

    def walk(
        customer: Customer, invoke: Callable[[str, Any], Any], decide: Callable[[], object] = nobody
    ) -> Iterator[str]:
        yield from machine_of(customer, invoke).execute(customer.upload.as_input())
        run, machine_arn = customer.run, session_environment["DEPLOYMENT_STATE_MACHINE"]
        steps = customer.cloud.client("stepfunctions")
        try:
            started = steps.describe_execution(
                executionArn=f"{machine_arn.replace(':stateMachine:', ':execution:')}:{run.deployment}"
            )
        except steps.exceptions.ExecutionDoesNotExist:
            return
        yield from machine_of(customer, invoke, DEPLOYMENT, decide).execute(json.loads(started["input"]))

    return walk


@pytest.fixture
def machine_of(tokens: WaitingExecutions) -> Callable[..., Machine]:
    """Make a state machine that works on a customer's account, the training's by default; where it waits for a
    person's word, `decide()` is called.
    """

    def make(
        customer: Customer,
        invoke: Callable[[str, Any], Any],
        definition: Path = TRAINING,
        decide: Callable[[], object] = nobody,
    ) -> Machine:
        def wait() -> None:
            wait_for(customer.is_at_rest, bool, is_passing=True)

        return Machine(definition, invoke, wait, tokens, decide)

    return make
