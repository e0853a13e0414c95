"""The tenant's HTTP API, as an app calls it with the tenant's key; datasets go by a form, large ones in parts."""

from __future__ import annotations

import json
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from tenantml_cli.context import KEY_VARIABLE, URL_VARIABLE
from tenantml_cli.errors import Refused
from tenantml_cli.sending import post_form, put_part, send

FORM_BYTES = 5 * 1024**3  # of one POST to S3; what is larger goes in parts
_POLL_SECONDS = 1.0
_PARTS_AT_ONCE = 20  # whose addresses are asked for: they end after an hour

Document = dict[str, Any]
Progress = Callable[[str], None]


class TenantApi:
    """The tenant API at `url`, with one tenant's `api_key`; every method raises Refused with the API's error code."""

    def __init__(self, url: str, api_key: str) -> None:
        if not url.startswith(("https://", "http://")):
            raise Refused("NoApiUrl", f"{url!r} is not an http(s) address; see {URL_VARIABLE}")
        self.url = url.rstrip("/")
        self.api_key = api_key

    @classmethod
    def of_environment(cls, url: str) -> TenantApi:
        """The API with the key that the environment has.

        Raises:
            Refused: it has none.
        """
        key = os.environ.get(KEY_VARIABLE)
        if not key:
            raise Refused("NoApiKey", f"set {KEY_VARIABLE} to an API key of the tenant")
        return cls(url, key)

    def configure(self, model: str, settings: Mapping[str, Any]) -> Document:
        """Create or change a model: what it predicts and how it is trained."""
        return self.call("PUT", f"/models/{_quoted(model)}", json.dumps(settings).encode())

    def deploy(self, model: str, request: Mapping[str, Any]) -> Document:
        """Deploy a candidate of a training as a new version."""
        return self.call("POST", f"/models/{_quoted(model)}/versions", json.dumps(request).encode())

    def live_version(self, model: str) -> str:
        """The version of a model that answers.

        Raises:
            Refused: there is none.
        """
        live = self.model(model)["live_version"]
        if live is None:
            raise Refused(
                "NoLiveVersion",
                f"no version of {model} is live; name one of `tenantml versions {model}`; how its training "
                f"goes: tenantml executions --model {model}",
            )
        return str(live)

    def version(self, model: str, version: str) -> Document:
        """One version's document: its status, error, evaluation in short and verdict."""
        return self.call("GET", f"/models/{_quoted(model)}/versions/{_quoted(version)}")

    def evaluation(self, model: str, version: str) -> Document:
        """All that was measured of a version on its holdout."""
        return self.call("GET", f"/models/{_quoted(model)}/versions/{_quoted(version)}/evaluation")

    def report(self, model: str, version: str) -> str:
        """The model report of a version: one HTML file."""
        return self._ask("GET", f"/models/{_quoted(model)}/versions/{_quoted(version)}/report").decode()

    def quote(self, model: str) -> Document:
        """What a training and an endpoint of the model can cost the customer at worst."""
        return self.call("GET", f"/models/{_quoted(model)}/quote")

    def usage(self) -> Document:
        """What is used of today's quota, and what this month's trainings and endpoints cost."""
        return self.call("GET", "/usage")

    def importance(self, model: str, version: str) -> Document:
        """How much each column counts for a version, or why none is known."""
        return self.call("GET", f"/models/{_quoted(model)}/versions/{_quoted(version)}/importance")

    def decide(self, model: str, version: str, decision: Mapping[str, Any]) -> Document:
        """Approve or refuse a version that awaits an approval; answer it as it is then."""
        path = f"/models/{_quoted(model)}/versions/{_quoted(version)}/approval"
        return self.call("PUT", path, json.dumps(decision).encode())

    def return_to(self, model: str, version: str) -> Document:
        """Let a version that was live answer again; answer it, or the version that is deployed to return to it."""
        return self.call("PUT", f"/models/{_quoted(model)}/live-version", json.dumps({"version": version}).encode())

    def set_paused(self, model: str, *, paused: bool) -> Document:
        """Pause a model, or resume it; answer it as it is then."""
        return self.call("PUT", f"/models/{_quoted(model)}/state", json.dumps({"paused": paused}).encode())

    def upload(self, model: str, path: Path, *, multipart: bool = False, tell: Progress | None = None) -> str:
        """Send a dataset; answer its key in the ingest bucket."""
        return str(self.send(model, path, multipart=multipart, tell=tell)["key"])

    def send(self, model: str, path: Path, *, multipart: bool = False, tell: Progress | None = None) -> Document:
        """Send a dataset, streamed from disk, by a form, or in parts when it is larger than a form takes or on request;
        answer the `upload` and its `key` in the ingest bucket.
        """
        request: Document = {"file_name": path.name}
        size_bytes = path.stat().st_size
        if multipart or size_bytes > FORM_BYTES:
            request |= {"size_bytes": size_bytes, "multipart": True}
        made = self.call("POST", f"/models/{_quoted(model)}/uploads", json.dumps(request).encode())
        if "url" in made:
            post_form(made["url"], made["fields"], path)
        else:
            with path.open("rb") as file:
                self._send_parts(f"/models/{_quoted(model)}/uploads/{made['upload']}", file, size_bytes, tell)
        return {"upload": made["upload"], "key": made["key"]}

    def started_by(self, model: str, upload: str, timeout_seconds: float) -> str | None:
        """The execution that an upload started, which takes seconds; None if it has started none by then."""
        until = time.monotonic() + timeout_seconds
        while (found := self.call("GET", f"/models/{_quoted(model)}/uploads/{upload}")["execution"]) is None:
            if time.monotonic() > until:
                return None
            time.sleep(_POLL_SECONDS)
        return str(found)

    def execution_of(self, upload_key: str) -> Document | None:
        """The newest execution that an upload started, or None while there is none."""
        found = self.all_pages("/executions", "executions", 1, upload_key=upload_key, limit="1")
        return found[0] if found else None

    def all_pages(self, path: str, rows: str, most: int | None = None, **query: str | None) -> list[Document]:
        """What a path lists under the name `rows`, page by page, `most` at most; a query that is None is left out."""
        asked = {name: value for name, value in query.items() if value is not None}
        found: list[Document] = []
        while most is None or len(found) < most:
            page = self.call("GET", f"{path}?{urllib.parse.urlencode(asked)}" if asked else path)
            found += page[rows]
            if not page["next_token"]:
                break
            asked["next_token"] = page["next_token"]
        return found[:most]

    def model(self, model: str) -> Document:
        """One model's document: its settings, and which of its versions answers."""
        return self.call("GET", f"/models/{_quoted(model)}")

    def versions(self, model: str) -> list[Document]:
        """All versions of a model, the newest first."""
        return self.all_pages(f"/models/{_quoted(model)}/versions", "versions")

    def create_batch(self, model: str, size_bytes: int, version: str | None = None) -> Document:
        """Ask for a batch of the live version, or of another; answer it, with the `form` that takes its file, which is
        refused by its size before it is sent. An empty one is refused by what it lacks.
        """
        wanted: Document = {"size_bytes": size_bytes} if size_bytes else {}
        wanted |= {"version": version} if version else {}
        return self.call("POST", f"/models/{_quoted(model)}/batches", json.dumps(wanted).encode())

    def batch(self, model: str, batch: str) -> Document:
        """One batch's document, with a link to its result when it has one."""
        return self.call("GET", f"/models/{_quoted(model)}/batches/{_quoted(batch)}")

    def batches(self, model: str) -> list[Document]:
        """All batches of a model whose file has come, the newest first."""
        return self.all_pages(f"/models/{_quoted(model)}/batches", "batches")

    def put_webhook(self, name: str, wanted: Mapping[str, Any]) -> Document:
        """Create or change a webhook; answer it, with its secret when it is new."""
        return self.call("PUT", f"/webhooks/{_quoted(name)}", json.dumps(wanted).encode())

    def webhook(self, name: str) -> Document:
        """One webhook's document."""
        return self.call("GET", f"/webhooks/{_quoted(name)}")

    def renew_secret(self, name: str) -> Document:
        """A new secret of a webhook, and until when the one before it signs beside it."""
        return self.call("POST", f"/webhooks/{_quoted(name)}/secrets", b"")

    def test_webhook(self, name: str) -> Document:
        """Have a message delivered to a webhook in one attempt; answer the delivery."""
        return self.call("POST", f"/webhooks/{_quoted(name)}/test", b"")

    def delete_webhook(self, name: str) -> Document:
        """Delete a webhook; answer what it was."""
        return self.call("DELETE", f"/webhooks/{_quoted(name)}")

    def deliveries(self, name: str) -> list[Document]:
        """What was sent to a webhook, the newest first."""
        return self.all_pages(f"/webhooks/{_quoted(name)}/deliveries", "deliveries")

    def execution(self, name: str) -> Document:
        """One execution's document: state, training, candidates, endpoint, error."""
        return self.call("GET", f"/executions/{_quoted(name)}")

    def receipt(self, execution: str) -> Document:
        """What an execution did in the customer's account, call by call, and what is wrong with that list."""
        path = f"/executions/{_quoted(execution)}/receipt"
        found = page = self.call("GET", path)
        while token := page["next_token"]:
            page = self.call("GET", f"{path}?{urllib.parse.urlencode({'next_token': token})}")
            found["entries"] += page["entries"]
        return {name: value for name, value in found.items() if name != "next_token"}

    def predict(self, model: str, csv_text: str) -> Document:
        """Predict rows of CSV text with a header."""
        return self.send_rows(model, csv_text.encode(), "text/csv")

    def predict_rows(self, model: str, rows: list[Document]) -> Document:
        """Predict rows given as JSON objects of columns."""
        return self.send_rows(model, json.dumps({"rows": rows}).encode(), "application/json")

    def send_rows(self, model: str, body: bytes, content_type: str) -> Document:
        """Predict rows as they are written already."""
        return self.call("POST", f"/models/{_quoted(model)}/predictions", body, content_type)

    def call(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> Document:
        """Answer one request."""
        answer: Document = json.loads(self._ask(method, path, body, content_type))
        return answer

    def _ask(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> bytes:
        headers = {"x-api-key": self.api_key, "accept": "application/json"}
        if body:
            headers["content-type"] = content_type
        return send(urllib.request.Request(self.url + path, body, headers, method=method))  # noqa: S310 - checked at the start

    def _send_parts(self, path: str, file: BinaryIO, size_bytes: int, tell: Progress | None) -> None:
        """PUT every part where the API says, then complete them; the parts of one that is given up are forgotten."""
        query: dict[str, Any] = {"limit": _PARTS_AT_ONCE}
        while True:
            page = self.call("GET", f"{path}/parts?{urllib.parse.urlencode(query)}")
            for part in page["parts"]:
                put_part(part["url"], file.read(part["size_bytes"]))
                if tell:
                    tell(f"{file.tell() / size_bytes:4.0%} sent")
            if not page["next_token"]:
                break
            query["next_token"] = page["next_token"]
        self.call("POST", f"{path}/completion", b"")


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")
