"""A request that reads is answered again when a thread changed in between what it read; one that writes is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch_logs

from local import REGION, SAAS_ACCOUNT
from local.patches import concurrent_reads


class Event(dict[str, Any]):
    """A line of a log; while it is read for the first time, the log of an invocation begins."""

    def __init__(self, streams: dict[str, Any]) -> None:
        super().__init__(message="a line", timestamp=1)
        self._streams = streams

    def get(self, key: str, default: Any = None) -> Any:
        self._streams.setdefault("second", {"events": []})
        return super().get(key, default)


@pytest.fixture
def busy_group(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    streams: dict[str, Any] = {}
    streams["first"] = {"events": [Event(streams)]}
    group = {"arn": "arn", "creationTime": 1, "retentionInDays": None, "streams": streams}
    with request_scope(SAAS_ACCOUNT, REGION):
        monkeypatch.setattr(cloudwatch_logs, "_log_groups", {"busy": group})
        yield "busy"


def ask(handle: concurrent_reads.Handler, method: str, headers: dict[str, str], body: bytes) -> Any:
    async def asking() -> Any:
        return await handle(method, "/", headers, body, {})

    return asyncio.run(asking())


_DESCRIBE = ("POST", {"x-amz-target": "Logs_20140328.DescribeLogGroups"}, b"{}")


def test_as_shipped_a_log_that_begins_ends_the_list_of_groups(busy_group: str) -> None:
    with pytest.raises(RuntimeError, match="changed size during iteration"):
        ask(cloudwatch_logs.handle_request, *_DESCRIBE)


def test_log_groups_are_described_while_functions_write_logs(busy_group: str) -> None:
    status, _headers, body = ask(concurrent_reads.again(cloudwatch_logs.handle_request), *_DESCRIBE)
    assert (status, [group["logGroupName"] for group in json.loads(body)["logGroups"]]) == (200, [busy_group])


@pytest.mark.parametrize(
    ("method", "headers", "body", "times"),
    [
        ("GET", {}, b"", 2),
        ("POST", {"x-amz-target": "DynamoDB_20120810.Query"}, b"{}", 2),
        ("POST", {}, b"Action=ListRoles&Version=2010-05-08", 2),
        ("PUT", {}, b"", 1),
        ("POST", {"x-amz-target": "AWSStepFunctions.GetActivityTask"}, b"{}", 1),
        ("POST", {"x-amz-target": "DynamoDB_20120810.PutItem"}, b"{}", 1),
        ("POST", {}, b"Action=CreateRole&RoleName=ListRoles", 1),
    ],
)
def test_only_what_reads_is_done_twice(method: str, headers: dict[str, str], body: bytes, times: int) -> None:
    done: list[str] = []

    async def interrupted_once(*request: Any) -> str:
        done.append(request[0])
        if len(done) == 1:
            raise RuntimeError("dictionary changed size during iteration")
        return "answered"

    try:
        answer = ask(concurrent_reads.again(interrupted_once), method, headers, body)
    except RuntimeError:
        answer = None
    assert (len(done), answer) == (times, "answered" if times == 2 else None)


def test_another_error_is_not_tried_again() -> None:
    done: list[str] = []

    async def broken(*request: Any) -> None:
        done.append(request[0])
        raise RuntimeError("no event loop")

    with pytest.raises(RuntimeError, match="no event loop"):
        ask(concurrent_reads.again(broken), "GET", {}, b"")
    assert done == ["GET"]
