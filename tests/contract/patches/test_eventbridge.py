"""What PutEvents refuses, entry by entry."""

from __future__ import annotations

from typing import Any

from local.cloud import EmbeddedCloud

# localstack tests/aws/services/stepfunctions/v2/services/test_events_task_service.snapshot.json, recorded on AWS
GOOD = {"Source": "refusals", "DetailType": "kind", "Detail": '{"a": 1}'}


def test_each_malformed_entry_is_refused_and_the_others_are_sent(cloud: EmbeddedCloud, make_event_queue: Any) -> None:
    next_event = make_event_queue({"source": ["refusals"]})
    entries = [GOOD | {"Detail": '"text"'}, GOOD, {key: GOOD[key] for key in ("DetailType", "Detail")}]
    answer = cloud.client("events").put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 2
    malformed, sent, without_source = answer["Entries"]
    assert malformed == {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    assert without_source == {
        "ErrorCode": "InvalidArgument",
        "ErrorMessage": "Parameter Source is not valid. Reason: Source is a required argument.",
    }
    assert next_event()["id"] == sent["EventId"]
