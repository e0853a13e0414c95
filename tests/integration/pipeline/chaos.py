"""The demonstration's scenario of one tenant, in this process, while the cloud's faults meet it: upload, train, deploy,
predict, off-board. What does not hold afterwards is a violation, by the name of its invariant.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from local import SAAS_ACCOUNT
from tenantml import errors
from tenantml.aws.sagemaker import endpoints
from tenantml.domain.names import execution_name
from tenantml.domain.tenancy.removal_report import Offboarding, digest
from tenantml.domain.tenancy.tenant import ACTIVE
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import METADATA, Upload, destination_of
from tenantml.errors import TenantMLError
from tenantml.services import grants, registry, reports
from tenantml.settings import setting
from tests.functions import sample_event
from tests.integration.pipeline.conftest import CSV, Customer
from tests.integration.pipeline.faults import call
from tests.integration.pipeline.machine import DEPLOYMENT, OFFBOARDING, TRAINING, Broken, Machine, Uncaught
from tests.integration.pipeline.schedules import OURS, REMOVAL, RUN, THEIRS, Call, Schedule
from tests.waiting import wait_for

RESCUE: Final = Path(TRAINING).with_name("rescue.asl.json")
NAMED: Final = {kind.__name__ for kind in vars(errors).values() if isinstance(kind, type)}
_PREDICTIONS: Final = 12  # of an app that repeats what was answered 503, as the API asks it to
_REMOVALS: Final = 3
MachineOf = Callable[..., Machine]


@dataclass
class Queues:
    """What arrives of uploads' events, as the template has it, and of our own bus, as a receiver has it."""

    sqs: Any
    uploads: str
    outcomes: str

    def take(self, url: str, wait_seconds: int = 0) -> list[str]:
        """Return the bodies of the messages that there are, and delete them."""
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds)
        for message in found.get("Messages", []):
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in found.get("Messages", [])]


