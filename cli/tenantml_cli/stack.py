"""The deployed stack, as its operators reach it: outputs, operator functions, state machines, the ingest bucket."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tenantml.domain.names import execution_name
from tenantml.domain.training import execution_outcome
from tenantml.domain.uploads.upload import destination_of
from tenantml.errors import InternalFailure, UploadError
from tenantml_cli.errors import Failed, Refused, StillRunning
from tenantml_cli.history import Event, History, StateEntered

# An operator function may take two minutes, and must not be called twice.
_CONFIG = Config(retries={"mode": "standard"})
_ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=180)
_PART_BYTES = 64 * 1024 * 1024
_FIRST_POLL_SECONDS = 0.2
_EARLIER_MS = 60_000  # what starts an execution logs before it
_START_SECONDS = 10.0  # from an upload to its execution, at most

TRAINING, DEPLOYMENT, OFFBOARDING, RESCUE = "training", "deployment", "offboarding", "rescue"
_MACHINE = re.compile("(.+)StateMachine(?:Arn)?")

Document = dict[str, Any]
Progress = Callable[[str], None]


def state_machines(named: Mapping[str, str]) -> dict[str, str]:
    """Return the ARN of each state machine by its short name, such as `batch`, in a stack's outputs or resources."""
    return {found[1].lower(): arn for name, arn in named.items() if (found := _MACHINE.fullmatch(name))}


