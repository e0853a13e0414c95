"""The quotas of AWS on the way of an upload and of a prediction, as its documentation has them, and what takes of each.

Read in November 2026; `smallest` is the default of the Region with the least, where Regions differ, else None. What
AWS does not document (rates of SageMaker's and of access points' operations) is not here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from benchmarks.load_model import BUSIEST, COUNTED, UPLOAD, Load
from benchmarks.polling import polls_of
from tenantml.domain.predictions import sizes
from tenantml.services import customer, serving

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
TRAINING = Path(__file__).parents[1] / "statemachine" / "training.asl.json"
GUIDE = "https://docs.aws.amazon.com"
_STEP_FUNCTIONS = f"{GUIDE}/step-functions/latest/dg/service-quotas.html"
_LAMBDA = f"{GUIDE}/lambda/latest/dg/gettingstarted-limits.html"
_DYNAMODB = f"{GUIDE}/amazondynamodb/latest/developerguide/ServiceQuotas.html"
_PARTITION = f"{GUIDE}/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
_EVENTBRIDGE = f"{GUIDE}/eventbridge/latest/userguide/eb-quota.html"
_IAM = f"{GUIDE}/IAM/latest/UserGuide/reference_iam-quotas.html"
_ACCESS_POINTS = f"{GUIDE}/AmazonS3/latest/userguide/access-points-restrictions-limitations.html"
_LOGS = f"{GUIDE}/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"

RULES_OF_AN_EVENT = 2  # webhooks, and operators where it concerns them
STARTS = 2  # a training's execution and its deployment's
DEADLINE_HOURS = json.loads(TRAINING.read_text(encoding="utf-8"))["TimeoutSeconds"] / 3600
NEW_PROCESS_SECONDS = 300.0  # Lambda keeps an idle environment for minutes; how long is not documented


@dataclass(frozen=True)
class Quota:
    """One quota per account and Region of the provider's, unless its name says otherwise."""

    service: str
    name: str
    default: float
    unit: str
    taken: Callable[[Load], float]
    by: str
    source: str
    smallest: float | None = None
    is_adjustable: bool = True
    alarm: str = ""


