"""Leaving nothing behind: what a run created is removed in the order that AWS needs, and what cannot be removed is
named.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tenantml.aws.s3 import objects
from tenantml.aws.sagemaker import automl, endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training import endpoint_rules
from tenantml.domain.training.run import Run
from tenantml.errors import CustomerAccountError, StillChanging
from tenantml.services import registry, scaling, spending
from tenantml.services.customer import assume
from tenantml.settings import setting

SWEEP = "tenantml-sweep"


@dataclass
class Removal:
    """What was removed (`kind/name`, or keys), and the ARNs of what the customer's account does not let us remove."""

    removed: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON object; of many removed objects only their number."""
        return {"removed": len(self.removed), "left_behind": self.left_behind}


def stop_training(run: Run) -> Removal:
    """Stop the run's job, if it runs. Repeatable.

    Raises:
        StillChanging: the job has not stopped yet, and may still write.
    """
    account = (tenant := registry.get_tenant(run.tenant)).account
    job = account.job(run.execution)
    try:
        session = assume(tenant, run.execution, session_policies.train(account, job))
        status = automl.stop(session.client("sagemaker"), job)
    except CustomerAccountError:
        return Removal()
    if status == "Stopping":
        raise StillChanging(f"{account.sagemaker_arn('automl-job', job)} is Stopping, and may still write")
    return Removal()


def roll_back(run: Run) -> Removal:
    """Remove the model, endpoint configuration and endpoint of the run's version that the run made, unless the version
    is live. Repeatable.

    Raises:
        StillChanging: the endpoint is being created, or answers its last requests. What could be done is done.
    """
    if not registry.begin_retirement(run.tenant, run.model, run.version):
        return Removal()
    account = (tenant := registry.get_tenant(run.tenant)).account
    endpoint = account.endpoint(run.model, run.version)
    try:
        _end_scaling(tenant, run, run.version)
        session = assume(tenant, run.execution, session_policies.deploy(account, endpoint))
        removed = endpoints.remove(session.client("sagemaker"), endpoint, run.execution)
    except CustomerAccountError:
        return Removal(left_behind=[account.sagemaker_arn(kind, endpoint) for kind in endpoints.KINDS])
    registry.update_version(run.tenant, run.model, run.version, {"status": "rolled back"})
    spending.close_endpoint(run.tenant, run.model, run.version)
    return Removal(removed)


def retire(run: Run, replaced: str | None, drained_from: str) -> Removal:
    """Remove what does not answer any more of the run's version and of the one that it replaced, since when the machine
    has waited for its last requests; of a version that answers batches alone, what it was judged with. Repeatable.

    Raises:
        StillChanging: one of them answers its last requests. What could be done is done.
        CustomerAccessRevoked: the account lets us in no more.
    """
    tenant, result = registry.get_tenant(run.tenant), Removal()
    for version in dict.fromkeys((replaced, run.version)):
        if version is None or registry.is_awaited(run.tenant, run.model, version, run.version):
            continue
        if lets_go(run.tenant, run.model, version, drained_from):
            name = tenant.account.endpoint(run.model, version)
            _end_scaling(tenant, run, version)
            session = assume(tenant, run.execution, session_policies.deploy(tenant.account, name))
            result.removed += endpoints.remove(session.client("sagemaker"), name)
            note_gone(run.tenant, run.model, version)
    return result


def _end_scaling(tenant: Tenant, run: Run, version: str) -> None:
    """Let a version's endpoint scale no more, if its plan let it."""
    row = registry.find_version(run.tenant, run.model, version) or {}
    if (row.get("plan") or {}).get("max_instances") is not None:
        scaling.end(tenant, run.execution, tenant.account.endpoint(run.model, version))


def lets_go(tenant: str, model: str, version: str, drained_from: str | None = None) -> bool:
    """Return whether a version's endpoint goes, so that nobody comes back to it: false of one that is live, unless it
    answers batches alone.

    Raises:
        StillChanging: its last requests may not be answered yet.
    """
    if registry.begin_retirement(tenant, model, version, drained_from):
        return True
    return endpoint_rules.answers_batches_only(registry.find_version(tenant, model, version) or {})


def note_gone(tenant: str, model: str, version: str) -> None:
    """Note that a version's endpoint is gone, and with it the version, unless it is live for batches."""
    if not registry.is_live(tenant, model, version):
        registry.update_version(tenant, model, version, {"status": "retired"})
    spending.close_endpoint(tenant, model, version)


def clean_up(run: Run, failed: bool, delivered: bool) -> Removal:
    """Delete the copies of the run's dataset; of a training that came to nothing all that it wrote. Repeatable.

    A completed training is kept: its artefacts in the customer's bucket, its holdout and its profile in ours, whatever
    failed after it. `delivered` says whether anything was written to the customer's account: if not, no call is made
    there.
    """
    failed = failed and registry.find_training(run.tenant, run.model, run.execution) is None
    staged = run.staging_folder if failed else f"{run.staging_folder}train.csv"
    result = Removal(objects.remove_ours(setting("STAGING_BUCKET"), staged))
    if not delivered:
        return result
    tenant = registry.get_tenant(run.tenant)
    folder = run.customer_folder if failed else f"{run.customer_folder}input/"
    try:
        result.removed += _remove_folder(tenant, run.execution, folder)
    except CustomerAccountError:
        registry.note_leftover(run.tenant, run.execution, folder)
        result.left_behind.append(f"{tenant.account.bucket_arn}/{folder}*")
    return result


def remove_leftovers(tenant: Tenant) -> list[str]:
    """Delete the folders of ended executions that the customer's account did not let us delete, and return them. What
    it still refuses waits for the next sweep.

    Raises:
        TransientError: something cannot be deleted now.
    """
    removed = []
    for row in registry.leftovers(tenant.tenant):
        with suppress(CustomerAccountError):
            _remove_folder(tenant, SWEEP, row["folder"])
            registry.forget_leftover(row)
            removed.append(row["folder"])
    return removed


def _remove_folder(tenant: Tenant, purpose: str, folder: str) -> list[str]:
    session = assume(tenant, purpose, session_policies.remove_objects(tenant.account, folder))
    return objects.remove_folder(session.client("s3"), tenant.account.bucket, folder)
