"""On what a version is served: the kind of endpoint that is chosen (`endpoint_choice`), and on instances what its
settings say, else the smallest rung of the ladder that its artefacts fit, or, where the customer's account allows none
of these types, the smallest of its own that they fit.

A server of Autopilot's ensembles loads every model once per worker, and starts a worker per vCPU unless told otherwise;
an instance family has the same memory per vCPU at every size. So a rung has more memory per worker by having fewer
workers (autogluon-cloud, issue 39; SAGEMAKER_MODEL_SERVER_WORKERS is the SageMaker inference toolkit's).

The first rung is what AWS documents for a candidate that is deployed by hand, and for the automatic deployment of
HYPERPARAMETER_TUNING (SageMaker developer guide, "Deploy Autopilot models for real-time inference"); the automatic one
of ENSEMBLING takes an ml.m5.12xlarge at six times the price, which the ladder reaches where it is needed. How much
memory an artefact takes is not documented: four times its size is a judgement, and the steps up make up for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tenantml.domain.names import CustomerAccount
from tenantml.domain.training import endpoint_choice
from tenantml.domain.training.endpoint_choice import GIB, MEMORY_PER_ARTEFACT, Choice, Measured, readable
from tenantml.domain.training.endpoint_rules import NO_ENDPOINT, REAL_TIME, SERVERLESS
from tenantml.domain.training.instance_shapes import shape_of
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import ServerlessNotPossible

GIB_PER_WORKER, MOST_WORKERS = 4, 8
WORKERS_OF_LARGE = 4
"""Of a type that is not on the ladder, as the ladder has them: a worker has at least so much memory, an instance of
more than `MOST_WORKERS` vCPUs so few workers.
"""
MOST_STEPS_UP = 2
WORKERS = "SAGEMAKER_MODEL_SERVER_WORKERS"
NOT_UP = "ping health check"
"""In SageMaker's reason when a container does not answer in time (SageMaker developer guide, "Host instance storage
volumes" and "Troubleshoot deployments")."""


@dataclass(frozen=True)
class Rung:
    """An instance type, and how its memory is divided."""

    instance_type: str
    vcpus: int
    memory_gib: int
    workers: int

    @property
    def artefact_bytes(self) -> int:
        """The largest artefacts that a worker has memory for."""
        return self.memory_gib * GIB // self.workers // MEMORY_PER_ARTEFACT

    @property
    def fewer_workers(self) -> int | None:
        """The number of workers to ask for, None where it is the server's own."""
        return self.workers if self.workers < self.vcpus else None

    def __str__(self) -> str:
        workers = "its one worker" if self.workers == 1 else f"each of {self.workers} workers"
        return f"{self.instance_type} with {self.memory_gib // self.workers} GiB for {workers}"


LADDER = (
    Rung("ml.m5.2xlarge", 8, 32, 8),
    Rung("ml.m5.4xlarge", 16, 64, 4),
    Rung("ml.m5.12xlarge", 48, 192, 4),
    Rung("ml.m5.24xlarge", 96, 384, 4),
)
"""From the smallest to the largest; vCPUs and memory as EC2 has them for the type."""
SMALLEST = LADDER[0].instance_type


@dataclass(frozen=True)
class EndpointPlan:
    """What an endpoint is made of, and why; `workers` is None for as many as the server starts by itself,
    `steps_up` where the settings say what the endpoint is, `max_instances` where it does not scale. One of the kind
    `none` stands while the version is judged.
    """

    endpoint: str
    instance_type: str | None
    instance_count: int | None
    serverless_memory_mb: int | None
    serverless_concurrency: int | None
    workers: int | None
    steps_up: int | None
    reason: str
    max_instances: int | None = None
    calls_per_instance: int | None = None

    @property
    def most_instances(self) -> int:
        """How many instances it has at most."""
        return self.max_instances or self.instance_count or 1

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> EndpointPlan:
        """Read a plan that was kept; an older one does not say the kind of its endpoint."""
        endpoint = SERVERLESS if document["serverless_memory_mb"] else REAL_TIME
        return cls(**{"endpoint": endpoint, **document})

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    def larger(self, failure: str, allowed: Sequence[str] = ()) -> EndpointPlan | None:
        """Return what to try next when the endpoint failed for this reason: the next rung that the customer's account
        allows; None when nothing larger helps, or the settings say what it has to be.
        """
        if self.steps_up is None or self.steps_up >= MOST_STEPS_UP or NOT_UP not in failure:
            return None
        _, memory_gib = shape_of(str(self.instance_type)) or (0, 0)
        rung = next((rung for rung in rungs_of(allowed) if rung.memory_gib > memory_gib), None)
        if rung is None:
            return None
        return replace(
            self,
            instance_type=rung.instance_type,
            workers=rung.fewer_workers,
            steps_up=self.steps_up + 1,
            reason=f"{self.reason}; its container did not come up there, so it was tried on {rung}",
        )


