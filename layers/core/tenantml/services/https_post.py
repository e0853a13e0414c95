"""One POST to an address that a tenant chose: to the public internet over verified TLS, or not at all.

The name is resolved once, every address that it has is checked, and the connection goes to an address that was checked:
there is no second look-up that could answer otherwise (OWASP API7:2023, server-side request forgery). Nothing is
followed, no more than the head of an answer is read, and all of it takes a limited time, however slowly it comes.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tenantml.domain.webhooks.addresses import is_public
from tenantml.domain.webhooks.webhook import place_of
from tenantml.domain.webhooks.webhook_outcomes import (
    ADDRESS_REFUSED,
    ANSWERED,
    HOST_UNKNOWN,
    NO_CONNECTION,
    NOT_HTTP,
    NOT_TRUSTED,
    TIMED_OUT,
)

SECONDS = 15.0
PORT = 443
MAX_HEAD_BYTES = 16_384


@dataclass(frozen=True)
class Reply:
    """How a request went: a word of `webhook_outcomes`, and what was answered."""

    outcome: str
    status: int | None = None
    retry_after: int | None = None


def post(url: str, body: bytes, headers: dict[str, str]) -> Reply:
    """POST a body to an address that `webhook.is_url` accepts."""
    host, target = place_of(url)
    try:
        found = socket.getaddrinfo(host, PORT, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return Reply(HOST_UNKNOWN)
    addresses = [str(entry[4][0]) for entry in sorted(found, key=lambda entry: entry[0] != socket.AF_INET)]
    if not addresses or not all(map(is_public, addresses)):
        return Reply(ADDRESS_REFUSED)
    fields = {"Host": host, "Content-Length": str(len(body)), "Connection": "close"} | headers
    head = f"POST {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
    over = threading.Event()
    try:
        with (
            socket.create_connection((addresses[0], PORT), timeout=SECONDS) as plain,
            _limited(plain, over),
            _trust().wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.sendall(head.encode("ascii") + body)
            reply = _read(connection)
    except TimeoutError:
        return Reply(TIMED_OUT)
    except ssl.SSLCertVerificationError:
        return Reply(NOT_TRUSTED)
    except OSError:
        return Reply(TIMED_OUT if over.is_set() else NO_CONNECTION)
    return Reply(TIMED_OUT) if over.is_set() and reply.status is None else reply


@contextlib.contextmanager
def _limited(connection: socket.socket, over: threading.Event) -> Iterator[None]:
    """Shut the connection when the time is over: a time-out of a socket is for each of its calls."""
    with connection.dup() as same:

        def shut() -> None:
            over.set()
            with contextlib.suppress(OSError):
                same.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(SECONDS, shut)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _read(connection: ssl.SSLSocket) -> Reply:
    """Read the head of the answer, past what is informational (RFC 9110, "Status Codes")."""
    received = b""
    while len(received) < MAX_HEAD_BYTES:
        head, end, rest = received.partition(b"\r\n\r\n")
        if not end:
            more = connection.recv(4096)
            if not more:
                break
            received += more
            continue
        line = re.match(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r]", head + b"\r\n")
        if not line:
            break
        status = int(line[1])
        if status >= 200:
            wait = re.search(rb"(?im)^retry-after:[ \t]*([0-9]{1,6})[ \t]*\r?$", head)
            return Reply(ANSWERED, status, int(wait[1]) if wait else None)
        received = rest
    return Reply(NOT_HTTP)


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
