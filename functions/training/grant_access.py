"""Let one role of the customer's account read this run's training set in our bucket, for a limited time."""

from __future__ import annotations

from typing import Any

from tenantml.aws.s3 import objects
from tenantml.entrypoint import state
from tenantml.services import grants
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the grant's id; a repeat finds it standing."""
    train = objects.StoredObject(**event["train"])
    return {"grant": grants.grant(context.run, context.account, train.bucket, train.key, context.settings)}