def plan(
    settings: ModelSettings,
    account: CustomerAccount,
    container_count: int,
    artefact_sizes: Sequence[int | None],
    measured: Measured | None = None,
) -> EndpointPlan:
    """Return what a version is served on; `artefact_sizes` are its containers' in bytes, None where one is not known,
    and `measured` is how often a version before was called.

    Raises:
        ServerlessNotPossible: the settings ask for a serverless endpoint, and SageMaker has none for it.
    """
    choice = endpoint_choice.choose(settings, account, container_count, artefact_sizes, measured)
    if choice.endpoint != SERVERLESS:
        return _on_instances(settings, account.instance_types, container_count, artefact_sizes, choice)
    memory_mb, workers, size = settings.serverless_memory_mb, None, ""
    if memory_mb is None:
        memory_mb, workers = endpoint_choice.serverless_memory_mb(artefact_sizes), 1
        size = f"; {_what(container_count, artefact_sizes)}: {memory_mb} MB for one worker"
    return EndpointPlan(
        SERVERLESS, None, None, memory_mb, settings.serverless_concurrency, workers, None, f"{choice}{size}"
    )


def _on_instances(
    settings: ModelSettings,
    allowed: Sequence[str],
    container_count: int,
    artefact_sizes: Sequence[int | None],
    choice: Choice,
) -> EndpointPlan:
    """Return on which instances a version is served: of the types that the customer's account allows, all if there are
    none. More than one container is a chain of HYPERPARAMETER_TUNING, whose models are small and one per worker too.
    """
    count = 1 if choice.endpoint == NO_ENDPOINT else settings.instance_count

    def made(instance_type: str, workers: int | None, steps_up: int | None, why: str) -> EndpointPlan:
        return EndpointPlan(
            choice.endpoint,
            instance_type,
            count,
            None,
            None,
            workers,
            steps_up,
            "; ".join(filter(None, (str(choice), why))),
            settings.max_instances,
            settings.calls_per_instance if settings.max_instances else None,
        )

    if settings.instance_type is not None:
        return made(settings.instance_type, None, None, "")
    ladder = rungs_of(allowed)
    if not ladder:
        reason = "the first of the types that the customer's account allows, of none of which the memory is known here"
        return made(allowed[0], None, None, reason)
    size_bytes = sum(size for size in artefact_sizes if size is not None)
    rung = next((rung for rung in ladder if size_bytes <= rung.artefact_bytes), ladder[-1])
    reason = f"{_what(container_count, artefact_sizes)}: {rung}"
    if rung not in LADDER:
        fits = size_bytes <= rung.artefact_bytes
        which = "the smallest with the memory for it" if fits else "the one of the most memory, which may be too little"
        reason += f", of the types that the customer's account allows {which}"
    return made(rung.instance_type, rung.fewer_workers, 0, reason)


def _what(container_count: int, artefact_sizes: Sequence[int | None]) -> str:
    known = [size for size in artefact_sizes if size is not None]
    containers = "one container" if container_count == 1 else f"{container_count} containers"
    return f"{containers} with artefacts of {readable(sum(known)) if known else 'unknown size'}"


def expected_type(settings: ModelSettings, account: CustomerAccount) -> str | None:
    """Return the instance type that a version of these settings most likely gets; None for a serverless endpoint, and
    where SageMaker has none that they ask for.
    """
    try:
        return plan(settings, account, 1, [0]).instance_type
    except ServerlessNotPossible:
        return None


def transform_type(planned: Mapping[str, Any], allowed: Sequence[str] = ()) -> str:
    """Return the instance type of a batch transform by a version of this plan: the endpoint's, of a serverless one the
    smallest that the customer's account allows.
    """
    if planned["instance_type"]:
        return str(planned["instance_type"])
    ladder = rungs_of(allowed)
    return ladder[0].instance_type if ladder else allowed[0]


def with_workers(containers: Sequence[Mapping[str, Any]], workers: int | None) -> list[dict[str, Any]]:
    """Return the containers with the number of workers that the plan has; without one, as they are."""
    if workers is None:
        return [dict(container) for container in containers]
    return [
        {**container, "Environment": {**container.get("Environment", {}), WORKERS: str(workers)}}
        for container in containers
    ]


def rungs_of(allowed: Sequence[str]) -> Sequence[Rung]:
    """Return the rungs that an account allows; where it allows none of the ladder's, its own types as such, those of
    the least memory first, as far as their memory is known.
    """
    rungs = [rung for rung in LADDER if not allowed or rung.instance_type in allowed]
    own = [_rung(name, *shape) for name in allowed if (shape := shape_of(name))]
    return rungs or sorted(own, key=lambda rung: (rung.memory_gib, rung.vcpus, rung.instance_type))


def _rung(instance_type: str, vcpus: int, memory_gib: int) -> Rung:
    workers = WORKERS_OF_LARGE if vcpus > MOST_WORKERS else vcpus
    return Rung(instance_type, vcpus, memory_gib, max(1, min(workers, memory_gib // GIB_PER_WORKER)))
