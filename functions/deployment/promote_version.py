"""Make the new version the one that answers."""

from __future__ import annotations

from typing import Any

from tenantml.domain.training import endpoint_rules
from tenantml.entrypoint import state
from tenantml.services import registry
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Move the registry's pointer in one conditional write; return the version that was live before, and for how long
    it is kept, and whether the new one answers batches alone. If another version went live than the one that it was
    judged against, it is judged again.
    """
    run = context.run
    previous = registry.promote(run.tenant, run.model, run.version, context.version.get("judged_against"))
    return {
        "previous": previous,
        "bake_minutes": context.version_settings.bake_minutes,
        "batches_only": endpoint_rules.answers_batches_only(context.version),
    }
