"""Wait until no other upload of the model is trained; a newer one stops an older one, unless it is to wait for it."""

from __future__ import annotations

from typing import Any

from tenantml.domain.training import automl_job
from tenantml.domain.training.model_settings import STOP_OLDER
from tenantml.domain.uploads.upload import Upload
from tenantml.entrypoint import state
from tenantml.errors import TurnTimedOut
from tenantml.services import turns
from tenantml.services.run_context import RunContext

LONGEST_SECONDS = 24 * 3600


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return whether it is this upload's turn, and if not, how long to wait and how long it waited until then."""
    order, stops_older = Upload(**event["upload"]).order, context.settings.newer_upload == STOP_OLDER
    if turns.take(context.run, order, stops_older=stops_older):
        return {"is_turn": True}
    if event["waited_seconds"] >= LONGEST_SECONDS:
        raise TurnTimedOut(
            "another upload of this model has been trained for a day; upload again when it is over, or set "
            "newer_upload to stop-older"
        )
    wait_seconds = automl_job.next_wait_seconds(event["wait_seconds"])
    return {"is_turn": False, "wait_seconds": wait_seconds, "waited_seconds": event["waited_seconds"] + wait_seconds}
