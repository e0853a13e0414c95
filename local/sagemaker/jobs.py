"""AutoML jobs: create, describe, list, stop; the two versions of the API over one kind of job.

A request of the first version is converted to the second, which is all that the rest knows.
"""

from __future__ import annotations

import time
from operator import itemgetter
from typing import Any

from local.sagemaker import dataset, forms, job_runner, listing, quotas, store
from local.sagemaker.errors import ApiError, invalid, not_supported
from local.sagemaker.role_session import s3_client
from local.sagemaker.store import Job, Scope

Document = dict[str, Any]

CSV = "text/csv;header=present"
# AutoMLJobChannel and AutoMLChannel in the API reference; the SDK's integration tests expect both in a description.
_CHANNEL_DEFAULTS = {"ContentType": CSV, "ChannelType": "training"}
OBJECTIVES = {
    "BinaryClassification": {"Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"},
    "MulticlassClassification": {"Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"},
    "Regression": {"MAE", "MSE", "R2", "RMSE"},
}
_TABULAR_UNSUPPORTED = ("FeatureSpecificationS3Uri", "SampleWeightAttributeName", "GenerateCandidateDefinitionsOnly")


def create_v2(request: Document, scope: Scope) -> Document:
    """CreateAutoMLJobV2."""
    return _create(request, scope)


def create_v1(request: Document, scope: Scope) -> Document:
    """CreateAutoMLJob."""
    targets = {channel["TargetAttributeName"] for channel in request["InputDataConfig"]}
    if len(targets) != 1:
        raise invalid("TargetAttributeName must be the same for all channels.")
    return _create(_as_second_version(request), scope, first_version=request)


def describe_v2(request: Document, scope: Scope) -> Document:
    """DescribeAutoMLJobV2; knows the jobs of both versions."""
    job = _get(request, scope)
    resolved = _resolved(job)
    problem_type = resolved.pop("ProblemType", None)
    if problem_type:
        resolved["AutoMLProblemTypeResolvedAttributes"] = {"TabularResolvedAttributes": {"ProblemType": problem_type}}
    asked = {name: value for name, value in job.request.items() if name != "Tags"}
    asked["AutoMLJobInputDataConfig"] = [_CHANNEL_DEFAULTS | channel for channel in asked["AutoMLJobInputDataConfig"]]
    return {
        **asked, **_progress(job), "AutoMLProblemTypeConfigName": "Tabular",
        "ResolvedAttributes": forms.resolved(resolved),
    }  # fmt: skip


def describe_v1(request: Document, scope: Scope) -> Document:
    """DescribeAutoMLJob; it cannot describe jobs of the second version, as AWS documents."""
    job = _get(request, scope)
    if job.first_version is None:
        raise invalid(f"{job.name} was created by CreateAutoMLJobV2. Use DescribeAutoMLJobV2 to describe it.")
    asked = {name: value for name, value in job.first_version.items() if name != "Tags"}
    asked["InputDataConfig"] = [_CHANNEL_DEFAULTS | channel for channel in asked["InputDataConfig"]]
    return {**asked, **_progress(job), "ResolvedAttributes": forms.resolved(_resolved(job))}


def list_jobs(request: Document, scope: Scope) -> Document:
    """ListAutoMLJobs."""
    with store.lock:
        summaries = [_summary(job) for job in store.of_kind(Job, scope)]
    chosen = listing.chosen(summaries, request, name="AutoMLJobName", status="AutoMLJobStatus")
    sort_keys = {"Name": "AutoMLJobName", "CreationTime": "CreationTime", "Status": "AutoMLJobStatus"}
    page, token = listing.page(
        chosen, request, {sort: itemgetter(name) for sort, name in sort_keys.items()}, default_sort="Name"
    )
    return {"AutoMLJobSummaries": page, "NextToken": token}


