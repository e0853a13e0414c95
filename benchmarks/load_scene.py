"""Many tenants on one embedded cloud: they drop files within a minute, while some predict and some are suspended.

Trainers and endpoints are the doubles of the tests, which learn in no time, so that what is measured is the
orchestration: ours, and the emulator's. Each call of `drop` uses a model of its own, so that one cloud serves several.
"""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.metering import physical
from benchmarks.stage import Document
from local import REGION
from local.cloud import EmbeddedCloud
from local.onboard import Customer, activate, apply_access_stack, register
from local.platform import Platform
from local.sagemaker.throttling import SETTING as RATES
from tenantml_cli.errors import Refused
from tenantml_cli.sending import post_form
from tenantml_cli.tenant_api import TenantApi

DOUBLES = Path(__file__).parents[1] / "tests" / "integration" / "sagemaker"
SUSPENDED = {"TenantSuspended", "UnknownTenant"}  # the latter for what comes after the suspension
PATIENCE_SECONDS = 900.0
AT_ONCE = 8  # people who send files at the same moment
ACTIVATIONS = 20  # of a tenant whose account is throttled
REQUESTS_A_SECOND = 4  # that SageMaker takes from the throttled account
TARGET = "left"
BAD_FILES = (b"", b"number,plan,left\n", b"number,plan\n1,a\n", b"number,plan,left\n1,a\n", b"\x00\x01\x02")


@dataclass(frozen=True)
class Upload:
    """A file that a tenant is about to drop."""

    tenant: str
    model: str
    form: Document
    path: Path
    is_good: bool


@dataclass(frozen=True)
class Outcome:
    """What the bus said about an upload, and when."""

    tenant: str
    execution: str
    status: str
    error: str
    at: float


