"""The answers of one run: kept as they come, reduced to what may be kept, and written without what is anybody's."""

from __future__ import annotations

import io
import json
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from botocore.model import OperationModel
from botocore.response import StreamingBody

from smoke import scrub
from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import Document, TenantApi

FORMAT = 1
_READING = ("Describe", "List", "Get", "GET ")
_BODY = "InvokeEndpoint"  # whose streamed answer is looked into


class NoRecording(Exception):
    """A file is not a recording of this version."""


@dataclass(frozen=True)
class Answer:
    """One answer: to which call, with HTTP's status. What was read while waiting depends on the moment (`timed`)."""

    call: str
    status: int
    timed: bool
    members: Any


class Recorder:
    """Keeps the answers of the clients that it is attached to, and of the tenant's API."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self._is_waiting = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What is read inside depends on the moment at which it is read."""
        self._is_waiting = True
        try:
            yield
        finally:
            self._is_waiting = False

    def attach(self, client: Any) -> Any:
        """Keep every answer that a client gets, the refusals too, and return the client."""
        client.meta.events.register("after-call", self._keep, unique_id=f"smoke-{id(self)}")
        return client

    def api(self, url: str, api_key: str) -> TenantApi:
        """The tenant's API, whose answers are kept."""
        return _RecordedApi(url, api_key, self)

    def note(self, call: str, status: int, members: Any) -> None:
        """Keep an answer that is reduced already."""
        timed = self._is_waiting and call.partition(".")[2].startswith(_READING)
        self.answers.append(Answer(call, status, timed, members))

    def _keep(self, *, http_response: Any, parsed: Document, model: OperationModel, **_: Any) -> None:
        call = f"{model.service_model.service_name}.{model.name}"
        members = scrub.modelled(parsed, model.output_shape)
        if "Error" in parsed:
            members = {"Error": {"Code": parsed["Error"].get("Code", "")}}
        elif model.name == _BODY:
            content = parsed["Body"].read()
            parsed["Body"] = StreamingBody(io.BytesIO(content), len(content))
            members["Body"] = scrub.text_body(content)
        self.note(call, http_response.status_code, members)


class _RecordedApi(TenantApi):
    def __init__(self, url: str, api_key: str, recorder: Recorder) -> None:
        super().__init__(url, api_key)
        self._recorder = recorder

    def call(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> Document:
        segments = urllib.parse.urlsplit(path).path.split("/")
        route = "/".join("{}" if place and place % 2 == 0 else segment for place, segment in enumerate(segments))
        try:
            answer = super().call(method, path, body, content_type)
        except Refused as error:
            self._recorder.note(f"api.{method} {route}", error.status or 0, {"Error": {"Code": error.code}})
            raise
        self._recorder.note(f"api.{method} {route}", 200, scrub.document(answer))
        return answer


def write(answers: list[Answer], path: Path, known: Mapping[str, str]) -> None:
    """Write a recording without what `known` and the scrubber's own patterns find."""
    kept = [asdict(answer) | {"members": scrub.without(answer.members, known)} for answer in answers]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, "answers": kept}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> list[Answer]:
    """Read a recording; raises NoRecording."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise NoRecording(f"{path} has format {content['format']}, not {FORMAT}: record it again")
        return [Answer(**answer) for answer in content["answers"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoRecording(f"{path} is no recording that `make smoke` wrote ({error})") from error