@dataclass
class Scenario:
    """One tenant's way through a schedule. `violations` has what did not hold, `calls` what was called."""

    first: Customer
    queues: Queues
    machine_of: MachineOf
    schedule: Schedule
    violations: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    uploaded: list[Customer] = field(default_factory=list)
    uncaught: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)

    def execute(self) -> None:
        """Take the tenant through all of it, and look at what is left."""
        self._switch(RUN)
        self._upload_and_follow()
        self._predict()
        self._note_calls(RUN)
        self._switch()
        self._settle()
        self._check_executions()
        self._check_accounts()
        self._switch(REMOVAL)
        last = self._remove()
        self._note_calls(REMOVAL)
        self._switch()
        for _ in range(_REMOVALS):
            last = last if last == "Removed" else self._remove()
        self._check_removal(last)

    # ---- what happens ----

    def _switch(self, phase: str = "") -> None:
        faults = [fault for fault in self.schedule.faults if fault.phase == phase]
        self.first.cloud.inject(*(fault.of(SAAS_ACCOUNT, self.first.tenant.account_id) for fault in faults))

    def _note_calls(self, phase: str) -> None:
        found = Counter[tuple[str, str, str]]()
        own = self.first.tenant.account_id
        for service, operation, caller, count in self.first.cloud.injected()["calls"]:
            if ":assumed-role/" not in caller or "-execution/" in caller:  # the test's own calls, and SageMaker's
                continue
            account = caller.split(":")[4]
            if account not in (SAAS_ACCOUNT, own):
                self._violate("I7", f"{operation} was called as {caller}")
            found[service, operation, OURS if account == SAAS_ACCOUNT else THEIRS] += count
        self.calls += [Call(phase, *called, count) for called, count in sorted(found.items())]

    def _upload_and_follow(self) -> None:
        """Upload, take the events as they come, and walk each execution that is started, a state at a time."""
        names = [self._upload() for _ in range(self.schedule.uploads)]
        walks: dict[str, Iterator[str] | None] = {}
        waiting: list[str] = []
        while len(walks) < len(names) or any(walks.values()):
            is_idle = not any(walks.values())
            waiting += self.queues.take(self.queues.uploads, wait_seconds=1 if is_idle and not waiting else 0)
            waiting = self._receive(waiting)
            for name in names:
                if name not in walks and (given := self._started("TRAINING", name)) is not None:
                    upload = Upload(**given)
                    run = Run.of(upload, destination_of(upload.key))
                    customer = Customer(self.first.cloud, self.first.tenant, upload, run)
                    self.uploaded.append(customer)
                    walks[name] = self._walk(customer, given)
            for name, walk in walks.items():
                if walk and next(walk, None) is None:
                    walks[name] = None

    def _upload(self) -> str:
        """Upload, and return the name of the execution that it is to start."""
        bucket, key = setting("INGEST_BUCKET"), f"{self.first.tenant.tenant}/churn/data.csv"
        put = self.first.cloud.client("s3").put_object(
            Bucket=bucket, Key=key, Body=CSV, Metadata={METADATA: uuid.uuid4().hex}
        )
        return execution_name(bucket, key, put["VersionId"])

    def _receive(self, bodies: list[str]) -> list[str]:
        """Start what the messages say, as SQS asks the function to; return those that it must deliver again."""
        bodies = [body for body in bodies if f'"{self.first.tenant.tenant}/' in body]
        if not bodies:
            return []
        record = sample_event("start_execution")["Records"][0]
        event = {"Records": [record | {"messageId": str(index), "body": body} for index, body in enumerate(bodies)]}
        try:
            failed = self._invoke("start_execution", event)["batchItemFailures"]
        except (TenantMLError, Broken):
            return bodies
        except Exception as error:  # noqa: BLE001 - all messages of a batch failed, which powertools raises
            self._note_unnamed("start_execution", error.__context__ or error)
            return bodies
        return [bodies[int(one["itemIdentifier"])] for one in failed]

    def _started(self, machine: str, name: str) -> dict[str, Any] | None:
        steps = self.first.cloud.client("stepfunctions")
        arn = f"{setting(f'{machine}_STATE_MACHINE').replace(':stateMachine:', ':execution:')}:{name}"
        try:
            found: dict[str, Any] = json.loads(steps.describe_execution(executionArn=arn)["input"])
        except steps.exceptions.ExecutionDoesNotExist:
            return None
        return found

    def _walk(self, customer: Customer, given: dict[str, Any]) -> Iterator[str]:
        yield from self._walk_one(customer, TRAINING, customer.run.execution, given)
        deployed = self._started("DEPLOYMENT", customer.run.deployment)
        if deployed is not None:
            yield from self._walk_one(customer, DEPLOYMENT, customer.run.deployment, deployed)

    def _walk_one(self, customer: Customer, definition: Path, name: str, given: dict[str, Any]) -> Iterator[str]:
        try:
            yield from self.machine_of(customer, self._invoke, definition).execute(given)
        except Uncaught:
            self.uncaught.append({"name": name, "input": json.dumps(given), "status": "FAILED"})

    def _invoke(self, function: str, payload: Any) -> Any:
        """Call a handler; a failure without a name is noted, and fails the state."""
        try:
            return call(function, payload)
        except TenantMLError:
            raise
        except Exception as error:
            if function == "start_execution":
                raise
            self._note_unnamed(function, error)
            raise Broken(type(error).__name__) from error

    def _note_unnamed(self, function: str, error: BaseException) -> None:
        if not isinstance(error, TenantMLError):
            self._violate("I13", f"{function} failed without a name: {error!r}")

    def _predict(self) -> None:
        """Ask as an app does, which repeats what may be answered later."""
        event = sample_event("predict")
        event["requestContext"]["authorizer"] |= {
            "principalId": self.first.tenant.tenant,
            "tenant": self.first.tenant.tenant,
        }
        event |= {"body": json.dumps({"rows": [{"age": 41, "plan": "p1"}] * 3}), "isBase64Encoded": False}
        for _ in range(_PREDICTIONS):
            answer = call("predict", event)
            self.answers.append(answer)
            if answer["statusCode"] not in (429, 503, 504):
                return

    def _remove(self) -> str:
        given = {"tenant": self.first.tenant.tenant}
        try:
            return list(self.machine_of(self.first, self._invoke, OFFBOARDING).execute(given))[-1]
        except Uncaught as error:
            return str(error)

    # ---- what must hold ----

    def _settle(self) -> None:
        """What runs within the hour: the rescue of what ran no failure path, and the sweeps."""
        for detail in self.uncaught:
            for _ in self.machine_of(self.first, self._invoke, RESCUE).execute({"detail": detail}):
                pass
        wait_for(self.first.is_at_rest, bool, is_passing=True)
        grants.sweep()
        call("sweep_tenant", {"tenant": self.first.tenant.tenant})

    def _violate(self, invariant: str, what: str) -> None:
        self.violations.append(f"{invariant}: {what}")

    def _check(self, invariant: str, what: str, found: Any, expected: Any) -> None:
        if found != expected:
            self._violate(invariant, f"{what} {found!r}, not {expected!r}")

    def _check_executions(self) -> None:
        tenant = self.first.tenant
        jobs = [
            row["AutoMLJobName"] for row in self.first.client("sagemaker").list_auto_ml_jobs()["AutoMLJobSummaries"]
        ]
        known = [tenant.account.job(customer.run.execution) for customer in self.uploaded]
        self._check("I1", "jobs that no upload started", sorted(set(jobs) - set(known)), [])
        self._check("I1", "jobs of one name", len(jobs), len(set(jobs)))
        self._check("I15", "the tenant is", registry.get_tenant(tenant.tenant).status, ACTIVE)
        told = [json.loads(body)["detail"] for body in self._all_outcomes()]
        statuses = []
        for customer in self.uploaded:
            row = registry.find_execution(tenant.tenant, customer.run.execution) or {}
            statuses.append(row.get("status"))
            error = (row.get("error") or {}).get("code")
            if "ended_at" not in row or not (error is None or (error in NAMED and error != "InternalFailure")):
                self._violate("I4", f"{customer.run.execution} is {row.get('status')} with {row.get('error')}")
            ours = {json.dumps(detail) for detail in told if detail.get("execution") == customer.run.execution}
            self._check("I5", f"{customer.run.execution}: numbers of outcomes told", len(ours), 1)
            self._check("I5", "told", {json.loads(one)["status"] for one in ours}, {row.get("status")})
            if row.get("training", {}).get("candidates") and row.get("status") != "superseded":
                folder = f"{customer.run.customer_folder}output/"
                found = self.first.client("s3").list_objects_v2(Bucket=tenant.account.bucket, Prefix=folder)
                if not any(one["Key"].endswith("model.tar.gz") for one in found.get("Contents", [])):
                    self._violate("I11", f"nothing is left of what {customer.run.execution} trained")
        if all(fault.is_transient for fault in self.schedule.faults):
            lasting = [status for status in statuses if status not in ("succeeded", "superseded", "duplicate")]
            self._check("I15", "what passes has changed a verdict:", (lasting, "succeeded" in statuses), ([], True))

    def _all_outcomes(self) -> list[str]:
        found, more = list[str](), self.queues.take(self.queues.outcomes, wait_seconds=1)
        while more:
            found += more
            more = self.queues.take(self.queues.outcomes)
        return [body for body in found if json.loads(body)["detail-type"] == "Execution Ended"]

    def _check_accounts(self) -> None:
        tenant, sagemaker = self.first.tenant, self.first.client("sagemaker")
        live = (registry.find_model(tenant.tenant, "churn") or {}).get("live_version")
        for kind in endpoints.KINDS:
            names = endpoints.names(sagemaker, kind, f"{tenant.prefix}-")
            self._check("I3", kind, names, [tenant.account.endpoint("churn", live)] if live else [])
        rows = self.first.cloud.client("dynamodb").scan(TableName=setting("GRANTS_TABLE"))["Items"]
        mine = [row["grant_id"]["S"] for row in rows if tenant.tenant in json.dumps(row)]
        self._check("I2", "grants", mine, [])
        listed = self.first.client("s3").list_objects_v2(Bucket=tenant.account.bucket).get("Contents", [])
        self._check("I2", "copies", [row["Key"] for row in listed if "/input/" in row["Key"]], [])
        last = self.answers[-1]
        if live:
            verdict = (registry.find_version(tenant.tenant, "churn", live) or {}).get("verdict") or {}
            self._check("I9", "the live version was", verdict.get("decision"), "promote")
            body = json.loads(last["body"])
            said = (last["statusCode"], body.get("version"), len(body.get("predictions", [])))
            if all(fault.is_transient for fault in self.schedule.faults) or last["statusCode"] == 200:
                self._check("I8", "a prediction was", said, (200, live, 3))
        for answer in self.answers:
            if answer["statusCode"] == 500:
                self._violate("I13", f"a prediction failed without a name: {answer['body']}")

    def _check_removal(self, last: str) -> None:
        tenant = self.first.tenant
        self._check("I10", "the removal ended in", last, "Removed")
        if last != "Removed":
            return
        head = reports.latest(Offboarding(tenant.tenant), None, ended=True)
        report = reports.read(tenant.tenant, head["removal"]) if head else {}
        self._check("I10", "the report is", report.get("status"), "complete")
        self._check("I10", "what remains is", report.get("remains"), [])
        if report:
            self._check("I10", "altered", report.pop("altered"), False)
            self._check("I10", "the digest", digest(report), report["digest"])
        left = [
            name
            for kind in endpoints.KINDS
            for name in endpoints.names(self.first.client("sagemaker"), kind, f"{tenant.prefix}-")
        ]
        self._check("I10", "left are", left, [])
        listed = self.first.client("s3").list_object_versions(Bucket=tenant.account.bucket)
        self._check("I10", "objects left are", listed.get("Versions", []), [])
        rows = self.first.cloud.client("dynamodb").scan(TableName=setting("REGISTRY_TABLE"))["Items"]
        self._check("I10", "rows left are", [row for row in rows if f'{tenant.tenant}"' in json.dumps(row)], [])
