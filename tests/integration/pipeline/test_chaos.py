"""The demonstration's scenario under seeded schedules of faults in the cloud. `make chaos` runs many of them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from local import SAAS_ACCOUNT
from tests.integration.pipeline.chaos import Queues, Scenario
from tests.integration.pipeline.schedules import Schedule, draw, shrink

if TYPE_CHECKING:
    from local.cloud import EmbeddedCloud
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary

SEED, COUNT = int(os.environ.get("CHAOS_SEED", "1")), int(os.environ.get("CHAOS_SCHEDULES", "2"))
FIRST, GIVEN = int(os.environ.get("CHAOS_FIRST", "0")), os.environ.get("CHAOS_FAULTS")


@pytest.fixture(scope="module")
def queues(cloud: EmbeddedCloud, session_environment: dict[str, str]) -> Iterator[Queues]:
    """The events of uploads and of our bus, as the template routes them."""
    sqs, events, s3 = cloud.client("sqs"), cloud.client("events"), cloud.client("s3")
    buses = {"uploads": "default", "outcomes": "tenantml"}
    patterns = {
        "uploads": {"source": ["aws.s3"], "detail-type": ["Object Created"]},
        "outcomes": {"source": ["tenantml"]},
    }
    urls = {}
    for name, pattern in patterns.items():
        urls[name] = sqs.create_queue(QueueName=f"chaos-{name}")["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:{SAAS_ACCOUNT}:chaos-{name}"
        service = {"Service": "events.amazonaws.com"}
        allowed = {"Effect": "Allow", "Principal": service, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        sqs.set_queue_attributes(QueueUrl=urls[name], Attributes={"Policy": policy})
        events.put_rule(Name=f"chaos-{name}", EventBusName=buses[name], EventPattern=json.dumps(pattern))
        events.put_targets(Rule=f"chaos-{name}", EventBusName=buses[name], Targets=[{"Id": "queue", "Arn": arn}])
    bucket = session_environment["INGEST_BUCKET"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    yield Queues(sqs, urls["uploads"], urls["outcomes"])
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})


@pytest.fixture
def tried(
    new_customer: Callable[..., Customer],
    queues: Queues,
    machine_of: Callable[..., object],
    boundary: Boundary,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Schedule], Scenario]:
    """Take a new tenant through a schedule."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)

    def take(schedule: Schedule) -> Scenario:
        scenario = Scenario(new_customer(), queues, machine_of, schedule)  # type: ignore[arg-type]
        try:
            scenario.execute()
        finally:
            scenario.first.cloud.inject()
        return scenario

    return take


@pytest.mark.explore  # `make chaos` runs as many as it is told
def test_whatever_fails_for_a_while_the_invariants_hold(
    tried: Callable[[Schedule], Scenario], capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = tried(Schedule((), uploads=2))
    assert not quiet.violations, "\n".join(quiet.violations)
    schedules = (
        [Schedule.parse(GIVEN, uploads=int(os.environ.get("CHAOS_UPLOADS", "1")))]
        if GIVEN is not None
        else [draw(SEED, number, quiet.calls) for number in range(FIRST, FIRST + COUNT)]
    )
    began, found = time.monotonic(), list[str]()
    for number, schedule in enumerate(schedules, FIRST):
        if not (violations := tried(schedule).violations):
            continue
        smallest = shrink(schedule, lambda smaller: bool(tried(smaller).violations)) if GIVEN is None else schedule
        repeat = f"repeat its smallest: make chaos UPLOADS={smallest.uploads} FAULTS='{smallest}'"
        found.append("\n  ".join([f"schedule {number} of seed {SEED} violates", *violations, repeat]))
        with capsys.disabled():  # a long run shows what it finds at once
            print(f"\n{found[-1]}", flush=True)
    with capsys.disabled():
        rate = 60 * len(schedules) / (time.monotonic() - began)
        print(f"\n{len(schedules)} schedules of seed {SEED}, {len(found)} violate something; {rate:.0f} a minute")
    assert not found, "\n".join(found)
