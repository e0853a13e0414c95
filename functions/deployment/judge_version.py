"""Judge by the evaluation whether the version may go live, and say it in sentences."""

from __future__ import annotations

from typing import Any

from tenantml.domain.judging import gate
from tenantml.domain.judging.approval import APPROVE
from tenantml.domain.judging.evaluation_summary import Summary
from tenantml.entrypoint import state
from tenantml.services import registry
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the decision, with for how long a person is asked where one is; note the verdict. A version that may not
    go live is a named failure; one that was approved before is not asked about twice.
    """
    run, version = context.run, context.version
    approved = version.get("approval", {}).get("decision") == APPROVE
    by_hand = approved or version.get("settings", {}).get("promote") == gate.ALWAYS
    settings = context.version_settings.asked_of_a_version(by_hand=by_hand)
    verdict = gate.judge(Summary.from_document(version["evaluation"]), settings, version["validated"])
    registry.update_version(run.tenant, run.model, run.version, {"verdict": verdict.as_document()})
    verdict.raise_refusal()
    if verdict.decision == gate.ASK:
        return {"decision": gate.ASK, "approval_seconds": context.version_settings.approval_hours * 3600}
    return {"decision": verdict.decision}
