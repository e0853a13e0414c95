"""AWS clients: one shared session for the whole process, and one client of a service and region for all tenants.

Measured: a new session per client takes 64-95 ms and 8 MB, a client of one shared session 3 to 17 ms of CPU (on a whole
core) and 0.14 MB, and one client that takes credentials with each call 0.3 KB per tenant, and no further TLS handshake.
They are botocore's own: boto3 builds on the same clients, and importing it costs 30 ms more, for resources and
transfers that nothing here uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol

import botocore.credentials
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.model import OperationModel
from botocore.session import Session

CONFIG = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, read_timeout=60)
# The retries of botocore's standard mode have a quota for each client (botocore.retries.quota): of clients that tenants
# share, one whose account throttles would use up everybody's. Its legacy mode has none.
UNBOUND = CONFIG.merge(Config(retries={"mode": "legacy", "max_attempts": 4}))

Credentials = botocore.credentials.Credentials
NO_KEY = "none"  # for clients that sign each call with its own keys


@lru_cache(maxsize=1)
def shared_session() -> Session:
    """Return the process's one session."""
    return botocore.session.get_session()


@lru_cache(maxsize=16)
def platform(service: str) -> Any:
    """Return the process's client of a service with this function's own role, in our own account."""
    return shared_session().create_client(service, config=CONFIG)


def own_credentials() -> Credentials:
    """Return the credentials of this function's own role."""
    found = shared_session().get_credentials()
    if found is None:
        raise NoCredentialsError
    return found


def signed_client(service: str, credentials: Callable[[], Credentials], config: Config = CONFIG) -> Any:
    """Return a client in our own account whose every request, sent or presigned, is signed with what `credentials`
    returns for it.
    """

    def sign(context: dict[str, Any], **_: Any) -> None:
        context.setdefault("signing", {})["request_credentials"] = credentials()

    client = shared_session().create_client(
        service, aws_access_key_id=NO_KEY, aws_secret_access_key=NO_KEY, config=config
    )
    client.meta.events.register(f"before-parameter-build.{service}.*", sign)
    return client


def call(client: Any, operation: str, request: dict[str, Any]) -> Any:
    """Call an operation by its name in the API reference, such as `DescribeEndpoint`."""
    return getattr(client, xform_name(operation))(**request)


class Recorder(Protocol):
    """Receives every request that a caller's calls send, retries included."""

    def before(self, params: dict[str, Any], context: dict[str, Any]) -> None:
        """Receive a call; `context` is its own."""

    def after(
        self,
        event_name: str,
        parsed_response: dict[str, Any] | None,
        exception: Exception | None,
        context: dict[str, Any],
    ) -> None:
        """Receive the answer to one of its requests."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose credentials sign a call of an unbound client, and who records it."""

    credentials: Credentials
    recorder: Recorder | None = None


@lru_cache(maxsize=64)
def unbound_client(service: str, region: str | None = None, config: Config = UNBOUND) -> Any:
    """Return a region's one client for all tenants, or our own region's: every call requires its own `Caller` as an
    argument.

    No tenant's keys are ever in the client, so that no call can be signed with another's: they live in the
    context of that one request, retries included. A call without them fails before anything is sent, and AWS does
    not know the client's own keys. Tenants share its connections: a new tenant costs no TLS handshake.
    """
    client = shared_session().create_client(
        service,
        region_name=region,
        aws_access_key_id=NO_KEY,
        aws_secret_access_key=NO_KEY,
        config=config,
    )
    client.meta.events.register("before-parameter-build", _bind)
    client.meta.events.register("response-received", _report)
    return client


class BoundClient:
    """An unbound client in the hands of one caller, with botocore's own methods and paginators."""

    def __init__(self, client: Any, caller: Caller) -> None:
        self._client, self._caller = client, caller

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return partial(found, Caller=self._caller) if name in self._client.meta.method_to_api_mapping else found

    def get_paginator(self, operation: str) -> BoundPaginator:
        """Return botocore's paginator of an operation, named as its method is."""
        return BoundPaginator(self._client.get_paginator(operation), self._caller)


@dataclass(frozen=True, slots=True)
class BoundPaginator:
    """A paginator of an unbound client in the hands of one caller."""

    paginator: Any
    caller: Caller

    def paginate(self, **request: Any) -> Any:
        """Return the pages of the answer to a request."""
        return self.paginator.paginate(**request, Caller=self.caller)


def _bind(params: dict[str, Any], context: dict[str, Any], model: OperationModel, **_: Any) -> None:
    """Move the caller from the call's arguments to its context, the keys to where botocore's signer looks first.

    Raises:
        TypeError: there is none: a bug.
    """
    caller = params.pop("Caller", None)
    if caller is None and model.name == "HeadBucket":
        # botocore asks by itself for the region of a bucket that S3 does not find; then S3's first answer stands.
        raise ClientError({"ResponseMetadata": {"HTTPHeaders": {}}}, model.name)  # type: ignore[typeddict-item]
    if not isinstance(caller, Caller):
        raise TypeError("a call of this client needs a Caller, and this one has none")
    context["tenantml-caller"] = caller
    context.setdefault("signing", {})["request_credentials"] = caller.credentials
    if caller.recorder:
        caller.recorder.before(params=params, context=context)


def _report(
    event_name: str,
    parsed_response: dict[str, Any] | None,
    exception: Exception | None,
    context: dict[str, Any],
    **_: Any,
) -> None:
    recorder = context["tenantml-caller"].recorder
    if recorder:
        recorder.after(event_name=event_name, parsed_response=parsed_response, exception=exception, context=context)
