"""What a tenant asks for when it deploys a candidate: of which training, which one, and by which settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tenantml.domain.training.endpoint_rules import NO_ENDPOINT, REAL_TIME, SERVERLESS
from tenantml.errors import ArtefactsGone, InvalidRequest, NotTrained, TenantMLError

OVERRIDES = (
    "endpoint",
    "expected_requests_per_hour",
    "instance_type",
    "instance_count",
    "max_instances",
    "serverless_memory_mb",
    "serverless_concurrency",
    "promote",
)
"""The settings of a model that one version may have otherwise."""
NOT_WITH: dict[str, dict[str, Any]] = {
    SERVERLESS: {"instance_type": None, "instance_count": 1, "max_instances": None},
    REAL_TIME: {"serverless_memory_mb": None},
    NO_ENDPOINT: {"serverless_memory_mb": None, "max_instances": None},
}
"""By the kind of endpoint that a version is asked to have, what stands for the model's settings that it does not follow
then.
"""

Row = dict[str, Any]


@dataclass(frozen=True)
class DeploymentRequest:
    """A candidate of an execution's training, and the settings that its version has otherwise than the model."""

    execution: str
    candidate: str | None
    settings: dict[str, Any]

    @classmethod
    def from_document(
        cls, document: dict[str, Any], refusal: type[TenantMLError] = InvalidRequest
    ) -> DeploymentRequest:
        """Read the API's request, or an operator's; the values of the settings are not checked yet.

        Raises:
            refusal: it is malformed.
        """
        unknown = document.keys() - {"execution", "candidate", *OVERRIDES}
        if unknown or not isinstance(document.get("execution"), str):
            raise refusal(f'the body must be {{"execution": "…"}}, and optionally candidate, {", ".join(OVERRIDES)}')
        candidate = document.get("candidate")
        if candidate is not None and not isinstance(candidate, str):
            raise refusal("candidate: expected the name of one of the execution's candidates")
        settings = {name: document[name] for name in OVERRIDES if name in document}
        if settings.get("instance_type") and settings.get("serverless_memory_mb"):
            raise refusal("instance_type, serverless_memory_mb: a version is served on one of both")
        # What is asked for counts, whatever the model's own endpoints are.
        if settings.get("instance_type"):
            settings = {"endpoint": REAL_TIME} | settings
        elif settings.get("serverless_memory_mb"):
            settings = {"endpoint": SERVERLESS} | settings
        settings = NOT_WITH.get(str(settings.get("endpoint")), {}) | settings
        return cls(document["execution"], candidate, settings)


def version_to_return_to(document: dict[str, Any]) -> str:
    """Read the API's request to let a version answer again.

    Raises:
        InvalidRequest: it is malformed.
    """
    if document.keys() != {"version"} or not isinstance(document["version"], str):
        raise InvalidRequest('the body must be {"version": "…"}; GET /models/{model}/versions lists yours')
    return str(document["version"])


def is_to_be_paused(document: dict[str, Any]) -> bool:
    """Read the API's request to pause a model or to resume it.

    Raises:
        InvalidRequest: it is malformed.
    """
    if document.keys() != {"paused"} or not isinstance(document["paused"], bool):
        raise InvalidRequest('the body must be {"paused": true} or {"paused": false}')
    return document["paused"]


def choose(request: DeploymentRequest, execution: Row, *, is_kept: bool) -> str:
    """Return the name of the candidate to deploy: the one that is asked for, else the one that the training chose.

    `is_kept` says whether the training's artefacts are.

    Raises:
        NotTrained: the execution has come to no candidate.
        ArtefactsGone: it had, and its artefacts are deleted.
        InvalidRequest: it has no such candidate, or none of it that can be deployed.
    """
    training = execution.get("training") or {}
    board = [row["name"] for row in training.get("candidates", []) if row["status"] == "Completed"]
    if not board or ("ended_at" not in execution and not is_kept):
        raise NotTrained(
            "the execution has come to no candidate; GET /executions/{execution} shows how its training goes"
        )
    if not is_kept:
        raise artefacts_gone()
    name = training.get("candidate", board[0]) if request.candidate is None else request.candidate
    if name not in board:
        raise InvalidRequest(f"candidate: the execution has none of this name; it has {', '.join(board[:10])}")
    return str(name)


def artefacts_gone() -> ArtefactsGone:
    """Return the refusal of a deployment whose artefacts are not kept."""
    return ArtefactsGone(
        "the artefacts of this training are deleted: those of the last versions are kept, as many as the model's "
        "keep_versions says; upload the file again to train again"
    )
