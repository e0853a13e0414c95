"""What happens in the accounts while something is measured: functions from their REPORT lines, our requests from the
trail, those in customers' accounts from their receipts.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from local.platform import Platform

Document = dict[str, Any]

FULL_CORE_MB = 1769  # "Configure Lambda function memory": at this size a function has one vCPU

# us-east-1, as the price pages of the services and the AWS Price List had them on 2026-09-28; without free tiers.
USD = {
    "transition": 0.025 / 1_000,  # Step Functions, Standard
    "GB-second": 0.0000133334,  # Lambda, arm64
    "invocation": 0.20 / 1_000_000,
    "write": 0.625 / 1_000_000,  # DynamoDB on demand, a kilobyte
    "read": 0.125 / 1_000_000,  # four kilobytes
    "S3 write": 0.005 / 1_000,
    "S3 read": 0.0004 / 1_000,
    "message": 0.40 / 1_000_000,  # SQS
    "event": 1.00 / 1_000_000,  # EventBridge, custom
    "notification": 0.50 / 1_000_000,  # SNS
    "log GB": 0.50,
    "alarm": 0.10,  # CloudWatch, a month
    "dashboard": 3.00,  # a month
    "key": 1.00,  # KMS, a month
    "notebook hour": 0.05,  # SageMaker ml.t3.medium: the article's way, open until the training is over
}
_REQUESTS = {"sqs": "message", "events": "event", "sns": "notification"}
_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
_S3_READS = ("Get", "Head")


class Bill:
    """Counts of what AWS asks money for."""

    def __init__(self, counts: Mapping[str, float]) -> None:
        self.counts = dict(counts)

    @property
    def usd(self) -> float:
        """What they cost."""
        return sum(USD[name] * count for name, count in self.counts.items())

    def plus(self, other: Bill, times: float = 1.0) -> Bill:
        """Return this one and another so many times."""
        names = self.counts | other.counts
        return Bill({name: self.counts.get(name, 0) + times * other.counts.get(name, 0) for name in names})


class Meter:
    """Counts what happens in the provider's account from its making on."""

    def __init__(self, platform: Platform) -> None:
        self._cloud, self._log_group = platform.cloud, physical(platform, "FunctionsLogGroup")
        self._evidence_table = physical(platform, "EvidenceTable")
        self._began = time.time()
        self._sizes: dict[str, int] = {}

    def bill(self) -> Bill:
        """Return the functions and requests since then."""
        found: dict[str, float] = defaultdict(float)
        for line in self._lines():
            found["log GB"] += len(line.encode()) / 1024**3
            if report := re.search(r"Billed Duration: ([\d.]+) ms\tMemory Size: (\d+) MB", line):
                seconds, memory = float(report[1]) / 1000, float(report[2])
                found["GB-second"] += seconds * memory / 1024 * max(1.0, FULL_CORE_MB / memory)
                found["invocation"] += 1
        for service, operation, parameters in self._calls():
            for name, count in self._priced(service, operation, parameters):
                found[name] += count
        return Bill(found)

    def receipts(self) -> Counter[str]:
        """Return how often each action was called in customers' accounts, as the receipts have it, since ever."""
        pages = self._cloud.client("dynamodb").get_paginator("scan").paginate(TableName=self._evidence_table)
        found: Counter[str] = Counter()
        for item in (item for page in pages for item in page["Items"] if "action" in item):
            found[item["action"]["S"]] += int(item["count"]["N"])
        return found

    def _lines(self) -> Iterator[str]:
        pages = self._cloud.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=self._log_group, startTime=int(self._began * 1000)):
            yield from (event["message"] for event in page["events"])

    def _calls(self) -> Iterator[tuple[str, str, Document]]:
        """Every call by a role in the provider's account, newest first; the trail shows 50 at a time."""
        trail, seen, until = self._cloud.client("cloudtrail"), set[str](), time.time()
        while True:
            page = trail.lookup_events(StartTime=self._began, EndTime=until)["Events"]
            fresh = [event for event in page if event["EventId"] not in seen]
            seen.update(event["EventId"] for event in fresh)
            for event in fresh:
                if event["AccessKeyId"].startswith("ASIA"):
                    parameters = json.loads(event["CloudTrailEvent"])["requestParameters"] or {}
                    yield event["EventSource"].partition(".")[0], event["EventName"], parameters
            if not fresh:
                return
            until = page[-1]["EventTime"].timestamp()

    def _priced(self, service: str, operation: str, parameters: Document) -> Iterator[tuple[str, float]]:
        if service == "dynamodb" and operation == "TransactWriteItems":  # twice what a write alone costs
            for action in parameters["TransactItems"]:
                ((_, write),) = action.items()
                yield "write", 2 * self._units(write, 1)
        elif service == "dynamodb":
            yield (
                ("write", self._units(parameters, 1)) if operation in _WRITES else ("read", self._units(parameters, 4))
            )
        elif service == "s3":
            yield ("S3 read" if operation.startswith(_S3_READS) else "S3 write"), 1
        elif service in _REQUESTS:
            yield _REQUESTS[service], 1

    def _units(self, request: Document, kilobytes: int) -> int:
        """Of the item as it is now, which is as large as it ever was; a query is one of 20 items of a kilobyte."""
        if "Item" in request:
            size = len(json.dumps(request["Item"]))
        elif "Key" in request:
            name = json.dumps([request["TableName"], request["Key"]], sort_keys=True)
            if name not in self._sizes:
                found = self._cloud.client("dynamodb").get_item(TableName=request["TableName"], Key=request["Key"])
                self._sizes[name] = len(json.dumps(found.get("Item", "")))
            size = self._sizes[name]
        else:
            size = 20 * 1024
        return -(-size // (kilobytes * 1024)) or 1


def physical(platform: Platform, resource: str) -> str:
    """Return the physical id of one of the stack's resources."""
    found = platform.client("cloudformation").describe_stack_resource(
        StackName=platform.name, LogicalResourceId=resource
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])
