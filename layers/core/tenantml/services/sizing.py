"""Sizing: on what a version is served, by its settings, its artefacts in the customer's bucket, and how often the
version before was called.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tenantml.aws.s3 import objects
from tenantml.domain.access import session_policies
from tenantml.domain.training import endpoint_plan
from tenantml.domain.training.endpoint_choice import Measured
from tenantml.domain.training.endpoint_plan import EndpointPlan
from tenantml.services import registry, served
from tenantml.services.run_context import RunContext

MEASURED_FOR = timedelta(days=1)
"""How long a version must have been live for its calls to say how often the next one is called."""


def plan(context: RunContext, containers: Sequence[dict[str, Any]]) -> EndpointPlan:
    """Return on what the run's version is served: as it was planned before, else by its settings and needs.

    Raises:
        CustomerAccessRevoked: the access role may not look at the artefacts.
        CustomerThrottled: S3 or STS did not answer.
        ServerlessNotPossible: the settings ask for a serverless endpoint, and SageMaker has none for it.
    """
    if planned := planned_before(context):
        return planned
    settings, run = context.version_settings, context.run
    sizes = artefact_sizes(context, containers)
    return endpoint_plan.plan(settings, context.account, len(containers), sizes, measured(run.tenant, run.model))


def planned_before(context: RunContext) -> EndpointPlan | None:
    """Return on what the run's version is served, None before it is planned."""
    run = context.run
    document = (registry.find_version(run.tenant, run.model, run.version) or {}).get("plan")
    return EndpointPlan.of_document(document) if document else None


def require_plan(context: RunContext) -> EndpointPlan:
    """Return on what the run's version is served.

    Raises:
        LookupError: nobody planned it: a bug, for the state before does.
    """
    planned = planned_before(context)
    if planned is None:
        raise LookupError(f"the registry has no plan of the version {context.run.version}")
    return planned


def measured(tenant: str, model: str) -> Measured | None:
    """Return how often the version that answers for a model was called; None when none has answered for a day.

    Calls are counted in blocks, and a process that ends loses its last five at most: too few are counted where many
    processes have few calls each, never too many.
    """
    live = (registry.find_model(tenant, model) or {}).get("live_version")
    row = registry.find_version(tenant, model, live) if live else None
    if live is None or row is None or "promoted_at" not in row:
        return None
    counted = served.of(tenant, model, live)
    answered_for = datetime.now(UTC) - datetime.fromisoformat(row["promoted_at"])
    if answered_for < MEASURED_FOR:
        return None
    return Measured(live, counted.requests / (answered_for / timedelta(hours=1)))


def artefact_sizes(context: RunContext, containers: Sequence[dict[str, Any]]) -> list[int | None]:
    """Return the bytes of each of the containers' artefacts, of one that several share once; None for an artefact that
    is not where this training wrote.
    """
    account, folder = context.account, context.run.customer_folder
    keys = [account.key_of(uri, folder) for uri in sorted({str(item.get("ModelDataUrl")) for item in containers})]
    readable = [key for key in keys if key]
    if not readable:
        return [None]
    client = context.customer(session_policies.measure_artefacts(account, *readable)).client("s3")
    return [objects.list_theirs(client, account.bucket, key, most=1).get(key) if key else None for key in keys]
