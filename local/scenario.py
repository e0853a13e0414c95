"""What `make demo` demonstrates on the embedded cloud and `make smoke` proves on AWS, written once.

A customer is on-boarded, a model trained from a file, an endpoint asked, and all of it removed again: by the SaaS's
operator, the tenant's app and the customer's cloud team, each with the calls that they make on AWS.
"""

from __future__ import annotations

import csv
import io
import re
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local import judgement, spending
from local.onboard import Customer, activate, apply_access_stack, delete_access_stack, register
from local.platform import offboard
from local.progress import Progress
from local.report import Report
from local.screen import Screen, figure
from tenantml_cli.errors import Refused
from tenantml_cli.stack import Stack
from tenantml_cli.tenant_api import Document, TenantApi

_BATCH_ROWS = 100
_START_SECONDS = 300.0
_WATCH_SECONDS = 2 * 3600.0
_SHOWN_CANDIDATES = 10


@dataclass(frozen=True)
class Plan:
    """What to train: a dataset, the column to predict, the model's name, and its further settings."""

    tenant: str
    data: Path
    target: str
    model: str
    settings: Mapping[str, object] = field(default_factory=dict)


def model_name(path: Path) -> str:
    """Return a name for a model, from a file's: 1 to 30 of a-z, 0-9 and inner hyphens, starting with a letter."""
    return re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).lstrip("0123456789-")[:30].strip("-") or "model"


