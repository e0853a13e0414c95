"""Endpoints: create, describe, update, delete, list."""

from __future__ import annotations

import time
from collections import Counter
from operator import itemgetter
from typing import Any

from local.sagemaker import hosting, listing, quotas, store
from local.sagemaker.errors import invalid, not_supported
from local.sagemaker.store import Endpoint, EndpointConfig, Scope

Document = dict[str, Any]

_IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "Deleting")


def create(request: Document, scope: Scope) -> Document:
    """CreateEndpoint."""
    with store.lock:
        store.refuse_existing(Endpoint, scope, request["EndpointName"])
        config = store.get(EndpointConfig, scope, request["EndpointConfigName"])
        quotas.require_instances(scope, config.instances)
        endpoint = Endpoint(scope, request["EndpointName"], request, request.get("Tags", []))
        endpoint.config_name, endpoint.instances = config.name, config.instances
        hosting.deploy(endpoint, config)
        store.add(endpoint)
    return {"EndpointArn": endpoint.arn}


def update(request: Document, scope: Scope) -> Document:
    """UpdateEndpoint: the new variants come up next to the old ones, then take over."""
    if request.get("RetainAllVariantProperties"):
        raise not_supported("RetainAllVariantProperties")
    with store.lock:
        endpoint = _at_rest(request, scope)
        config = store.get(EndpointConfig, scope, request["EndpointConfigName"])
        if endpoint.status == "Failed":
            raise invalid(f'Cannot update endpoint "{endpoint.arn}" in status Failed.')
        quotas.require_instances(scope, config.instances)  # the old ones serve until the new ones do
        endpoint.instances = dict(Counter(endpoint.instances) + Counter(config.instances))
        hosting.deploy(endpoint, config)
        endpoint.status, endpoint.modified_at = "Updating", time.time()
    return {"EndpointArn": endpoint.arn}


def delete(request: Document, scope: Scope) -> Document:
    """DeleteEndpoint; the endpoint is Deleting until its processes have ended, then it is gone."""
    with store.lock:
        endpoint = _at_rest(request, scope)
        endpoint.status, endpoint.modified_at = "Deleting", time.time()
    hosting.take_down(endpoint)
    return {}


def describe(request: Document, scope: Scope) -> Document:
    """DescribeEndpoint."""
    with store.lock:
        endpoint = store.get(Endpoint, scope, request["EndpointName"])
        variants = [_variant(endpoint, variant) for variant in endpoint.variants]
        return {
            **_summary(endpoint),
            "EndpointConfigName": endpoint.config_name,
            "ProductionVariants": variants or None,
            "FailureReason": endpoint.failure_reason,
        }


def list_endpoints(request: Document, scope: Scope) -> Document:
    """ListEndpoints."""
    with store.lock:
        summaries = [_summary(endpoint) for endpoint in store.of_kind(Endpoint, scope)]
    chosen = listing.chosen(summaries, request, name="EndpointName", status="EndpointStatus")
    members = {"Name": "EndpointName", "CreationTime": "CreationTime", "Status": "EndpointStatus"}
    keys = {sort: itemgetter(member) for sort, member in members.items()}
    page, token = listing.page(chosen, request, keys)
    return {"Endpoints": page, "NextToken": token}


def _at_rest(request: Document, scope: Scope) -> Endpoint:
    """The endpoint; raises ValidationException while it is changing."""
    endpoint = store.get(Endpoint, scope, request["EndpointName"])
    if endpoint.status in _IN_PROGRESS:
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    return endpoint


def _summary(endpoint: Endpoint) -> Document:
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created_at,
        "LastModifiedTime": endpoint.modified_at,
        "EndpointStatus": endpoint.status,
    }


def _variant(endpoint: Endpoint, variant: Document) -> Document:
    model = endpoint.models[variant["VariantName"]]
    images = [container["Image"] for container in model.get("Containers") or [model["PrimaryContainer"]]]
    weight = variant.get("InitialVariantWeight", 1.0)
    # A serverless variant has no instances: its count is 0.
    instances = variant.get("InitialInstanceCount", 0)
    return {
        "VariantName": variant["VariantName"],
        "DeployedImages": [
            {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": endpoint.modified_at}
            for image in images
        ],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": instances,
        "DesiredInstanceCount": instances,
        "CurrentServerlessConfig": variant.get("ServerlessConfig"),
    }