QUOTAS = (
    Quota(
        "API Gateway", "requests", 10_000, "/s", lambda load: load.predictions, "each prediction, each call of the API",
        f"{GUIDE}/apigateway/latest/developerguide/limits.html", smallest=2_500, alarm="RequestsNearQuota",
    ),
    Quota(
        "this stack", "`RequestsPerSecond`, which guards the account", 500, "/s", lambda load: load.predictions,
        "each prediction, each call of the API; a parameter", "operations.md#the-stacks-parameters",
        alarm="RequestsNearQuota",
    ),
    Quota(
        "Lambda", "concurrent executions", 1_000, "", lambda load: load.busy_functions,
        f"a prediction for its time, {UPLOAD['invocation']:.0f} functions of an upload and its file's reading", _LAMBDA,
        alarm="ConcurrencyNearQuota",
    ),
    Quota(
        "Lambda", "new environments of one function", 100, "/s", lambda load: load.processes / 10,
        "predict processes, if they all start within ten seconds",
        f"{GUIDE}/lambda/latest/dg/scaling-behavior.html", is_adjustable=False,
    ),
    Quota(
        "STS", "AssumeRole, of the caller's account", 600, "/s",
        lambda load: load.of_uploads("AssumeRole") + load.sessions + load.of_upkeep("AssumeRole"),
        f"{UPLOAD['AssumeRole']:.0f} per upload; two for each tenant that a predict process does not know; the hourly "
        "upkeep of each tenant",
        _IAM,
    ),
    Quota(
        "Step Functions", "StartExecution", 300, "/s", lambda load: STARTS * load.burst, f"{STARTS} per upload",
        _STEP_FUNCTIONS, smallest=150, alarm="StartsNearQuota",
    ),
    Quota(
        "Step Functions", "state transitions", 5_000, "/s", lambda load: load.of_uploads("transition"),
        f"{UPLOAD['transition']:.0f} per upload", _STEP_FUNCTIONS, smallest=800, alarm="TransitionsNearQuota",
    ),
    Quota(
        "Step Functions", "open executions", 1_000_000, "", lambda load: load.trainings, "each training until it ends",
        _STEP_FUNCTIONS, alarm="OpenExecutionsNearQuota",
    ),
    Quota(
        "DynamoDB", "write units of a table", 40_000, "/s",
        lambda load: max(load.of_uploads("write") + load.of_upkeep("write") + load.receipt_writes, load.usage_writes),
        f"{UPLOAD['write']:,.0f} per upload, most for receipts; counts of predictions", _DYNAMODB,
        alarm="WritesNearQuota",
    ),
    Quota(
        "DynamoDB", "read units of a table", 40_000, "/s",
        lambda load: load.of_uploads("read") + load.of_upkeep("read") + 4 * load.per_process(5),
        f"{UPLOAD['read']:.0f} per upload; tenant, model, version and limits of a prediction, kept for 5 s", _DYNAMODB,
    ),
    Quota(
        "EventBridge", "PutEvents", 10_000, "/s", lambda load: load.of_uploads("event"), "two per upload", _EVENTBRIDGE,
        smallest=400,
    ),
    Quota(
        "EventBridge", "invocations of targets", 18_750, "/s",
        lambda load: load.burst + RULES_OF_AN_EVENT * load.of_uploads("event"), "each upload, each event for each rule",
        _EVENTBRIDGE, smallest=750,
    ),
    Quota(
        "SQS", "messages in flight of a queue", 120_000, "", lambda load: load.burst * 60,
        "an upload until it is started; a busiest minute's at most",
        f"{GUIDE}/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html", alarm="UploadsInFlightNearQuota",
    ),
    Quota(
        "SNS", "messages by email to one address", 10, "/s", lambda load: load.uploads * 0.05,
        "an upload that concerns operators: one in 20 assumed", f"{GUIDE}/general/latest/gr/sns.html",
        is_adjustable=False,
    ),
    Quota(
        "S3", "writes of one prefix, which is a tenant's", 3_500, "/s",
        lambda load: load.of_uploads("S3 write") / load.tenants, f"{UPLOAD['S3 write']:.0f} per upload",
        f"{GUIDE}/AmazonS3/latest/userguide/optimizing-performance.html", is_adjustable=False,
    ),
    Quota(
        "S3", "reads of one prefix, which is a tenant's", 5_500, "/s",
        lambda load: (load.of_uploads("S3 read") + load.per_process(1800)) / load.tenants,
        f"{UPLOAD['S3 read']:.0f} per upload; a version's profile for each predict process",
        f"{GUIDE}/AmazonS3/latest/userguide/optimizing-performance.html", is_adjustable=False,
    ),
    Quota(
        "S3", "access points", 10_000, "", lambda load: load.trainings,
        "a grant each, if all train in place; for a copy it stands minutes. What does not fit waits (`GrantCapacity`)",
        _ACCESS_POINTS,
    ),
    Quota(
        "KMS", "symmetric operations, with `DataKeyArn`", 100_000, "/s",
        lambda load: load.of_uploads("S3 write") + load.of_uploads("S3 read"),
        "at most each object of ours; bucket keys make it far less",
        f"{GUIDE}/kms/latest/developerguide/requests-per-second.html", smallest=10_000, alarm="DataKeyNearQuota",
    ),
    Quota(
        "CloudWatch Logs", "PutLogEvents", 5_000, "/s",
        lambda load: load.predictions + load.of_uploads("invocation") + load.of_upkeep("invocation"),
        "at most one for each invocation", _LOGS, alarm="LogsNearQuota",
    ),
    Quota(
        "CloudWatch Logs", "CreateLogStream", 50, "/s",
        lambda load: load.busy_functions / NEW_PROCESS_SECONDS, "one for each new environment of a function", _LOGS,
    ),
)  # fmt: skip
"""What a stack shares with the rest of its account."""


@dataclass(frozen=True)
class Fixed:
    """A limit that one tenant, model, file or request meets by itself, however many others there are."""

    service: str
    name: str
    limit: float
    unit: str
    taken: float
    by: str
    source: str


