"""Executions of all state machines, across tenants, as Step Functions has them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from local.console import graph, visits
from local.console.deployed import client
from local.console.visits import NOT_REACHED, Visit
from tenantml.domain.predictions.batch import Batch
from tenantml.domain.training.execution_outcome import message_of
from tenantml.domain.uploads.upload import destination_of
from tenantml.errors import WrongUploadKey

LISTED = 200  # of each state machine, the newest
SHOWN_VISITS = 300
FILTERS = ("tenant", "model", "machine", "status")

Row = dict[str, Any]


class Executions:
    """Reads executions; what has ended changes no more, and is asked for once."""

    def __init__(self, machines: Mapping[str, str]) -> None:
        self._machines = machines
        self._ended: dict[tuple[str, Any], Row] = {}

    def list(self, wanted: Mapping[str, str]) -> list[Row]:
        """Return the newest executions, the newest first, of the `wanted` tenant, model, machine and status."""
        chosen = [wanted["machine"]] if wanted.get("machine") in self._machines else list(self._machines)
        rows = [row for machine in chosen for row in self._of(machine, wanted.get("status", ""))]
        matching = [row for row in rows if all(row[name] == wanted[name] for name in FILTERS if wanted.get(name))]
        return sorted(matching, key=lambda row: str(row["started_at"]), reverse=True)[:LISTED]

    def _of(self, machine: str, status: str) -> Iterator[Row]:
        request = {"stateMachineArn": self._machines[machine], "maxResults": LISTED}
        answer = client("stepfunctions").list_executions(**request | ({"statusFilter": status} if status else {}))
        for item in answer["executions"]:
            key = item["executionArn"], item.get("stopDate")
            if key not in self._ended:
                row = _row(machine, _described(item["executionArn"]))
                if not item.get("stopDate"):
                    yield row | {"state": _current_state(item["executionArn"])}
                    continue
                self._ended[key] = row
            yield self._ended[key]

    def show(self, arn: str) -> Row:
        """Return an execution with its state machine's graph, what each state came to, and its relatives.

        Raises botocore's ClientError `ExecutionDoesNotExist` or `InvalidArn`.
        """
        described = _described(arn)
        machine = next((name for name, each in self._machines.items() if each == described["stateMachineArn"]), "")
        pages = client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
        told = visits.read(events)
        visits.mark_where_it_failed(told, described.get("error", ""))
        # As it was when this execution started: an update of the stack may have changed it since.
        answer = client("stepfunctions").describe_state_machine_for_execution(executionArn=arn)
        definition = json.loads(answer["definition"])
        row = _row(machine, described)
        current = [visit.state for visit in told if visit.status == visits.CURRENT]
        return row | {
            "state": current[-1] if current else "",
            "input": described.get("input", ""),
            "output": described.get("output", ""),
            "cause": message_of({"Cause": described.get("cause", "")}),
            "comment": definition.get("Comment", ""),
            "events": len(events),
            "logged_as": _logged_as(described),
            "redrives": described.get("redriveCount", 0),
            "states": [_state(state, told) for state in graph.states(definition)],
            "transitions": _taken(graph.transitions(definition), told),
            "visits": [_visit(number, visit) for number, visit in enumerate(told, 1)][-SHOWN_VISITS:],
            "relatives": list(self._relatives(machine, described)),
        }

    def _relatives(self, machine: str, described: Row) -> Iterator[Row]:
        """Yield the execution that this one started or was started by: a training, its deployment, its rescue."""
        given, came_to = _parsed(described.get("input")), _parsed(described.get("output"))
        if machine == "training" and came_to.get("deployment"):
            yield from self._named("deployment", came_to["deployment"], "started the deployment")
        if machine == "deployment":
            yield from self._named("training", given.get("run", {}).get("execution", ""), "deploys a candidate of")
        if machine == "rescue":
            arn = given.get("detail", {}).get("executionArn", "")
            of = next((name for name, each in self._machines.items() if arn.startswith(_prefix(each))), "")
            if of:
                yield from self._named(of, arn.rsplit(":", 1)[-1], "cleans up after")

    def _named(self, machine: str, name: str, relation: str) -> Iterator[Row]:
        arn = f"{_prefix(self._machines[machine])}{name}"
        steps = client("stepfunctions")
        try:
            described = _described(arn)
        except (steps.exceptions.ExecutionDoesNotExist, steps.exceptions.InvalidArn):
            return  # AWS forgets executions 90 days after their end
        yield {"relation": relation} | _row(machine, described)


def _prefix(machine_arn: str) -> str:
    return machine_arn.replace(":stateMachine:", ":execution:") + ":"


def _described(arn: str) -> Row:
    described: Row = client("stepfunctions").describe_execution(executionArn=arn)
    return described


def _logged_as(described: Row) -> list[str]:
    """Return what names an execution in log lines: a deployment's have the training's execution, and the version."""
    run = _parsed(described.get("input")).get("run")
    return [run["execution"], run["version"]] if run else [described["name"]]


def _current_state(arn: str) -> str:
    newest = client("stepfunctions").get_execution_history(
        executionArn=arn, reverseOrder=True, maxResults=100, includeExecutionData=False
    )
    entered = (
        event["stateEnteredEventDetails"]["name"] for event in newest["events"] if "stateEnteredEventDetails" in event
    )
    return next(entered, "")


def _row(machine: str, described: Row) -> Row:
    started, ended = described["startDate"], described.get("stopDate")
    tenant, model = _subject(_parsed(described.get("input")))
    return {
        "arn": described["executionArn"],
        "name": described["name"],
        "machine": machine,
        "tenant": tenant,
        "model": model,
        "status": described["status"],
        "started_at": iso(started),
        "ended_at": iso(ended),
        "seconds": _seconds(started, ended),
        "state": "",
        "error": described.get("error", ""),
    }


def _subject(given: Row) -> tuple[str, str]:
    """Return tenant and model of an execution by its input: a file, a run, a removal, or an event about another."""
    if isinstance(given.get("detail"), dict):
        return _subject(_parsed(given["detail"].get("input")))
    if isinstance(given.get("key"), str):
        try:
            destination = Batch.of_key(given["key"]) or destination_of(given["key"])
        except WrongUploadKey:
            return "", ""
        return destination.tenant, destination.model
    named = given.get("run", given)
    return str(named.get("tenant") or ""), str(named.get("model") or "")


def _parsed(text: str | None) -> Row:
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}


def _state(state: Row, told: list[Visit]) -> Row:
    """A planned state, and what became of it: the sum of its visits, and the last of them."""
    own = [visit for visit in told if visit.state == state["name"]]
    if not own:
        return state | {"status": NOT_REACHED, "visits": 0, "retries": 0, "seconds": None}
    last = own[-1]
    return state | {
        "status": last.status,
        "visits": len(own),
        "retries": sum(visit.retries for visit in own),
        "seconds": sum(_seconds(visit.entered_at, visit.left_at) for visit in own),
        "entered_at": iso(own[0].entered_at),
        "left_at": iso(last.left_at),
        "input": last.input,
        "output": last.output,
        "error": last.error,
        "cause": message_of({"Cause": last.cause}),
        "attempts": [
            {
                "started_at": iso(each.started_at),
                "seconds": _seconds(each.started_at, each.ended_at),
                "error": each.error,
                "cause": message_of({"Cause": each.cause}),
            }
            for each in last.attempts
        ],
    }


def _visit(number: int, visit: Visit) -> Row:
    return {
        "number": number,
        "state": visit.state,
        "status": visit.status,
        "entered_at": iso(visit.entered_at),
        "seconds": _seconds(visit.entered_at, visit.left_at),
        "retries": visit.retries,
        "error": visit.error,
    }


def _taken(transitions: list[dict[str, str]], told: list[Visit]) -> list[Row]:
    taken = {(one.state, following.state) for one, following in pairwise(told)}
    return [each | {"taken": (each["from"], each["to"]) in taken} for each in transitions]


def iso(when: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC, with milliseconds."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if when else None


def _seconds(started: datetime, ended: datetime | None) -> float:
    return round(((ended or datetime.now(UTC)) - started).total_seconds(), 3)
