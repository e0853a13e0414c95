"""Endpoints: create, describe, update, delete, list."""

from __future__ import annotations

import time
from collections import Counter
from operator import itemgetter
from typing import Any

from local.sagemaker import hosting, listing, quotas, store
from local.sagemaker.errors import invalid, not_supported
from local.sagemaker.store import Endpoint, EndpointConfig, Scope, instances_of

Document = dict[str, Any]

_IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "Deleting")


def create(request: Document, scope: Scope) -> Document:
    """CreateEndpoint."""
    with store.lock:
        store.refuse_existing(Endpoint, scope, request["EndpointName"])
        config = store.get(EndpointConfig, scope, request["EndpointConfigName"])
        variants = config.request["ProductionVariants"]
        quotas.require_instances(scope, instances_of(variants))
        endpoint = Endpoint(scope, request["EndpointName"], request, request.get("Tags", []))
        endpoint.config_name, endpoint.instances = config.name, instances_of(variants)
        endpoint.deployment = _supported(request.get("DeploymentConfig"))
        hosting.deploy(endpoint, config, variants, config.request.get("DataCaptureConfig"))
        store.add(endpoint)
    return {"EndpointArn": endpoint.arn}


def update(request: Document, scope: Scope) -> Document:
    """UpdateEndpoint: the new variants come up next to the old ones, then take over, all at once."""
    deployment = _supported(request.get("DeploymentConfig"))
    retained = _retained_properties(request)
    with store.lock:
        endpoint = _at_rest(request, scope)
        config = store.get(EndpointConfig, scope, request["EndpointConfigName"])
        if endpoint.status == "Failed":
            raise invalid(f'Cannot update endpoint "{endpoint.arn}" in status Failed.')
        variants = _with_retained(config.request["ProductionVariants"], endpoint.variants, retained)
        capture = endpoint.data_capture if "DataCaptureConfig" in retained else config.request.get("DataCaptureConfig")
        wanted = instances_of(variants)
        quotas.require_instances(scope, wanted)  # the old ones serve until the new ones do
        endpoint.instances = dict(Counter(endpoint.instances) + Counter(wanted))
        if deployment or not request.get("RetainDeploymentConfig"):
            endpoint.deployment = deployment
        hosting.deploy(endpoint, config, variants, capture)
        endpoint.status, endpoint.modified_at = "Updating", time.time()
    return {"EndpointArn": endpoint.arn}


def update_weights_and_capacities(request: Document, scope: Scope) -> Document:
    """UpdateEndpointWeightsAndCapacities: Updating, then InService with the weights and instances that are desired."""
    with store.lock:
        endpoint = _at_rest(request, scope)
        if endpoint.status == "Failed":
            raise invalid(f'Cannot update endpoint "{endpoint.arn}" in status Failed.')
        desired = {change["VariantName"]: change for change in request["DesiredWeightsAndCapacities"]}
        if unknown := desired.keys() - {variant["VariantName"] for variant in endpoint.variants}:
            raise invalid(f'The variant name(s) "{", ".join(sorted(unknown))}" is/are not present within endpoint.')
        variants = [_desired(variant, desired.get(variant["VariantName"], {})) for variant in endpoint.variants]
        more = Counter(instances_of(variants)) - Counter(endpoint.instances)
        quotas.require_instances(scope, more)
        endpoint.instances = dict(Counter(endpoint.instances) + more)
        endpoint.status, endpoint.modified_at = "Updating", time.time()
        hosting.resize(endpoint, variants)
    return {"EndpointArn": endpoint.arn}


def _desired(variant: Document, change: Document) -> Document:
    if "ServerlessUpdateConfig" in change:
        raise not_supported("ServerlessUpdateConfig")
    if "DesiredInstanceCount" in change and "InstanceType" not in variant:
        raise invalid(f"DesiredInstanceCount cannot be specified for serverless variant {variant['VariantName']}.")
    named = {"DesiredWeight": "InitialVariantWeight", "DesiredInstanceCount": "InitialInstanceCount"}
    return variant | {ours: change[theirs] for theirs, ours in named.items() if theirs in change}


def _retained_properties(request: Document) -> set[str]:
    """What an update keeps of the endpoint's variants; by default nothing (API reference of UpdateEndpoint)."""
    excluded = {item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])}
    if request.get("RetainAllVariantProperties"):
        return {"DesiredWeight", "DesiredInstanceCount", "DataCaptureConfig"} - excluded
    if excluded:
        raise invalid("ExcludeRetainedVariantProperties can only be used when RetainAllVariantProperties is true.")
    return set()


def _with_retained(variants: list[Document], current: list[Document], retained: set[str]) -> list[Document]:
    kept = {"DesiredWeight": "InitialVariantWeight", "DesiredInstanceCount": "InitialInstanceCount"}
    names = [member for property_type, member in kept.items() if property_type in retained]
    before = {variant["VariantName"]: variant for variant in current}
    return [
        variant | {name: before.get(variant["VariantName"], {})[name]
                   for name in names if name in before.get(variant["VariantName"], {})}
        for variant in variants
    ]  # fmt: skip


def _supported(deployment: Document | None) -> Document | None:
    """A DeploymentConfig that asks for what happens here anyway: blue/green, all at once, without waiting.

    Anything else is refused by name.
    """
    blue_green = (deployment or {}).get("BlueGreenUpdatePolicy", {})
    routing = blue_green.get("TrafficRoutingConfiguration", {})
    refused = {
        "RollingUpdatePolicy": (deployment or {}).get("RollingUpdatePolicy"),
        "AutoRollbackConfiguration": (deployment or {}).get("AutoRollbackConfiguration", {}).get("Alarms"),
        f"Traffic routing {routing.get('Type')}": routing.get("Type", "ALL_AT_ONCE") != "ALL_AT_ONCE",
        "WaitIntervalInSeconds": routing.get("WaitIntervalInSeconds"),
        "TerminationWaitInSeconds": blue_green.get("TerminationWaitInSeconds"),
    }
    if name := next((name for name, asked in refused.items() if asked), None):
        raise not_supported(name)
    return deployment


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
            "DataCaptureConfig": _capture(endpoint.data_capture),
            "LastDeploymentConfig": endpoint.deployment,
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


def _capture(config: Document | None) -> Document | None:
    if config is None:
        return None
    enabled = config.get("EnableCapture", False)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),  # the model requires it, though it may be empty
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
