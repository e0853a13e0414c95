"""The page over HTTP, on loopback: its files, and what it asks for as JSON. Only reads; nothing here changes anything.

It has no password, since it is a developer's tool, and so answers no page but its own. A page elsewhere whose name is
made to point to loopback (DNS rebinding) sends its own name as Host; one that asks directly sends its Origin.
"""

from __future__ import annotations

import json
import sys
import traceback
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

import tenantml_pages
from local import LOOPBACK
from local.console import logs, tenants
from local.console.deployed import Deployed
from local.console.executions import Executions

_OWN = Path(__file__).parent / "static"
_PARTS = resources.files(tenantml_pages) / "parts"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_SHARED = ("pico.min.css", "preact.js", "dagre.js")
HEADERS = {
    # Pico's own icons are data: images in its stylesheet.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
# What the services answer when there is no such thing.
_UNKNOWN = {"ExecutionDoesNotExist", "InvalidArn", "StateMachineDoesNotExist", "ResourceNotFoundException"}

Query = dict[str, str]
Answers = dict[str, Callable[[Query], Any]]


class NotThere(Exception):
    """What was asked for does not exist."""


class MissingParameter(Exception):
    """The request lacks a parameter."""


class Parameters(dict[str, str]):
    """A request's parameters; raises MissingParameter for one that it lacks."""

    def __missing__(self, name: str) -> str:
        raise MissingParameter(f"the parameter {name} is missing")


def answers_of(deployed: Deployed) -> Answers:
    """Return what the page may ask for, by its path."""
    executions = Executions(deployed.machines)
    return {
        "/api/executions": executions.list,
        "/api/execution": lambda query: executions.show(query["arn"]),
        "/api/logs": lambda query: logs.naming(deployed.log_group, query["names"].split(",")),
        "/api/tenants": lambda _: tenants.everything(),
        "/api/endpoints": lambda _: tenants.endpoints(),
        "/api/grants": lambda _: tenants.standing_grants(),
        "/api/uploads": lambda _: {
            "refused": tenants.refused_uploads(),
            "dead_letters": tenants.dead_letters(deployed),
        },
        "/api/receipts": lambda query: tenants.receipts_of(query["tenant"]),
        "/api/receipt": lambda query: _required(tenants.receipt(query["tenant"], query["chain"])),
        "/api/stack": lambda _: {"stack": deployed.stack, "machines": deployed.machines},
    }


def _required(found: Any) -> Any:
    if found is None:
        raise NotThere("there is no such receipt; the tenant's list has those that there are")
    return found


def files() -> dict[str, bytes]:
    """Return the page's files by their paths, read once."""
    own = {f"/{path.name}": path.read_bytes() for path in _OWN.iterdir()}
    return own | {f"/parts/{name}": (_PARTS / name).read_bytes() for name in _SHARED} | {"/": own["/index.html"]}


class ConsoleServer(ThreadingHTTPServer):
    """Listens on loopback alone; port 0 takes a free one."""

    daemon_threads = True

    def __init__(self, answers: Answers, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.answers, self.files = answers, files()
        self.hosts = {f"{name}:{self.server_address[1]}" for name in (LOOPBACK, "localhost")}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave a trace of what fails, but for a browser that left before its answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: ConsoleServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer the page itself."""
        if (refusal := self._refusal()) is not None:
            self._send(403, "text/plain", refusal.encode())
            return
        url = urllib.parse.urlsplit(self.path)
        if url.path in self.server.files:
            kind = _TYPES[Path(url.path).suffix or ".html"]
            self._send(200, f"{kind}; charset=utf-8", self.server.files[url.path])
            return
        status, document = self._answer(url.path, Parameters(urllib.parse.parse_qsl(url.query)))
        self._send(status, "application/json", json.dumps(document, default=str).encode())

    def _refusal(self) -> str | None:
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        if host not in self.server.hosts:
            return f"This page answers only to its own address: open {self.server.url}"
        if origin is not None and origin not in {f"http://{name}" for name in self.server.hosts}:
            return f"This page answers no other page: open {self.server.url}"
        return None

    def _answer(self, path: str, query: Query) -> tuple[int, Any]:
        if path not in self.server.answers:
            return 404, _problem("NotFound", f"there is nothing at {path}")
        try:
            return 200, self.server.answers[path](query)
        except Exception as error:  # noqa: BLE001 - the page says it, and the next request is served
            return _refused(error)

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Log nothing: the page polls."""


def _problem(code: str, message: str) -> Query:
    return {"code": code, "message": message}


def _refused(error: Exception) -> tuple[int, Query]:
    """Return the status and the words for what an answer failed with; what nobody expected leaves its trace."""
    match error:
        case MissingParameter():
            return 400, _problem("InvalidRequest", str(error))
        case NotThere():
            return 404, _problem("NotFound", str(error))
        case ClientError():
            said = error.response["Error"]
            return 404 if said["Code"] in _UNKNOWN else 502, _problem(said["Code"], said["Message"])
        case BotoCoreError():
            return 502, _problem(type(error).__name__, f"the cloud does not answer; is it up? ({error})")
    traceback.print_exception(error, file=sys.stderr)
    return 500, _problem("InternalFailure", "a bug of this page; its trace is in console.log beside the cloud's log")
