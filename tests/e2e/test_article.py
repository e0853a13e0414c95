"""The article's own notebook, with the SDK that it uses, runs against the embedded cloud.

One role in the customer's account trusts the SaaS account with an external ID and passes an execution role; the SDK
trains, deploys with inference response keys, predicts and deletes. The SDK is the oracle here: what it sends and reads
is what AWS takes and answers.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local import REGION

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant

EXTERNAL_ID = "the-article-uses-one-too"
KEYS = ["predicted_label", "probability", "probabilities", "labels"]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"} | found for found in statements]})


def settled(describe: Callable[[], dict[str, Any]], field: str, passing: str) -> dict[str, Any]:
    """Look until the status is no longer `passing`; the SDK's own waits look every 30 seconds."""
    deadline = time.monotonic() + 180
    while (found := describe())[field] == passing:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


@pytest.fixture
def notebook(globex: Tenant) -> dict[str, str]:
    """The article's two roles and a bucket in the customer's account; their ARNs and the bucket's name."""
    cloud, account = globex.platform.cloud, globex.account_id
    iam = cloud.client("iam", account)
    trust = {
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    }
    service = {"Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    roles = {}
    for name, who in (("customer_trusting_notebook", trust), ("notebook_execution", service)):
        roles[name] = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(who))["Role"]["Arn"]
        iam.put_role_policy(
            RoleName=name,
            PolicyName="all",
            PolicyDocument=policy({"Action": ["sagemaker:*", "s3:*", "iam:PassRole", "logs:*"], "Resource": "*"}),
        )
    cloud.client("s3", account).create_bucket(Bucket="notebook-bucket")
    return roles | {"bucket": "notebook-bucket"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_the_articles_flow_runs_with_the_sdk(
    globex: Tenant, notebook: dict[str, str], iris: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sagemaker import AutoML, Session
    from sagemaker.predictor import Predictor

    cloud = globex.platform.cloud
    assumed = cloud.client("sts").assume_role(
        RoleArn=notebook["customer_trusting_notebook"], RoleSessionName="notebook", ExternalId=EXTERNAL_ID
    )["Credentials"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url)
    theirs = boto3.Session(
        assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"], region_name=REGION
    )
    session = Session(boto_session=theirs, default_bucket=notebook["bucket"])
    inputs = session.upload_data(str(iris), bucket=notebook["bucket"], key_prefix="input")

    automl = AutoML(
        role=notebook["notebook_execution"],
        target_attribute_name="species",
        sagemaker_session=session,
        problem_type="MulticlassClassification",
        job_objective={"MetricName": "Accuracy"},
        max_candidates=2,
        mode="ENSEMBLING",
        output_path=f"s3://{notebook['bucket']}/output",
    )
    automl.fit(inputs, job_name="notebook-job", wait=False, logs=False)
    described = settled(lambda: automl.describe_auto_ml_job(job_name="notebook-job"), "AutoMLJobStatus", "InProgress")
    assert described["AutoMLJobStatus"] == "Completed"
    assert described["AutoMLJobArn"].split(":")[4] == globex.account_id
    best = automl.best_candidate()
    assert best["FinalAutoMLJobObjectiveMetric"]["MetricName"] == "validation:accuracy"
    assert best["CandidateName"] in [found["CandidateName"] for found in automl.list_candidates()]

    automl.deploy(
        initial_instance_count=1,
        instance_type="ml.m5.large",
        endpoint_name="notebook-endpoint",
        inference_response_keys=KEYS,
        candidate=best,
        sagemaker_session=session,
        wait=False,
    )
    settled(
        lambda: session.sagemaker_client.describe_endpoint(EndpointName="notebook-endpoint"),
        "EndpointStatus",
        "Creating",
    )
    predictor = Predictor("notebook-endpoint", sagemaker_session=session)
    with iris.open(newline="") as file:
        row = next(csv.DictReader(file))
    body = ",".join(value for name, value in row.items() if name != "species")
    answer = predictor.predict(body, initial_args={"ContentType": "text/csv"})
    label, probability, probabilities, labels = next(csv.reader(io.StringIO(answer.decode())))
    assert label == row["species"]
    assert float(probability) == max(json.loads(probabilities))
    assert "setosa" in labels

    predictor.delete_endpoint()
    with pytest.raises(ClientError, match="ValidationError"):
        cloud.client("sagemaker-runtime", globex.account_id).invoke_endpoint(
            EndpointName="notebook-endpoint", Body=body
        )
