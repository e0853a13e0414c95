"""The internet as the embedded cloud's functions see it: public addresses, behind which ports of loopback answer.

What a function sends to a tenant's address it checks itself: the name's addresses, port 443, and the certificate. So a
receiver on this machine is put behind a public address, and not let past the checks. The setting
`TENANTML_LOCAL_INTERNET` of the embedded cloud's process, such as `{"hooks.acme.example": 8443}`, says which there are;
`SSL_CERT_FILE`, which OpenSSL reads, names the authority of their certificates. Without the setting nothing is changed,
and neither is anything that is deployed to AWS.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from typing import Any

SETTING = "TENANTML_LOCAL_INTERNET"
_NETWORK = "11.11.11."  # public, and nobody's here
_LOOPBACK = "127.0.0.1"  # a worker runs this file alone, without the package


@contextlib.contextmanager
def joined(ports: Mapping[str, int]) -> Iterator[None]:
    """Within this block, these names have public addresses, behind which these ports of loopback answer at 443."""
    before = socket.getaddrinfo, socket.create_connection
    _replace(ports)
    try:
        yield
    finally:
        socket.getaddrinfo, socket.create_connection = before


def asked_for() -> dict[str, str]:
    """Return the settings by which this process's shell asks a cloud for receivers of its own; none without any."""
    return {
        name: os.environ[name] for name in (SETTING, "SSL_CERT_FILE") if SETTING in os.environ and name in os.environ
    }


def join() -> None:
    """Let this process see what the setting says, for as long as it lives."""
    _replace(json.loads(os.environ[SETTING]))


def _replace(ports: Mapping[str, int]) -> None:
    addresses = {host: f"{_NETWORK}{number}" for number, host in enumerate(ports, 1)}
    behind = {addresses[host]: port for host, port in ports.items()}
    resolve, connect = socket.getaddrinfo, socket.create_connection

    def getaddrinfo(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        return resolve(addresses.get(host, host), port, *arguments, **options)

    def create_connection(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        host, port = address
        if port == 443 and host in behind:
            return connect((_LOOPBACK, behind[host]), *arguments, **options)
        return connect(address, *arguments, **options)

    socket.getaddrinfo, socket.create_connection = getaddrinfo, create_connection  # type: ignore[assignment]
