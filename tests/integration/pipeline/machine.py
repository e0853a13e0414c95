"""A state machine's own definition, walked in this process: its states call the handlers, its waits wait for
what they are for.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from jsonata import Jsonata

from tenantml.errors import TenantMLError
from tenantml.services.registry.table import now

TRAINING, DEPLOYMENT, OFFBOARDING, BATCH = (
    Path(__file__).parents[3] / "statemachine" / f"{name}.asl.json"
    for name in ("training", "deployment", "offboarding", "batch")
)


class Died(BaseException):
    """The process of a function ended: nothing of it catches this, and Step Functions tries again."""


class Broken(Exception):
    """A failure without a name, which no retry fixes."""


class Uncaught(Exception):
    """The execution failed in a state that catches nothing of the kind."""


class Tokens(Protocol):
    """Task tokens, and whether they were sent."""

    def new(self) -> str:
        """Return a token that a task waits for."""

    def close(self, token: str) -> bool:
        """Return whether the token was sent; if not, nobody waits for it any longer."""


def nobody() -> None:
    """Nobody decides."""


@dataclass(frozen=True)
class Machine:
    """One definition. `invoke(function, payload)` calls a handler, `wait()` returns when what is waited for is over.

    A task that waits for its token, one of `tokens`, waits until `decide()` returns, and times out unless the token was
    sent by then.
    """

    definition: Path
    invoke: Callable[[str, Any], Any]
    wait: Callable[[], None]
    tokens: Tokens | None = None
    decide: Callable[[], object] = nobody

    def execute(self, given: dict[str, Any]) -> Iterator[str]:
        """Walk from the start to an end, and yield every state's name when it is left."""
        variables: dict[str, Any] = {}
        read = json.loads(self.definition.read_text())
        name, passed = read["StartAt"], given
        while True:
            state = read["States"][name]
            states = {
                "input": passed,
                "context": {
                    "State": {"Name": name, "EnteredTime": now(), "RetryCount": 0},
                    "Execution": {"Input": given, "RedriveCount": 0},
                },
            }
            following = state.get("Next", state.get("Default"))
            assigned = state.get("Assign", {})
            if state["Type"] == "Task":
                try:
                    states["result"] = {"Payload": self._attempt(state, states, variables)}
                except _Failed as failed:
                    caught = _catcher(name, state, failed)
                    states["errorOutput"] = {"Error": failed.name, "Cause": failed.cause}
                    following, assigned = caught["Next"], caught.get("Assign", {})
                else:
                    passed = evaluated(state.get("Output", "{% $states.result %}"), states, variables)
            elif state["Type"] == "Choice":
                for choice in state["Choices"]:
                    if evaluated(choice["Condition"], states, variables):
                        following, assigned = choice["Next"], choice.get("Assign", {})
                        break
            elif state["Type"] == "Wait":
                self.wait()
            variables |= {key: evaluated(value, states, variables) for key, value in assigned.items()}
            yield name
            if following is None:
                return
            name = following

    def _attempt(self, state: dict[str, Any], states: dict[str, Any], variables: dict[str, Any]) -> Any:
        """Call a task's handler as often as its retriers say; a process that died is tried again without end."""
        tries: Counter[int] = Counter()
        tokens = self.tokens if state["Resource"].endswith(".waitForTaskToken") else None
        for attempt in count():
            token = tokens.new() if tokens else ""  # each attempt has its own
            now_at = states["context"]["State"] | {"RetryCount": attempt}
            in_task = states | {"context": states["context"] | {"Task": {"Token": token}, "State": now_at}}
            arguments = evaluated(state["Arguments"], in_task, variables)
            name = re.fullmatch(r"\$\{(\w+)FunctionArn\}", arguments["FunctionName"])
            assert name
            try:
                answer = self.invoke(re.sub(r"(?<!^)(?=[A-Z])", "_", name[1]).lower(), arguments["Payload"])
                if tokens:
                    self.decide()
            except Died:
                if tokens:
                    tokens.close(token)
                continue
            except (TenantMLError, Broken) as error:
                kind, cause = type(error).__name__, json.dumps({"errorMessage": str(error)})
            else:
                if tokens is None or tokens.close(token):
                    return answer
                raise _Failed("States.Timeout", "")
            for index, retrier in enumerate(state.get("Retry", [])):
                if kind in retrier["ErrorEquals"] and tries[index] < retrier["MaxAttempts"]:
                    tries[index] += 1
                    self.wait()
                    break
            else:
                raise _Failed(kind, cause)
        raise AssertionError("attempts have no end of their own")


class _Failed(Exception):
    def __init__(self, name: str, cause: str) -> None:
        super().__init__(name)
        self.name, self.cause = name, cause


def _catcher(name: str, state: dict[str, Any], failed: _Failed) -> dict[str, Any]:
    """Return what catches a state's failure; raises Uncaught when nothing does."""
    for catch in state.get("Catch", []):
        if {failed.name, "States.ALL"} & {*catch["ErrorEquals"]}:
            return dict(catch)
    raise Uncaught(f"{name}: {failed.name}") from failed


def evaluated(template: Any, states: dict[str, Any], variables: dict[str, Any]) -> Any:
    """Return a template with its JSONata expressions evaluated."""
    if isinstance(template, dict):
        return {name: evaluated(value, states, variables) for name, value in template.items()}
    if isinstance(template, list):
        return [evaluated(value, states, variables) for value in template]
    if not isinstance(template, str) or not template.startswith("{%"):
        return template
    expression = Jsonata(template.removeprefix("{%").removesuffix("%}").strip())
    for name, value in {**variables, "states": states}.items():
        expression.assign(name, value)
    return json.loads(json.dumps(expression.evaluate(None)))
