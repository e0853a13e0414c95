"""Compare the version that has just gone live with the one before; let that answer again if the new one fails more."""

from __future__ import annotations

from typing import Any

from tenantml.domain.judging.baking import why_refused
from tenantml.entrypoint import state
from tenantml.errors import NotRolledBack, RolledBack
from tenantml.services import endpoint_state, registry, served
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return whether there is nothing more to wait for; a version that was refused, or would be if the one before stood
    yet, is a named failure.
    """
    run = context.run
    version = registry.find_version(run.tenant, run.model, run.version) or {}
    is_live = registry.is_live(run.tenant, run.model, run.version)
    if version.get("refused"):
        raise RolledBack(version["refused"])
    if "refused" in version or not is_live:  # somebody chose: this version in spite of that, or another one
        return {"over": True}
    of_model = run.tenant, run.model
    reason = why_refused(served.of(*of_model, run.version), served.lately(*of_model, version["replaced"]))
    if reason:
        before = registry.find_version(*of_model, version["replaced"])
        if before and not endpoint_state.stands(context.tenant, before, run.execution):
            reason += "; the endpoint of that one is not in the customer's account any more"
        elif registry.fall_back(*of_model, run.version, reason):
            raise RolledBack(reason)
        if registry.note_failing(*of_model, run.version, reason):
            raise NotRolledBack(reason)
    return {"over": event["minutes"] >= context.version_settings.bake_minutes}
