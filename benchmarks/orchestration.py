"""What the provider pays for one training until its model is live, and for a tenant that does nothing.

One real run on the embedded cloud is counted: transitions from the histories of its executions, functions from their
REPORT lines, requests from the trail. Then what differs on AWS is put right, always upwards: a training takes hours
there, so its polls are those of `automl_job`; a function of 512 MB has not a whole core, so its time is stretched.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from benchmarks.metering import USD, Bill, Meter, physical
from benchmarks.polling import EVENTS_OF_A_POLL, HOURS_TRAINED, STATES_OF_A_POLL, polls_of
from benchmarks.stage import MODEL, TRAINING_SECONDS
from local import sample
from local.cloud import EmbeddedCloud
from local.inventory import record_calls
from local.onboard import onboard
from local.platform import WAIT_SCALE, Platform
from tenantml_cli.tenant_api import TenantApi

Document = dict[str, Any]

FIXED_POLL_SECONDS = 30
MONTH_HOURS = 730
CUSTOMER_ACCOUNT = "222222222222"
STANDING = {None, "HasDashboard"}  # conditions under which a resource stands by default
AIM_EXECUTION_USD, AIM_IDLE_USD = 0.01, 1.0
POLLERS, LONG_POLL_SECONDS = 5, 20  # "Using Lambda with Amazon SQS": of each queue that a function reads

# A month of these stays free for an account that has nothing else ("AWS Free Tier", always free).
FREE = {"invocation": 1_000_000, "GB-second": 400_000, "message": 1_000_000, "alarm": 10, "dashboard": 3, "log GB": 5}


def transitions_of(history: list[Document]) -> int:
    """Return how many transitions a history is: its start, each state that was entered, each retry."""
    entered = sum(event["type"].endswith("StateEntered") for event in history)
    tried = sum(event["type"] in {"TaskScheduled", "LambdaFunctionScheduled"} for event in history)
    tasks = sum(event["type"] == "TaskStateEntered" for event in history)
    return 1 + entered + max(0, tried - tasks)


def measure() -> Document:
    """Train and deploy one model, and return what that and a tenant's upkeep cost the provider."""
    with TemporaryDirectory() as folder, EmbeddedCloud(Path(folder), wait_scale=WAIT_SCALE) as cloud:
        platform = Platform.deploy(cloud)
        record_calls(cloud)
        upkeep = {"without tenants": _upkeep(platform)}
        path = Path(folder) / "churn.csv"
        sample.write(path)
        api = TenantApi(platform.api_url, onboard(platform, "bench", CUSTOMER_ACCOUNT, "bench@example.com").api_key)
        meter = Meter(platform)
        probed = meter.receipts()
        api.configure(MODEL, {"target": sample.TARGET})
        api.upload(MODEL, path)
        histories = _once_live(platform)
        bill = meter.bill()
        receipts = meter.receipts() - probed
        upkeep["with one"] = _upkeep(platform)
        upkeep_receipts = meter.receipts() - probed - receipts
    found = _summed_up(histories, bill, upkeep)
    return found | {"counted": _counted(found, histories, receipts, upkeep_receipts)}


def _counted(
    found: Document,
    histories: list[list[Document]],
    receipts: Counter[str],
    upkeep_receipts: Counter[str],
) -> Document:
    """What `benchmarks.capacity` needs: what an upload takes of each quota, and a tenant in an hour."""
    ours = found["execution"]["ours"]
    looks = ours["polls"] - _looks(histories)
    services = Counter(action.partition(":")[0] for action in receipts.elements())
    priced = {name: round(count) for name, count in ours["counts"].items() if name not in {"GB-second", "log GB"}}
    upload = {
        "execution": len(histories),
        "AssumeRole": receipts["sts:AssumeRole"] + looks,  # each state assumes the role afresh
        "customer SageMaker": services["sagemaker"] + looks,
        "customer S3": services["s3"],
    }
    timed = {"log GB", "GB-second"}  # as long as the machine takes
    hour = {name: round(count, 1) for name, count in found["tenant_hour"].items() if name not in timed}
    return {
        "upload": priced | upload,
        "history events": {
            "longest": max(map(len, histories)) - _looks(histories) * EVENTS_OF_A_POLL,
            "a look": EVENTS_OF_A_POLL,
        },
        "tenant hour": hour | {"AssumeRole": upkeep_receipts["sts:AssumeRole"]},
    }


def _summed_up(histories: list[list[Document]], bill: Bill, upkeep: Mapping[str, Bill]) -> Document:
    made = sum(map(transitions_of, histories))
    looked = _looks(histories)
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


def _looks(histories: list[list[Document]]) -> int:
    return sum(
        event["type"] == "TaskStateEntered" and event["stateEnteredEventDetails"]["name"] == "CheckTraining"
        for history in histories
        for event in history
    )


def _upkeep(platform: Platform) -> Bill:
    """What one hour's upkeep costs."""
    meter = Meter(platform)
    for function in _scheduled():
        answer = platform.client("lambda").invoke(FunctionName=physical(platform, function), Payload=b"{}")
        if "FunctionError" in answer:
            raise RuntimeError(f"{function}: {answer['Payload'].read()}")
    wait_for_upkeep(platform)
    return meter.bill()


def wait_for_upkeep(platform: Platform) -> None:
    """Wait until everything of the round that began is done, or given up."""
    sqs, names = platform.client("sqs"), ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = physical(platform, "UpkeepQueue")
    while set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) != {"0"}:
        time.sleep(0.5)


def _idle(upkeep: Bill, *, free: bool) -> dict[str, float]:
    """What the stack costs in a month in which nobody comes, by what it is for; beyond what stays free, or in full."""
    types = Counter(resource["Type"] for resource in _resources().values() if resource.get("Condition") in STANDING)
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


def _once_live(platform: Platform) -> list[list[Document]]:
    """The histories of the training and the deployment, once both are over; nobody asks the API meanwhile."""
    steps, deadline = platform.client("stepfunctions"), time.monotonic() + TRAINING_SECONDS
    machines = [physical(platform, f"{name}StateMachine") for name in ("Training", "Deployment")]
    while time.monotonic() < deadline:
        found = [each for arn in machines for each in steps.list_executions(stateMachineArn=arn)["executions"]]
        if len(found) == len(machines) and all(each["status"] != "RUNNING" for each in found):
            break
        time.sleep(0.5)
    if [each["status"] for each in found] != ["SUCCEEDED"] * len(machines):
        raise RuntimeError(f"the model is not live: {found}")
    pages = steps.get_paginator("get_execution_history")
    return [list(pages.paginate(executionArn=each["executionArn"]).search("events")) for each in found]
