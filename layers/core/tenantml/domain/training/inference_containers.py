"""Inference containers: what CreateModel needs so that a candidate's endpoint answers with more than a label.

A candidate's containers form a chain. Three environment variables steer it: SAGEMAKER_INFERENCE_SUPPORTED lists what a
container can return, _OUTPUT what it must return and _INPUT what the one before it returns (SageMaker Developer Guide,
"Configure inference output in generated containers"). Regression has none of them, and needs none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tenantml.errors import NoCandidate

SUPPORTED = "SAGEMAKER_INFERENCE_SUPPORTED"
INPUT = "SAGEMAKER_INFERENCE_INPUT"
OUTPUT = "SAGEMAKER_INFERENCE_OUTPUT"


def prepare_containers(containers: Iterable[Mapping[str, Any]], output_keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return copies of a candidate's `InferenceContainers` that answer with `output_keys`, in that order.

    Without keys they stay unchanged. The environments are those that version 2 of the SageMaker SDK sends;
    but a broken chain, which the SDK accepts, is refused.

    Raises:
        NoCandidate: there is no container, the last cannot return the keys, or one before it cannot pass them on.
    """
    prepared = [_copied(container) for container in containers]
    if not prepared:
        raise NoCandidate("the candidate has no inference containers, so it cannot be deployed")
    if not output_keys:
        return prepared
    supported = [supported_keys(container) for container in prepared]
    missing = [key for key in output_keys if key not in supported[-1]]
    if missing:
        choices = ", ".join(supported[-1]) or "only its default"
        raise NoCandidate(f"the candidate's endpoint could not answer with {', '.join(missing)}; it supports {choices}")
    # The first container may only transform features. After it, one that cannot pass the keys on would leave the last
    # container waiting for an input that never comes: every prediction would fail.
    for position, keys in enumerate(supported[1:], start=2):
        if not keys:
            raise NoCandidate(
                f"container {position} of {len(prepared)} of the candidate lacks {SUPPORTED}, so the chain is broken"
            )
    previous_output = ""
    for container, keys in zip(prepared, supported, strict=True):
        output = ",".join(key for key in output_keys if key in keys)
        if previous_output and keys:
            container["Environment"][INPUT] = previous_output
        if output:
            container["Environment"][OUTPUT] = output
        previous_output = output
    return prepared


def supported_keys(container: Mapping[str, Any]) -> list[str]:
    """Return what a container can answer with, when it lets its caller choose."""
    declared = container.get("Environment", {}).get(SUPPORTED, "")
    return [key.strip() for key in declared.split(",") if key.strip()]


def _copied(container: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with its own environment, so that a job's description never changes while it is read."""
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in container.items()}