def list_candidates(request: Document, scope: Scope) -> Document:
    """ListCandidatesForAutoMLJob."""
    job = _get(request, scope)
    with store.lock:
        chosen = listing.chosen(job.candidates, request, name="CandidateName", status="CandidateStatus")
    page, token = listing.page(
        chosen,
        request,
        {
            "CreationTime": itemgetter("CreationTime"),
            "Status": itemgetter("CandidateStatus"),
            "FinalObjectiveMetricValue": lambda candidate: candidate["FinalAutoMLJobObjectiveMetric"]["Value"],
        },
        default_order="Ascending",
    )
    return {"Candidates": [forms.described(candidate) for candidate in page], "NextToken": token}


def stop(request: Document, scope: Scope) -> Document:
    """StopAutoMLJob."""
    job = _get(request, scope)
    with store.lock:
        if job.status not in quotas.UNFINISHED:
            raise invalid(f"The request was rejected because the AutoML job is in status {job.status}.")
        job.status = job.secondary_status = "Stopping"
        job.modified_at = time.time()
    job_runner.stop(job)
    return {}


def fail_interrupted() -> None:
    """End the jobs that were running when the embedded cloud was stopped."""
    with store.lock:
        for job in store.of_kind(Job):
            if job.status in quotas.UNFINISHED:
                job.status = job.secondary_status = "Failed"
                job.failure_reason = "InternalServerError: the embedded cloud was stopped while the job was running."
                job.ended_at = job.modified_at = time.time()


def _create(request: Document, scope: Scope, first_version: Document | None = None) -> Document:
    _check(request)
    job = Job(scope, request["AutoMLJobName"], request, request.get("Tags", []), first_version=first_version)
    _check_target(job, s3_client(request["RoleArn"], scope, job.arn))
    with store.lock:
        if existing := store.find(Job, scope, job.name):
            raise ApiError(
                "ResourceInUse", f"An AutoML job with the name {existing.name} already exists: {existing.arn}"
            )
        quotas.require_job(scope)
        store.add(job)
    job_runner.start(job)
    return {"AutoMLJobArn": job.arn}


def _check_target(job: Job, s3: Any) -> None:
    """Autopilot reads the header before it accepts a job.

    The words are those that the SageMaker SDK's integration tests expect of AWS (tests/integ/test_auto_ml.py). What
    the role cannot read fails the job later.
    """
    target = job.tabular["TargetAttributeName"]
    for channel in job.request["AutoMLJobInputDataConfig"]:
        columns = dataset.header(s3, channel, job.request["RoleArn"], job.scope.region)
        if columns is not None and target not in columns:
            raise invalid(f"Target attribute name {target} does not exist in header.")


def _check(request: Document) -> None:
    """The rules that no shape states; each is in the API reference of CreateAutoMLJobV2."""
    config = request["AutoMLProblemTypeConfig"]
    if "TabularJobConfig" not in config:
        raise not_supported(f"{next(iter(config))}: any problem type but tabular")
    tabular = config["TabularJobConfig"]
    if unsupported := next((name for name in _TABULAR_UNSUPPORTED if tabular.get(name)), None):
        raise not_supported(unsupported)
    # AutoMLComputeConfig is for jobs that Canvas starts (API reference, AutoMLComputeConfig).
    if unsupported := next((name for name in ("ModelDeployConfig", "AutoMLComputeConfig") if request.get(name)), None):
        raise not_supported(unsupported)
    _check_objective(tabular.get("ProblemType"), request.get("AutoMLJobObjective", {}).get("MetricName"))
    _check_channels(request)


def _check_objective(problem_type: str | None, objective: str | None) -> None:
    if (problem_type is None) != (objective is None):
        raise invalid("Either both ProblemType and AutoMLJobObjective must be specified, or none of them.")
    if problem_type is not None and objective not in OBJECTIVES[problem_type]:
        allowed = ", ".join(sorted(OBJECTIVES[problem_type]))
        raise invalid(
            f"Invalid objective metric {objective} for problem type {problem_type}. Expected one of: {allowed}"
        )


def _check_channels(request: Document) -> None:
    channels = request["AutoMLJobInputDataConfig"]
    kinds = sorted(channel.get("ChannelType", "training") for channel in channels)
    if kinds not in (["training"], ["training", "validation"]):
        raise invalid("InputDataConfig must have exactly one training channel and at most one validation channel.")
    fraction = request.get("DataSplitConfig", {}).get("ValidationFraction")
    if fraction is not None and "validation" in kinds:
        raise invalid("ValidationFraction cannot be specified together with a validation channel.")
    if fraction is not None and not 0 < fraction < 1:
        raise invalid(f"ValidationFraction must be greater than 0 and less than 1, not {fraction}.")
    for channel in channels:
        _check_source(channel)


