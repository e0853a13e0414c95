"""What an AutoML job's description means: whether it is over, how it ended, and what the tenant sees."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tenantml.domain.training import candidates, inference_containers
from tenantml.domain.training.model_settings import AUTO, ENSEMBLING, HYPERPARAMETER_TUNING, ModelSettings
from tenantml.errors import QuotaExceeded, TrainingFailed, TrainingStopped, TrainingTimedOut

OVER = frozenset({"Completed", "Failed", "Stopped"})
FIRST_WAIT_SECONDS = 30
GRACE_SECONDS = 3600  # Autopilot ends a job at its runtime cap, and writes its reports after that
DEFAULT_OBJECTIVES = {"F1": "BinaryClassification", "Accuracy": "MulticlassClassification", "MSE": "Regression"}
LONGEST_WAIT_SECONDS = 1200  # between two polls
PARTIAL_FAILURE, REPORT_MISSING, TRAINED_ON_SAMPLE = "partial-failure", "report-missing", "trained-on-sample"
ENSEMBLING_LIMIT_BYTES = 100 * 1000**2
SAMPLED_FROM_BYTES = 5 * 1000**3  # SageMaker developer guide, "Amazon SageMaker Autopilot quotas"
REPORTS_MISSING = {"ExplainabilityError": "explainability", "ModelInsightsError": "model insights"}
"""By secondary status, the report that a completed job lacks."""
# What SageMaker says where a job or an endpoint of its own could not have the instances that it needs.
QUOTA_WORDS = ("ResourceLimitExceeded", "account-level service limit")


def training_mode(settings: ModelSettings, size_bytes: int) -> str:
    """Return the mode that a training set of this size is trained with, where AUTO leaves it to us.

    Autopilot decides alike by size (SageMaker developer guide, "Autopilot training modes"), but a serverless endpoint
    takes the one container of ENSEMBLING only.
    """
    if settings.mode != AUTO:
        return settings.mode
    small = size_bytes < ENSEMBLING_LIMIT_BYTES or settings.asks_for_serverless
    return ENSEMBLING if small else HYPERPARAMETER_TUNING


def size_advice(size_bytes: int) -> list[dict[str, str]]:
    """Return what to know of a training set of this size before it is trained on."""
    if size_bytes <= SAMPLED_FROM_BYTES:
        return []
    message = f"Autopilot trains on a sample of 5 GB of the training set, which has {size_bytes / 1000**3:.1f} GB"
    return [{"rule": TRAINED_ON_SAMPLE, "message": message}]


def is_over(job: dict[str, Any], max_runtime_seconds: int) -> bool:
    """Return whether the job (DescribeAutoMLJobV2's answer) completed.

    Raises:
        QuotaExceeded: it failed because a quota of the account is used up; the message carries Autopilot's reason.
        TrainingFailed: it failed otherwise; the message carries Autopilot's reason.
        TrainingStopped: it was stopped.
        TrainingTimedOut: it still runs long after its cap.
    """
    status, name = job["AutoMLJobStatus"], job["AutoMLJobName"]
    if status == "Failed":
        reason = job.get("FailureReason", "no reason given")
        kind = QuotaExceeded if is_about_quota(reason) else TrainingFailed
        raise kind(f"the AutoML job {name} failed: {reason}; fix this and upload again")
    if status in {"Stopped", "Stopping"}:
        raise TrainingStopped(f"the AutoML job {name} was stopped in the customer's account; upload again to retry")
    if status == "Completed":
        return True
    age_seconds = (datetime.now(UTC) - job["CreationTime"]).total_seconds()
    if age_seconds > max_runtime_seconds + GRACE_SECONDS:
        raise TrainingTimedOut(
            f"the AutoML job {name} still runs after {age_seconds:.0f} s; raise max_runtime_seconds or upload "
            "fewer rows"
        )
    return False


def is_about_quota(reason: str) -> bool:
    """Return whether SageMaker's reason of a failure is a quota of the account."""
    return any(words in reason for words in QUOTA_WORDS)


def progress(job: dict[str, Any], all_candidates: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the tenant sees of a job and its candidates; whatever Autopilot leaves out is null."""
    best = job.get("BestCandidate") or {}
    return {
        "job_name": job["AutoMLJobName"],
        "status": job["AutoMLJobStatus"],
        "secondary_status": job.get("AutoMLJobSecondaryStatus"),
        "seconds": _seconds(job),
        "mode": job.get("AutoMLProblemTypeConfig", {}).get("TabularJobConfig", {}).get("Mode"),
        "problem_type": problem_type(job),
        "objective": candidates.objective(best),
        "candidates": candidates.leaderboard(all_candidates, best.get("CandidateName", "")),
    }


def _seconds(job: dict[str, Any]) -> int | None:
    """Return how long the job ran from its creation to its end, None before."""
    return round((job["EndTime"] - job["CreationTime"]).total_seconds()) if job.get("EndTime") else None


def problem_type(job: dict[str, Any]) -> str | None:
    """Return which problem the job solves: what it resolved, what it was asked, or what its best candidate tells.

    Jobs were seen without ResolvedAttributes. A job that was not asked has the default objective of its problem: F1,
    Accuracy or MSE (SageMaker API reference, "AutoMLJobObjective"); and the containers of a regression are the only
    ones that cannot choose what they answer.
    """
    resolved = job.get("ResolvedAttributes", {}).get("AutoMLProblemTypeResolvedAttributes", {})
    asked = job.get("AutoMLProblemTypeConfig", {})
    for stated in (resolved.get("TabularResolvedAttributes", {}), asked.get("TabularJobConfig", {})):
        if "ProblemType" in stated:
            return str(stated["ProblemType"])
    best = job.get("BestCandidate") or {}
    metric = (candidates.objective(best) or {}).get("name")
    if metric in DEFAULT_OBJECTIVES:
        return DEFAULT_OBJECTIVES[metric]
    containers = best.get("InferenceContainers")
    return "Regression" if containers and not inference_containers.supported_keys(containers[-1]) else None


def advice(job: dict[str, Any]) -> list[dict[str, str]]:
    """Return what went wrong beside the training, which a version can do without."""
    found = [
        {"rule": PARTIAL_FAILURE, "message": str(reason["PartialFailureMessage"])}
        for reason in job.get("PartialFailureReasons") or []
        if reason.get("PartialFailureMessage")
    ]
    report = REPORTS_MISSING.get(job.get("AutoMLJobSecondaryStatus", ""))
    if report:
        message = f"Autopilot could not write its {report} report; the candidates are not affected"
        found.append({"rule": REPORT_MISSING, "message": message})
    return found


def next_wait_seconds(wait_seconds: int) -> int:
    """Return the wait before the next poll, a fifth longer, 20 minutes at most.

    A poll is about 9 events and a history holds 25,000 (Step Functions service quotas), so 30 days of polls fit.
    """
    return min(wait_seconds * 6 // 5, LONGEST_WAIT_SECONDS)
