"""What happens to jobs, endpoints and their processes when the embedded cloud ends and comes back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import CUSTOMER_ACCOUNT


@pytest.fixture
def children() -> Callable[[Any], set[int]]:
    """The processes that train and serve for a cloud: they name its folder on their command line."""

    def of(cloud: Any) -> set[int]:
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                arguments = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if len(arguments) > 2 and "double_" in arguments[1] and arguments[2].startswith(str(cloud.state_dir)):
                found.add(int(entry.name))
        return found

    return of


def test_endpoints_serve_again_after_a_restart_and_interrupted_jobs_have_failed(
    new_cloud: Any, furnish: Any, tmp_path: Path
) -> None:
    with new_cloud(tmp_path, persist=True) as cloud:
        account = furnish(cloud)
        done = account.start()
        account.finished(done)
        running = account.start("wait")
        account.job_when(running, lambda job: job["AutoMLJobSecondaryStatus"] == "TrainingModels")
        model = account.model("kept")
        endpoint = account.endpoint(account.config(model))
        account.s3.put_object(Bucket=account.bucket, Key="slow/rows.csv", Body=b"wait")
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.bucket}/slow/"}
        account.sagemaker.create_transform_job(
            TransformJobName="interrupted",
            ModelName=model,
            TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "text/csv"},
            TransformOutput={"S3OutputPath": f"s3://{account.bucket}/never"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )
    with new_cloud(tmp_path, persist=True) as cloud:
        sagemaker = cloud.client("sagemaker", CUSTOMER_ACCOUNT)
        runtime = cloud.client("sagemaker-runtime", CUSTOMER_ACCOUNT)
        completed = sagemaker.describe_auto_ml_job_v2(AutoMLJobName=done)
        transform = sagemaker.describe_transform_job(TransformJobName="interrupted")
        interrupted = sagemaker.describe_auto_ml_job_v2(AutoMLJobName=running)

        def answer() -> dict[str, Any]:
            try:
                return runtime.invoke_endpoint(EndpointName=endpoint, Body=b"1", ContentType="text/csv")
            except runtime.exceptions.ServiceUnavailable:
                return {}

        served = account.until(answer, bool)["Body"].read()
        code, _ = account.refusal(sagemaker.create_auto_ml_job_v2, **account.request(AutoMLJobName=done))
    assert completed["AutoMLJobStatus"] == "Completed"
    assert (interrupted["AutoMLJobStatus"], interrupted["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
    assert transform["TransformJobStatus"] == "Failed"
    assert b'"kept"' in served
    assert code == "ResourceInUse"


def test_training_and_serving_processes_end_with_the_cloud_however_it_ends(
    new_cloud: Any, furnish: Any, children: Callable[[Any], set[int]], tmp_path: Path
) -> None:
    with new_cloud(tmp_path) as cloud:
        account = furnish(cloud)
        name = account.start("wait")
        account.job_when(name, lambda job: job["AutoMLJobSecondaryStatus"] == "TrainingModels")
        account.endpoint(account.config(account.model("orphan")))
        before = children(cloud)
        os.kill(cloud._child.process.pid, signal.SIGKILL)
        after = account.until(lambda: {"left": children(cloud)}, lambda seen: not seen["left"])
    assert len(before) == 2
    assert after == {"left": set()}


def test_a_reset_ends_everything(
    new_cloud: Any, furnish: Any, children: Callable[[Any], set[int]], tmp_path: Path
) -> None:
    import urllib.request

    with new_cloud(tmp_path) as cloud:
        account = furnish(cloud)
        account.endpoint(account.config(account.model("reset")))
        request = urllib.request.Request(f"{cloud.endpoint_url}/_ministack/reset", method="POST")
        urllib.request.urlopen(request, timeout=30).close()
        left = account.until(lambda: {"left": children(cloud)}, lambda seen: not seen["left"])
        listed = cloud.client("sagemaker", CUSTOMER_ACCOUNT).list_endpoints()["Endpoints"]
    assert (left, listed) == ({"left": set()}, [])
