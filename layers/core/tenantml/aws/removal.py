"""Leaving nothing behind: what a run created is removed in the order that AWS needs, and what cannot be removed is
named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tenantml.aws import autopilot, endpoints, grants, registry, storage
from tenantml.aws.clients import platform
from tenantml.aws.customer import assume
from tenantml.domain import session_policies
from tenantml.domain.names import PREFIX
from tenantml.domain.runs import Run
from tenantml.domain.tenants import Tenant
from tenantml.errors import CustomerAccountError
from tenantml.settings import setting

DELETION_WAIT = {"Delay": 2, "MaxAttempts": 100}


@dataclass
class Removal:
    """What was removed (`kind/name`, or keys), and the ARNs of what the customer's account does not let us remove."""

    removed: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON object; of many removed objects only their number."""
        return {"removed": len(self.removed), "left_behind": self.left_behind}


def roll_back(run: Run) -> Removal:
    """Stop the run's job and remove its model, endpoint configuration and endpoint, unless its version is live.
    Repeatable.
    """
    model = registry.find_model(run.tenant, run.model)
    if model and model.get("live_version") == run.version:
        return Removal()
    tenant = registry.get_tenant(run.tenant)
    try:
        session = assume(tenant, run.execution, session_policies.train(tenant.account, run.job()))
        autopilot.stop(session.client("sagemaker"), run.job())
        session = assume(tenant, run.execution, session_policies.deploy(tenant.account, run.endpoint))
        removed = endpoints.remove(session.client("sagemaker"), run.endpoint)
    except CustomerAccountError:
        known = registry.find_version(run.tenant, run.model, run.version) is not None
        kinds = ("endpoint", "endpoint-config", "model") if known else ()
        return Removal(left_behind=[tenant.account.sagemaker_arn(kind, run.endpoint) for kind in kinds])
    registry.update_version(run.tenant, run.model, run.version, {"status": "rolled back"})
    return Removal(removed)


def clean_up(run: Run, failed: bool, delivered: bool) -> Removal:
    """Take back the run's grant and delete the copies of its dataset; after a failure its artefacts too. Repeatable.

    After a success the holdout and the profile stay in the staging bucket as long as the version does. `delivered`
    says whether anything was
    written to the customer's account: if not, no call is made there.
    """
    grants.revoke(run.execution)
    staged = run.staging_folder if failed else f"{run.staging_folder}train.csv"
    result = Removal(storage.remove_folder(platform("s3"), setting("STAGING_BUCKET"), staged))
    if not delivered:
        return result
    tenant = registry.get_tenant(run.tenant)
    folder = run.customer_folder if failed else f"{run.customer_folder}input/"
    try:
        session = assume(tenant, run.execution, session_policies.remove_objects(tenant.account, folder))
        result.removed += storage.remove_folder(session.client("s3"), tenant.account.bucket, folder)
    except CustomerAccountError:
        result.left_behind.append(f"arn:aws:s3:::{tenant.account.bucket}/{folder}*")
    return result


def remove_everything(tenant: Tenant) -> Removal:
    """Remove all that we ever made in the tenant's account and keep of it here, and list again until nothing is left.

    AutoML job records stay: no operation of AWS deletes them.

    Raises:
        CustomerAccessRevoked: the access role is gone; the message names the account.
    """
    client = assume(tenant, "tenantml-offboard", session_policies.inventory(tenant.account)).client
    sagemaker, result = client("sagemaker"), Removal()
    for job in sagemaker.list_auto_ml_jobs(NameContains=PREFIX, StatusEquals="InProgress")["AutoMLJobSummaries"]:
        if autopilot.stop(sagemaker, job["AutoMLJobName"]):
            result.removed.append(f"automl-job/{job['AutoMLJobName']} (stopped)")
    while names := sorted(_ours(sagemaker)):
        for name in names:
            result.removed += endpoints.remove(sagemaker, name)
        for name in names:  # SageMaker needs the execution role until an endpoint is gone
            sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=DELETION_WAIT)
    result.removed += storage.remove_folder(client("s3"), tenant.account.bucket, "")
    result.removed += storage.remove_folder(platform("s3"), setting("STAGING_BUCKET"), f"{tenant.tenant}/")
    result.removed += storage.remove_folder(platform("s3"), setting("INGEST_BUCKET"), f"{tenant.tenant}/")
    return result


def _ours(sagemaker: Any) -> set[str]:
    """Return the names of our endpoints, endpoint configurations and models that the account lists."""
    listings = (
        ("list_endpoints", "Endpoints", "EndpointName"),
        ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
        ("list_models", "Models", "ModelName"),
    )
    return {
        row[name]
        for operation, rows, name in listings
        for page in sagemaker.get_paginator(operation).paginate(NameContains=f"{PREFIX}-")
        for row in page[rows]
        if row[name].startswith(f"{PREFIX}-")
    }