def _check_source(channel: Document) -> None:
    source = channel.get("DataSource", {}).get("S3DataSource")
    if source is None:
        raise invalid("DataSource is required in every channel of InputDataConfig.")
    if source["S3DataType"] == "AugmentedManifestFile":
        raise not_supported("AugmentedManifestFile")
    content_type = channel.get("ContentType", CSV)
    if content_type.replace(" ", "").lower() != CSV:
        raise not_supported(f"Content type {content_type}")
    if source["S3DataType"] != "S3Prefix" and channel.get("CompressionType") == "Gzip":
        raise invalid("CompressionType Gzip is only supported for S3Prefix.")


def _get(request: Document, scope: Scope) -> Job:
    job = store.find(Job, scope, request["AutoMLJobName"])
    if job is None:
        raise ApiError(
            "ResourceNotFound", f"Amazon SageMaker can't find an AutoML job called {request['AutoMLJobName']}."
        )
    return job


def _as_second_version(request: Document) -> Document:
    config = request.get("AutoMLJobConfig", {})
    generation = config.get("CandidateGenerationConfig", {})
    target = request["InputDataConfig"][0]
    tabular = {
        "TargetAttributeName": target["TargetAttributeName"],
        "SampleWeightAttributeName": target.get("SampleWeightAttributeName"),
        "ProblemType": request.get("ProblemType"),
        "Mode": config.get("Mode"),
        "CompletionCriteria": config.get("CompletionCriteria"),
        "GenerateCandidateDefinitionsOnly": request.get("GenerateCandidateDefinitionsOnly"),
        "FeatureSpecificationS3Uri": generation.get("FeatureSpecificationS3Uri"),
    }
    removed = ("TargetAttributeName", "SampleWeightAttributeName")
    channels = [
        {name: value for name, value in channel.items() if name not in removed}
        for channel in request["InputDataConfig"]
    ]
    second = {
        "AutoMLJobName": request["AutoMLJobName"],
        "AutoMLJobInputDataConfig": channels,
        "AutoMLProblemTypeConfig": {"TabularJobConfig": _without_none(tabular)},
        "SecurityConfig": config.get("SecurityConfig"),
        "DataSplitConfig": config.get("DataSplitConfig"),
    }
    same = ("OutputDataConfig", "RoleArn", "Tags", "AutoMLJobObjective", "ModelDeployConfig")
    return _without_none(second | {name: request.get(name) for name in same})


def _without_none(members: Document) -> Document:
    return {name: value for name, value in members.items() if value is not None}


def _summary(job: Job) -> Document:
    return {
        "AutoMLJobName": job.name,
        "AutoMLJobArn": job.arn,
        "AutoMLJobStatus": job.status,
        "AutoMLJobSecondaryStatus": job.secondary_status,
        "CreationTime": job.created_at,
        "EndTime": job.ended_at,
        "LastModifiedTime": job.modified_at,
        "FailureReason": job.failure_reason,
    }


def _progress(job: Job) -> Document:
    """A job's progress, as both versions of the description state it."""
    with store.lock:
        best = next((candidate for candidate in job.candidates if candidate["CandidateName"] == job.best), None)
        return {
            **_summary(job),
            "BestCandidate": forms.described(best) if best else None,
            "AutoMLJobArtifacts": {"DataExplorationNotebookLocation": job.notebook} if job.notebook else None,
            "PartialFailureReasons": [{"PartialFailureMessage": message} for message in job.partial_failures] or None,
        }


def _resolved(job: Job) -> Document:
    return _without_none(
        {
            "AutoMLJobObjective": {"MetricName": job.objective} if job.objective else None,
            "ProblemType": job.problem_type,
            "CompletionCriteria": job.tabular.get("CompletionCriteria"),
        }
    )
