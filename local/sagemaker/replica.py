"""One process that serves one variant of an endpoint: started, called over kept-alive connections, retired."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import tarfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.sagemaker import memory, processes
from local.sagemaker.dataset import split_uri
from local.sagemaker.errors import ApiError
from local.sagemaker.role_session import s3_client
from local.sagemaker.store import Scope

INVOCATION_SECONDS = 60.0
STARTUP_SECONDS = 300.0
_POLL_SECONDS = 0.02

logger = logging.getLogger("local.sagemaker")


class HostingFailed(Exception):
    """The variant cannot be served; the text is the endpoint's FailureReason."""


@dataclass
class Replica:
    """A process that answers, the connections to it and the number of requests that it is answering."""

    process: processes.Process
    folder: Path
    port: int
    max_concurrency: int | None  # a serverless variant's
    retiring: bool = False
    in_flight: int = 0
    _idle: list[http.client.HTTPConnection] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def enter(self) -> bool:
        """Count a request in, unless a serverless variant is at its limit."""
        with self._changed:
            if self.max_concurrency is not None and self.in_flight >= self.max_concurrency:
                return False
            self.in_flight += 1
            return True

    def leave(self) -> None:
        """Count a request out."""
        with self._changed:
            self.in_flight -= 1
            self._changed.notify_all()

    def invoke(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        """The container's status, content type and body; raises OSError or HTTPException when it does not answer."""
        # An idle connection may have been closed by the other side; a new one shows the truth.
        with contextlib.suppress(IndexError, ConnectionError, http.client.BadStatusLine):
            return self._ask(self._idle.pop(), body, headers)
        return self._ask(self._connect(), body, headers)

    def retire(self) -> None:
        """End the process once it has answered its requests, or after the longest time that an answer may take."""
        self.retiring = True
        with self._changed:
            self._changed.wait_for(lambda: self.in_flight == 0, INVOCATION_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process now."""
        self.retiring = True
        processes.stop(self.process)
        while self._idle:
            self._idle.pop().close()
        processes.discard(self.folder)

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=INVOCATION_SECONDS)

    def _ask(
        self, connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str]
    ) -> tuple[int, str, bytes]:
        try:
            connection.request("POST", "/invocations", body, headers)
            response = connection.getresponse()
            answer = response.read()
        except BaseException:
            connection.close()
            raise
        if not response.will_close:
            self._idle.append(connection)
        return response.status, response.getheader("Content-Type", "application/octet-stream"), answer


def start(variant: dict[str, Any], model: dict[str, Any], scope: Scope, endpoint_arn: str) -> Replica:
    """Fetch the model's artefacts with its execution role, start a process and wait until it answers /ping.

    `model` is the request of CreateModel. Raises HostingFailed.
    """
    folder = processes.new_folder("endpoint")
    try:
        _prepare(folder, model, scope, endpoint_arn)
        process = processes.start(processes.serving_module(), folder)
    except BaseException:
        processes.discard(folder)
        raise
    try:
        ready = _wait_until_ready(process, folder, variant)
        if reason := memory.lacking(variant, model, ready.get("memory_mb", 0)):
            raise _not_up(variant, reason)
    except BaseException:
        processes.stop(process)
        processes.discard(folder)
        raise
    return Replica(process, folder, int(ready["port"]), variant.get("ServerlessConfig", {}).get("MaxConcurrency"))


def _prepare(folder: Path, model: dict[str, Any], scope: Scope, endpoint_arn: str) -> None:
    try:
        s3 = s3_client(model["ExecutionRoleArn"], scope, endpoint_arn)
    except ApiError as error:
        raise HostingFailed(error.message) from error
    containers = []
    for position, container in enumerate(model.get("Containers") or [model["PrimaryContainer"]], start=1):
        artifact_dir = folder / f"container_{position}"
        artifact_dir.mkdir()
        _fetch(s3, container["ModelDataUrl"], artifact_dir, f"container_{position}")
        containers.append({"artifact_dir": str(artifact_dir), "environment": container.get("Environment", {})})
    (folder / "model.json").write_text(json.dumps({"containers": containers}), encoding="utf-8")


def _fetch(s3: Any, uri: str, artifact_dir: Path, container: str) -> None:
    bucket, key = split_uri(uri)
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
        with tarfile.open(fileobj=body, mode="r|gz") as archive:
            archive.extractall(artifact_dir, filter="data")
    except (ClientError, tarfile.TarError) as error:
        raise HostingFailed(
            f'Failed to download model data for container "{container}" from URL: "{uri}". Please ensure that there '
            "is an object located at the URL and that the role passed to CreateModel has permissions to download the "
            f"object. ({error})"
        ) from error


def _wait_until_ready(process: processes.Process, folder: Path, variant: dict[str, Any]) -> dict[str, Any]:
    """What the process says of itself when it answers: its `port`, and the `memory_mb` that a worker takes."""
    ready = folder / "ready.json"
    deadline = time.monotonic() + variant.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_SECONDS)
    while time.monotonic() < deadline and process.poll() is None:
        if ready.exists() and (text := ready.read_text(encoding="utf-8")).endswith("}"):
            found: dict[str, Any] = json.loads(text)
            return found
        time.sleep(_POLL_SECONDS)
    logger.error("a serving process did not become ready:\n%s", processes.log_tail(folder))
    raise _not_up(variant, processes.log_tail(folder, 300).strip())


def _not_up(variant: dict[str, Any], why: str) -> HostingFailed:
    return HostingFailed(
        f"The primary container for production variant {variant['VariantName']} did not pass the ping health check. "
        f"Please check CloudWatch logs for this endpoint. {why}"
    )
