"""What passes has a name that the definitions retry, whichever service it is of; what does not keeps AWS's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tenantml.aws import events
from tenantml.aws.clients import platform
from tenantml.aws.sagemaker import automl, endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.tenancy.tenant import ACTIVE, Tenant
from tenantml.domain.training.endpoint_plan import plan
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.entrypoint import function
from tenantml.errors import (
    CustomerThrottled,
    DeploymentRefused,
    PlatformUnavailable,
    QuotaExceeded,
    TrainingRefused,
)
from tenantml.services import orphans, registry, standing
from tenantml.services.customer import assume

AnswerWith = Callable[..., None]
BLIPS = [(503, "HeardOfNever"), (429, "HeardOfNever"), (400, "ThrottlingException"), (500, "InternalError")]
OURS: dict[str, tuple[str, Callable[[], Any]]] = {
    "dynamodb": ("ListTables", lambda: platform("dynamodb").list_tables()),
    "events": ("PutEvents", lambda: events.publish("Execution Ended", {})),
    "s3": ("ListBuckets", lambda: platform("s3").list_buckets()),
    "stepfunctions": ("ListStateMachines", lambda: platform("stepfunctions").list_state_machines()),
    "sts": ("GetCallerIdentity", lambda: platform("sts").get_caller_identity()),
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore sends again at once."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


@pytest.mark.parametrize(("status", "code"), BLIPS)
@pytest.mark.parametrize("service", OURS)
def test_every_service_of_our_account_may_have_a_blip(
    stack: dict[str, str], answer_with: AnswerWith, service: str, status: int, code: str
) -> None:
    operation, ask = OURS[service]
    answer_with(service, operation, status, code)
    with pytest.raises(PlatformUnavailable, match=operation):
        function(lambda _: ask())({}, None)


@pytest.mark.parametrize("service", OURS)
def test_what_nobody_knows_of_is_a_bug(stack: dict[str, str], answer_with: AnswerWith, service: str) -> None:
    operation, ask = OURS[service]
    answer_with(service, operation, 400, "HeardOfNever")
    with pytest.raises(ClientError, match="HeardOfNever"):
        function(lambda _: ask())({}, None)


@pytest.mark.parametrize(("status", "code"), BLIPS)
def test_so_may_those_of_the_customers(
    tenant: Tenant, run: Run, answer_with: AnswerWith, status: int, code: str
) -> None:
    answer_with("sagemaker", "DescribeAutoMLJobV2", status, code)
    client = assume(tenant, run.execution, session_policies.nothing()).client("sagemaker")
    answer_with("sts", "AssumeRole", status, code)
    with pytest.raises(CustomerThrottled):
        automl.describe(client, tenant.account.job(run.execution))
    with pytest.raises(CustomerThrottled):
        assume(tenant, run.execution, session_policies.nothing())


def test_a_blip_of_a_tenants_account_is_no_verdict_of_the_probe_or_the_sweep(
    tenant: Tenant, answer_with: AnswerWith
) -> None:
    answer_with("sts", "AssumeRole", 503, "HeardOfNever")
    for step in (standing.probe_again, orphans.remove_orphans):
        with pytest.raises(CustomerThrottled):
            step(tenant)
    assert registry.get_tenant(tenant.tenant).status == ACTIVE


@pytest.mark.parametrize(
    ("code", "training", "deployment"),
    [
        ("ValidationException", TrainingRefused, DeploymentRefused),
        ("ResourceLimitExceeded", QuotaExceeded, QuotaExceeded),
    ],
)
def test_what_sagemaker_refuses_to_make_has_a_name_of_its_own(
    tenant: Tenant, run: Run, answer_with: AnswerWith, code: str, training: type[Exception], deployment: type[Exception]
) -> None:
    settings = ModelSettings("Churn?", problem_type="BinaryClassification", objective="F1")
    containers = [{"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}]
    for operation in ("CreateEndpointConfig", "CreateAutoMLJobV2"):
        answer_with("sagemaker", operation, 400, code)
    client = assume(tenant, run.execution, session_policies.nothing()).client("sagemaker")
    with pytest.raises(training, match=f"could not be started in account {tenant.account_id}: no"):
        automl.start(
            client,
            tenant.account,
            tenant.account.job(run.execution),
            run.execution,
            settings,
            "AUTO",
            "s3://b/train.csv",
            "s3://b/output",
        )
    endpoint = tenant.account.endpoint(run.model, run.version)
    with pytest.raises(deployment, match=f"{endpoint} could not be deployed in account {tenant.account_id}: no"):
        endpoints.create(
            client, tenant.account, endpoint, run.execution, containers, plan(settings, tenant.account, 1, [])
        )
