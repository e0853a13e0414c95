"""Which trainings' artefacts are kept, and the removal of the others."""

from __future__ import annotations

from tenantml.aws.s3 import objects
from tenantml.domain.access import session_policies
from tenantml.domain.names import CustomerAccount, staging_folder
from tenantml.domain.training import kept_trainings
from tenantml.domain.training.run import Run
from tenantml.errors import CustomerAccountError
from tenantml.services import registry
from tenantml.services.customer import assume
from tenantml.settings import setting


def prune(run: Run, keep_versions: int) -> list[str]:
    """Delete artefacts, holdout and profile of the model's trainings that no kept version needs; return the executions
    that they were of. Repeatable.

    What an account that refuses us does not let go is tried again after the next training.
    """
    trainings = registry.list_trainings(run.tenant, run.model)
    versions = registry.all_versions(run.tenant, run.model)
    row = registry.find_model(run.tenant, run.model) or {}
    answers = row.get("live_version") or registry.paused_version(row)
    pruned = kept_trainings.superfluous(trainings, versions, answers, keep_versions)
    tenant = registry.get_tenant(run.tenant)
    for execution in pruned:
        folder = CustomerAccount.folder(run.model, execution)
        try:
            session = assume(tenant, run.execution, session_policies.remove_objects(tenant.account, folder))
            objects.remove_folder(session.client("s3"), tenant.account.bucket, folder)
        except CustomerAccountError:
            continue
        objects.remove_ours(setting("STAGING_BUCKET"), staging_folder(run.tenant, run.model, execution))
        registry.forget_training(run.tenant, run.model, execution)
    return pruned
