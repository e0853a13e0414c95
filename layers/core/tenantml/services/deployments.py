"""Deployments: a candidate of a kept training on its way to the version that answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenantml.aws import stepfunctions
from tenantml.domain.names import CustomerAccount
from tenantml.domain.training.run import Run
from tenantml.services import registry
from tenantml.settings import setting


def start(
    run: Run,
    account: CustomerAccount,
    candidate: str,
    left_behind: Sequence[str] = (),
    serving: dict[str, Any] | None = None,
) -> str:
    """Start the deployment of a candidate as the run's version, and return the name of its execution. Repeatable.

    The registry knows the version before anything of it exists. `serving` replaces settings of the endpoint for this
    version; `left_behind` is what the training could not remove.
    """
    endpoint = account.endpoint(run.model, run.version)
    registry.request_version(run, {"candidate": candidate, "endpoint": endpoint, "serving": serving or {}})
    document = {"run": run.as_document(), "candidate": candidate, "left_behind": list(left_behind)}
    stepfunctions.start(setting("DEPLOYMENT_STATE_MACHINE"), run.deployment, document)
    return run.deployment
