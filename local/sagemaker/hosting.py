"""Which processes serve which endpoint: bring up, replace without losing a request, restart, take down."""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import Any

from local.sagemaker import replica, store
from local.sagemaker.replica import HostingFailed, Replica
from local.sagemaker.store import Endpoint, EndpointConfig, Model, instances_of

# Replicas by variant, of the endpoint with that ARN; changed under `store.lock`.
_fleets: dict[str, dict[str, Replica]] = {}

logger = logging.getLogger("local.sagemaker")


def deploy(
    endpoint: Endpoint, config: EndpointConfig, variants: list[dict[str, Any]], data_capture: dict[str, Any] | None
) -> None:
    """Serve the variants of `config`, in the background: InService or Failed; a failed update leaves it as it was.

    `variants` are the configuration's, with what an update retains. Everything is copied now, so that configuration
    and models may be deleted while the endpoint exists.
    """
    models = {
        variant["VariantName"]: store.get(Model, endpoint.scope, variant["ModelName"]).request for variant in variants
    }
    target = Endpoint(
        endpoint.scope,
        endpoint.name,
        {},
        config_name=config.name,
        instances=instances_of(variants),
        variants=variants,
        models=models,
        data_capture=data_capture,
    )
    _in_background(_deploy, endpoint, target)


def resize(endpoint: Endpoint, variants: list[dict[str, Any]]) -> None:
    """Give the endpoint's variants other weights and numbers of instances, in the background."""
    _in_background(_resize, endpoint, variants)


def _resize(endpoint: Endpoint, variants: list[dict[str, Any]]) -> None:
    with store.lock:
        endpoint.variants, endpoint.instances = variants, instances_of(variants)
        endpoint.status, endpoint.modified_at = "InService", time.time()


def serve_again() -> None:
    """Bring back the endpoints of a restored state."""
    with store.lock:
        for endpoint in store.of_kind(Endpoint):
            if endpoint.status == "Deleting":
                store.remove(endpoint)
            elif endpoint.variants:
                # AWS's status for maintenance: neither updated nor deleted until it is over.
                endpoint.status = "SystemUpdating"
                _in_background(_deploy, endpoint, endpoint)
            else:
                endpoint.status = "Failed"
                endpoint.failure_reason = endpoint.failure_reason or "The embedded cloud was stopped during creation."


def take_down(endpoint: Endpoint) -> None:
    """Retire the endpoint's processes in the background, then forget it."""
    _in_background(_take_down, endpoint)


def kill_all() -> None:
    """End every serving process now."""
    with store.lock:
        fleets = list(_fleets.values())
        _fleets.clear()
    for fleet in fleets:
        for running in fleet.values():
            running.kill()


def enter(endpoint: Endpoint, variant_name: str | None = None) -> tuple[str, Replica | None] | None:
    """Choose a variant by weight, or take the named one, and count a request in that must `leave()`.

    None when there is no such variant; the replica is None when a serverless variant is at its concurrency.
    """
    with store.lock:
        fleet = _fleets.get(endpoint.arn, {})
        name = variant_name or _by_weight(endpoint, fleet)
        if name not in fleet:
            return None
        return name, fleet[name] if fleet[name].enter() else None


def _by_weight(endpoint: Endpoint, fleet: dict[str, Replica]) -> str:
    if len(fleet) <= 1:
        return next(iter(fleet), "")
    weights = {variant["VariantName"]: variant.get("InitialVariantWeight", 1.0) for variant in endpoint.variants}
    names = list(fleet)
    wanted = [weights[name] for name in names]
    return random.choices(names, wanted if any(wanted) else None)[0]


def _deploy(endpoint: Endpoint, target: Endpoint) -> None:
    fleet: dict[str, Replica] = {}
    try:
        for variant in target.variants:
            name = variant["VariantName"]
            fleet[name] = replica.start(variant, target.models[name], endpoint.scope, endpoint.arn)
    except Exception as failure:
        for running in fleet.values():
            running.kill()
        if not isinstance(failure, HostingFailed):
            logger.exception("%s failed through a fault of the embedded cloud", endpoint.arn)
        _failed(endpoint, str(failure))
        return
    with store.lock:
        if not store.exists(endpoint):  # the embedded cloud was reset meanwhile
            retired, fleet = fleet, {}
        else:
            retired = _fleets.get(endpoint.arn, {})
            _fleets[endpoint.arn] = fleet
            endpoint.config_name, endpoint.variants, endpoint.models = (
                target.config_name,
                target.variants,
                target.models,
            )
            endpoint.instances, endpoint.data_capture = target.instances, target.data_capture
            endpoint.status, endpoint.failure_reason, endpoint.modified_at = "InService", None, time.time()
    for name, running in fleet.items():
        _in_background(_watch, endpoint, name, running)
    for old in retired.values():
        old.retire()


def _failed(endpoint: Endpoint, reason: str) -> None:
    """A failed update leaves the endpoint serving what it served, a failed creation leaves it Failed."""
    with store.lock:
        endpoint.status = "InService" if endpoint.arn in _fleets else "Failed"
        endpoint.instances = instances_of(endpoint.variants)
        endpoint.failure_reason = reason[:1024]
        endpoint.modified_at = time.time()


def _watch(endpoint: Endpoint, name: str, running: Replica) -> None:
    """Restart a serving process that ended by itself, as SageMaker replaces an instance."""
    running.process.wait()
    if running.retiring:
        return
    logger.error("the process of %s, variant %s, ended with %s", endpoint.arn, name, running.process.returncode)
    variant = next(item for item in endpoint.variants if item["VariantName"] == name)
    try:
        fresh = replica.start(variant, endpoint.models[name], endpoint.scope, endpoint.arn)
    except HostingFailed:
        logger.exception("%s stays without variant %s", endpoint.arn, name)
        return
    with store.lock:
        current = _fleets.get(endpoint.arn, {})
        if current.get(name) is running:
            current[name] = fresh
        else:
            fresh.retiring = True
    if fresh.retiring:
        fresh.kill()
    else:
        running.kill()
        _watch(endpoint, name, fresh)


def _take_down(endpoint: Endpoint) -> None:
    with store.lock:
        fleet = _fleets.pop(endpoint.arn, {})
    for running in fleet.values():
        running.retire()
    store.remove(endpoint)


def _in_background(function: object, *arguments: object) -> None:
    threading.Thread(target=function, args=arguments, daemon=True).start()  # type: ignore[arg-type]
