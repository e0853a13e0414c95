"""How an endpoint changes while it exists: weights, instances, what an update retains, what it captures.

Expectations: API reference of UpdateEndpoint, UpdateEndpointWeightsAndCapacities and CreateEndpointConfig.
"""

from __future__ import annotations

import json
from typing import Any

import pytest


def variant(model: str, name: str = "AllTraffic", weight: float = 1.0, count: int = 1) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": count,
        "InitialVariantWeight": weight,
    }


def config_of(account: Any, *variants: dict[str, Any], **more: Any) -> str:
    name = account.name("config")
    account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=list(variants), **more)
    return name


def settled(account: Any, endpoint: str) -> dict[str, tuple[float, int]]:
    """The weight and instances of each variant once the endpoint rests."""
    described = account.endpoint_when(endpoint, lambda found: found["EndpointStatus"] != "Updating")
    assert described["EndpointStatus"] == "InService"
    return {
        found["VariantName"]: (found["CurrentWeight"], found["CurrentInstanceCount"])
        for found in described["ProductionVariants"]
    }


@pytest.fixture(scope="module")
def model(account: Any) -> str:
    return account.model("one")


def test_weights_and_instances_change_and_traffic_follows(account: Any, model: str) -> None:
    other = account.model("two")
    endpoint = account.endpoint(config_of(account, variant(model, "a"), variant(other, "b")))
    desired = [{"VariantName": "a", "DesiredWeight": 0}, {"VariantName": "b", "DesiredInstanceCount": 2}]
    account.sagemaker.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=desired)
    assert settled(account, endpoint) == {"a": (0, 1), "b": (1, 2)}
    assert [account.invoke(endpoint)["artifacts"] for _ in range(8)] == [["two"]] * 8
    code, message = account.refusal(
        account.sagemaker.update_endpoint_weights_and_capacities,
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "c", "DesiredWeight": 1}],
    )
    assert (code, '"c"' in message) == ("ValidationException", True)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (1.0, 1)),
        ({"RetainAllVariantProperties": True}, (5.0, 3)),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}],
            },
            (5.0, 1),
        ),
    ],
    ids=["nothing", "everything", "all but the instances"],
)
def test_an_update_retains_what_it_is_asked_to(
    account: Any, model: str, options: dict[str, Any], expected: tuple[float, int]
) -> None:
    endpoint = account.endpoint(config_of(account, variant(model)))
    desired = {"VariantName": "AllTraffic", "DesiredWeight": 5, "DesiredInstanceCount": 3}
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint, DesiredWeightsAndCapacities=[desired]
    )
    assert settled(account, endpoint) == {"AllTraffic": (5.0, 3)}
    account.sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=config_of(account, variant(model)), **options
    )
    assert settled(account, endpoint) == {"AllTraffic": expected}
    account.sagemaker.delete_endpoint(EndpointName=endpoint)


def routing(kind: str, wait: int = 0) -> dict[str, Any]:
    return {"TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait}}


@pytest.mark.parametrize(
    ("deployment", "refused"),
    [
        ({"BlueGreenUpdatePolicy": routing("CANARY")}, "Traffic routing CANARY"),
        ({"BlueGreenUpdatePolicy": routing("ALL_AT_ONCE", 60)}, "WaitIntervalInSeconds"),
        ({"BlueGreenUpdatePolicy": routing("ALL_AT_ONCE") | {"TerminationWaitInSeconds": 5}}, "TerminationWait"),
        ({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}, "AutoRollbackConfiguration"),
    ],
)
def test_a_deployment_that_cannot_be_done_is_refused_by_name(
    account: Any, model: str, deployment: dict[str, Any], refused: str
) -> None:
    config = config_of(account, variant(model))
    endpoint = account.endpoint(config)
    code, message = account.refusal(
        account.sagemaker.update_endpoint,
        EndpointName=endpoint,
        EndpointConfigName=config,
        DeploymentConfig=deployment,
    )
    assert (code, refused in message) == ("ValidationException", True)
    account.sagemaker.delete_endpoint(EndpointName=endpoint)


def test_the_last_deployment_is_described_and_kept_only_when_asked(account: Any, model: str) -> None:
    config, deployment = config_of(account, variant(model)), {"BlueGreenUpdatePolicy": routing("ALL_AT_ONCE")}
    endpoint = account.endpoint(config)
    seen = []
    for options in ({"DeploymentConfig": deployment}, {"RetainDeploymentConfig": True}, {}):
        account.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, **options)
        settled(account, endpoint)
        seen.append(account.sagemaker.describe_endpoint(EndpointName=endpoint).get("LastDeploymentConfig"))
    assert seen == [deployment, deployment, None]
    code, _ = account.refusal(
        account.sagemaker.update_endpoint,
        EndpointName=endpoint,
        EndpointConfigName=config,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    assert code == "ValidationException"


def test_requests_and_answers_are_captured_where_the_configuration_says(account: Any, model: str) -> None:
    # SageMaker developer guide, "Data capture for real-time endpoints"
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{account.bucket}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    endpoint = account.endpoint(config_of(account, variant(model), DataCaptureConfig=capture))
    described = account.sagemaker.describe_endpoint(EndpointName=endpoint)["DataCaptureConfig"]
    assert (described["CaptureStatus"], described["CurrentSamplingPercentage"]) == ("Started", 100)
    account.invoke(endpoint, b"1,2")
    prefix = f"captured/{endpoint}/AllTraffic/"
    listed = account.until(
        lambda: account.s3.list_objects_v2(Bucket=account.bucket, Prefix=prefix), lambda found: found["KeyCount"]
    )
    key = listed["Contents"][0]["Key"]
    (line,) = account.s3.get_object(Bucket=account.bucket, Key=key)["Body"].read().splitlines()
    data = json.loads(line)["captureData"]
    assert data["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "1,2",
        "encoding": "CSV",
    }
    assert json.loads(data["endpointOutput"]["data"])["bytes"] == 3