@dataclass(frozen=True)
class Rows:
    """Rows as an app has them, without the target, and what the target was; `held_out` from training or trained on."""

    header: list[str]
    rows: list[list[str]]
    truth: list[str]
    held_out: bool

    def csv_text(self, start: int, stop: int) -> str:
        """Some of the rows as CSV, below their header."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.header, *self.rows[start:stop]])
        return text.getvalue()


class Scenario:
    """One run, step by step: `on_board`, `train`, `predict`, and whatever happened before it, `remove`.

    `make_api` makes the tenant's API from its key. What happens is shown on `screen` and kept in `report`. Steps raise
    CommandError, StackFailed, or botocore's errors.
    """

    def __init__(
        self,
        plan: Plan,
        stack: Stack,
        customer: Customer,
        make_api: Callable[[str], TenantApi],
        report: Report,
        screen: Screen,
    ) -> None:
        self.plan, self.stack, self.customer, self.report, self.screen = plan, stack, customer, report, screen
        self._make_api = make_api
        self._is_registered = self._has_stack = self._is_active = False
        self.api: TenantApi
        self.rows = Rows([], [], [], held_out=False)
        self.execution: Document = {}
        self.external_id = self.prefix = self.api_key = ""

    def on_board(self) -> None:
        """Register the tenant, create the customer's stack, prove the role, and have the API key."""
        tenant = self.plan.tenant
        with self.screen.step("on-board a tenant") as step:
            self._is_registered = True  # also when the answer is lost
            try:
                parameters = register(self.stack, tenant, self.customer)
            except Refused:
                self._is_registered = False
                raise
            self._has_stack = True
            self.external_id, self.prefix = parameters["ExternalId"], parameters["NamePrefix"]
            apply_access_stack(self.customer.client, parameters)
            self.api_key = activate(self.stack, tenant)
            self.api = self._make_api(self.api_key)
            self._is_active = True
            where = self.customer.account_id
            step.detail = f"{tenant}: customer_access.yaml into {where}, both roles probed, API key issued"

    def train(self) -> None:
        """Configure the model, upload the file, follow the execution, and look at its endpoint."""
        plan, screen = self.plan, self.screen
        with screen.step("configure a model") as step:
            self.api.configure(plan.model, {"target": plan.target, **plan.settings})
            step.detail = f"{plan.model} predicts {plan.target}"
        self.report.quote = self.api.quote(plan.model)
        screen.line(spending.quoted(self.report.quote), indent=4)
        with screen.step("upload") as step:
            upload_key = self.api.upload(plan.model, plan.data)
            step.detail = f"{plan.data} through a presigned form, {plan.data.stat().st_size:,} bytes"
        self._watch(upload_key)
        self.report.read(self.execution)
        self.report.spending = self.api.usage()["spending"]
        screen.title("Cost", spending.AWS_WOULD_ASK)
        screen.line(spending.spent(self.execution["cost"], self.report.spending), indent=4)
        self._show_leaderboard()
        described = self.customer.client("sagemaker").describe_endpoint(EndpointName=self.execution["endpoint"]["name"])
        account, status = described["EndpointArn"].split(":")[4], described["EndpointStatus"]
        self.report.endpoint = {"name": described["EndpointName"], "account": account, "status": status}
        screen.title("Endpoint")
        screen.line(f"{described['EndpointName']} is {status} in account {account}", indent=4)
        version = self.api.version(plan.model, self.execution["version"])
        evaluation = self.api.evaluation(plan.model, version["version"])
        self.report.holdout = judgement.headline(evaluation)
        self.report.evaluation = judgement.summed_up(evaluation, version["verdict"])
        self.report.importance = self.api.importance(plan.model, version["version"])
        judgement.show(evaluation, version["verdict"], self.report.objective or {}, screen)
        judgement.show_importance(self.report.importance, screen)

    def predict(self) -> None:
        """Predict what was held out, or where nothing is the first rows, through the API."""
        self.rows = rows = self._read_rows()
        title = "Held-out rows" if rows.held_out else "The first rows"
        self.screen.title(title, "predicted through the predict API, over HTTP, with the tenant's API key")
        milliseconds = []
        for start in range(0, len(rows.rows), _BATCH_ROWS):
            self.screen.busy("predict", f"{start:,} of {len(rows.rows):,} rows")
            batch, began = rows.csv_text(start, start + _BATCH_ROWS), time.perf_counter()
            self.api.predict(self.plan.model, batch)
            milliseconds.append((time.perf_counter() - began) * 1000)
        p50_ms = round(statistics.median(milliseconds), 1)
        self.report.api = {"url": self.api.url, "requests": len(milliseconds), "p50_ms": p50_ms}
        self.screen.line(f"{len(rows.rows):,} rows in {len(milliseconds)} requests, p50 {p50_ms} ms", indent=4)

    def remove(self) -> None:
        """Off-board the tenant, then delete the customer's stack; of what was never made, nothing is asked."""
        if self._is_registered:
            with self.screen.step("off-board the tenant") as step:
                # A role that was never proved may refuse us, and has let nothing be made.
                removal = offboard(self.stack, self.plan.tenant, **({} if self._is_active else {"abandon": True}))
                step.detail = "{removed} removed, {impossible} impossible to remove".format(**removal["counts"])
            self._is_registered = False
        if self._has_stack:
            with self.screen.step("delete the customer's stack"):
                delete_access_stack(self.customer.client, self.prefix)
            self._has_stack = False

    def _watch(self, upload_key: str) -> None:
        execution = self._await_execution(upload_key)
        self.screen.title("Pipeline", execution)
        progress = Progress(self.screen, lambda: self.api.execution(execution))
        try:
            self.stack.follow_upload(execution, _WATCH_SECONDS, progress.show)
        finally:
            progress.end()
            self.report.timings_seconds = {name: round(seconds, 3) for name, seconds in progress.seconds.items()}
            self.execution = self.api.execution(execution)
            self.report.advice = self.execution["advice"]
            self._show_advice()

    def _await_execution(self, upload_key: str) -> str:
        deadline = time.monotonic() + _START_SECONDS
        while (document := self.api.execution_of(upload_key)) is None:
            if time.monotonic() > deadline:
                raise Refused(
                    "NoExecution",
                    f"the upload {upload_key} started nothing within {_START_SECONDS:.0f} s: a stack needs 15 minutes "
                    "before the first upload; then see docs/operations.md, Uploads in the dead-letter queue",
                )
            time.sleep(0.25)
        return str(document["execution"])

    def _read_rows(self) -> Rows:
        document = self.execution
        key = f"{document['tenant']}/{document['model']}/{document['execution']}/holdout.csv"
        stored = self.stack.client("s3").get_object(Bucket=self.stack.outputs["StagingBucket"], Key=key)
        header, *rows = _read_csv(stored["Body"].read())
        held_out = bool(rows)
        if not held_out:
            header, *rows = _read_csv(self.plan.data.read_bytes())[: 1 + _BATCH_ROWS]
        target = header.index(self.plan.target)
        truth = [row.pop(target) for row in rows]
        header.pop(target)
        return Rows(header, rows, truth, held_out)

    def _show_advice(self) -> None:
        if self.report.advice:
            self.screen.title("Advice", "what is valid and likely a mistake")
        for entry in self.report.advice:
            where = f", column {entry['column']!r}" if entry["column"] else ""
            self.screen.line(f"{entry['rule']}{where}: {entry['message']}", indent=4)

    def _show_leaderboard(self) -> None:
        candidates = self.report.candidates
        self.screen.title("Leaderboard", f"{self.report.problem_type}, {len(candidates)} candidates")
        rows = [(c["name"], c["metric"], figure(c["value"])) for c in candidates[:_SHOWN_CANDIDATES]]
        self.screen.table(("candidate", "metric", "value"), rows)


def _read_csv(content: bytes) -> list[list[str]]:
    """Return a file's rows, its header first; blank lines are none."""
    return [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True) if row]
