"""What a training did cost: what AWS bills of its jobs, and never more than its quote."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.pricing import costs, quotes
from tenantml.domain.pricing import prices as pricing
from tenantml.domain.pricing.costs import Job
from tenantml.domain.training.model_settings import ModelSettings

TABLE = pricing.table()
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def described(**fields: Any) -> dict[str, Any]:
    return {"ResourceConfig": {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 2, "VolumeSizeInGB": 50}, **fields}


def test_billed_seconds_are_what_aws_says_else_the_jobs_own_time() -> None:
    times = {"TrainingStartTime": NOON, "TrainingEndTime": NOON + timedelta(seconds=90, milliseconds=1)}
    assert Job.of(described(BillableTimeInSeconds=60, **times)) == Job("ml.m5.4xlarge", 2, 60)
    assert Job.of(described(**times)) == Job("ml.m5.4xlarge", 2, 91)
    assert Job.of(described(TrainingStartTime=NOON)) is None
    assert Job.of({"ResourceConfig": {}, "BillableTimeInSeconds": 60}) is None


def test_a_step_that_several_candidates_share_counts_once() -> None:
    def step(kind: str, name: str) -> dict[str, str]:
        return {"CandidateStepType": f"AWS::SageMaker::{kind}", "CandidateStepName": name, "CandidateStepArn": "arn"}

    shared = [step("TrainingJob", "dpp0"), step("ProcessingJob", "split"), step("TransformJob", "dpp0")]
    candidates = [{"CandidateSteps": [*shared, step("TrainingJob", name)]} for name in ("b", "a")]
    assert costs.steps_of([*candidates, {}]) == (["a", "b", "dpp0"], 2)


def test_a_cost_is_rounded_up_once_and_says_what_is_not_in_it() -> None:
    cost = costs.of_training([Job("ml.m5.4xlarge", 2, 5), Job("ml.m5.large", 1, 1), None], 4, "us-east-1", TABLE)
    assert cost.as_document() == {
        "training_seconds": 11,
        "training_usd": "0.002594",  # (0.922 * 10 + 0.115) / 3600
        "not_measured": 5,
    }


def test_a_type_without_a_price_makes_the_cost_unknown() -> None:
    cost = costs.of_training([Job("ml.m5.4xlarge", 1, 5), Job("ml.p5.48xlarge", 1, 5)], 0, "us-east-1", TABLE)
    assert (cost.seconds, cost.as_document()["training_usd"]) == (10, None)


def test_a_batch_costs_from_its_jobs_start_to_its_end() -> None:
    ran = {"TransformStartTime": NOON, "TransformEndTime": NOON + timedelta(seconds=90, milliseconds=1)}
    job = {"TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}} | ran
    assert costs.of_transform(job, "us-east-1", TABLE) == (91, 5814)
    assert costs.of_transform(job, "eu-central-1", TABLE) == (91, None), "no price is not free"
    assert costs.of_transform({"TransformStartTime": NOON}, "us-east-1", TABLE) is None
    assert costs.of_transform({}, "us-east-1", TABLE) == (0, 0), "it never had an instance"


@given(st.data(), st.integers(1, 750), st.integers(900, 30 * 24 * 3600))
def test_no_training_within_its_limits_costs_more_than_its_quote(
    data: st.DataObject, max_candidates: int, max_runtime_seconds: int
) -> None:
    settings = replace(ModelSettings("y"), max_candidates=max_candidates, max_runtime_seconds=max_runtime_seconds)
    quote = quotes.training(settings, "us-east-1", TABLE)
    assert quote.price
    affordable = [
        price.instance_type
        for price in TABLE.values()
        if price.use == pricing.TRAINING and price.micros_per_hour <= quote.price.micros_per_hour
    ]
    jobs = []
    for _ in range(quote.instances):  # each instance works for all the time, on several jobs one after the other
        left = quote.seconds
        for _ in range(data.draw(st.integers(0, 3))):
            seconds = data.draw(st.integers(0, left))
            left -= seconds
            jobs.append(Job(data.draw(st.sampled_from(affordable)), 1, seconds))
    cost = costs.of_training(jobs, 0, "us-east-1", TABLE)
    assert cost.micros is not None
    assert quote.worst_micros is not None
    assert cost.micros <= quote.worst_micros
