"""AutoML jobs, from creation to candidates, over real HTTP with a trainer that does not learn."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from local import SAAS_ACCOUNT


@pytest.fixture(scope="module")
def completed(account: Any) -> dict[str, Any]:
    return account.finished(account.start())


def test_a_job_completes_with_its_best_candidate(completed: dict[str, Any]) -> None:
    assert (completed["AutoMLJobStatus"], completed["AutoMLJobSecondaryStatus"]) == ("Completed", "Completed")
    assert completed["EndTime"] >= completed["CreationTime"]
    assert "ResolvedAttributes" not in completed
    assert completed["BestCandidate"]["CandidateName"] == "WeightedEnsemble-L3-FULL-t1"
    metric = completed["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]
    assert metric == {"MetricName": "validation:f1", "Value": 0.875}


def test_a_setting_makes_it_describe_jobs_as_the_api_reference_does(new_cloud: Any, furnish: Any) -> None:
    with new_cloud(settings={"TENANTML_LOCAL_AUTOPILOT_FORM": "documented"}) as cloud:
        account = furnish(cloud)
        job = account.finished(account.start())
    assert job["ResolvedAttributes"]["AutoMLJobObjective"] == {"MetricName": "F1"}
    assert job["BestCandidate"]["CandidateName"] == "WeightedEnsemble"
    metric = job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]
    assert metric == {"Type": "Maximize", "MetricName": "F1", "Value": 0.875, "StandardMetricName": "F1"}


def test_a_job_without_a_report_completes_and_says_so(account: Any) -> None:
    job = account.finished(account.start("partly"))
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", "ExplainabilityError")
    assert job["PartialFailureReasons"] == [{"PartialFailureMessage": "The explainability report was not generated."}]
    assert "BestCandidate" in job


def test_the_artefacts_are_where_the_candidate_says(account: Any, completed: dict[str, Any]) -> None:
    best = completed["BestCandidate"]
    (container,) = best["InferenceContainers"]
    assert container["Environment"] == {
        "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,probabilities,labels"
    }
    locations = best["CandidateProperties"]["CandidateArtifactLocations"]
    listed = account.s3.list_objects_v2(Bucket=account.bucket, Prefix=f"out/{completed['AutoMLJobName']}/")["Contents"]
    uris = {f"s3://{account.bucket}/{item['Key']}" for item in listed}
    assert container["ModelDataUrl"] in uris
    assert f"{locations['Explainability']}/analysis.json" in uris
    assert f"{locations['ModelInsights']}/statistics.json" in uris
    notebook = completed["AutoMLJobArtifacts"]["DataExplorationNotebookLocation"]
    # SageMaker developer guide, "Autopilot data exploration report"
    assert notebook.endswith("/notebooks/SageMakerAutopilotDataExplorationNotebook.ipynb")
    assert notebook in uris


def test_a_metric_that_only_the_wider_enum_knows_has_no_metric_name(completed: dict[str, Any]) -> None:
    metrics = completed["BestCandidate"]["CandidateProperties"]["CandidateMetrics"]
    log_loss = next(metric for metric in metrics if metric["StandardMetricName"] == "LogLoss")
    assert log_loss == {"StandardMetricName": "LogLoss", "Value": 0.125, "Set": "Validation"}


def test_candidates_are_listed_best_first_when_asked(account: Any, completed: dict[str, Any]) -> None:
    request = {
        "AutoMLJobName": completed["AutoMLJobName"],
        "SortBy": "FinalObjectiveMetricValue",
        "SortOrder": "Descending",
        "MaxResults": 1,
    }
    first = account.sagemaker.list_candidates_for_auto_ml_job(**request)
    second = account.sagemaker.list_candidates_for_auto_ml_job(**request, NextToken=first["NextToken"])
    names = [page["Candidates"][0]["CandidateName"] for page in (first, second)]
    unsorted = account.sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName=completed["AutoMLJobName"])
    assert names == ["WeightedEnsemble-L3-FULL-t1", "LightGBM-L1-FULL-t1"]
    assert [one["CandidateName"] for one in unsorted["Candidates"]] == [
        "LightGBM-L1-FULL-t1",
        "WeightedEnsemble-L3-FULL-t1",
    ]
    assert "NextToken" not in second


def test_hyperparameter_tuning_makes_three_containers(account: Any) -> None:
    config = {"TabularJobConfig": {"TargetAttributeName": "y", "Mode": "HYPERPARAMETER_TUNING"}}
    job = account.finished(account.start(AutoMLProblemTypeConfig=config))
    containers = job["BestCandidate"]["InferenceContainers"]
    assert ["SAGEMAKER_INFERENCE_SUPPORTED" in container["Environment"] for container in containers] == [
        False,
        True,
        True,
    ]


def test_the_preparation_behind_candidates_is_made_of_jobs_that_they_share(account: Any) -> None:
    # the form of a real job's: github.com/aws/sagemaker-python-sdk, sagemaker-core's unit test of its codec
    config = {"TabularJobConfig": {"TargetAttributeName": "y", "Mode": "HYPERPARAMETER_TUNING"}}
    job = account.finished(account.start(AutoMLProblemTypeConfig=config))
    candidates = account.sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName=job["AutoMLJobName"])["Candidates"]
    (split, transformer, applied, own), (*shared, other) = (row["CandidateSteps"] for row in candidates)
    assert ([split, transformer, applied], own == other) == (shared, False)
    kinds = [step["CandidateStepType"].rpartition(":")[2] for step in (split, transformer, applied, own)]
    assert kinds == ["ProcessingJob", "TrainingJob", "TransformJob", "TrainingJob"]
    names = [step["CandidateStepName"] for step in (split, transformer, applied, own)]
    assert all(name.startswith(job["AutoMLJobName"]) for name in names)
    sagemaker = account.sagemaker
    processing = sagemaker.describe_processing_job(ProcessingJobName=names[0])
    training = sagemaker.describe_training_job(TrainingJobName=names[1])
    transform = sagemaker.describe_transform_job(TransformJobName=names[2])
    assert [processing["ProcessingJobArn"], training["TrainingJobArn"], transform["TransformJobArn"]] == [
        step["CandidateStepArn"] for step in (split, transformer, applied)
    ]
    assert {job["AutoMLJobArn"]} == {row["AutoMLJobArn"] for row in (processing, training, transform)}
    began = [processing["ProcessingStartTime"], training["TrainingStartTime"], transform["TransformStartTime"]]
    ended = [processing["ProcessingEndTime"], training["TrainingEndTime"], transform["TransformEndTime"]]
    assert sorted([*began, *ended]) == [began[0], ended[0], began[1], ended[1], began[2], ended[2]]
    code, _ = account.refusal(sagemaker.describe_processing_job, ProcessingJobName="nobody")
    assert code == "ValidationException"


def test_a_candidates_training_job_is_described(account: Any) -> None:
    job = account.finished(account.start())
    (step,) = job["BestCandidate"]["CandidateSteps"]
    described = account.sagemaker.describe_training_job(TrainingJobName=step["CandidateStepName"])
    (container,) = job["BestCandidate"]["InferenceContainers"]
    assert described["TrainingJobArn"] == step["CandidateStepArn"]
    assert described["ModelArtifacts"] == {"S3ModelArtifacts": container["ModelDataUrl"]}
    assert (described["TrainingJobStatus"], described["AutoMLJobArn"]) == ("Completed", job["AutoMLJobArn"])
    code, message = account.refusal(account.sagemaker.describe_training_job, TrainingJobName="nobody")
    # seen on AWS: https://github.com/aws/aws-sdk/issues/165
    assert (code, message) == ("ValidationException", "Requested resource not found.")


def test_hyperparameter_tuning_of_a_regression_makes_two_containers(account: Any) -> None:
    # SageMaker developer guide, "Inference container definitions for regression and classification problem types"
    config = {"TargetAttributeName": "y", "Mode": "HYPERPARAMETER_TUNING", "ProblemType": "Regression"}
    job = account.finished(
        account.start(AutoMLProblemTypeConfig={"TabularJobConfig": config}, AutoMLJobObjective={"MetricName": "MSE"})
    )
    images = [container["Image"] for container in job["BestCandidate"]["InferenceContainers"]]
    assert ["sklearn-automl" in images[0], "xgboost" in images[1], len(images)] == [True, True, 2]


def test_progress_is_visible_and_a_job_can_be_stopped(account: Any) -> None:
    name = account.start("wait")
    account.job_when(name, lambda job: job["AutoMLJobSecondaryStatus"] == "TrainingModels")
    listed = account.sagemaker.list_candidates_for_auto_ml_job
    account.until(lambda: listed(AutoMLJobName=name), lambda page: page["Candidates"])
    account.sagemaker.stop_auto_ml_job(AutoMLJobName=name)
    job = account.finished(name)
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    code, _ = account.refusal(account.sagemaker.stop_auto_ml_job, AutoMLJobName=name)
    assert code == "ValidationException"


def test_a_job_may_complete_without_a_candidate(account: Any) -> None:
    job = account.finished(account.start("capped"))
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", "MaxAutoMLJobRuntimeReached")
    assert "BestCandidate" not in job


@pytest.mark.parametrize(
    ("target", "reason"),
    [("refuse", "ClientError: 600 rows are not enough"), ("crash", "AlgorithmError: the training process ended")],
    ids=["reported", "crashed"],
)
def test_a_failing_trainer_fails_the_job_with_a_reason(account: Any, target: str, reason: str) -> None:
    job = account.finished(account.start(target))
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"].startswith(reason)


def test_a_job_name_is_taken_for_ever_whatever_its_case(account: Any, completed: dict[str, Any]) -> None:
    request = account.request(AutoMLJobName=completed["AutoMLJobName"].upper())
    code, message = account.refusal(account.sagemaker.create_auto_ml_job_v2, **request)
    assert code == "ResourceInUse"
    assert completed["AutoMLJobArn"] in message


def test_a_job_of_another_account_is_not_found(account: Any, completed: dict[str, Any]) -> None:
    other = account.cloud.client("sagemaker", SAAS_ACCOUNT)
    code, _ = account.refusal(other.describe_auto_ml_job_v2, AutoMLJobName=completed["AutoMLJobName"])
    assert code == "ResourceNotFound"
    assert other.list_auto_ml_jobs()["AutoMLJobSummaries"] == []


def test_a_job_over_the_quota_is_refused(account: Any) -> None:
    names = [account.start("wait") for _ in range(3)]
    code, message = account.refusal(account.sagemaker.create_auto_ml_job_v2, **account.request())
    for name in names:
        account.sagemaker.stop_auto_ml_job(AutoMLJobName=name)
        account.finished(name)
    assert code == "ResourceLimitExceeded"
    assert "is 3 Jobs, with current utilization of 3 Jobs" in message


def test_the_second_version_describes_jobs_of_the_first(account: Any) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.bucket}/in/"}
    name = account.name("job")
    account.sagemaker.create_auto_ml_job(
        AutoMLJobName=name,
        InputDataConfig=[{"TargetAttributeName": "y", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": f"s3://{account.bucket}/out/"},
        AutoMLJobConfig={"CompletionCriteria": {"MaxCandidates": 5}, "Mode": "ENSEMBLING"},
        ProblemType="BinaryClassification",
        AutoMLJobObjective={"MetricName": "F1"},
        RoleArn=account.role_arn,
    )
    second = account.finished(name)
    first = account.sagemaker.describe_auto_ml_job(AutoMLJobName=name)
    assert second["AutoMLProblemTypeConfig"]["TabularJobConfig"] == {
        "TargetAttributeName": "y",
        "ProblemType": "BinaryClassification",
        "Mode": "ENSEMBLING",
        "CompletionCriteria": {"MaxCandidates": 5},
    }
    assert first["InputDataConfig"][0]["TargetAttributeName"] == "y"
    assert first["BestCandidate"] == second["BestCandidate"]
    assert first["ProblemType"] == "BinaryClassification"


def test_the_first_version_cannot_describe_jobs_of_the_second(account: Any, completed: dict[str, Any]) -> None:
    code, _ = account.refusal(account.sagemaker.describe_auto_ml_job, AutoMLJobName=completed["AutoMLJobName"])
    assert code == "ValidationException"


def test_jobs_are_listed_by_status_and_part_of_the_name(account: Any, completed: dict[str, Any]) -> None:
    listed = account.sagemaker.list_auto_ml_jobs(
        StatusEquals="Completed", NameContains=completed["AutoMLJobName"], SortBy="Name", SortOrder="Ascending"
    )
    assert completed["AutoMLJobArn"] in [job["AutoMLJobArn"] for job in listed["AutoMLJobSummaries"]]


def test_a_gzipped_channel_and_a_manifest_are_read(account: Any) -> None:
    account.s3.put_object(Bucket=account.bucket, Key="gz/train.csv.gz", Body=gzip.compress(account.csv))
    manifest = [{"prefix": f"s3://{account.bucket}/in/"}, "train.csv", "train.csv"]
    account.s3.put_object(Bucket=account.bucket, Key="manifest.json", Body=json.dumps(manifest))
    sources = [
        ({"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.bucket}/gz/"}, "Gzip", 600),
        ({"S3DataType": "ManifestFile", "S3Uri": f"s3://{account.bucket}/manifest.json"}, "None", 1200),
    ]
    for source, compression, rows in sources:
        channel = {"DataSource": {"S3DataSource": source}, "CompressionType": compression}
        job = account.finished(account.start("refuse", AutoMLJobInputDataConfig=[channel]))
        assert job["FailureReason"] == f"ClientError: {rows} rows are not enough"


def test_a_missing_s3_permission_fails_the_job_and_names_it(account: Any) -> None:
    reading = account.role(objects=f"{account.bucket}/in/*")
    writing = account.role(objects=f"{account.bucket}/out/*")
    blind = account.role(bucket="another")
    failures = {
        role: account.finished(account.start(RoleArn=role))["FailureReason"] for role in (reading, writing, blind)
    }
    assert f'Failed to upload to "s3://{account.bucket}/out/' in failures[reading]
    assert '"s3:GetObject" permissions' in failures[writing]
    assert '"s3:ListBucket" permissions' in failures[blind]


def test_a_prefix_without_objects_fails_the_job(account: Any) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.bucket}/nothing/"}
    job = account.finished(account.start(AutoMLJobInputDataConfig=[{"DataSource": {"S3DataSource": source}}]))
    assert job["FailureReason"].startswith("ClientError: No S3 objects found under S3 URL")


def test_another_accounts_bucket_is_read_in_place_only_with_its_consent(account: Any, saas: Any) -> None:
    bucket = "saas-ingest"
    saas.create_bucket(Bucket=bucket)
    saas.put_object(Bucket=bucket, Key="acme/train.csv", Body=account.csv)
    role = account.role()
    both = account.policy(
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"},
        {"Effect": "Allow", "Action": "s3:*Object", "Resource": "arn:aws:s3:::*"},
    )
    account.iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="ingest", PolicyDocument=both)
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/acme/"}
    channels = [{"DataSource": {"S3DataSource": source}}]

    refused = account.finished(account.start(AutoMLJobInputDataConfig=channels, RoleArn=role))
    grant = [
        {"Principal": {"AWS": role}, "Effect": "Allow", "Action": action, "Resource": f"arn:aws:s3:::{bucket}{path}"}
        for action, path in (("s3:ListBucket", ""), ("s3:GetObject", "/acme/*"))
    ]
    saas.put_bucket_policy(Bucket=bucket, Policy=account.policy(*grant))
    allowed = account.finished(account.start(AutoMLJobInputDataConfig=channels, RoleArn=role))

    assert refused["AutoMLJobStatus"] == "Failed"
    assert (allowed["AutoMLJobStatus"], allowed.get("FailureReason")) == ("Completed", None)


def test_a_role_that_sagemaker_may_not_assume_is_refused(account: Any) -> None:
    roles = {
        "lambda-only": account.trust("lambda.amazonaws.com"),
        "other-account": account.trust(StringEquals={"aws:SourceAccount": SAAS_ACCOUNT}),
    }
    for name, trust in roles.items():
        arn = account.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        code, message = account.refusal(account.sagemaker.create_auto_ml_job_v2, **account.request(RoleArn=arn))
        assert (code, message.split(".")[0]) == ("ValidationException", f"Could not assume role {arn}")
    missing = account.request(RoleArn=account.role_arn + "_missing")
    assert "Could not assume role" in account.refusal(account.sagemaker.create_auto_ml_job_v2, **missing)[1]
    foreign = account.request(RoleArn=account.role_arn.replace("222222222222", SAAS_ACCOUNT))
    assert "Cross-account pass role" in account.refusal(account.sagemaker.create_auto_ml_job_v2, **foreign)[1]


def test_a_target_that_is_not_in_the_header_is_refused_at_once(account: Any) -> None:
    # aws/sagemaker-python-sdk, tests/integ/test_auto_ml.py: test_auto_ml_invalid_target_attribute
    config = {"TabularJobConfig": {"TargetAttributeName": "z"}}
    request = account.request(AutoMLProblemTypeConfig=config)
    code, message = account.refusal(account.sagemaker.create_auto_ml_job_v2, **request)
    assert (code, message) == ("ValidationException", "Target attribute name z does not exist in header.")
    code, message = account.refusal(account.sagemaker.create_auto_ml_job, **first_version(account, target="z"))
    assert (code, message) == ("ValidationException", "Target attribute name z does not exist in header.")


def test_a_description_names_the_channels_defaults(account: Any, completed: dict[str, Any]) -> None:
    # the same file: test_auto_ml_describe_auto_ml_job, expected_default_input_config
    defaults = {"ContentType": "text/csv;header=present", "ChannelType": "training"}
    (channel,) = completed["AutoMLJobInputDataConfig"]
    assert channel.items() >= defaults.items()
    request = first_version(account, target="y")
    account.sagemaker.create_auto_ml_job(**request)
    described = account.sagemaker.describe_auto_ml_job(AutoMLJobName=request["AutoMLJobName"])
    assert described["InputDataConfig"] == [request["InputDataConfig"][0] | defaults]


def first_version(account: Any, target: str) -> dict[str, Any]:
    """A CreateAutoMLJob of the same data."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.bucket}/in/train.csv"}
    return {
        "AutoMLJobName": account.name("job"),
        "InputDataConfig": [{"DataSource": {"S3DataSource": source}, "TargetAttributeName": target}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{account.bucket}/out"},
        "RoleArn": account.role_arn,
    }
