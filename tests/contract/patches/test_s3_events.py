"""An upload's event names the version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local import SAAS_ACCOUNT
from local.cloud import EmbeddedCloud


def test_the_event_carries_what_pins_and_orders_an_upload(
    cloud: EmbeddedCloud, make_bucket: Callable[..., str], make_event_queue: Callable[..., Callable[[], Any]]
) -> None:
    s3, bucket = cloud.client("s3"), make_bucket()
    next_event = make_event_queue({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}})
    sequencers = []
    for body in (b"first", b"second one"):
        put = s3.put_object(Bucket=bucket, Key="acme/churn/a b+c.csv", Body=body)
        event = next_event()
        assert (event["detail-type"], event["account"]) == ("Object Created", SAAS_ACCOUNT)
        uploaded = event["detail"]["object"]
        assert uploaded["key"] == "acme/churn/a b+c.csv"
        assert uploaded["version-id"] == put["VersionId"]
        assert (uploaded["etag"], uploaded["size"]) == (put["ETag"].strip('"'), len(body))
        sequencers.append(uploaded["sequencer"])
    assert sequencers[0] < sequencers[1]
