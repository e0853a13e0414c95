"""Hosts that begin with an account's number, as S3 Control's do (`111111111111.127.0.0.1`), lead to the embedded cloud.

botocore puts the account before the host of every endpoint of that service, and no setting of a client prevents it.
Nothing that is deployed to AWS is changed.
"""

from __future__ import annotations

import re
import socket
from typing import Any

_HOST = re.compile(r"\d{12}\.(127\.0\.0\.1)")  # a worker runs this file alone, without the package


def join() -> None:
    """Let this process find them, for as long as it lives; a repeat changes nothing."""
    resolve = socket.getaddrinfo
    if hasattr(resolve, "finds_accounts"):
        return

    def getaddrinfo(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        found = _HOST.fullmatch(host) if isinstance(host, str) else None
        return resolve(found[1] if found else host, port, *arguments, **options)

    getaddrinfo.finds_accounts = True  # type: ignore[attr-defined]
    socket.getaddrinfo = getaddrinfo
