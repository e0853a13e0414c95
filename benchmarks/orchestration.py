"""What the provider pays for one training until its model is live, and for a tenant that does nothing.

One real run on the embedded cloud is counted: transitions from the histories of its executions, functions from their
REPORT lines, requests from the trail. Then what differs on AWS is put right, always upwards: a training takes hours
there, so its polls are those of `automl_job`; a function of 512 MB has not a whole core, so its time is stretched.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from benchmarks.stage import MODEL, TRAINING_SECONDS
from local import sample
from local.cloud import EmbeddedCloud
from local.inventory import record_calls
from local.onboard import onboard
from local.platform import WAIT_SCALE, Platform
from tenantml.domain.training import automl_job
from tenantml_cli.tenant_api import TenantApi

Document = dict[str, Any]

HOURS_TRAINED = 3
FIXED_POLL_SECONDS = 30
MONTH_HOURS = 730
STATES_OF_A_POLL = 3  # wait, look, choose
AIM_EXECUTION_USD, AIM_IDLE_USD = 0.01, 1.0
FULL_CORE_MB = 1769  # "Configure Lambda function memory": at this size a function has one vCPU
POLLERS, LONG_POLL_SECONDS = 5, 20  # "Using Lambda with Amazon SQS": of each queue that a function reads

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
# A month of these stays free for an account that has nothing else ("AWS Free Tier", always free).
FREE = {"invocation": 1_000_000, "GB-second": 400_000, "message": 1_000_000, "alarm": 10, "dashboard": 3, "log GB": 5}
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
        self._cloud, self._log_group = platform.cloud, _physical(platform, "FunctionsLogGroup")
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


def transitions_of(history: list[Document]) -> int:
    """Return how many transitions a history is: its start, each state that was entered, each retry."""
    entered = sum(event["type"].endswith("StateEntered") for event in history)
    tried = sum(event["type"] in {"TaskScheduled", "LambdaFunctionScheduled"} for event in history)
    tasks = sum(event["type"] == "TaskStateEntered" for event in history)
    return 1 + entered + max(0, tried - tasks)


def polls_of(hours: float) -> int:
    """Return how often a training of so many hours is looked at."""
    wait, waited, polls = automl_job.FIRST_WAIT_SECONDS, 0, 0
    while waited < hours * 3600:
        waited, wait, polls = waited + wait, automl_job.next_wait_seconds(wait), polls + 1
    return polls


def measure() -> Document:
    """Train and deploy one model, and return what that and a tenant's upkeep cost the provider."""
    with TemporaryDirectory() as folder, EmbeddedCloud(Path(folder), wait_scale=WAIT_SCALE) as cloud:
        platform = Platform.deploy(cloud)
        record_calls(cloud)
        upkeep = {"without tenants": _upkeep(platform)}
        path = Path(folder) / "churn.csv"
        sample.write(path)
        api = TenantApi(platform.api_url, onboard(platform, "bench", "222222222222", "bench@example.com").api_key)
        meter = Meter(platform)
        api.configure(MODEL, {"target": sample.TARGET})
        api.upload(MODEL, path)
        histories = _once_live(platform)
        bill = meter.bill()
        upkeep["with one"] = _upkeep(platform)
    return _summed_up(histories, bill, upkeep)


