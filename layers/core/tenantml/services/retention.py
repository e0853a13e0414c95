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
from tenantml.services.removal import SWEEP
from tenantml.settings import setting


def prune(run: Run, keep_versions: int) -> list[str]:
    """Delete artefacts, holdout and profile of the model's trainings that no kept version needs and no execution works
    with; return the executions that they were of. Repeatable.

    What an account that refuses us does not let go, or a batch is predicted by, is deleted by the sweep.

    Raises:
        CustomerThrottled: AWS did not answer.
    """
    trainings = registry.list_trainings(run.tenant, run.model)
    superfluous = kept_trainings.superfluous(trainings, *_versions(run.tenant, run.model), keep_versions)
    for execution in superfluous:
        if not _is_under_way(run.tenant, execution):
            registry.give_up_training(run.tenant, run.model, execution)
    tenant = registry.get_tenant(run.tenant)
    for training in registry.given_up_trainings(run.tenant, run.model):
        _remove(tenant, training, run.execution)
    kept = {row["execution"] for row in registry.list_trainings(run.tenant, run.model)}
    return [row["execution"] for row in trainings if row["execution"] not in kept]


def _versions(tenant: str, model: str) -> tuple[list[dict[str, Any]], str | None]:
    """Return the rows of a model's versions, and which of them answers or does when a pause is over."""
    row = registry.find_model(tenant, model) or {}
    return registry.all_versions(tenant, model), registry.version_to_predict(row)


def finish_pruning(tenant: Tenant) -> list[str]:
    """Delete what a tenant's account did not let go when it was pruned; return the executions that it was of. What
    the account still refuses waits for the next sweep.

    Raises:
        TransientError: something cannot be deleted now.
    """
    given_up = registry.given_up_trainings(tenant.tenant)
    return [training["execution"] for training in given_up if _remove(tenant, training, SWEEP)]


def _is_under_way(tenant: str, execution: str) -> bool:
    """Return whether an execution is still to start the deployment of what it trained."""
    row = registry.find_execution(tenant, execution)
    return row is not None and "ended_at" not in row


def _predicts(tenant: str, model: str, execution: str) -> bool:
    """Return whether a batch that has not ended is by a version of what the execution trained."""
    versions = {row["version"] for row in registry.running_batches(tenant, model)}
    rows = (registry.find_version(tenant, model, version) for version in versions)
    return any(row is not None and row["execution"] == execution for row in rows)


def _remove(tenant: Tenant, training: dict[str, Any], purpose: str) -> bool:
    """Delete what is left of a training that was given up, and its row at last; return False if the account refuses, or
    if somebody works with it: one of which a version is in use is kept all the same.

    A batch and a version become visible before they look whether their training was given up, and here they are looked
    for after that was noted. So of them and a removal at the same time, one at least makes way.
    """
    model, execution = training["model"], training["execution"]
    if execution in kept_trainings.in_use(*_versions(tenant.tenant, model)):
        registry.take_back_training(tenant.tenant, model, execution)
        return False
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
