"""Everything that exists: jobs, models, endpoint configurations and endpoints, each in one account and region.

Threads that train and host change resources while the event loop reads them, so every access takes `lock`.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, TypeVar

from local.sagemaker.errors import ApiError


@dataclass(frozen=True)
class Scope:
    """Where a request is made: resources of one scope are invisible in every other."""

    account: str
    region: str

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource; SageMaker writes names in lower case there."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name.lower()}"


@dataclass
class Resource:
    """What all kinds have in common. Times are seconds since the epoch."""

    kind: ClassVar[str]
    label: ClassVar[str]

    scope: Scope
    name: str
    request: dict[str, Any]
    tags: list[dict[str, str]] = field(default_factory=list)
    created_at: float = field(default_factory=time.time)
    modified_at: float = field(default_factory=time.time)

    @property
    def arn(self) -> str:
        """The resource's ARN."""
        return self.scope.arn(self.kind, self.name)


@dataclass
class Job(Resource):
    """An AutoML job; `request` is in the form of CreateAutoMLJobV2, `first_version` the request of CreateAutoMLJob."""

    kind = "automl-job"
    label = "AutoML job"

    first_version: dict[str, Any] | None = None
    status: str = "InProgress"
    secondary_status: str = "Starting"
    ended_at: float | None = None
    failure_reason: str | None = None
    partial_failures: list[str] = field(default_factory=list)
    mode: str | None = None
    problem_type: str | None = None
    objective: str | None = None
    candidates: list[dict[str, Any]] = field(default_factory=list)
    best: str | None = None
    notebook: str | None = None  # where the one about the data is

    @property
    def tabular(self) -> dict[str, Any]:
        """The TabularJobConfig: target, problem type, mode, limits."""
        config: dict[str, Any] = self.request["AutoMLProblemTypeConfig"]["TabularJobConfig"]
        return config


@dataclass
class Model(Resource):
    """A model: containers and the role that reads their artefacts."""

    kind = "model"
    label = "model"

    @property
    def containers(self) -> list[dict[str, Any]]:
        """The containers in the order in which they answer."""
        return self.request.get("Containers") or [self.request["PrimaryContainer"]]


@dataclass
class EndpointConfig(Resource):
    """An endpoint configuration: the variants that an endpoint serves."""

    kind = "endpoint-config"
    label = "endpoint configuration"


@dataclass
class Endpoint(Resource):
    """An endpoint; `variants` is what it serves at the moment, with the weights and instances that it has by now, kept
    even when its configuration is deleted; `instances` what it takes of the account's quotas, by type.
    """

    kind = "endpoint"
    label = "endpoint"

    status: str = "Creating"
    failure_reason: str | None = None
    config_name: str = ""
    instances: dict[str, int] = field(default_factory=dict)
    variants: list[dict[str, Any]] = field(default_factory=list)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    data_capture: dict[str, Any] | None = None
    deployment: dict[str, Any] | None = None


@dataclass
class TransformJob(Resource):
    """A batch transform of objects by a model."""

    kind = "transform-job"
    label = "transform job"

    status: str = "InProgress"
    failure_reason: str | None = None
    started_at: float | None = None
    ended_at: float | None = None


@dataclass
class ScalableTarget(Resource):
    """What Application Auto Scaling may scale: a variant of an endpoint, by its `ResourceId`."""

    kind = "scalable-target"
    label = "scalable target"


def instances_of(variants: list[dict[str, Any]]) -> dict[str, int]:
    """How many instances variants have, by type; serverless ones have none."""
    found: Counter[str] = Counter()
    for variant in variants:
        if "InstanceType" in variant:
            found[variant["InstanceType"]] += variant["InitialInstanceCount"]
    return dict(found)


KINDS: dict[str, type[Resource]] = {
    kind.kind: kind for kind in (Job, Model, EndpointConfig, Endpoint, TransformJob, ScalableTarget)
}
AnyResource = TypeVar("AnyResource", bound=Resource)
_Key = tuple[str, Scope, str]

lock = threading.RLock()
_resources: dict[_Key, Resource] = {}


def add(resource: Resource) -> None:
    """Keep a new resource; the caller has made sure that its name is free."""
    with lock:
        _resources[_key(type(resource), resource.scope, resource.name)] = resource


def find(kind: type[AnyResource], scope: Scope, name: str) -> AnyResource | None:
    """The resource of that name, whatever its case, or None."""
    with lock:
        return _resources.get(_key(kind, scope, name))  # type: ignore[return-value]


def get(kind: type[AnyResource], scope: Scope, name: str) -> AnyResource:
    """The resource of that name; raises SageMaker's ValidationException if there is none."""
    resource = find(kind, scope, name)
    if resource is None:
        raise ApiError("ValidationException", f'Could not find {kind.label} "{scope.arn(kind.kind, name)}".')
    return resource


def refuse_existing(kind: type[Resource], scope: Scope, name: str) -> None:
    """Raise the ValidationException of a name that is taken."""
    if existing := find(kind, scope, name):
        raise ApiError("ValidationException", f'Cannot create already existing {kind.label} "{existing.arn}".')


def of_kind(kind: type[AnyResource], scope: Scope | None = None) -> list[AnyResource]:
    """All resources of a kind, in one scope or everywhere."""
    with lock:
        return [
            resource for resource in _resources.values()
            if isinstance(resource, kind) and scope in (None, resource.scope)
        ]  # fmt: skip


def remove(resource: Resource) -> None:
    """Forget a resource; harmless when it is gone."""
    with lock:
        _resources.pop(_key(type(resource), resource.scope, resource.name), None)


def exists(resource: Resource) -> bool:
    """Whether this same resource still exists, and not another of its name."""
    with lock:
        return _resources.get(_key(type(resource), resource.scope, resource.name)) is resource


def clear() -> None:
    """Forget everything."""
    with lock:
        _resources.clear()


def snapshot() -> dict[str, Any]:
    """Everything as plain JSON values."""
    with lock:
        return {"resources": [{"kind": resource.kind, **asdict(resource)} for resource in _resources.values()]}


def restore(state: dict[str, Any]) -> None:
    """Replace everything by what `snapshot` returned."""
    with lock:
        _resources.clear()
        for values in state["resources"]:
            fields = {**values, "scope": Scope(**values["scope"])}
            add(KINDS[fields.pop("kind")](**fields))


def _key(kind: type[Resource], scope: Scope, name: str) -> _Key:
    return kind.kind, scope, name.lower()
