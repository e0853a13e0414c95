"""A POST goes to a checked address of the public internet, over verified TLS, for a limited time; or nowhere."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.internet import joined
from tenantml.domain.webhooks.webhook_outcomes import (
    ADDRESS_REFUSED,
    ANSWERED,
    HOST_UNKNOWN,
    NO_CONNECTION,
    NOT_HTTP,
    NOT_TRUSTED,
    TIMED_OUT,
)
from tenantml.services import https_post
from tenantml.services.https_post import Reply, post
from tests.receiver import Receiver

URL = "https://hooks.acme.example/in?a=b"


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let a name have other addresses each time that it is looked up; return the names that are."""
    asked: list[str] = []
    left, numeric = list(answers), socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *arguments: Any, **options: Any) -> list[Any]:
        if host.replace(".", "").isdigit() or ":" in host:
            return numeric(host, port, *arguments, **options)
        asked.append(host)
        addresses = left.pop(0)
        kinds = [(socket.AF_INET6 if ":" in address else socket.AF_INET, address) for address in addresses]
        return [(kind, socket.SOCK_STREAM, 6, "", (address, port)) for kind, address in kinds]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where connections were asked to go."""
    made: list[tuple[str, int]] = []
    connect = socket.create_connection

    def create_connection(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        made.append(address)
        return connect(address, *arguments, **options)

    monkeypatch.setattr(socket, "create_connection", create_connection)
    return made


def test_what_is_posted_arrives(receiver: Receiver) -> None:
    assert post(URL, b'{"a": 1}', {"webhook-id": "msg_1"}) == Reply(ANSWERED, 204)
    ((headers, body),) = receiver.received
    assert (headers["Host"], headers["webhook-id"], body) == ("hooks.acme.example", "msg_1", '{"a": 1}')


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["169.254.169.254"], ["10.1.2.3"], ["100.64.0.1"], ["::1"], ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"], ["fd00:ec2::254"], ["224.0.0.1"], ["11.11.11.1", "127.0.0.1"], ["::1", "11.11.11.1"], [],
    ],
)  # fmt: skip
def test_a_name_with_any_address_that_is_not_public_is_never_connected_to(
    addresses: list[str], receiver: Receiver, monkeypatch: pytest.MonkeyPatch, connected: list[Any]
) -> None:
    resolving(monkeypatch, addresses)
    assert post(URL, b"{}", {}) == Reply(ADDRESS_REFUSED)
    assert (connected, receiver.received) == ([], [])


def test_a_name_that_means_another_address_the_second_time_is_connected_to_at_the_first(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, connected: list[Any]
) -> None:
    asked = resolving(monkeypatch, ["11.11.11.1"], ["127.0.0.1"], ["127.0.0.1"])
    assert post(URL, b"{}", {}) == Reply(ANSWERED, 204)
    assert (asked, connected) == (["hooks.acme.example"], [("11.11.11.1", 443)])
    assert post(URL, b"{}", {}) == Reply(ADDRESS_REFUSED)
    assert connected == [("11.11.11.1", 443)]


def test_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: Any, **options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert post(URL, b"{}", {}) == Reply(HOST_UNKNOWN)


def test_a_certificate_of_another_name_is_not_trusted(receiver: Receiver) -> None:
    assert post("https://other.acme.example/", b"{}", {}) == Reply(NOT_TRUSTED)
    assert receiver.received == []


def test_a_certificate_of_an_unknown_authority_is_not_trusted(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    https_post._trust.cache_clear()
    assert post(URL, b"{}", {}) == Reply(NOT_TRUSTED)
    assert receiver.received == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int, receiver: Receiver, connected: list[Any]) -> None:
    receiver.answers.append((status, {"Location": "https://other.acme.example/"}))
    assert post(URL, b"{}", {}) == Reply(ANSWERED, status)
    assert (len(receiver.received), len(connected)) == (1, 1)


def test_what_a_receiver_asks_to_wait_is_read(receiver: Receiver) -> None:
    receiver.answers += [(429, {"retry-after": "120"}), (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})]
    assert post(URL, b"{}", {}) == Reply(ANSWERED, 429, 120)
    assert post(URL, b"{}", {}) == Reply(ANSWERED, 503, None)


Serve = Callable[[Callable[[ssl.SSLSocket], None]], None]


@pytest.fixture
def serve(receiver: Receiver) -> Iterator[Serve]:
    """Let one connection be answered by a function, as `hooks.acme.example`."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    folder = receiver.authority.parent
    context.load_cert_chain(folder / "receiver.pem", folder / "receiver.key")
    threads: list[threading.Thread] = []

    def serve(answer: Callable[[ssl.SSLSocket], None]) -> None:
        def run() -> None:
            plain, _ = listener.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    connection.recv(65_536)
                    answer(connection)
            except OSError:
                pass  # the other side had enough

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    with joined({"hooks.acme.example": listener.getsockname()[1]}):
        yield serve
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    listener.close()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Reply(ANSWERED, 200)),
        (b"HTTP/1.0 200\r\n\r\n", Reply(ANSWERED, 200)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\nbody", Reply(ANSWERED, 200)),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", Reply(NOT_HTTP)),
        (b"HTTP/1.1 999 Odd\r\n\r\n", Reply(NOT_HTTP)),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000, Reply(NOT_HTTP)),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 2000, Reply(NOT_HTTP)),
        (b"HTTP/1.1 200 OK\r\n", Reply(NOT_HTTP)),
        (b"", Reply(NOT_HTTP)),
    ],
)
def test_only_the_head_of_an_answer_is_read_and_no_more_than_16_kb(sent: bytes, expected: Reply, serve: Serve) -> None:
    serve(lambda connection: connection.sendall(sent))
    assert post(URL, b"{}", {}) == expected


def trickle(connection: ssl.SSLSocket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(200):
        connection.sendall(b"X: y\r\n")
        time.sleep(0.02)


def test_an_answer_that_trickles_in_is_given_up_in_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https_post, "SECONDS", 0.3)
    serve(trickle)
    began = time.monotonic()
    assert post(URL, b"{}", {}) == Reply(TIMED_OUT)
    assert time.monotonic() - began < 2


def test_silence_is_given_up_in_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https_post, "SECONDS", 0.3)
    serve(lambda connection: time.sleep(0.8))
    assert post(URL, b"{}", {}) == Reply(TIMED_OUT)


def test_a_host_that_does_not_listen_or_speaks_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with joined({"hooks.acme.example": port}):
        assert post(URL, b"{}", {}) == Reply(NO_CONNECTION)
    with socket.create_server(("127.0.0.1", 0)) as plain, joined({"hooks.acme.example": plain.getsockname()[1]}):

        def answer_in_the_clear() -> None:
            with plain.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        thread = threading.Thread(target=answer_in_the_clear)
        thread.start()
        assert post(URL, b"{}", {}) == Reply(NO_CONNECTION)
        thread.join()
