"""Compare the version that has just gone live with the one before; let that answer again if the new one fails more."""

from __future__ import annotations

from typing import Any

from tenantml.domain.judging.baking import why_refused
from tenantml.entrypoint import state
from tenantml.errors import RolledBack
from tenantml.services import registry, served
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return whether there is nothing more to wait for; a version that was refused is a named failure."""
    run = context.run
    version = registry.find_version(run.tenant, run.model, run.version) or {}
    is_live = registry.is_live(run.tenant, run.model, run.version)
    if "refused" in version and not is_live:
        raise RolledBack(version["refused"])
    if "refused" in version or not is_live:  # somebody chose: this version in spite of it, or another one
        return {"over": True}
    counts = (served.of(run.tenant, run.model, name) for name in (run.version, version["replaced"]))
    reason = why_refused(*counts)
    if reason and registry.fall_back(run.tenant, run.model, run.version, reason):
        raise RolledBack(reason)
    return {"over": event["minutes"] >= context.version_settings.bake_minutes}
