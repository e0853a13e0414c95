"""On a schedule: prove every tenant's access roles again; suspend those that fail, and reactivate those that pass."""

from __future__ import annotations

import time
from typing import Any

from tenantml.entrypoint import function, logger
from tenantml.services import standing

BUDGET_SECONDS = 780  # of the function's 900: one tenant's probe takes a few


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return whose status changed."""
    changed = standing.probe_all(time.monotonic() + BUDGET_SECONDS)
    logger.info("probed", extra=changed)
    return changed
