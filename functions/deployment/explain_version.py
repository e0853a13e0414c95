"""Read what Autopilot explains of the candidate, and keep it with the version."""

from __future__ import annotations

from typing import Any

from tenantml.domain.training import explanation
from tenantml.entrypoint import state
from tenantml.errors import CustomerThrottled
from tenantml.services import explanations
from tenantml.services.run_context import RunContext

ATTEMPTS = 8  # four minutes: a version does without before it waits for longer


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return where the importance of the columns comes from, and of how many it is known; what AWS does not answer in
    time is explained after the evaluation.
    """
    try:
        return explanations.explain(context, event["candidate"])
    except CustomerThrottled:
        if event["attempt"] < ATTEMPTS:
            raise
        return explanations.keep_importance(context, explanation.nothing(explanation.NOT_READ))