def _summed_up(histories: list[list[Document]], bill: Bill, upkeep: Mapping[str, Bill]) -> Document:
    made = sum(map(transitions_of, histories))
    looked = sum(
        event["type"] == "TaskStateEntered" and event["stateEnteredEventDetails"]["name"] == "CheckTraining"
        for history in histories
        for event in history
    )
    base = bill.plus(Bill({"transition": made}))
    of_one_function = Bill({name: count / bill.counts["invocation"] for name, count in bill.counts.items()})
    a_poll = of_one_function.plus(Bill({"transition": STATES_OF_A_POLL}))
    polls = {"ours": polls_of(HOURS_TRAINED), "a poll every 30 s": HOURS_TRAINED * 3600 // FIXED_POLL_SECONDS}
    ways = {name: base.plus(a_poll, count - looked) for name, count in polls.items()}
    without, one = upkeep["without tenants"], upkeep["with one"]
    idle = {free: _idle(without, free=free) for free in (False, True)}
    return {
        "hours_trained": HOURS_TRAINED,
        "execution": {name: {"polls": polls[name], "usd": way.usd, "counts": way.counts} for name, way in ways.items()},
        "notebook_usd": USD["notebook hour"] * HOURS_TRAINED,
        "execution_aim_usd": AIM_EXECUTION_USD,
        "execution_aim_is_met": ways["ours"].usd <= AIM_EXECUTION_USD,
        "idle_month": {"in full": idle[False], "beyond what stays free": idle[True]},
        "idle_month_usd": sum(idle[True].values()),
        "idle_aim_usd": AIM_IDLE_USD,
        "idle_aim_is_met": sum(idle[True].values()) <= AIM_IDLE_USD,
        "tenant_hour": {name: count - without.counts.get(name, 0) for name, count in one.counts.items()},
        "tenant_month_usd": (one.usd - without.usd) * MONTH_HOURS,
    }


def _upkeep(platform: Platform) -> Bill:
    """What one hour's upkeep costs."""
    meter = Meter(platform)
    for function in _scheduled():
        answer = platform.client("lambda").invoke(FunctionName=_physical(platform, function), Payload=b"{}")
        if "FunctionError" in answer:
            raise RuntimeError(f"{function}: {answer['Payload'].read()}")
    wait_for_upkeep(platform)
    return meter.bill()


def wait_for_upkeep(platform: Platform) -> None:
    """Wait until everything of the round that began is done, or given up."""
    sqs, names = platform.client("sqs"), ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = _physical(platform, "UpkeepQueue")
    while set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) != {"0"}:
        time.sleep(0.5)


def _idle(upkeep: Bill, *, free: bool) -> dict[str, float]:
    """What the stack costs in a month in which nobody comes, by what it is for; beyond what stays free, or in full."""
    types = Counter(resource["Type"] for resource in _resources().values())
    queues = sum(event["Type"] == "SQS" for event in _events())
    standing = {
        "message": queues * POLLERS * MONTH_HOURS * 3600 // LONG_POLL_SECONDS,
        "alarm": types["AWS::CloudWatch::Alarm"],
        "dashboard": types["AWS::CloudWatch::Dashboard"],
        "key": types["AWS::KMS::Key"],
    }
    counts = Bill(standing).plus(upkeep, MONTH_HOURS).counts
    return {name: USD[name] * max(0, count - (FREE.get(name, 0) if free else 0)) for name, count in counts.items()}


def _resources() -> dict[str, Document]:
    template = yaml_parse((Path(__file__).parents[1] / "template.yaml").read_text())
    found: dict[str, Document] = template["Resources"]
    return found


def _events() -> Iterator[Document]:
    for resource in _resources().values():
        yield from resource.get("Properties", {}).get("Events", {}).values() if "Serverless" in resource["Type"] else ()


def _scheduled() -> list[str]:
    return [
        name
        for name, resource in _resources().items()
        if resource["Type"] == "AWS::Serverless::Function"
        and any(event["Type"] == "Schedule" for event in resource["Properties"].get("Events", {}).values())
    ]


def _physical(platform: Platform, resource: str) -> str:
    found = platform.client("cloudformation").describe_stack_resource(
        StackName=platform.name, LogicalResourceId=resource
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def _once_live(platform: Platform) -> list[list[Document]]:
    """The histories of the training and the deployment, once both are over; nobody asks the API meanwhile."""
    steps, deadline = platform.client("stepfunctions"), time.monotonic() + TRAINING_SECONDS
    machines = [_physical(platform, f"{name}StateMachine") for name in ("Training", "Deployment")]
    while time.monotonic() < deadline:
        found = [each for arn in machines for each in steps.list_executions(stateMachineArn=arn)["executions"]]
        if len(found) == len(machines) and all(each["status"] != "RUNNING" for each in found):
            break
        time.sleep(0.5)
    if [each["status"] for each in found] != ["SUCCEEDED"] * len(machines):
        raise RuntimeError(f"the model is not live: {found}")
    pages = steps.get_paginator("get_execution_history")
    return [list(pages.paginate(executionArn=each["executionArn"]).search("events")) for each in found]