class Stack:
    """One deployed stack; `make_client` takes what `boto3.client` takes."""

    longest_poll_seconds = 10.0

    def __init__(self, name: str, make_client: Callable[..., Any] = boto3.client) -> None:
        self.name = name
        self._make_client = make_client

    def client(self, service: str, config: Config = _CONFIG) -> Any:
        """Return a client of the stack's account and region."""
        return self._make_client(service, config=config)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs.

        Raises:
            Refused: there is no such stack here.
        """
        try:
            found = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            # CloudFormation has no code of its own for a stack that does not exist.
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise Refused(
                "StackNotFound", f"there is no stack {self.name!r} in this account and region; --stack names another"
            ) from error
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    def call(self, function: str, request: Document) -> Document:
        """Invoke the operator function behind the output `function`.

        Raises:
            Refused: under the name of the function's error.
        """
        answer = self.client("lambda", _ONCE).invoke(
            FunctionName=self.outputs[function], Payload=json.dumps(request).encode()
        )
        payload: Document = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise Refused(payload.get("errorType", "Unknown"), payload.get("errorMessage", "no reason was given"))
        return payload

    def receipt(self, tenant: str, chain: str) -> Document:
        """A receipt, whole, without its text; raises Refused."""
        request = {"tenant": tenant, "receipt": chain}
        found = page = self.call("ShowEvidenceFunction", request)
        while token := page["next_token"]:
            page = self.call("ShowEvidenceFunction", request | {"next_token": token})
            found["entries"] += page["entries"]
        return {name: value for name, value in found.items() if name not in {"text", "next_token"}}

    def all_pages(self, function: str, rows: str, request: Document) -> list[Document]:
        """Everything that an operator function lists under the name `rows`, page by page; raises Refused."""
        page = self.call(function, request)
        found: list[Document] = page[rows]
        while token := page["next_token"]:
            page = self.call(function, request | {"next_token": token})
            found += page[rows]
        return found

    def upload(self, path: Path, folder: str, tell: Progress) -> Document:
        """Send a file to `TENANT/MODEL`; answer its key, its version, and the execution that it starts.

        Raises:
            Refused: no upload goes to such a folder, or has such a name.
        """
        key = f"{folder}/{path.name}"
        try:
            destination_of(key)
        except UploadError as error:
            raise Refused(type(error).__name__, str(error)) from error
        version_id = self.put(path, key, tell)
        execution = execution_name(self.outputs["IngestBucket"], key, version_id)
        return {"key": key, "version_id": version_id, "execution": execution}

    def put(self, path: Path, key: str, tell: Progress) -> str:
        """Send a file to the ingest bucket, never more than a part of it in memory, and return its version's id."""
        s3, place = self.client("s3"), {"Bucket": self.outputs["IngestBucket"], "Key": key}
        size = path.stat().st_size
        with path.open("rb") as file:
            if size <= _PART_BYTES:
                return str(s3.put_object(**place, Body=file, ContentType="text/csv")["VersionId"])
            upload = place | {"UploadId": s3.create_multipart_upload(**place, ContentType="text/csv")["UploadId"]}
            parts: list[Document] = []
            try:
                while content := file.read(_PART_BYTES):
                    number = len(parts) + 1
                    tag = s3.upload_part(**upload, PartNumber=number, Body=content)["ETag"]
                    parts.append({"PartNumber": number, "ETag": tag})
                    tell(f"{min(number * _PART_BYTES, size) / size:4.0%} sent")
                return str(s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["VersionId"])
            except BaseException:
                s3.abort_multipart_upload(**upload)
                raise

    def start(self, machine: str, name: str, request: Document) -> None:
        """Start an execution of a state machine."""
        self.client("stepfunctions").start_execution(
            stateMachineArn=self._machines[machine], name=name, input=json.dumps(request)
        )

    def follow(self, machine: str, name: str, timeout_seconds: float, tell: Callable[[Event], None]) -> Document:
        """Tell the states that an execution enters and leaves until it is over, and return its output.

        Raises:
            Failed: under the name of the failure that it ended in, or how it was ended.
            StillRunning: it outlives `timeout_seconds`.
            Refused: there is no such execution.
        """
        arn = self._arn(machine, name)
        steps, began = self.client("stepfunctions"), time.monotonic()
        deadline = began + timeout_seconds
        pages = steps.get_paginator("get_execution_history")
        history, pause = History(), _FIRST_POLL_SECONDS
        while True:
            try:
                execution = steps.describe_execution(executionArn=arn)
            except steps.exceptions.ExecutionDoesNotExist as error:
                if time.monotonic() < min(deadline, began + _START_SECONDS):
                    time.sleep(pause)
                    continue
                raise Refused("NoExecution", f"there is no execution {name!r}") from error
            events = pages.paginate(executionArn=arn, includeExecutionData=False).search("events")
            for event in history.read(list(events)):
                tell(event)
            if execution["status"] != "RUNNING":
                return _ended(execution)
            if time.monotonic() + pause > deadline:
                raise StillRunning("StillRunning", f"{name} is not over after {timeout_seconds:.0f} s")
            time.sleep(pause)
            pause = min(pause * 1.2, self.longest_poll_seconds)

    def follow_upload(self, execution: str, timeout_seconds: float, tell: Callable[[Event], None]) -> Document:
        """Tell the states of an upload's training, then those of the deployment that it starts; return the outcome.

        Raises:
            Failed: under the name of the failure that either ended in, or how it was ended.
            StillRunning: they outlive `timeout_seconds`.
            Refused: there is no such execution.
        """
        deadline = time.monotonic() + timeout_seconds
        trained = self.follow(TRAINING, execution, timeout_seconds, tell)
        return self.follow(DEPLOYMENT, trained["deployment"], deadline - time.monotonic(), tell)

    def remove(self, name: str, request: Document, timeout_seconds: float, tell: Progress) -> Document:
        """Remove a tenant or a model in an execution `name`, tell its states, and return the report.

        Raises as `follow` does.
        """
        self.start(OFFBOARDING, name, request)

        def tell_state(event: Event) -> None:
            if isinstance(event, StateEntered):
                tell(event.name)

        return self.follow(OFFBOARDING, name, timeout_seconds, tell_state)

    def stop(self, execution: str, reason: str) -> str:
        """Stop a training, or the deployment that it started, or a batch; return the name of what was stopped.

        Raises:
            Refused: there is no such execution, or nothing of it runs.
        """
        machine, found = self._find(execution, besides=(OFFBOARDING, RESCUE))
        deployment = json.loads(found.get("output") or "{}").get("deployment") if machine == TRAINING else None
        if deployment:
            _, found = self._find(deployment)
        if found["status"] != "RUNNING":
            raise Refused("NotRunning", f"{found['name']} is over: nothing of it runs")
        self.client("stepfunctions").stop_execution(executionArn=found["executionArn"], cause=reason)
        return str(found["name"])

    def logs(self, execution: str) -> list[Document]:
        """What the functions logged of an execution of any state machine, the oldest first: `time` in ms, and the
        `line` as it is. Of a rescue, what they logged since of the execution that it is about; of a deployment, of the
        upload that it deploys.

        Raises:
            Refused: there is no such execution.
        """
        machine, found = self._find(execution)
        if machine == RESCUE:  # its functions are told of the event that started it, and not of itself
            execution = json.loads(found["input"])["detail"]["name"]
        if machine == DEPLOYMENT:  # and those of a deployment of the upload that was trained
            execution = json.loads(found["input"])["run"]["execution"]
        pages = self.client("logs").get_paginator("filter_log_events")
        lines = pages.paginate(
            logGroupName=self.outputs["LogGroup"],
            startTime=int(found["startDate"].timestamp() * 1000) - _EARLIER_MS,
            # A term in double quotes is matched as it is (CloudWatch Logs user guide, "Filter pattern syntax").
            filterPattern=f'"{execution}"',
        )
        told = [
            {"time": event["timestamp"], "line": event["message"].strip()} for page in lines for event in page["events"]
        ]
        return sorted(told, key=lambda line: int(line["time"]))

    def _find(self, execution: str, besides: Collection[str] = ()) -> tuple[str, Document]:
        """Return the state machine that an execution is of, of all but some, and what Step Functions says of it.

        Raises:
            Refused: there is none.
        """
        steps = self.client("stepfunctions")
        for machine in self._machines:
            if machine in besides:
                continue
            try:
                return machine, steps.describe_execution(executionArn=self._arn(machine, execution))
            except steps.exceptions.ExecutionDoesNotExist:
                continue
        raise Refused("NoExecution", f"there is no execution {execution!r}; Step Functions keeps one for 90 days")

    def _arn(self, machine: str, name: str) -> str:
        return f"{self._machines[machine].replace(':stateMachine:', ':execution:')}:{name}"

    @property
    def _machines(self) -> dict[str, str]:
        return state_machines(self.outputs)


def _ended(execution: Document) -> Document:
    if execution["status"] == "SUCCEEDED":
        output: Document = json.loads(execution.get("output") or "{}")
        return output
    error, cause = execution.get("error", ""), execution.get("cause", "")
    name = execution_outcome.name_of(execution["status"], error)
    message = execution_outcome.message_of({"Cause": cause}) or "no reason was given"
    raise Failed(name, f"{error}: {message}" if name == InternalFailure.__name__ else message)