class Scene:
    """A cloud with the stack, and its tenants, of whom several share an account; the last account is throttled."""

    def __init__(self, folder: Path, cloud: EmbeddedCloud, tenants: int, accounts: int) -> None:
        self.cloud, self._folder = cloud, folder
        self.platform = Platform.deploy(cloud)
        self.accounts = account_ids(accounts)
        names = [f"tenant{number:03}" for number in range(tenants)]
        with ThreadPoolExecutor(AT_ONCE // 2) as pool:
            self.apis = dict(pool.map(lambda each: self._onboard(*each), enumerate(names)))
        self._queue = self._listen()
        self.outcomes: list[Outcome] = []

    def _onboard(self, number: int, name: str) -> tuple[str, TenantApi]:
        """On-board a tenant; the throttled account's first answers may be refusals."""
        account = self.accounts[number % len(self.accounts)]
        customer = Customer(account, REGION, f"{name}@example.com", self.cloud.clients(account))
        apply_access_stack(customer.client, register(self.platform, name, customer))
        for attempt in itertools.count(1):
            try:
                return name, TenantApi(self.platform.api_url, activate(self.platform, name))
            except Refused as error:
                if error.code != "CustomerThrottled" or attempt == ACTIVATIONS:
                    raise
                time.sleep(attempt)
        raise AssertionError

    def _listen(self) -> str:
        """A queue of ours on the stack's bus: who is told what."""
        sqs, events = self.cloud.client("sqs"), self.cloud.client("events")
        url: str = sqs.create_queue(QueueName="load-outcomes")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": ["tenantml"], "detail-type": ["Execution Ended"]})
        bus = physical(self.platform, "EventBus")
        events.put_rule(Name="load-outcomes", EventBusName=bus, EventPattern=pattern)
        events.put_targets(Rule="load-outcomes", EventBusName=bus, Targets=[{"Id": "load", "Arn": arn}])
        return url

    def hear(self) -> None:
        """Take what the bus has said since the last time."""
        sqs = self.cloud.client("sqs")
        while True:
            answer = sqs.receive_message(
                QueueUrl=self._queue, MaxNumberOfMessages=10, AttributeNames=["SentTimestamp"], WaitTimeSeconds=0
            )
            for message in answer.get("Messages", []):
                detail = json.loads(message["Body"])["detail"]
                error = (detail["error"] or {}).get("code", "")
                at = float(message["Attributes"]["SentTimestamp"]) / 1000
                self.outcomes.append(Outcome(detail["tenant"], detail["execution"], detail["status"], error, at))
                sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            if not answer.get("Messages"):
                return

    def prepare(self, tenants: Sequence[str], model: str, rows: int, columns: int, bad_every: int = 0) -> list[Upload]:
        """Configure a model for each tenant and request a form; of these files, every so many is bad."""
        good = self._folder / f"{model}.csv"
        good.write_bytes(table(rows, columns))

        def of_tenant(each: tuple[int, str]) -> Upload:
            number, tenant = each
            api, path = self.apis[tenant], good
            if bad_every and number % bad_every == bad_every - 1:
                path = self._folder / f"{model}-bad{number}.csv"
                path.write_bytes(BAD_FILES[number // bad_every % len(BAD_FILES)])
            api.configure(model, {"target": TARGET})
            form = api.call("POST", f"/models/{model}/uploads", json.dumps({"file_name": path.name}).encode())
            return Upload(tenant, model, form, path, path is good)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(of_tenant, enumerate(tenants)))

    def drop(self, uploads: Sequence[Upload], seconds: float, suspend: Sequence[str] = ()) -> dict[str, float]:
        """Send the files spread over so many seconds, suspend tenants in the middle; return when each was sent."""
        began, sent = time.time(), dict[str, float]()

        def send(each: tuple[int, Upload]) -> None:
            number, upload = each
            time.sleep(max(0.0, began + seconds * number / len(uploads) - time.time()))
            post_form(upload.form["url"], upload.form["fields"], upload.path)
            sent[upload.tenant] = time.time()

        def stop(tenant: str) -> None:
            time.sleep(max(0.0, began + seconds / 2 - time.time()))
            self.platform.call("SuspendTenantFunction", {"tenant": tenant, "reason": "the load test suspends it"})

        with ThreadPoolExecutor(AT_ONCE + len(suspend)) as pool:
            stopped = [pool.submit(stop, tenant) for tenant in suspend]
            list(pool.map(send, enumerate(uploads)))
            for each in stopped:
                each.result()
        return sent

    def wait_for(self, uploads: Sequence[Upload]) -> list[Outcome]:
        """Return the outcomes of these uploads once nothing runs any more.

        Raises:
            TimeoutError: something still does.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        prefixes = tuple(f"{upload.tenant}-{upload.model}-" for upload in uploads)
        while time.monotonic() < deadline:
            self.hear()
            found = [each for each in self.outcomes if each.execution.startswith(prefixes)]
            if len({each.tenant for each in found}) == len(uploads) and not self._running():
                self.hear()
                return [each for each in self.outcomes if each.execution.startswith(prefixes)]
            time.sleep(1)
        missing = {upload.tenant for upload in uploads} - {each.tenant for each in found}
        raise TimeoutError(f"{len(missing)} uploads have no outcome, of {sorted(missing)[:5]}; {self._running()} run")

    def keep_up(self) -> tuple[int, float, list[str]]:
        """Do the round of upkeep that is due each hour; return for how many tenants, its seconds, and what was wrong.

        Raises:
            TimeoutError: some of it still waits.
        """
        began, before = time.monotonic(), self._probed()
        counts = self.platform.call("DispatchUpkeepFunction", {})
        deadline = began + PATIENCE_SECONDS
        while self._waiting("UpkeepQueue"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"of a round of upkeep for {len(before)} tenants some waits still: {counts}")
            time.sleep(1)
        after = self._probed()
        missed = [f"upkeep: {tenant} was not probed" for tenant in before if after.get(tenant) == before[tenant]]
        dead = self._waiting("UpkeepDeadLetterQueue")
        return len(before), time.monotonic() - began, missed + ([f"upkeep: {dead} dead letters"] if dead else [])

    def _probed(self) -> dict[str, str]:
        """When each active tenant was probed."""
        rows, asked = list[Document](), dict[str, str]()
        while True:
            page = self.platform.call("DescribeTenantsFunction", asked)
            rows += page["tenants"]
            if not page["next_token"]:
                return {row["tenant"]: row["probed_at"] for row in rows if row["status"] == "active"}
            asked = {"next_token": page["next_token"]}

    def _waiting(self, queue: str) -> int:
        """How many messages wait in a queue of the stack, or are at work."""
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        sqs = self.cloud.client("sqs")
        found = sqs.get_queue_attributes(QueueUrl=physical(self.platform, queue), AttributeNames=names)
        return sum(map(int, found["Attributes"].values()))

    def _running(self) -> int:
        steps = self.cloud.client("stepfunctions")
        machines = [physical(self.platform, f"{name}StateMachine") for name in ("Training", "Deployment", "Rescue")]
        return sum(
            len(steps.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]) for arn in machines
        )

    def left(self) -> list[str]:
        """Return what is left anywhere that the registry does not know or nobody needs any more."""
        rows = [row for row in self._rows("RegistryTable") if row["sk"]["S"].startswith("VERSION#")]
        standing = {
            row["endpoint"]["M"]["name"]["S"]
            for row in rows
            if "ended_at" not in row and "M" in row.get("endpoint", {})
        } | {row["version"]["S"] for row in rows}
        found = [f"grant {row['grant_id']['S']}" for row in self._rows("GrantsTable") if "expires_at" in row]
        staging = self._keys(self.cloud.client("s3"), physical(self.platform, "StagingBucket"))
        found += [f"staging: {key}" for key in staging if key.endswith("train.csv")]
        for account in self.accounts:
            found += self._left_in(account, standing)
        return found

    def _left_in(self, account: str, standing: set[str]) -> Iterator[str]:
        sagemaker, s3 = self.cloud.client("sagemaker", account), self.cloud.client("s3", account)
        pages = sagemaker.get_paginator("list_endpoints").paginate()
        for endpoint in (each for page in pages for each in page["Endpoints"]):
            if not any(name in endpoint["EndpointName"] for name in standing):
                yield f"{account}: endpoint {endpoint['EndpointName']}"
        pages = sagemaker.get_paginator("list_auto_ml_jobs").paginate(StatusEquals="InProgress")
        yield from (f"{account}: job {each['AutoMLJobName']}" for page in pages for each in page["AutoMLJobSummaries"])
        for bucket in s3.list_buckets()["Buckets"]:
            yield from (f"{account}: {key}" for key in self._keys(s3, bucket["Name"]) if "/input/" in key)

    def _rows(self, table_name: str) -> Iterator[Document]:
        pages = self.cloud.client("dynamodb").get_paginator("scan")
        for page in pages.paginate(TableName=physical(self.platform, table_name)):
            yield from page["Items"]

    def _keys(self, s3: Any, bucket: str) -> Iterator[str]:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            yield from (each["Key"] for each in page.get("Contents", []))


def account_ids(count: int) -> list[str]:
    """Return so many customers' accounts; the last is the throttled one."""
    return [f"{300_000_000_000 + number}" for number in range(count)]


def settings(accounts: int) -> dict[str, str]:
    """Return what the embedded cloud of a scene is started with."""
    return {
        "TENANTML_LOCAL_TRAINER": str(DOUBLES / "double_trainer.py"),
        "TENANTML_LOCAL_SERVING": str(DOUBLES / "double_serving.py"),
        RATES: f"{account_ids(accounts)[-1]}={REQUESTS_A_SECOND}",
        "TENANTML_LOCAL_ENVIRONMENTS": "400",
    }


def table(rows: int, columns: int) -> bytes:
    """Return a file that the double learns: the parity of the first number says who left."""
    more = "".join(f",c{number}" for number in range(columns - 3))
    lines = [f"number,plan,{TARGET}{more}"]
    lines += [
        f"{row},p{row % 3},{('yes', 'no')[row % 2]}" + "".join(f",{row * number % 97}" for number in range(columns - 3))
        for row in range(rows)
    ]
    return ("\n".join(lines) + "\n").encode()


def wrong(uploads: Sequence[Upload], outcomes: Sequence[Outcome], suspended: Sequence[str]) -> list[str]:
    """Return what is not as it must be: one outcome for each upload, by the file and by who was suspended."""
    told: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        told[outcome.tenant].append(outcome)
    found = [f"{tenant}: told {len(each)} times" for tenant, each in told.items() if len(each) != 1]
    for upload in uploads:
        for outcome in told[upload.tenant]:
            succeeded = outcome.status == "succeeded"
            if not upload.is_good and (succeeded or not outcome.error):
                found.append(f"{upload.tenant}: a bad file ended as {outcome.status} {outcome.error}")
            if upload.is_good and not succeeded and (outcome.error not in SUSPENDED or upload.tenant not in suspended):
                found.append(f"{upload.tenant}: a good file ended in {outcome.error}")
    return found


def counted(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return how many uploads ended how."""
    return dict(Counter(outcome.error or outcome.status for outcome in outcomes).most_common())
