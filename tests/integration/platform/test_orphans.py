"""What no version needs is removed from customers' accounts, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from tenantml.aws.sagemaker import endpoints
from tenantml.aws.sagemaker.automl import EXECUTION_TAG
from tenantml.domain.names import CustomerAccount
from tenantml.domain.tenancy.tenant import SUSPENDED, Tenant
from tenantml.domain.training.endpoint_plan import plan
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.services import orphans, registry, removal, spending
from tests.rows import put_version
from tests.tenants import PREFIX

NEWER = "v99990101-000000-ffff"
CONTAINERS = [{"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}]
SERVERLESS = {"MemorySizeInMB": 3072, "MaxConcurrency": 1}
Sweep = Callable[[], dict[str, list[str]]]


@pytest.fixture
def sagemaker(tenant: Tenant) -> Any:
    """A SageMaker client in the customer's account."""
    found = boto3.client("sts").assume_role(RoleArn=tenant.roles.training_access, RoleSessionName="test")
    keys = found["Credentials"]
    return boto3.client(
        "sagemaker",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


@pytest.fixture
def deployed(tenant: Tenant, run: Run, sagemaker: Any) -> Iterator[Run]:
    """A run whose version is deployed."""
    deploy(sagemaker, tenant.account, tenant.account.endpoint(run.model, run.version), run.execution)
    put_version("acme", "churn", run.version, {"execution": run.execution})
    return run


def deploy(client: Any, account: CustomerAccount, name: str, execution: str) -> None:
    endpoints.create(client, account, name, execution, CONTAINERS, plan(ModelSettings("Churn?"), account, 1, []))


def make_live(version: str, *, drains: bool = False) -> None:
    if registry.find_version("acme", "churn", version) is None:
        put_version("acme", "churn", version, {})
    registry.promote("acme", "churn", version)
    if not drains:
        registry.update_version("acme", "churn", version, {"ended_at": "2026"})


@pytest.fixture
def sweep(invoke: Callable[[str, Any], Any], event: Callable[[str], Any]) -> Sweep:
    return lambda: invoke("sweep_tenant", event("sweep_tenant")).get("orphans")


def names(client: Any) -> list[str]:
    return [name for kind in endpoints.KINDS for name in endpoints.names(client, kind, f"{PREFIX}-")]


def test_the_version_that_answers_stays(deployed: Run, tenant: Tenant, sagemaker: Any, sweep: Sweep) -> None:
    make_live(deployed.version)
    assert sweep() == {"removed": [], "left": []}
    assert names(sagemaker) == [tenant.account.endpoint(deployed.model, deployed.version)] * 3


def test_an_endpoint_that_the_customer_deleted_costs_no_more(
    deployed: Run, tenant: Tenant, sagemaker: Any, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{deployed.model}/{deployed.version}"
    spending.open_endpoint(deployed, plan(ModelSettings("Churn?"), tenant.account, 1, []), tenant.region)
    make_live(deployed.version)
    sagemaker.delete_endpoint(EndpointName=tenant.account.endpoint(deployed.model, deployed.version))
    sweep()
    assert name in spending.find_ledger("acme").endpoints, "a list may be older than an endpoint that is new"
    monkeypatch.setattr(orphans, "COUNTED_FOR", timedelta(0))
    sweep()
    ledger = spending.find_ledger("acme")
    assert (name in ledger.endpoints, [*next(iter(ledger.months.values()))]) == (False, [deployed.model])


def test_an_endpoint_that_stands_goes_on_costing(
    deployed: Run, tenant: Tenant, sagemaker: Any, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    spending.open_endpoint(deployed, plan(ModelSettings("Churn?"), tenant.account, 1, []), tenant.region)
    make_live(deployed.version)
    monkeypatch.setattr(orphans, "COUNTED_FOR", timedelta(0))
    sweep()
    assert list(spending.find_ledger("acme").endpoints) == [f"{deployed.model}/{deployed.version}"]


def test_a_version_whose_retirement_failed_goes(deployed: Run, tenant: Tenant, sagemaker: Any, sweep: Sweep) -> None:
    make_live(deployed.version)
    make_live(NEWER)
    assert sweep() == {
        "removed": [
            tenant.account.sagemaker_arn(kind, tenant.account.endpoint(deployed.model, deployed.version))
            for kind in endpoints.KINDS
        ],
        "left": [],
    }
    assert names(sagemaker) == []
    assert (registry.find_version("acme", "churn", deployed.version) or {})["status"] == "retired"
    assert sweep() == {"removed": [], "left": []}


def test_a_version_that_is_being_deployed_stays(deployed: Run, sagemaker: Any, sweep: Sweep, tenant: Tenant) -> None:
    deploying = "acme-churn-0000000000000000"
    put_version("acme", "churn", NEWER, {"execution": deploying, "status": "deploying"})
    deploy(sagemaker, tenant.account, tenant.account.endpoint("churn", NEWER), deploying)
    make_live(deployed.version)
    assert sweep() == {"removed": [], "left": []}


def test_a_version_that_still_answers_its_last_requests_stays(deployed: Run, sagemaker: Any, sweep: Sweep) -> None:
    draining = "acme-churn-0000000000000000"
    put_version("acme", "churn", NEWER, {"execution": draining})
    make_live(deployed.version)
    make_live(NEWER, drains=True)
    assert sweep() == {"removed": [], "left": []}
    put_version("acme", "churn", NEWER, {"execution": draining, "status": "live", "ended_at": "2026"})
    assert len(sweep()["removed"]) == 3


def test_what_the_registry_never_knew_goes(tenant: Tenant, sagemaker: Any, sweep: Sweep) -> None:
    deploy(sagemaker, tenant.account, tenant.account.endpoint("forgotten", NEWER), "acme-forgotten-0000000000000000")
    assert len(sweep()["removed"]) == 3
    assert names(sagemaker) == []


def test_what_has_the_form_of_our_names_and_not_our_tag_is_named_and_left(
    tenant: Tenant, sagemaker: Any, sweep: Sweep
) -> None:
    name = tenant.account.endpoint("churn", NEWER)
    sagemaker.create_model(
        ModelName=name,
        Containers=CONTAINERS,
        ExecutionRoleArn=tenant.account.roles.serving_execution,
        Tags=[{"Key": f"not-{EXECUTION_TAG}", "Value": "x"}],
    )
    sagemaker.create_model(
        ModelName=f"{PREFIX}-of-somebody",
        Containers=CONTAINERS,
        ExecutionRoleArn=tenant.account.roles.serving_execution,
    )
    assert sweep() == {"removed": [], "left": [tenant.account.sagemaker_arn("model", name)]}
    assert len(names(sagemaker)) == 2


def test_an_account_that_lets_us_in_no_more_is_swept_when_it_does_again(
    deployed: Run, sweep: Sweep, answer_with: Callable[..., None], sagemaker: Any
) -> None:
    make_live(deployed.version)
    make_live(NEWER)
    answer_with("sts", "AssumeRole", 403, "AccessDenied", times=1)
    assert sweep() == {"removed": [], "left": []}
    registry.set_tenant_status("acme", SUSPENDED, "its role was deleted")
    assert sweep() is None
    registry.set_tenant_status("acme", "active")
    assert len(sweep()["removed"]) == 3


def test_a_rollback_removes_only_what_its_own_execution_made(
    tenant: Tenant, run: Run, sagemaker: Any, invoke: Callable[[str, Any], Any], event: Callable[[str], Any]
) -> None:
    name = tenant.account.endpoint(run.model, run.version)
    deploy(sagemaker, tenant.account, name, "acme-churn-of-another-upload")
    put_version("acme", "churn", run.version, {"execution": run.execution, "status": "deploying"})
    assert invoke("roll_back", event("roll_back")) == {"removed": 0, "left_behind": []}
    assert names(sagemaker) == [name] * 3
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "v", "ModelName": name, "ServerlessConfig": SERVERLESS}],
        Tags=[{"Key": EXECUTION_TAG, "Value": run.execution}],
    )
    assert invoke("roll_back", event("roll_back"))["removed"] == 1
    assert names(sagemaker) == [name]  # the other's model


def test_a_rollback_of_what_went_live_removes_nothing(deployed: Run, sagemaker: Any) -> None:
    make_live(deployed.version)
    assert removal.roll_back(deployed).removed == []
    assert len(names(sagemaker)) == 3
