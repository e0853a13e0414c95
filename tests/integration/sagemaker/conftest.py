"""One embedded cloud with IAM enforced, whose training and serving processes are doubles."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import CUSTOMER_ACCOUNT, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud
from tests.waiting import PATIENCE_SECONDS

HERE = Path(__file__).parent
SETTINGS = {
    "TENANTML_LOCAL_TRAINER": str(HERE / "double_trainer.py"),
    "TENANTML_LOCAL_SERVING": str(HERE / "double_serving.py"),
    "TENANTML_LOCAL_MAX_AUTOML_JOBS": "3",
}
BUCKET = f"tenantml-{CUSTOMER_ACCOUNT}-us-east-1"
ROLE_ARN = f"arn:aws:iam::{CUSTOMER_ACCOUNT}:role/tenantml_autopilot_execution"
# Beside `y` the targets by which the double of a trainer behaves otherwise.
CSV = b"a,b,y,crash,refuse,wait,capped,partly\n" + b"1,2,yes,1,1,1,1,1\n" * 600
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Account:
    """The customer's account, as its root sees it."""

    cloud: EmbeddedCloud
    sagemaker: Any
    runtime: Any
    s3: Any
    iam: Any

    bucket = BUCKET
    role_arn = ROLE_ARN
    csv = CSV

    def name(self, prefix: str) -> str:
        """A name that nothing has yet."""
        return f"{prefix}-{next(_numbers)}"

    def request(self, **changes: Any) -> dict[str, Any]:
        """A CreateAutoMLJobV2 that is accepted."""
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/train.csv"}
        return {
            "AutoMLJobName": self.name("job"),
            "AutoMLJobInputDataConfig": [{"ChannelType": "training", "DataSource": {"S3DataSource": source}}],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "y"}},
            "RoleArn": ROLE_ARN,
            **changes,
        }

    def start(self, target: str = "y", **changes: Any) -> str:
        """Start a job whose target says how the double behaves; answers its name."""
        config = {"TabularJobConfig": {"TargetAttributeName": target}}
        request = self.request(AutoMLProblemTypeConfig=config) | changes
        self.sagemaker.create_auto_ml_job_v2(**request)
        return str(request["AutoMLJobName"])

    def job_when(self, name: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job's description as soon as the condition holds."""
        return until(lambda: self.sagemaker.describe_auto_ml_job_v2(AutoMLJobName=name), condition)

    def finished(self, name: str) -> dict[str, Any]:
        """The job's description when it has ended."""
        return self.job_when(name, lambda job: job["AutoMLJobStatus"] not in ("InProgress", "Stopping"))

    def model(self, *artifacts: str, environment: dict[str, str] | None = None, memory_mb: int = 0, **more: Any) -> str:
        """A model of artefacts that say who they are, and `more` of the request; answers its name."""
        containers = []
        for artifact in artifacts or ("one",):
            key = f"models/{artifact}.tar.gz"
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=tarball({"artifact": artifact, "memory_mb": memory_mb}))
            url = f"s3://{BUCKET}/{key}"
            containers.append({"Image": "image", "ModelDataUrl": url, "Environment": environment or {}})
        name = self.name("model")
        self.sagemaker.create_model(ModelName=name, Containers=containers, ExecutionRoleArn=ROLE_ARN, **more)
        return name

    def config(self, model: str, **variant: Any) -> str:
        """An endpoint configuration with one variant; answers its name."""
        name = self.name("config")
        hardware = {} if "ServerlessConfig" in variant else {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        variants = [{"VariantName": "AllTraffic", "ModelName": model, **hardware, **variant}]
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
        return name

    def endpoint(self, config: str) -> str:
        """Create an endpoint and wait until it is no longer Creating; return its name."""
        name = self.name("endpoint")
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        self.endpoint_when(name, lambda endpoint: endpoint["EndpointStatus"] != "Creating")
        return name

    def endpoint_when(self, name: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The endpoint's description as soon as the condition holds."""
        return until(lambda: self.sagemaker.describe_endpoint(EndpointName=name), condition)

    def role(self, **rights: str) -> str:
        """A new execution role; answers its ARN."""
        return create_role(self.iam, self.name("role"), **rights)

    @staticmethod
    def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
        """The code and message with which a call is refused."""
        with pytest.raises(ClientError) as raised:
            call(**request)
        error = raised.value.response["Error"]
        return error["Code"], error["Message"]

    @staticmethod
    def until(read: Callable[[], dict[str, Any]], condition: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """What `read` answers as soon as the condition holds."""
        return until(read, condition)

    @staticmethod
    def policy(*statements: dict[str, Any]) -> str:
        """A policy document."""
        return policy(*statements)

    @staticmethod
    def trust(service: str = "sagemaker.amazonaws.com", **condition: Any) -> str:
        """A trust policy for a service."""
        return trust(service, **condition)

    def invoke(self, endpoint: str, body: bytes = b"1,2", **changes: Any) -> dict[str, Any]:
        """The double's answer."""
        answer = self.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType="text/csv", **changes)
        content: dict[str, Any] = json.loads(answer["Body"].read())
        return content


def until(read: Callable[[], dict[str, Any]], condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What `read` answers as soon as the condition holds; fails with the last answer after PATIENCE_SECONDS."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition(answer := read()):
        assert time.monotonic() < deadline, f"still waiting: {answer}"
        time.sleep(0.05)
    return answer


def tarball(content: dict[str, Any]) -> bytes:
    """A model.tar.gz with an answer.json."""
    payload, file = json.dumps(content).encode(), io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        entry = tarfile.TarInfo("answer.json")
        entry.size = len(payload)
        archive.addfile(entry, io.BytesIO(payload))
    return file.getvalue()


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(service: str = "sagemaker.amazonaws.com", **condition: Any) -> str:
    """A trust policy for a service."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return policy(statement | ({"Condition": condition} if condition else {}))


def create_role(iam: Any, name: str, *, objects: str = f"{BUCKET}/*", bucket: str = BUCKET) -> str:
    """An execution role that reads and writes the given objects; answers its ARN."""
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust())["Role"]["Arn"]
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"}
    access = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{objects}"}
    iam.put_role_policy(RoleName=name, PolicyName="data", PolicyDocument=policy(listing, access))
    return arn


def _furnish(cloud: EmbeddedCloud) -> Account:
    """The bucket, the data and the execution role in the customer's account."""
    clients = [cloud.client(name, CUSTOMER_ACCOUNT) for name in ("sagemaker", "sagemaker-runtime", "s3", "iam")]
    account = Account(cloud, *clients)
    account.s3.create_bucket(Bucket=BUCKET)
    account.s3.put_object(Bucket=BUCKET, Key="in/train.csv", Body=CSV)
    create_role(account.iam, "tenantml_autopilot_execution")
    return account


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    with EmbeddedCloud(settings=SETTINGS) as cloud:
        yield _furnish(cloud)


@pytest.fixture(scope="session")
def furnish() -> Callable[[EmbeddedCloud], Account]:
    return _furnish


@pytest.fixture(scope="session")
def new_cloud() -> Callable[..., EmbeddedCloud]:
    def make(*arguments: Any, settings: dict[str, str] | None = None, **options: Any) -> EmbeddedCloud:
        return EmbeddedCloud(*arguments, settings=SETTINGS | (settings or {}), **options)

    return make


@pytest.fixture
def saas(account: Account) -> Any:
    return account.cloud.client("s3", SAAS_ACCOUNT)
