"""The operators' page: what it makes of a definition and of a history, and whom it answers."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.console import graph, visits
from local.console.server import HEADERS, ConsoleServer, NotThere, Parameters
from local.console.visits import CAUGHT, CURRENT, FAILED, STOPPED, SUCCEEDED

START = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
DEFINITIONS = sorted(Path("statemachine").glob("*.asl.json"))


def history(*events: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Events as GetExecutionHistory has them, a second apart."""
    found = []
    for number, (kind, details) in enumerate(events):
        prefix = kind[0].lower() + kind[1:]
        if kind.endswith(("StateEntered", "StateExited")):
            prefix = "stateEntered" if kind.endswith("Entered") else "stateExited"
        timestamp = START + timedelta(seconds=number)
        found.append({"id": number + 1, "type": kind, "timestamp": timestamp, f"{prefix}EventDetails": details})
    return found


ENTERED = ("TaskStateEntered", {"name": "Deliver", "input": "{}"})
LEFT = ("TaskStateExited", {"name": "Deliver", "output": '{"rows": 3}'})
REFUSED = ("TaskFailed", {"error": "PlatformUnavailable", "cause": "busy"})


def test_a_task_that_was_tried_again_has_succeeded_with_one_retry() -> None:
    events = history(ENTERED, ("TaskScheduled", {}), REFUSED, ("TaskScheduled", {}), ("TaskSucceeded", {}), LEFT)
    (visit,) = visits.read(events)
    assert (visit.status, visit.retries, visit.error, visit.output) == (SUCCEEDED, 1, "", '{"rows": 3}')
    assert [(each.error, each.cause, each.ended_at) for each in visit.attempts] == [
        ("PlatformUnavailable", "busy", START + timedelta(seconds=2)),
        ("", "", START + timedelta(seconds=4)),
    ]


def test_a_task_whose_error_was_caught_keeps_the_errors_name() -> None:
    (visit,) = visits.read(history(ENTERED, ("TaskScheduled", {}), REFUSED, LEFT))
    assert (visit.status, visit.error, visit.cause) == (CAUGHT, "PlatformUnavailable", "busy")


def test_an_expression_that_fails_is_the_error_of_its_state() -> None:
    (visit,) = visits.read(history(ENTERED, ("EvaluationFailed", {"error": "States.QueryEvaluationError"}), LEFT))
    assert (visit.status, visit.error) == (CAUGHT, "States.QueryEvaluationError")


def test_what_the_execution_is_in_is_current() -> None:
    (visit,) = visits.read(history(ENTERED, ("TaskScheduled", {})))
    assert (visit.status, visit.left_at, visit.output) == (CURRENT, None, None)


@pytest.mark.parametrize(
    ("end", "status"),
    [("ExecutionFailed", FAILED), ("ExecutionTimedOut", FAILED), ("ExecutionAborted", STOPPED)],
)
def test_a_state_that_is_never_left_ends_with_the_execution(end: str, status: str) -> None:
    failed = ("FailStateEntered", {"name": "Failed", "input": "{}"})
    first, last = visits.read(history(ENTERED, LEFT, failed, (end, {"error": "InvalidDataset", "cause": "empty"})))
    assert (first.status, first.error) == (SUCCEEDED, "")
    assert (last.status, last.error, last.cause) == (status, "InvalidDataset", "empty")
    assert last.left_at == START + timedelta(seconds=3)


def test_a_redrive_makes_the_last_state_current_again() -> None:
    events = history(ENTERED, ("ExecutionFailed", {"error": "Bug"}), ("ExecutionRedriven", {}))
    (visit,) = visits.read(events)
    assert (visit.status, visit.error, visit.left_at) == (CURRENT, "", None)


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name.partition(".")[0])
def test_the_graph_has_every_state_and_reaches_each_from_the_first(path: Path) -> None:
    definition = json.loads(path.read_text())
    # What `visits` and `graph` rely on: one state at a time.
    assert not {"Parallel", "Map"} & {state["Type"] for state in definition["States"].values()}
    states, ways = graph.states(definition), graph.transitions(definition)
    assert [state["name"] for state in states] == list(definition["States"])
    (reached,) = ([state["name"]] for state in states if state["start"])
    for name in reached:
        reached += [way["to"] for way in ways if way["from"] == name and way["to"] not in reached]
    assert sorted(reached) == sorted(definition["States"])


