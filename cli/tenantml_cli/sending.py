"""Files and requests on their way over HTTP: forms, parts, downloads, and what a refusal says."""

from __future__ import annotations

import json
import secrets
import shutil
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tenantml_cli.errors import Refused

_CHUNK_BYTES = 1024 * 1024
_TIMEOUT_SECONDS = 60
_ATTEMPTS = 4


def post_form(url: str, fields: Mapping[str, str], path: Path) -> None:
    """POST a file as S3's presigned form wants it, `file` last; never holds more than a chunk of it.

    Raises:
        Refused: with S3's error code, such as EntityTooLarge or AccessDenied.
    """
    boundary = secrets.token_hex(16)
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{urllib.parse.quote(path.name)}"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    tail = f"\r\n--{boundary}--\r\n"
    length = len(head.encode()) + path.stat().st_size + len(tail)

    def body() -> Iterator[bytes]:
        yield head.encode()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
        yield tail.encode()

    headers = {"content-type": f"multipart/form-data; boundary={boundary}", "content-length": str(length)}
    send(urllib.request.Request(url, body(), headers, method="POST"))  # noqa: S310 - signed by the API


def put_part(url: str, content: bytes) -> None:
    """PUT one part, again when the network or S3 fails: the same part twice is one part."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            send(urllib.request.Request(url, content, {"content-type": "text/csv"}, method="PUT"))  # noqa: S310 - signed by the API
        except Refused as error:
            if attempt == _ATTEMPTS or (error.status or 0) < 500:
                raise
        except OSError:
            if attempt == _ATTEMPTS:
                raise
        else:
            return


def send(request: urllib.request.Request) -> bytes:
    """Answer what a request is answered.

    Raises:
        Refused: with the code of the API's or S3's answer.
    """
    with _opened(request) as answer:
        content: bytes = answer.read()
        return content


def download(url: str, path: Path) -> None:
    """Save what a link leads to; a file of this name is replaced when all of it has come, and never holds a part.

    Raises:
        Refused: with S3's error code.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with _opened(urllib.request.Request(url)) as answer, part.open("wb") as file:  # noqa: S310 - signed by the API
            shutil.copyfileobj(answer, file, _CHUNK_BYTES)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _opened(request: urllib.request.Request) -> Iterator[Any]:
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            yield answer
    except urllib.error.HTTPError as error:
        with error:
            code, message = _read_refusal(error.read(), error.reason)
        raise Refused(code, message, error.code) from None


def _read_refusal(body: bytes, reason: str) -> tuple[str, str]:
    """Code and message of the API's problem or of S3's XML; what API Gateway itself refuses has a message alone."""
    try:
        if body.lstrip().startswith(b"<"):
            root = ET.fromstring(body)  # noqa: S314 - S3's own answer
            return root.findtext("Code") or reason, root.findtext("Message") or reason
        problem = json.loads(body)
        return problem.get("code") or reason, problem.get("detail") or problem.get("message") or reason
    except (ValueError, AttributeError, ET.ParseError):
        return reason, body.decode(errors="replace")[:500] or reason
