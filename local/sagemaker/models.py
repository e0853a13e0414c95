"""Models and endpoint configurations."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from botocore.exceptions import ClientError

from local.sagemaker import listing, store
from local.sagemaker.dataset import split_uri
from local.sagemaker.errors import invalid, not_supported
from local.sagemaker.role_session import s3_client
from local.sagemaker.store import EndpointConfig, Model, Scope

Document = dict[str, Any]


def create_model(request: Document, scope: Scope) -> Document:
    """CreateModel; reads the head of each artefact with the execution role's rights, as AWS does (s3:GetObject)."""
    store.refuse_existing(Model, scope, request["ModelName"])
    if bool(request.get("PrimaryContainer")) == bool(request.get("Containers")):
        raise invalid("Exactly one of PrimaryContainer and Containers must be specified.")
    if "ExecutionRoleArn" not in request:
        raise invalid("ExecutionRoleArn is required: the model's artefacts are read with that role.")
    model = Model(scope, request["ModelName"], request, request.get("Tags", []))
    s3 = s3_client(request["ExecutionRoleArn"], scope, model.arn)
    for container in model.containers:
        _check_container(container, s3, request["ExecutionRoleArn"], scope)
    with store.lock:
        store.refuse_existing(Model, scope, model.name)
        store.add(model)
    return {"ModelArn": model.arn}


def _check_container(container: Document, s3: Any, role_arn: str, scope: Scope) -> None:
    if "ModelPackageName" in container or "ModelDataSource" in container or container.get("Mode") == "MultiModel":
        raise not_supported("A container that is not an Image with a ModelDataUrl")
    if "Image" not in container or "ModelDataUrl" not in container:
        raise invalid("Image and ModelDataUrl are required for every container.")
    bucket, key = split_uri(container["ModelDataUrl"])
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
            raise invalid(f"Could not find model data at {container['ModelDataUrl']}.") from error
        raise invalid(
            f'Could not access model data at {container["ModelDataUrl"]}. Please ensure that the role "{role_arn}" '
            'exists and that its trust relationship policy allows the action "sts:AssumeRole" for the service '
            'principal "sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that '
            f"the object is located in {scope.region}."
        ) from error


def describe_model(request: Document, scope: Scope) -> Document:
    """DescribeModel."""
    model = store.get(Model, scope, request["ModelName"])
    asked = {name: value for name, value in model.request.items() if name != "Tags"}
    return {
        "EnableNetworkIsolation": False, **asked, "ModelArn": model.arn, "CreationTime": model.created_at,
    }  # fmt: skip


def delete_model(request: Document, scope: Scope) -> Document:
    """DeleteModel; an endpoint that serves the model continues."""
    store.remove(store.get(Model, scope, request["ModelName"]))
    return {}


def list_models(request: Document, scope: Scope) -> Document:
    """ListModels."""
    page, token = _listed(Model, "Model", request, scope)
    return {"Models": page, "NextToken": token}


def create_endpoint_config(request: Document, scope: Scope) -> Document:
    """CreateEndpointConfig."""
    store.refuse_existing(EndpointConfig, scope, request["EndpointConfigName"])
    for unsupported in ("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants"):
        if request.get(unsupported):
            raise not_supported(unsupported)
    variants = request["ProductionVariants"]
    if len({variant["VariantName"] for variant in variants}) < len(variants):
        raise invalid("Each production variant must have a unique name.")
    for variant in variants:
        _check_variant(variant, len(variants), scope)
    if "DataCaptureConfig" in request and any("ServerlessConfig" in variant for variant in variants):
        raise invalid("Data capture is not supported on serverless endpoints.")
    config = EndpointConfig(scope, request["EndpointConfigName"], request, request.get("Tags", []))
    store.add(config)
    return {"EndpointConfigArn": config.arn}


def _check_variant(variant: Document, variant_count: int, scope: Scope) -> None:
    if "ModelName" not in variant:
        raise not_supported("A production variant without ModelName (inference components)")
    model = store.get(Model, scope, variant["ModelName"])
    serverless = variant.get("ServerlessConfig")
    if serverless is None:
        if "InstanceType" not in variant or "InitialInstanceCount" not in variant:
            raise invalid("InstanceType and InitialInstanceCount are required for a variant without ServerlessConfig.")
        return
    if "InstanceType" in variant or "InitialInstanceCount" in variant:
        raise invalid("InstanceType and InitialInstanceCount cannot be specified together with ServerlessConfig.")
    if serverless["MemorySizeInMB"] % 1024:
        raise invalid("MemorySizeInMB must be 1024, 2048, 3072, 4096, 5120 or 6144.")
    if variant_count > 1:
        raise invalid("Serverless endpoints support a single production variant only.")
    if "VpcConfig" in model.request:
        raise invalid("VPC configuration is not supported on serverless endpoints.")
    if len(model.containers) > 1:
        raise invalid("Inference pipelines are not supported on serverless endpoints.")


def describe_endpoint_config(request: Document, scope: Scope) -> Document:
    """DescribeEndpointConfig."""
    config = store.get(EndpointConfig, scope, request["EndpointConfigName"])
    asked = {name: value for name, value in config.request.items() if name != "Tags"}
    return {**asked, "EndpointConfigArn": config.arn, "CreationTime": config.created_at}


def delete_endpoint_config(request: Document, scope: Scope) -> Document:
    """DeleteEndpointConfig; an endpoint that was created from it continues."""
    store.remove(store.get(EndpointConfig, scope, request["EndpointConfigName"]))
    return {}


def list_endpoint_configs(request: Document, scope: Scope) -> Document:
    """ListEndpointConfigs."""
    page, token = _listed(EndpointConfig, "EndpointConfig", request, scope)
    return {"EndpointConfigs": page, "NextToken": token}


def _listed(
    kind: type[Model] | type[EndpointConfig], prefix: str, request: Document, scope: Scope
) -> tuple[list[Document], str | None]:
    name = f"{prefix}Name"
    summaries = [
        {name: resource.name, f"{prefix}Arn": resource.arn, "CreationTime": resource.created_at}
        for resource in store.of_kind(kind, scope)
    ]
    sort_keys = {"Name": itemgetter(name), "CreationTime": itemgetter("CreationTime")}
    return listing.page(listing.chosen(summaries, request, name=name), request, sort_keys)
