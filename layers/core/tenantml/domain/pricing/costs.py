"""Costs: what a training or a batch did cost the customer, from what AWS says of its jobs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenantml.domain.pricing import prices as pricing
from tenantml.domain.pricing.prices import HOUR_SECONDS, Prices, usd

TRAINING_STEP = "AWS::SageMaker::TrainingJob"


@dataclass(frozen=True)
class Job:
    """What AWS bills of one job: so many seconds of each of its instances."""

    instance_type: str
    instances: int
    seconds: int

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Job | None:
        """Read DescribeTrainingJob's answer: BillableTimeInSeconds, which AWS bills for each instance (SageMaker API
        reference), else from its start to its end; None where it says neither.
        """
        config = description["ResourceConfig"]
        seconds = description.get("BillableTimeInSeconds")
        if seconds is None and {"TrainingStartTime", "TrainingEndTime"} <= description.keys():
            ran = description["TrainingEndTime"] - description["TrainingStartTime"]
            seconds = math.ceil(ran.total_seconds())
        if seconds is None or "InstanceType" not in config:
            return None
        return cls(config["InstanceType"], int(config.get("InstanceCount", 1)), int(seconds))


def of_transform(job: Mapping[str, Any], region: str, prices: Prices) -> tuple[int, int | None] | None:
    """Return the seconds of all instances that AWS bills of a batch transform that is over, and the micro-dollars that
    they cost, None where the price is unknown; None where AWS does not say when it ended.

    It bills from TransformStartTime to TransformEndTime (SageMaker API reference, "DescribeTransformJob").
    """
    if "TransformStartTime" not in job:
        return 0, 0  # it never had an instance
    if "TransformEndTime" not in job:
        return None
    ran, resources = job["TransformEndTime"] - job["TransformStartTime"], job["TransformResources"]
    seconds, instances = math.ceil(ran.total_seconds()), int(resources["InstanceCount"])
    price = pricing.find(prices, region, resources["InstanceType"], pricing.TRANSFORM)
    return seconds * instances, None if price is None else price.cost_micros(seconds, instances)


@dataclass(frozen=True)
class TrainingCost:
    """Billed seconds, of all instances together, and what they cost in micro-dollars, None where a price is unknown;
    `not_measured` is how many steps of the training, such as the preparation of its data, are not in it.
    """

    seconds: int
    micros: int | None
    not_measured: int

    def as_document(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"training_seconds": self.seconds, "training_usd": usd(self.micros), "not_measured": self.not_measured}


def steps_of(candidates: Sequence[Mapping[str, Any]]) -> tuple[list[str], int]:
    """Return the names of the training jobs behind candidates, each once, and how many other steps there are."""
    steps = {
        (step["CandidateStepType"], step["CandidateStepName"])
        for candidate in candidates
        for step in candidate.get("CandidateSteps", [])
    }
    jobs = sorted(name for kind, name in steps if kind == TRAINING_STEP)
    return jobs, len(steps) - len(jobs)


def of_training(jobs: Sequence[Job | None], others: int, region: str, prices: Prices) -> TrainingCost:
    """Return what the jobs of a training cost together, rounded up once; `others` are steps that nobody measured."""
    known = [job for job in jobs if job is not None]
    found = [(job, pricing.find(prices, region, job.instance_type, pricing.TRAINING)) for job in known]
    micro_hours = sum(price.micros_per_hour * job.seconds * job.instances for job, price in found if price is not None)
    is_priced = all(price is not None for _, price in found)
    return TrainingCost(
        sum(job.seconds * job.instances for job in known),
        -(-micro_hours // HOUR_SECONDS) if is_priced else None,
        others + len(jobs) - len(known),
    )
