"""Faults that a test switches on are what a client of AWS sees; nobody else switches them."""

from __future__ import annotations

import gc
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError

from local import CUSTOMER_ACCOUNT, faults
from local.faults import Fault

if TYPE_CHECKING:
    from local.cloud import EmbeddedCloud

pytestmark = pytest.mark.filterwarnings(  # a connection that a fault breaks is closed when it is collected, in any test
    "ignore::pytest.PytestUnraisableExceptionWarning"
)
Unique = Callable[[str], str]


@pytest.fixture
def injecting(cloud: EmbeddedCloud) -> Iterator[Callable[..., None]]:
    """Switch faults on until the test's end."""
    yield cloud.inject
    cloud.inject()
    gc.collect()  # here, where what is broken may be left open, and in no other test


@pytest.fixture
def bucket(cloud: EmbeddedCloud, unique: Unique) -> str:
    name = unique("faulty")
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def keys(cloud: EmbeddedCloud, bucket: str) -> list[str]:
    return [row["Key"] for row in cloud.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_the_nth_call_of_one_caller_is_throttled_and_the_others_are_answered(
    cloud: EmbeddedCloud, injecting: Callable[..., None], bucket: str, code_of: Callable[..., str]
) -> None:
    s3 = cloud.client("s3")
    injecting(
        Fault("throttled", "s3", "PutObject", first=2), Fault("revoked", caller=f"*{CUSTOMER_ACCOUNT}*", times=None)
    )
    s3.put_object(Bucket=bucket, Key="1", Body=b"")
    assert code_of(s3.put_object, Bucket=bucket, Key="2", Body=b"") == "SlowDown"
    s3.put_object(Bucket=bucket, Key="3", Body=b"")
    customer = cloud.client("sagemaker", CUSTOMER_ACCOUNT)
    assert [code_of(customer.list_models) for _ in range(2)] == ["AccessDeniedException"] * 2
    assert keys(cloud, bucket) == ["1", "3"]
    seen = cloud.injected()
    assert [fault["matched"] for fault in seen["faults"]] == [3, 2]
    assert ["s3", "PutObject", "arn:aws:iam::111111111111:root", 3] in seen["calls"]
    injecting()
    assert customer.list_models()["Models"] is not None


@pytest.mark.parametrize(("kind", "left"), [("request lost", []), ("reply lost", ["key"])])
def test_of_a_lost_request_nothing_is_done_and_of_a_lost_reply_all(
    cloud: EmbeddedCloud, injecting: Callable[..., None], bucket: str, kind: str, left: list[str]
) -> None:
    injecting(Fault(kind, "s3", "PutObject"))
    with pytest.raises(ConnectionClosedError):
        cloud.client("s3").put_object(Bucket=bucket, Key="key", Body=b"x")
    assert keys(cloud, bucket) == left


def test_a_slow_call_is_answered_later(cloud: EmbeddedCloud, injecting: Callable[..., None]) -> None:
    sts = cloud.client("sts")
    injecting(Fault("slow", "sts", "GetCallerIdentity", seconds=0.3))
    began = time.monotonic()
    assert sts.get_caller_identity()["Account"] == "111111111111"
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("kind", "seconds", "expected"),
    [("duplicated", 0.0, ["1", "1", "2"]), ("reordered", 30.0, ["2", "1"]), ("delayed", 0.5, ["2", "1"])],
)
def test_an_event_comes_twice_late_or_after_a_later_one(
    cloud: EmbeddedCloud,
    injecting: Callable[..., None],
    make_event_queue: Callable[..., Callable[[], dict[str, Any]]],
    unique: Unique,
    kind: str,
    seconds: float,
    expected: list[str],
) -> None:
    source = unique("source")
    next_event = make_event_queue({"source": [source]})
    injecting(Fault(kind, "events", "Numbered", seconds=seconds))
    for number in ("1", "2"):
        entry = {"Source": source, "DetailType": "Numbered", "Detail": json.dumps({"number": number})}
        cloud.client("events").put_events(Entries=[entry])
    assert [next_event()["detail"]["number"] for _ in expected] == expected


def test_whoever_does_not_know_the_word_switches_nothing(cloud: EmbeddedCloud) -> None:
    for word in ("", "0" * 64):
        request = urllib.request.Request(f"{cloud.endpoint_url}{faults.PATH}", b"[]", {faults.HEADER: word})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        with refused.value as answer:  # it holds the connection
            assert answer.code in (403, 404, 405)


def test_no_function_that_the_cloud_runs_knows_the_word(
    cloud: EmbeddedCloud, make_function: Callable[[str], str]
) -> None:
    function = make_function("import os\ndef handler(event, context): return dict(os.environ)")
    environment = json.loads(cloud.client("lambda").invoke(FunctionName=function)["Payload"].read())
    assert environment["AWS_REGION"]  # it has looked
    assert cloud._faults_word
    assert cloud._faults_word not in environment.values()
