"""Which trainings' artefacts are kept, and the removal of the others.

What goes is noted in the training's row before anything of it is deleted: from then on it counts as gone, and nothing
is deployed of it. So the sweep can finish what was begun without deciding anything.
"""

from __future__ import annotations

from typing import Any

from tenantml.aws.s3 import objects
from tenantml.domain.access import session_policies
from tenantml.domain.names import staging_folder
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training import kept_trainings
from tenantml.domain.training.run import Run
from tenantml.errors import CustomerAccountError
from tenantml.services import registry
from tenantml.services.customer import assume
from tenantml.settings import setting

PURPOSE = "tenantml-sweep"


def prune(run: Run, keep_versions: int) -> list[str]:
    """Delete artefacts, holdout and profile of the model's trainings that no kept version needs and no execution works
    with; return the executions that they were of. Repeatable.

    What an account that refuses us does not let go, or a batch is predicted by, is deleted by the sweep.

    Raises:
        CustomerThrottled: AWS did not answer.
    """
    trainings = registry.list_trainings(run.tenant, run.model)
    versions = registry.all_versions(run.tenant, run.model)
    row = registry.find_model(run.tenant, run.model) or {}
    answers = row.get("live_version") or registry.paused_version(row)
    superfluous = kept_trainings.superfluous(trainings, versions, answers, keep_versions)
    pruned = [execution for execution in superfluous if not _is_under_way(run.tenant, execution)]
    for execution in pruned:
        registry.give_up_training(run.tenant, run.model, execution)
    tenant = registry.get_tenant(run.tenant)
    for training in registry.given_up_trainings(run.tenant, run.model):
        _remove(tenant, training, run.execution)
    return pruned


def finish_pruning(tenant: Tenant) -> list[str]:
    """Delete what a tenant's account did not let go when it was pruned; return the executions that it was of. What
    the account still refuses waits for the next sweep.

    Raises:
        TransientError: something cannot be deleted now.
    """
    given_up = registry.given_up_trainings(tenant.tenant)
    return [training["execution"] for training in given_up if _remove(tenant, training, PURPOSE)]


def _is_under_way(tenant: str, execution: str) -> bool:
    """Return whether an execution is still to start the deployment of what it trained."""
    row = registry.find_execution(tenant, execution)
    return row is not None and "ended_at" not in row


def _predicts(tenant: str, model: str, execution: str) -> bool:
    """Return whether a batch that has not ended is by a version of what the execution trained.

    A batch becomes visible before it looks whether its training was given up, and this is asked after that was noted:
    so of a batch and a removal at the same time, one at least makes way.
    """
    versions = {row["version"] for row in registry.running_batches(tenant, model)}
    rows = (registry.find_version(tenant, model, version) for version in versions)
    return any(row is not None and row["execution"] == execution for row in rows)


def _remove(tenant: Tenant, training: dict[str, Any], purpose: str) -> bool:
    """Delete what is left of a training that was given up, and its row at last; return False if the account refuses, or
    while a batch is predicted by it.
    """
    model, execution = training["model"], training["execution"]
    if _predicts(tenant.tenant, model, execution):
        return False
    folder = tenant.account.folder(model, execution)
    try:
        session = assume(tenant, purpose, session_policies.remove_objects(tenant.account, folder))
        objects.remove_folder(session.client("s3"), tenant.account.bucket, folder)
    except CustomerAccountError:
        return False
    objects.remove_ours(setting("STAGING_BUCKET"), staging_folder(tenant.tenant, model, execution))
    registry.forget_training(tenant.tenant, model, execution)
    return True
