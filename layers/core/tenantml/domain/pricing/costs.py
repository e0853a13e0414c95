"""Costs: what a training or a batch did cost the customer, from what AWS says of its jobs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenantml.domain.pricing import prices as pricing
from tenantml.domain.pricing.prices import HOUR_SECONDS, Prices, usd

TRAINING_STEP = "AWS::SageMaker::TrainingJob"
PROCESSING_STEP = "AWS::SageMaker::ProcessingJob"
TRANSFORM_STEP = "AWS::SageMaker::TransformJob"
CLUSTER = ("InstanceType", "InstanceCount")
AT_LEAST = "not in it: what Autopilot runs outside of its candidates, such as the analysis of the data and its reports"
OF_MONTH = "A training counts by the jobs behind its candidates, without what Autopilot runs beside them"
NO_PRICE = "unknown: the price table lacks a price of an instance type that the training used"


@dataclass(frozen=True)
class Job:
    """What AWS bills of one job: so many seconds of each of its instances, by the prices of its `use`."""

    instance_type: str
    instances: int
    seconds: int
    use: str = pricing.TRAINING

    @classmethod
    def of_step(cls, kind: str, description: Mapping[str, Any]) -> Job | None:
        """Read what AWS answers of a candidate's step; None where it does not say what it bills, or of what.

        SageMaker API reference: DescribeTrainingJob has BillableTimeInSeconds, which is billed for each instance, and
        DescribeProcessingJob the type and count that were launched, which are billed where several were asked for.
        """
        if kind == TRANSFORM_STEP:
            return cls.of_transform(description)
        if kind == PROCESSING_STEP:
            cluster = description["ProcessingResources"]["ClusterConfig"]
            launched = {name: cluster[f"Selected{name}"] for name in CLUSTER if f"Selected{name}" in cluster}
            return cls._of(cluster | launched, _ran(description, "Processing"), pricing.PROCESSING)
        seconds = description.get("BillableTimeInSeconds", _ran(description, "Training"))
        return cls._of(description["ResourceConfig"], seconds, pricing.TRAINING)

    @classmethod
    def of_transform(cls, description: Mapping[str, Any]) -> Job | None:
        """Read DescribeTransformJob's answer; None where AWS does not say when it ended.

        It is billed from TransformStartTime to TransformEndTime (SageMaker API reference).
        """
        return cls._of(description["TransformResources"], _ran(description, "Transform"), pricing.TRANSFORM)

    @classmethod
    def _of(cls, resources: Mapping[str, Any], seconds: int | None, use: str) -> Job | None:
        if seconds is None or "InstanceType" not in resources:
            return None
        return cls(resources["InstanceType"], int(resources.get("InstanceCount", 1)), int(seconds), use)


def _ran(description: Mapping[str, Any], what: str) -> int | None:
    """Return how many seconds a job had instances, none if it never had one; None where AWS says no end."""
    began, ended = description.get(f"{what}StartTime"), description.get(f"{what}EndTime")
    if began is None:
        return 0
    return None if ended is None else math.ceil((ended - began).total_seconds())


def of_transform(job: Mapping[str, Any], region: str, prices: Prices) -> tuple[int, int | None] | None:
    """Return the seconds of all instances that AWS bills of a batch transform that is over, and the micro-dollars that
    they cost, None where the price is unknown; None where AWS does not say when it ended.
    """
    if "TransformStartTime" not in job:
        return 0, 0  # it never had an instance
    found = Job.of_transform(job)
    if found is None:
        return None
    price = pricing.find(prices, region, found.instance_type, pricing.TRANSFORM)
    micros = None if price is None else price.cost_micros(found.seconds, found.instances)
    return found.seconds * found.instances, micros


@dataclass(frozen=True)
class TrainingCost:
    """Billed seconds, of all instances together, and what they cost in micro-dollars, None where a price is unknown;
    `not_measured` is how many steps of its candidates are not in it.
    """

    seconds: int
    micros: int | None
    not_measured: int

    def as_document(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {"training_seconds": self.seconds, "training_usd": usd(self.micros), "not_measured": self.not_measured}


def shown(cost: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the cost of a training as the API shows it, with what is not in it in words; None without one."""
    if cost is None:
        return None
    note, left_out = AT_LEAST if cost["training_usd"] is not None else NO_PRICE, cost["not_measured"]
    if left_out:
        note += f"; {left_out} step{' of its candidates is' if left_out == 1 else 's of its candidates are'} not in it"
    return {**cost, "note": note}


def steps_of(candidates: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the steps of candidates, each once, by kind and name."""
    steps = (step for candidate in candidates for step in candidate.get("CandidateSteps", []))
    return sorted({(step["CandidateStepType"], step["CandidateStepName"]) for step in steps})


def of_training(jobs: Sequence[Job | None], region: str, prices: Prices) -> TrainingCost:
    """Return what the jobs of a training cost together, rounded up once; None is one that nobody could measure."""
    known = [job for job in jobs if job is not None]
    found = [(job, pricing.find(prices, region, job.instance_type, job.use)) for job in known]
    micro_hours = sum(price.micros_per_hour * job.seconds * job.instances for job, price in found if price is not None)
    is_priced = all(price is not None or job.seconds == 0 for job, price in found)
    return TrainingCost(
        sum(job.seconds * job.instances for job in known),
        -(-micro_hours // HOUR_SECONDS) if is_priced else None,
        len(jobs) - len(known),
    )
