"""The only function that may make access points of the staging bucket, write their policies, and write the ledger.

State machines invoke it to grant and to revoke; once an hour it drops what has expired, or outlived its execution.
"""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.entrypoint import Handler, function, logger, state
from tenantml.services import grants, offboarding
from tenantml.services.run_context import RunContext


@state
def grant(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Let one role of the customer's account read the run's training set; a repeat finds the grant standing."""
    train = context.training_set(event["train"])
    return {"grant": grants.grant(context.run, context.account, train.bucket, train.key, context.settings)}


@state
def revoke(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Revoke the run's grant; a repeat revokes none."""
    return {"revoked": grants.revoke(context.run.execution)}


@function
def revoke_of_stopped(event: dict[str, Any]) -> dict[str, Any]:
    """Revoke the grant of an execution that ended without its failure path."""
    return {"revoked": grants.revoke(event["execution"])}


@function
def revoke_of_removed(event: dict[str, Any]) -> None:
    """Revoke the grants of a tenant or a model that is being removed."""
    offboarding.revoke_grants(Offboarding.from_document(event["offboarding"]))


@function
def sweep(event: dict[str, Any]) -> dict[str, Any]:
    """Drop the grants that nobody needs any more."""
    swept = {"grants": grants.sweep()}
    logger.info("swept", extra=swept)
    return swept


# What an event is about, in the order in which it is looked for; the schedule's has none of them.
HANDLERS: dict[str, Handler] = {
    "train": grant,
    "run": revoke,
    "offboarding": revoke_of_removed,
    "execution": revoke_of_stopped,
}


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return what was granted, or how many were revoked."""
    return next((HANDLERS[about] for about in HANDLERS if about in event), sweep)(event, context)
