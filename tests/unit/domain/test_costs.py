"""What a training did cost: what AWS bills of its jobs, and never more than its quote."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
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


def test_billed_seconds_of_a_training_are_what_aws_says_else_its_own_time() -> None:
    times = {"TrainingStartTime": NOON, "TrainingEndTime": NOON + timedelta(seconds=90, milliseconds=1)}
    of = partial(Job.of_step, costs.TRAINING_STEP)
    assert of(described(BillableTimeInSeconds=60, **times)) == Job("ml.m5.4xlarge", 2, 60)
    assert of(described(**times)) == Job("ml.m5.4xlarge", 2, 91)
    assert of(described(TrainingStartTime=NOON)) is None
    assert of(described()) == Job("ml.m5.4xlarge", 2, 0), "it never had an instance"
    assert of({"ResourceConfig": {}, "BillableTimeInSeconds": 60}) is None


def test_preparation_is_billed_from_its_start_to_its_end_by_what_was_launched() -> None:
    def processed(cluster: dict[str, Any], **times: Any) -> Job | None:
        return Job.of_step(costs.PROCESSING_STEP, {"ProcessingResources": {"ClusterConfig": cluster}, **times})

    asked, ran = {"InstanceType": "ml.m5.large", "InstanceCount": 2}, {"ProcessingStartTime": NOON}
    over = ran | {"ProcessingEndTime": NOON + timedelta(seconds=90, milliseconds=1)}
    # SageMaker API reference, ProcessingClusterConfig: "The job is billed for this instance type and count"
    launched = {"SelectedInstanceType": "ml.m5.xlarge", "SelectedInstanceCount": 1}
    assert processed(asked, **over) == Job("ml.m5.large", 2, 91, pricing.PROCESSING)
    assert processed(launched, **over) == Job("ml.m5.xlarge", 1, 91, pricing.PROCESSING)
    assert processed(asked | launched, **over) == Job("ml.m5.xlarge", 1, 91, pricing.PROCESSING)
    assert processed(launched | asked, **over) == Job("ml.m5.xlarge", 1, 91, pricing.PROCESSING)
    assert processed(asked, **ran) is None
    transform = {"TransformResources": asked, "TransformStartTime": NOON, "TransformEndTime": NOON}
    assert Job.of_step(costs.TRANSFORM_STEP, transform) == Job("ml.m5.large", 2, 0, pricing.TRANSFORM)


def test_a_step_that_several_candidates_share_counts_once() -> None:
    def step(kind: str, name: str) -> dict[str, str]:
        return {"CandidateStepType": f"AWS::SageMaker::{kind}", "CandidateStepName": name, "CandidateStepArn": "arn"}

    shared = [step("TrainingJob", "dpp0"), step("ProcessingJob", "split"), step("TransformJob", "dpp0")]
    candidates = [{"CandidateSteps": [*shared, step("TrainingJob", name)]} for name in ("b", "a")]
    assert costs.steps_of([*candidates, {}]) == [
        (costs.PROCESSING_STEP, "split"),
        *((costs.TRAINING_STEP, name) for name in ("a", "b", "dpp0")),
        (costs.TRANSFORM_STEP, "dpp0"),
    ]


def test_a_cost_is_rounded_up_once_and_says_what_is_not_in_it() -> None:
    jobs = [Job("ml.m5.4xlarge", 2, 5), Job("ml.m5.large", 1, 1), Job("ml.m5.large", 1, 1, pricing.PROCESSING), None]
    cost = costs.of_training(jobs, "us-east-1", TABLE).as_document()
    assert cost == {
        "training_seconds": 12,
        "training_usd": "0.002625",  # (0.922 * 10 + 0.115 * 2) / 3600
        "not_measured": 1,
    }
    assert costs.shown(cost) == cost | {"note": f"{costs.AT_LEAST}; 1 step of its candidates is not in it"}
    assert costs.shown(cost | {"not_measured": 0}) == cost | {"not_measured": 0, "note": costs.AT_LEAST}
    assert costs.shown(None) is None


def test_a_type_without_a_price_makes_the_cost_unknown_in_words() -> None:
    cost = costs.of_training([Job("ml.m5.4xlarge", 1, 5), Job("ml.p5.48xlarge", 1, 5)], "us-east-1", TABLE)
    shown = costs.shown(cost.as_document())
    assert shown
    assert (cost.seconds, shown["training_usd"], shown["note"]) == (10, None, costs.NO_PRICE)
    unused = costs.of_training([Job("ml.m5.4xlarge", 1, 5), Job("ml.p5.48xlarge", 1, 0)], "us-east-1", TABLE)
    assert unused.micros == 1281, "of what never ran nothing is asked"


def test_a_batch_costs_from_its_jobs_start_to_its_end() -> None:
    ran = {"TransformStartTime": NOON, "TransformEndTime": NOON + timedelta(seconds=90, milliseconds=1)}
    job = {"TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}} | ran
    assert costs.of_transform(job, "us-east-1", TABLE) == (91, 5814)
    assert costs.of_transform(job, "eu-central-1", TABLE) == (91, None), "no price is not free"
    assert costs.of_transform({**job, "TransformEndTime": None}, "us-east-1", TABLE) is None
    assert costs.of_transform({}, "us-east-1", TABLE) == (0, 0), "it never had an instance"


@given(st.data(), st.integers(1, 750), st.integers(900, 30 * 24 * 3600))
def test_no_training_within_its_limits_costs_more_than_its_quote(
    data: st.DataObject, max_candidates: int, max_runtime_seconds: int
) -> None:
    settings = replace(ModelSettings("y"), max_candidates=max_candidates, max_runtime_seconds=max_runtime_seconds)
    quote = quotes.training(settings, "us-east-1", TABLE)
    assert quote.price
    affordable = [
        (price.instance_type, price.use)
        for price in TABLE.values()
        if price.use in {pricing.TRAINING, pricing.PROCESSING, pricing.TRANSFORM}
        if price.micros_per_hour <= quote.price.micros_per_hour
    ]
    jobs = []
    for _ in range(quote.instances):  # each instance works for all the time, on several jobs one after the other
        left = quote.seconds
        for _ in range(data.draw(st.integers(0, 3))):
            seconds = data.draw(st.integers(0, left))
            left -= seconds
            instance_type, use = data.draw(st.sampled_from(affordable))
            jobs.append(Job(instance_type, 1, seconds, use))
    cost = costs.of_training(jobs, "us-east-1", TABLE)
    assert cost.micros is not None
    assert quote.worst_micros is not None
    assert cost.micros <= quote.worst_micros
