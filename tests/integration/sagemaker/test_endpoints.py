"""Models, endpoint configurations, endpoints and predictions, over real HTTP with a serving process without a model."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local import CUSTOMER_ACCOUNT


@pytest.fixture(scope="module")
def endpoint(account: Any) -> str:
    return account.endpoint(account.config(account.model("first", "second")))


def test_an_endpoint_answers_with_the_containers_in_order(account: Any, endpoint: str) -> None:
    description = account.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert description["EndpointStatus"] == "InService"
    (variant,) = description["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentInstanceCount"]) == ("AllTraffic", 1)
    answer = account.invoke(endpoint, b"1,2,3")
    assert (answer["artifacts"], answer["bytes"]) == (["first", "second"], 5)


def test_an_answer_names_the_variant_and_its_content_type(account: Any, endpoint: str) -> None:
    answer = account.runtime.invoke_endpoint(EndpointName=endpoint.upper(), Body=b"1", ContentType="text/csv")
    assert (answer["InvokedProductionVariant"], answer["ContentType"]) == ("AllTraffic", "text/csv; charset=utf-8")


@pytest.mark.parametrize(("body", "status", "kind"), [(b"bad", 400, "client"), (b"broken", 500, "server")])
def test_what_the_container_refuses_is_a_model_error(
    account: Any, endpoint: str, body: bytes, status: int, kind: str
) -> None:
    invoke = account.runtime.invoke_endpoint
    with pytest.raises(account.runtime.exceptions.ModelError) as raised:
        invoke(EndpointName=endpoint, Body=body, ContentType="text/csv")
    answer = raised.value.response
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (status, "the double says no")
    assert f'Received {kind} error ({status}) from primary with message "the double says no"' in str(raised.value)


def test_invocations_are_counted_where_cloudwatch_has_them(account: Any) -> None:
    name = account.endpoint(account.config(account.model("counted")))
    account.invoke(name)
    account.refusal(account.runtime.invoke_endpoint, EndpointName=name, Body=b"bad", ContentType="text/csv")
    now = datetime.now(UTC)
    sums = {}
    for metric in ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors"):
        answer = account.cloud.client("cloudwatch", CUSTOMER_ACCOUNT).get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "AllTraffic"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=3600,
            Statistics=["Sum"],
        )
        sums[metric] = sum(point["Sum"] for point in answer["Datapoints"])
    assert sums == {"Invocations": 2, "Invocation4XXErrors": 1, "Invocation5XXErrors": 0}


def test_a_body_over_six_mebibytes_is_refused(account: Any, endpoint: str) -> None:
    invoke = account.runtime.invoke_endpoint
    assert account.invoke(endpoint, b"x" * 6_291_456)["bytes"] == 6_291_456
    code, message = account.refusal(invoke, EndpointName=endpoint, Body=b"x" * 6_291_457, ContentType="text/csv")
    assert code == "ValidationError"
    assert message.endswith("less than or equal to 6291456")


def test_a_missing_endpoint_is_a_validation_error_of_the_runtime(account: Any) -> None:
    code, message = account.refusal(account.runtime.invoke_endpoint, EndpointName="nothing", Body=b"")
    assert (code, message) == ("ValidationError", "Endpoint nothing of account 222222222222 not found.")


def test_an_unknown_variant_is_refused(account: Any, endpoint: str) -> None:
    code, _ = account.refusal(account.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"", TargetVariant="Other")
    assert code == "ValidationError"


def test_a_serverless_endpoint_is_limited_in_size_and_containers(account: Any) -> None:
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
    name = account.endpoint(account.config(account.model("lean"), ServerlessConfig=serverless))
    invoke = account.runtime.invoke_endpoint
    assert account.invoke(name)["artifacts"] == ["lean"]
    code, message = account.refusal(invoke, EndpointName=name, Body=b"x" * 4_194_305, ContentType="text/csv")
    assert (code, message.endswith("4194304")) == ("ValidationError", True)
    with pytest.raises(account.sagemaker.exceptions.ClientError, match="Inference pipelines are not supported"):
        account.config(account.model("first", "second"), ServerlessConfig=serverless)
    network = {"Subnets": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d"]}
    with pytest.raises(account.sagemaker.exceptions.ClientError, match="VPC configuration is not supported"):
        account.config(account.model("inside", VpcConfig=network), ServerlessConfig=serverless)


def test_a_model_that_does_not_load_fails_the_endpoint_with_a_reason(account: Any) -> None:
    name = account.endpoint(account.config(account.model("broken", environment={"BREAK": "1"})))
    description = account.sagemaker.describe_endpoint(EndpointName=name)
    assert description["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in description["FailureReason"]
    account.sagemaker.delete_endpoint(EndpointName=name)


@pytest.mark.parametrize(
    ("instance_type", "environment", "status"),
    [
        ("ml.m5.large", {}, "Failed"),
        ("ml.m5.large", {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"}, "InService"),
        ("ml.m5.xlarge", {}, "Failed"),  # twice the memory, and twice the workers
        ("ml.r5.large", {}, "InService"),
    ],
    ids=str,
)
def test_a_model_that_its_instance_has_no_memory_for_does_not_come_up(
    account: Any, instance_type: str, environment: dict[str, str], status: str
) -> None:
    # EC2 user guide, "Instance types": 8, 16 and 16 GiB; a worker per vCPU: autogluon/autogluon-cloud, issue 39
    model = account.model("heavy", environment=environment, memory_mb=5_000)
    name = account.endpoint(account.config(model, InstanceType=instance_type))
    described = account.sagemaker.describe_endpoint(EndpointName=name)
    assert (described["EndpointStatus"], "ping health check" in described.get("FailureReason", "")) == (
        status,
        status == "Failed",
    )
    account.sagemaker.delete_endpoint(EndpointName=name)


def test_a_model_needs_artefacts_that_its_role_can_read(account: Any) -> None:
    create = account.sagemaker.create_model
    missing = [{"Image": "image", "ModelDataUrl": f"s3://{account.bucket}/models/none.tar.gz"}]
    code, message = account.refusal(
        create, ModelName=account.name("model"), Containers=missing, ExecutionRoleArn=account.role_arn
    )
    assert (code, message[:26]) == ("ValidationException", "Could not find model data ")
    account.model("present")
    present = [{"Image": "image", "ModelDataUrl": f"s3://{account.bucket}/models/present.tar.gz"}]
    blind = account.role(objects=f"{account.bucket}/in/*")
    code, message = account.refusal(create, ModelName=account.name("model"), Containers=present, ExecutionRoleArn=blind)
    assert (code, '"s3:GetObject" permissions' in message) == ("ValidationException", True)


def test_an_artefact_that_disappeared_fails_the_endpoint(account: Any) -> None:
    config = account.config(account.model("shortlived"))
    account.s3.delete_object(Bucket=account.bucket, Key="models/shortlived.tar.gz")
    description = account.sagemaker.describe_endpoint(EndpointName=account.endpoint(config))
    assert description["EndpointStatus"] == "Failed"
    assert description["FailureReason"].startswith('Failed to download model data for container "container_1"')


def test_an_update_loses_no_request(account: Any) -> None:
    name = account.endpoint(account.config(account.model("old")))
    release, ready = (Path(account.cloud.state_dir) / "tmp" / gate for gate in ("release", "ready"))
    slow: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: slow.append(account.invoke(name, b"wait")))
    waiting.start()
    next_config = account.config(account.model("new", environment={"READY_WHEN": "ready"}))
    account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=next_config)
    code, message = account.refusal(account.sagemaker.delete_endpoint, EndpointName=name)
    during = account.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
    ready.touch()
    seen = []
    while not seen or seen[-1] == ["old"]:
        seen.append(account.invoke(name)["artifacts"])
    release.touch()
    waiting.join()
    assert (code, message.startswith("Cannot update in-progress endpoint")) == ("ValidationException", True)
    assert during == "Updating"
    assert seen[-1] == ["new"]
    assert slow[0]["artifacts"] == ["old"]
    account.endpoint_when(name, lambda endpoint: endpoint["EndpointStatus"] == "InService")


def test_a_failed_update_goes_on_serving_what_it_served(account: Any) -> None:
    good = account.config(account.model("good"))
    name = account.endpoint(good)
    bad = account.config(account.model("bad", environment={"BREAK": "1"}))
    account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=bad)
    description = account.endpoint_when(name, lambda endpoint: endpoint["EndpointStatus"] != "Updating")
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", good)
    assert "ping health check" in description["FailureReason"]
    assert account.invoke(name)["artifacts"] == ["good"]


def test_a_process_that_dies_is_replaced(account: Any) -> None:
    name = account.endpoint(account.config(account.model("phoenix")))
    before = account.invoke(name)["process"]
    code, _ = account.refusal(account.runtime.invoke_endpoint, EndpointName=name, Body=b"die", ContentType="text/csv")

    def answered() -> dict[str, Any]:
        try:
            return account.invoke(name)
        except account.runtime.exceptions.ModelError:
            return {"process": before}

    after = account.until(answered, lambda answer: answer["process"] != before)
    assert (code, after["artifacts"]) == ("ModelError", ["phoenix"])


def test_everything_can_be_deleted_and_is_then_not_found(account: Any) -> None:
    sagemaker = account.sagemaker
    model = account.model("gone")
    config = account.config(model)
    name = account.endpoint(config)
    sagemaker.delete_model(ModelName=model)
    sagemaker.delete_endpoint_config(EndpointConfigName=config)
    assert account.invoke(name)["artifacts"] == ["gone"]
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    arn = "arn:aws:sagemaker:us-east-1:222222222222"
    expected = {
        f'Could not find endpoint "{arn}:endpoint/{name}".': (sagemaker.describe_endpoint, {"EndpointName": name}),
        f'Could not find model "{arn}:model/{model}".': (sagemaker.delete_model, {"ModelName": model}),
        f'Could not find endpoint configuration "{arn}:endpoint-config/{config}".': (
            sagemaker.describe_endpoint_config,
            {"EndpointConfigName": config},
        ),
    }
    for message, (call, request) in expected.items():
        assert account.refusal(call, **request) == ("ValidationException", message)


def test_a_name_that_exists_is_refused(account: Any, endpoint: str) -> None:
    config = account.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    code, message = account.refusal(
        account.sagemaker.create_endpoint, EndpointName=endpoint.upper(), EndpointConfigName=config
    )
    assert (code, message.split('"')[0]) == ("ValidationException", "Cannot create already existing endpoint ")


def test_models_configurations_and_endpoints_are_listed(account: Any, endpoint: str) -> None:
    sagemaker = account.sagemaker
    named = sagemaker.list_endpoints(NameContains=endpoint, StatusEquals="InService")["Endpoints"]
    assert endpoint in [one["EndpointName"] for one in named]
    newest = account.model("newest")
    assert sagemaker.list_models(MaxResults=1)["Models"][0]["ModelName"] == newest
    config = account.config(newest)
    assert sagemaker.list_endpoint_configs(MaxResults=1)["EndpointConfigs"][0]["EndpointConfigName"] == config


def test_tags_are_added_overwritten_and_deleted(account: Any, endpoint: str) -> None:
    sagemaker = account.sagemaker
    arn = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "tenant", "Value": "x"}, {"Key": "model", "Value": "m"}])
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "tenant", "Value": "acme"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["model", "unknown"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "tenant", "Value": "acme"}]
    assert account.refusal(sagemaker.list_tags, ResourceArn=arn + "-x")[0] == "ValidationException"