def test_two_states_are_joined_by_one_way_the_plainer() -> None:
    definition = {"States": {"A": {"Type": "Task", "Next": "B", "Catch": [{"Next": "B"}, {"Next": "C"}]}}}
    assert graph.transitions(definition) == [
        {"from": "A", "to": "B", "kind": "next"},
        {"from": "A", "to": "C", "kind": "catch"},
    ]


def missing(_: Parameters) -> None:
    raise NotThere("there is no such receipt")


def broken(_: Parameters) -> None:
    raise ZeroDivisionError


@pytest.fixture(scope="module")
def server() -> Iterator[ConsoleServer]:
    answers = {"/api/echo": lambda query: {"said": query["text"]}, "/api/missing": missing, "/api/broken": broken}
    served = ConsoleServer(answers)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield served
    served.shutdown()
    thread.join()
    served.server_close()


def ask(server: ConsoleServer, path: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), dict(answer.getheaders())
    connection.close()
    return found


def test_its_own_page_is_answered_under_both_names_of_loopback(server: ConsoleServer) -> None:
    port = server.server_address[1]
    for name in ("127.0.0.1", "localhost"):
        own = {"Host": f"{name}:{port}", "Origin": f"http://{name}:{port}"}
        assert ask(server, "/api/echo?text=a%20%3C", **own)[:2] == (200, '{"said": "a <"}')
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("path", ["/", "/app.js", "/api/echo?text=a"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
    ],
    ids=str,
)
def test_another_page_is_answered_nothing(server: ConsoleServer, path: str, headers: dict[str, str]) -> None:
    port = server.server_address[1]
    status, text, _ = ask(server, path, **{name: value.format(port=port) for name, value in headers.items()})
    assert status == 403
    assert text.endswith(f"open {server.url}")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(server: ConsoleServer, method: str) -> None:
    assert ask(server, "/api/echo?text=a", method)[0] == 501


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/nothing", 404, "NotFound"),
        ("/../../etc/passwd", 404, "NotFound"),
        ("/parts/parts.toml", 404, "NotFound"),
        ("/api/echo", 400, "InvalidRequest"),
        ("/api/missing", 404, "NotFound"),
        ("/api/broken", 500, "InternalFailure"),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(
    server: ConsoleServer, path: str, status: int, code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answered, text, _ = ask(server, path)
    assert (answered, json.loads(text)["code"]) == (status, code)
    assert ("ZeroDivisionError" in capfd.readouterr().err) == (code == "InternalFailure")


def test_a_browser_that_leaves_before_its_answer_is_no_failure(capfd: pytest.CaptureFixture[str]) -> None:
    class Waited(ConsoleServer):
        daemon_threads = False  # server_close waits for what is being answered

    gone = threading.Event()

    def more_than_a_connection_holds(_: Parameters) -> str:
        gone.wait(10)
        return "x" * 10_000_000

    served = Waited({"/api/late": more_than_a_connection_holds})
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    with socket.create_connection(served.server_address[:2], timeout=10) as browser:
        host = f"127.0.0.1:{served.server_address[1]}"
        browser.sendall(f"GET /api/late HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes with a reset
    gone.set()
    served.shutdown()
    thread.join()
    served.server_close()
    assert capfd.readouterr().err == ""


def test_every_answer_has_the_strict_policy(server: ConsoleServer) -> None:
    for path in ("/", "/app.js", "/parts/dagre.js", "/api/echo?text=a", "/api/nothing"):
        assert ask(server, path)[2].items() >= HEADERS.items()
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_loads_nothing_from_elsewhere_and_has_no_inline_code(server: ConsoleServer) -> None:
    html = ask(server, "/")[1]
    assert '<script type="module" src="/app.js"></script>' in html
    assert html.count("<script") == 1
    assert " style=" not in html
    for path in server.files:
        assert ask(server, path)[0] == 200
        if not path.startswith("/parts/"):
            assert "innerHTML" not in server.files[path].decode(), "text from data is rendered as text"
            assert "://" not in server.files[path].decode()
