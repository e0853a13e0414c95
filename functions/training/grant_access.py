"""Let one role of the customer's account read this run's training set in our bucket, until a set time."""

from __future__ import annotations

from typing import Any

from tenantml.aws.s3 import objects
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.entrypoint import state
from tenantml.services import grants, registry


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return the grant's id; a repeat finds it standing."""
    settings = ModelSettings.from_document(registry.require_execution(run.tenant, run.execution)["settings"])
    tenant = registry.get_tenant(run.tenant)
    train = objects.StoredObject(**event["train"])
    grant = grants.grant(run, tenant.account, train.bucket, train.key, settings)
    return {"grant": grant}