LOOKS_OF_THE_LONGEST = polls_of(DEADLINE_HOURS)

_TEXT = "x" * 75  # an ARN of ours with a stack's name of 20 characters, of a table, function or bucket


def _written(value: Any) -> Any:
    """A part of a policy about as long as CloudFormation writes it."""
    if isinstance(value, list):
        return [_written(each) for each in value]
    if not isinstance(value, dict):
        return value
    (kind, argument), *more = value.items()
    if more or not kind.startswith(("Fn::", "Ref")):
        return {name: _written(each) for name, each in value.items()}
    if kind == "Fn::If":
        return _written(argument[1])
    if kind != "Fn::Sub":
        return _TEXT
    names = {"AWS::Partition": "aws", "AWS::Region": "ap-southeast-1", "AWS::AccountId": "1" * 12}
    names |= {"AWS::StackName": "s" * 20, "AWS::URLSuffix": "amazonaws.com"}
    return re.sub(r"\$\{([^}]+)\}", lambda found: names.get(found[1], _TEXT), argument)


def _boundary_characters() -> int:
    template = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    document = template["Resources"]["FunctionsBoundary"]["Properties"]["PolicyDocument"]
    return len(json.dumps(_written(document), separators=(",", ":")))


BY_ITSELF = (
    Fixed("API Gateway", "payload", 10e6, " bytes", sizes.REQUEST_BYTES, "a prediction's rows", QUOTAS[0].source),
    Fixed(
        "Lambda", "payload of an answer", 6_291_456, " bytes", sizes.ANSWER_BYTES, "predictions, as the event has them",
        _LAMBDA,
    ),
    Fixed(
        "Step Functions", "events of a history", 25_000, "",
        COUNTED["history events"]["longest"] + LOOKS_OF_THE_LONGEST * COUNTED["history events"]["a look"],
        f"a training of {DEADLINE_HOURS / 24:.0f} days, looked at {LOOKS_OF_THE_LONGEST:,} times", _STEP_FUNCTIONS,
    ),
    Fixed(
        "IAM", "managed policy", 6_144, " characters", _boundary_characters(),
        "`FunctionsBoundary` with everything switched on, about", _IAM,
    ),
    Fixed(
        "STS", "session policy", customer.SESSION_POLICY_CHARACTERS, " characters",
        customer.SESSION_POLICY_CHARACTERS, "a longer one is refused before STS does, as a bug", _IAM,
    ),
    Fixed(
        "DynamoDB", "write units of a partition", 1_000, "/s",
        max(BUSIEST.usage_writes, BUSIEST.at_once("write") * BUSIEST.burst + BUSIEST.receipt_writes),
        "the busiest tenant's counts, or its rows and receipts", _PARTITION,
    ),
    Fixed(
        "DynamoDB", "read units of a partition", 3_000, "/s",
        BUSIEST.of_uploads("read") + 4 * BUSIEST.per_process(serving.LIVE_SECONDS), "the busiest tenant's rows",
        _PARTITION,
    ),
    Fixed(
        "API Gateway", "requests", 10_000, "/s", BUSIEST.predictions, "the busiest tenant's predictions",
        QUOTAS[0].source,
    ),
    Fixed(
        "Lambda", "concurrent executions", 1_000, "", BUSIEST.busy_functions,
        "the busiest tenant's predictions and uploads", _LAMBDA,
    ),
    Fixed(
        "STS", "AssumeRole", 600, "/s", BUSIEST.of_uploads("AssumeRole") + BUSIEST.sessions,
        "the busiest tenant's", _IAM,
    ),
    Fixed(
        "SageMaker, the customer's", "AutoML jobs at once", 4, "", 4,
        "models that train at once, 1 or 2 in some Regions; another waits for hours, then ends in `QuotaExceeded`",
        f"{GUIDE}/general/latest/gr/sagemaker.html",
    ),
)  # fmt: skip
"""Limits that one tenant meets alone, `BUSIEST` where it depends on how much it does."""
