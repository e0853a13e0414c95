"""Events of uploads that come twice, late or about what is no longer there: each upload ends once, as what it was."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from local.inventory import calls_into
from local.platform import Platform
from tenantml.domain.names import execution_name
from tenantml_cli.errors import Refused
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant

HEADER = "a,b,y\n"
ROWS = [f"{i % 83},t{i % 7},{'yes' if i % 83 > 40 else 'no'}\n" for i in range(500)]


@dataclass(frozen=True)
class Dropped:
    """A version of an object in the ingest bucket, and its event."""

    platform: Platform
    key: str
    version_id: str
    etag: str
    size_bytes: int
    at: datetime

    @property
    def execution(self) -> str:
        return execution_name(self.platform.outputs["IngestBucket"], self.key, self.version_id)

    def send_event(self) -> None:
        """Deliver the event, and wait until it was taken."""
        event = {
            "time": f"{self.at:%Y-%m-%dT%H:%M:%SZ}",
            "detail": {
                "bucket": {"name": self.platform.outputs["IngestBucket"]},
                "object": {
                    "key": self.key,
                    "version-id": self.version_id,
                    "etag": self.etag,
                    "size": self.size_bytes,
                    "sequencer": f"{int(self.at.timestamp() * 1000):016X}",
                },
            },
        }
        sqs = self.platform.cloud.client("sqs")
        (queue,) = [url for url in sqs.list_queues()["QueueUrls"] if "UploadQueue" in url]
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
        waiting = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        while any(
            int(found)
            for found in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=waiting)["Attributes"].values()
        ):
            time.sleep(0.1)


@dataclass(frozen=True)
class Ingest:
    """The ingest bucket, whose events the test sends."""

    platform: Platform

    def drop(self, key: str, text: str) -> Dropped:
        """Put an object, without an event."""
        s3 = self.platform.cloud.client("s3")
        stored = s3.put_object(Bucket=self.platform.outputs["IngestBucket"], Key=key, Body=text.encode())
        etag = stored["ETag"].strip('"')
        return Dropped(self.platform, key, stored["VersionId"], etag, len(text.encode()), datetime.now(UTC))

    def delete(self, dropped: Dropped) -> None:
        """Delete a version for good."""
        self.platform.cloud.client("s3").delete_object(
            Bucket=self.platform.outputs["IngestBucket"], Key=dropped.key, VersionId=dropped.version_id
        )


@pytest.fixture
def ingest(platform: Platform) -> Iterator[Ingest]:
    """Hold S3's events back while a test sends them in its own order."""
    events = platform.cloud.client("events")
    (rule,) = [rule["Name"] for rule in events.list_rules()["Rules"] if "aws.s3" in rule.get("EventPattern", "")]
    events.disable_rule(Name=rule)
    yield Ingest(platform)
    events.enable_rule(Name=rule)


def ended(tenant: Tenant, dropped: Dropped) -> dict[str, Any]:
    """Wait until an upload has ended, and return its document."""

    def execution() -> dict[str, Any]:
        with suppress(Refused):  # not known yet
            return tenant.api.execution(dropped.execution)
        return {"ended_at": None}

    return wait_for(execution, lambda found: found["ended_at"], seconds=240)


def executions_of(platform: Platform, dropped: Dropped) -> list[str]:
    steps = platform.cloud.client("stepfunctions")
    pages = steps.get_paginator("list_executions").paginate(stateMachineArn=platform.outputs["TrainingStateMachineArn"])
    names = [found["name"] for page in pages for found in page["executions"]]
    return [name for name in names if name == dropped.execution]


def test_an_event_that_comes_three_times_gives_one_execution_and_one_job_and_five_hundred_rows_are_enough(
    acme: Tenant, ingest: Ingest
) -> None:
    acme.api.configure("once", {"target": "y", "max_candidates": 1, "bake_minutes": 1})
    dropped = ingest.drop("acme/once/file.csv", HEADER + "".join(ROWS))
    dropped.send_event()
    dropped.send_event()
    found = ended(acme, dropped)
    assert (found["status"], found["error"]) == ("succeeded", None)
    assert found["rows"] == {"train": 500, "holdout": 0}  # Autopilot wants the 500 for itself
    dropped.send_event()
    assert executions_of(acme.platform, dropped) == [dropped.execution]
    jobs = acme.platform.cloud.client("sagemaker", acme.account_id).list_auto_ml_jobs(
        NameContains=found["training"]["job_name"].rpartition("-")[0]
    )
    assert [job["AutoMLJobName"] for job in jobs["AutoMLJobSummaries"]] == [found["training"]["job_name"]]
    again = acme.api.execution(dropped.execution)
    assert {**again, "request_id": found["request_id"]} == found
    answered = acme.api.predict_rows("once", [{"a": 1, "b": "t1"}])
    assert answered["version"] == found["version"]


def test_an_upload_whose_event_a_newer_one_overtook_is_superseded_and_nothing_is_spent_on_it(
    globex: Tenant, ingest: Ingest
) -> None:
    globex.api.configure("order", {"target": "y", "max_candidates": 1, "bake_minutes": 1})
    older = ingest.drop("globex/order/older.csv", HEADER + "".join(ROWS))
    newer = ingest.drop("globex/order/newer.csv", HEADER)
    older = replace(older, at=datetime.fromtimestamp(newer.at.timestamp() - 1, UTC))
    before = calls_into(globex.platform.cloud, globex.account_id)
    newer.send_event()
    assert ended(globex, newer)["error"]["code"] == "HeaderOnly"
    older.send_event()
    found = ended(globex, older)
    assert (found["status"], found["error"]["code"]) == ("superseded", "UploadSuperseded")
    assert "newer upload" in found["error"]["message"]
    assert calls_into(globex.platform.cloud, globex.account_id) == before


def test_each_version_of_a_replaced_object_is_judged_by_its_own_content(globex: Tenant, ingest: Ingest) -> None:
    globex.api.configure("replaced", {"target": "y"})
    first = ingest.drop("globex/replaced/file.csv", HEADER + "1,2\n")
    second = ingest.drop("globex/replaced/file.csv", HEADER)
    first.send_event()
    assert ended(globex, first)["error"]["code"] == "RaggedRow"
    second.send_event()
    assert ended(globex, second)["error"]["code"] == "HeaderOnly"


def test_an_upload_that_was_deleted_before_it_was_read_has_changed(globex: Tenant, ingest: Ingest) -> None:
    globex.api.configure("deleted", {"target": "y"})
    dropped = ingest.drop("globex/deleted/file.csv", HEADER + "".join(ROWS))
    ingest.delete(dropped)
    before = calls_into(globex.platform.cloud, globex.account_id)
    dropped.send_event()
    found = ended(globex, dropped)
    assert (found["status"], found["error"]["code"]) == ("failed", "DatasetChanged")
    assert "upload it again" in found["error"]["message"]
    assert calls_into(globex.platform.cloud, globex.account_id) == before
