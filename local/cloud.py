"""`with EmbeddedCloud() as cloud:` starts the embedded cloud as a separate process and always ends it."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from local import LOOPBACK, REGION, ROOT_SECRET, SAAS_ACCOUNT, account_hosts, faults
from local.child import Child
from local.server import ENDPOINT_FILE, EXPIRE_PATH, SHUTDOWN_SECONDS


class EmbeddedCloudError(Exception):
    """The embedded cloud did not start; carries the end of its log."""


class EmbeddedCloud:
    """One embedded cloud, from `start()` to `stop()`.

    `state_dir` keeps everything that it writes, its log in `server.log`; by default a temporary folder is used and
    then removed.
    `wait_scale` multiplies the waits and retry intervals of state machines; `persist` keeps resources across restarts;
    `settings` are further environment variables of the process, such as TENANTML_LOCAL_MAX_AUTOML_JOBS. A `faulty` one
    takes faults: `inject`.
    """

    def __init__(
        self,
        state_dir: Path | None = None,
        *,
        port: int = 0,
        wait_scale: float = 1.0,
        persist: bool = False,
        start_timeout_seconds: float = 60.0,
        settings: Mapping[str, str] | None = None,
        faulty: bool = False,
    ) -> None:
        self._keep_state = state_dir is not None
        self._state_dir = state_dir
        self._arguments = ["--port", str(port), "--wait-scale", repr(wait_scale)] + ["--persist"] * persist
        self._start_timeout_seconds = start_timeout_seconds
        self._faults_word = secrets.token_hex() if faulty else ""
        self._settings = dict(settings or {}) | ({faults.SETTING: self._faults_word} if faulty else {})
        self._child: Child | None = None
        self._session = boto3.Session(region_name=REGION)
        self._clients: dict[tuple[object, ...], Any] = {}
        self.endpoint_url = ""

    @property
    def state_dir(self) -> Path:
        """The folder of everything that this cloud writes."""
        if self._state_dir is None:
            self._state_dir = Path(tempfile.mkdtemp(prefix="embedded-cloud-"))
        return self._state_dir

    @property
    def log_path(self) -> Path:
        """Where the process and the Lambda functions log."""
        return self.state_dir / "server.log"

    @property
    def process_id(self) -> int:
        """The process that everything else is started by.

        Raises:
            EmbeddedCloudError: it was not started.
        """
        if self._child is None:
            raise EmbeddedCloudError("the embedded cloud was not started")
        return self._child.process.pid

    def start(self) -> None:
        """Start the process and wait until it answers; raises EmbeddedCloudError when it does not."""
        account_hosts.join()
        self.state_dir.mkdir(parents=True, exist_ok=True)
        endpoint_file = self.state_dir / ENDPOINT_FILE
        endpoint_file.unlink(missing_ok=True)
        command = ["local.server", "--state-dir", str(self.state_dir), *self._arguments]
        child = self._child = Child(command, self.log_path, self._settings)
        try:
            self._wait_until_healthy(child, endpoint_file)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process and all that it started; harmless when it has ended."""
        child, self._child = self._child, None
        if child is not None:
            child.end(SHUTDOWN_SECONDS + 2)
        if not self._keep_state and self._state_dir is not None:
            shutil.rmtree(self._state_dir, ignore_errors=True)
            self._state_dir = None

    def session(
        self, account: str = SAAS_ACCOUNT, *, region: str = REGION, credentials: Mapping[str, Any] | None = None
    ) -> boto3.Session:
        """A session as the root of `account`, or with an STS answer's `Credentials`; clients need `endpoint_url`."""
        return boto3.Session(region_name=region, **_keys(account, credentials))

    def client(
        self,
        service: str,
        account: str = SAAS_ACCOUNT,
        *,
        region: str = REGION,
        credentials: Mapping[str, Any] | None = None,
        config: Config | None = None,
    ) -> Any:
        """A boto3 client as the root of `account`, or with the `Credentials` of an STS or CreateAccessKey answer.

        A root's client is created once and shared: creating one costs more than most of its calls.
        """
        if credentials is None:
            shared = (self.endpoint_url, service, account, region, config)
            if shared not in self._clients:
                self._clients[shared] = self._new_client(service, region, _keys(account, None), config)
            return self._clients[shared]
        return self._new_client(service, region, _keys(account, credentials), config)

    def clients(self, account: str) -> Callable[[str], Any]:
        """What makes clients of one account, as its root, from a service's name."""
        return lambda service: self.client(service, account)

    def _new_client(self, service: str, region: str, keys: dict[str, Any], config: Config | None) -> Any:
        defaults = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=120)
        # boto3 types each service by name; this one takes any.
        return self._session.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=self.endpoint_url,
            config=defaults.merge(config) if config else defaults,
            **keys,
        )

    def environment(
        self, account: str = SAAS_ACCOUNT, *, credentials: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """The variables with which AWS clients of other processes reach this cloud."""
        keys = _keys(account, credentials)
        variables = {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": keys["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["aws_secret_access_key"],
        }
        return variables | ({"AWS_SESSION_TOKEN": keys["aws_session_token"]} if "aws_session_token" in keys else {})

    def expire(self, credentials: Mapping[str, Any]) -> None:
        """End the session of an STS answer's `Credentials` now, as if its duration were over."""
        body = json.dumps({"AccessKeyId": credentials["AccessKeyId"]}).encode()
        with urllib.request.urlopen(f"{self.endpoint_url}{EXPIRE_PATH}", body, timeout=5):  # noqa: S310 - loopback
            pass

    def inject(self, *injected: faults.Fault) -> None:
        """Let these happen from now on, and no others: none switches all off. Raises ValueError when one names an
        operation, or an error of it, that AWS does not have.
        """
        self._switch_faults(json.dumps([fault.as_document() for fault in injected]).encode())

    def injected(self) -> dict[str, Any]:
        """Return since the last `inject` the `calls`, each with service, operation, caller and number, and the `faults`
        with how many calls `matched`.
        """
        return self._switch_faults(None)

    def _switch_faults(self, body: bytes | None) -> dict[str, Any]:
        assert self._faults_word, "this cloud was not started to take faults"
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.endpoint_url}{faults.PATH}", body, {faults.HEADER: self._faults_word}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from error
        return found

    def api_url(self, rest_api_id: str, stage: str) -> str:
        """The loopback address of a deployed REST API's stage, without a slash at its end."""
        return f"{self.endpoint_url}/_aws/execute-api/{rest_api_id}/{stage}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_healthy(self, child: Child, endpoint_file: Path) -> None:
        deadline = time.monotonic() + self._start_timeout_seconds
        while time.monotonic() < deadline and child.process.poll() is None:
            if endpoint_file.exists() and (endpoint := endpoint_file.read_text()).endswith("\n"):
                with (
                    contextlib.suppress(OSError),
                    urllib.request.urlopen(  # noqa: S310
                        f"{endpoint.strip()}/_ministack/health", timeout=5
                    ) as answer,
                ):
                    if json.load(answer)["auth"] == "enabled":
                        self.endpoint_url = endpoint.strip()
                        return
            time.sleep(0.05)
        how = "is not healthy" if child.process.poll() is None else f"ended with {child.process.returncode}"
        raise EmbeddedCloudError(f"the embedded cloud on {LOOPBACK} {how}; the end of its log:\n{child.end_of_log()}")


def _keys(account: str, credentials: Mapping[str, Any] | None) -> dict[str, Any]:
    if credentials is None:
        return {"aws_access_key_id": account, "aws_secret_access_key": ROOT_SECRET}
    keys = {"aws_access_key_id": credentials["AccessKeyId"], "aws_secret_access_key": credentials["SecretAccessKey"]}
    token = credentials.get("SessionToken")
    return keys | ({"aws_session_token": token} if token else {})
