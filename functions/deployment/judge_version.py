"""Judge by the evaluation whether the version may go live, and say it in sentences."""

from __future__ import annotations

from typing import Any

from tenantml.domain.judging import gate
from tenantml.domain.judging.evaluation_summary import Summary
from tenantml.entrypoint import state
from tenantml.services import registry
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the decision, and note the verdict; a version that may not go live is a named failure."""
    run, version = context.run, context.version
    by_hand = version.get("settings", {}).get("promote") == gate.ALWAYS
    settings = context.version_settings.asked_of_a_version(by_hand=by_hand)
    verdict = gate.judge(Summary.from_document(version["evaluation"]), settings, version["validated"])
    registry.update_version(run.tenant, run.model, run.version, {"verdict": verdict.as_document()})
    verdict.raise_refusal()
    return {"decision": verdict.decision}
