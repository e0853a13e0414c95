"""What a tenant's app does: JSON and CSV over HTTP with an API key, and one presigned form for a dataset."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 1024 * 1024
_TIMEOUT_SECONDS = 60

Document = dict[str, Any]


class Refused(Exception):
    """The platform said no, by name: `code` is stable, `str(error)` is for people."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class TenantApi:
    """The tenant API at `url`, with one tenant's `api_key`; every method raises Refused with the API's error code."""

    def __init__(self, url: str, api_key: str) -> None:
        self.url = url.rstrip("/")
        self.api_key = api_key
        self.prediction_milliseconds: list[float] = []

    def configure(self, model: str, settings: Mapping[str, Any]) -> Document:
        """Create or change a model: what it predicts and how it is trained."""
        return self._call("PUT", f"/models/{model}", json.dumps(settings).encode())

    def upload(self, model: str, path: Path) -> str:
        """Send a dataset through a presigned form, streamed from disk; answers its key in the ingest bucket."""
        form = self._call("POST", f"/models/{model}/uploads", json.dumps({"file_name": path.name}).encode())
        post_form(form["url"], form["fields"], path)
        return str(form["key"])

    def execution_of(self, upload_key: str) -> Document | None:
        """The newest execution that an upload started, or None while there is none."""
        query = urllib.parse.urlencode({"upload_key": upload_key})
        found = self._call("GET", f"/executions?{query}")["executions"]
        return found[0] if found else None

    def execution(self, name: str) -> Document:
        """One execution's document: state, training, candidates, endpoint, error."""
        return self._call("GET", f"/executions/{name}")

    def receipt(self, execution: str) -> Document:
        """What an execution did in the customer's account, call by call, and what is wrong with that list."""
        return self._call("GET", f"/executions/{execution}/receipt")

    def predict(self, model: str, csv_text: str) -> Document:
        """Predict rows of CSV text with a header."""
        return self._predict(model, csv_text.encode(), "text/csv")

    def predict_rows(self, model: str, rows: list[Document]) -> Document:
        """Predict rows given as JSON objects of columns."""
        return self._predict(model, json.dumps({"rows": rows}).encode(), "application/json")

    def _predict(self, model: str, body: bytes, content_type: str) -> Document:
        started = time.perf_counter()
        answer = self._call("POST", f"/models/{model}/predictions", body, content_type)
        self.prediction_milliseconds.append((time.perf_counter() - started) * 1000)
        return answer

    def _call(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> Document:
        headers = {"x-api-key": self.api_key, "accept": "application/json"}
        if body is not None:
            headers["content-type"] = content_type
        answer: Document = json.loads(_send(urllib.request.Request(self.url + path, body, headers, method=method)))  # noqa: S310 - the deployed API's own address
        return answer


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
    _send(urllib.request.Request(url, body(), headers, method="POST"))  # noqa: S310 - signed by the API


def _send(request: urllib.request.Request) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            content: bytes = answer.read()
            return content
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
