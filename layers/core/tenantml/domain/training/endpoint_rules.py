"""What the settings of an endpoint may be together, and what a customer's account rules out of them.

SageMaker has no serverless endpoints for inference pipelines, in a VPC or with network isolation, and they scale by
themselves (SageMaker developer guide, "Deploy models with Amazon SageMaker Serverless Inference").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tenantml.domain.names import CustomerAccount

if TYPE_CHECKING:
    from tenantml.domain.training.model_settings import ModelSettings

BY_NEEDS, SERVERLESS, REAL_TIME, NO_ENDPOINT = ENDPOINTS = ("auto", "serverless", "real-time", "none")
HYPERPARAMETER_TUNING = "HYPERPARAMETER_TUNING"
SERVERLESS_MEMORY_MB = tuple(range(3072, 6145, 1024))  # SageMaker takes 1024 too: Autopilot's containers do not fit
"""What the settings may be; the API's document is made of these, too."""

# fmt: off
LOCAL_STORAGE = frozenset((
    "c5d", "c6gd", "dl1", "g4dn", "g5", "g6", "g6e", "g7", "g7e", "m5d", "m6gd", "p4d", "p4de", "p5", "p5e",
    "p5en", "p6-b200", "p6-b300", "p6e-gb200", "r5d", "r6gd", "r7gd", "trn1", "trn1n", "trn2",
))
# fmt: on
"""Families of instance types with NVMe disks (EC2 user guide, "Instance store volumes"). The instance's own hardware
encrypts these, never a key of the customer's (SageMaker API reference, "CreateEndpointConfig", KmsKeyId)."""


def answers_batches_only(version: Mapping[str, Any]) -> bool:
    """Return whether the version of a registry's row has an endpoint only while it is judged."""
    return (version.get("plan") or {}).get("endpoint") == NO_ENDPOINT


def contradictions(settings: ModelSettings) -> Iterator[str]:
    """Yield what the settings of an endpoint contradict among themselves, each with its setting's name."""
    memory, endpoint = settings.serverless_memory_mb, settings.endpoint
    if memory is not None and memory not in SERVERLESS_MEMORY_MB:
        yield "serverless_memory_mb: expected 3072 to 6144 in steps of 1024"
    if memory is not None and endpoint in {REAL_TIME, NO_ENDPOINT}:
        yield f"serverless_memory_mb: not with endpoint {endpoint}; give null, or endpoint serverless"
    if endpoint == SERVERLESS and settings.instance_type is not None:
        yield "instance_type: a serverless endpoint has no instances; give null, or endpoint real-time"
    most = settings.max_instances
    if most is not None and settings.asks_for_serverless:
        yield (
            "max_instances: a serverless endpoint scales by itself, up to serverless_concurrency; give null, or "
            "endpoint real-time"
        )
    if most is not None and endpoint == NO_ENDPOINT:
        yield "max_instances: with endpoint none nothing stands that could scale; give null"
    if most is not None and most < settings.instance_count:
        yield f"max_instances: {most} is less than instance_count, {settings.instance_count}"
    if settings.asks_for_serverless and settings.mode == HYPERPARAMETER_TUNING:
        yield (
            f"{_serverless_by(settings)}: only mode ENSEMBLING gives the single container that a serverless endpoint "
            "takes"
        )


def ruled_out(settings: ModelSettings, account: CustomerAccount) -> Iterator[str]:
    """Yield what the kind of endpoint, and the customer's network, key and instance types rule out, each with its
    setting's name.
    """
    named, allowed = settings.instance_type, account.instance_types
    if settings.asks_for_serverless:
        if settings.instance_count > 1:
            yield "instance_count: a serverless endpoint has no instances; give 1, or endpoint real-time"
        if account.subnet_ids:
            yield f"{_serverless_by(settings)}: SageMaker has no serverless endpoints in a VPC, such as yours"
        if settings.network_isolation:
            yield "network_isolation: SageMaker has no serverless endpoints with it; give false, or endpoint real-time"
        return
    if named and account.kms_key_arn and named.split(".")[1] in LOCAL_STORAGE:
        yield (
            f"instance_type: the local disk of {named} cannot be encrypted with your KMS key; use a type without one, "
            "such as ml.m5.large"
        )
    if allowed and named is not None and named not in allowed:
        yield f"instance_type: your cloud team allows {', '.join(allowed)}, and not {named}"


def _serverless_by(settings: ModelSettings) -> str:
    """Return the name of the setting that asks for a serverless endpoint."""
    return "endpoint" if settings.endpoint == SERVERLESS else "serverless_memory_mb"
