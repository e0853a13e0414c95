"""Serving: which version answers for a model, with what schema, and the client that may call its endpoint.

Kept in the process for as long as the state machine's `Drain` allows: a version that was replaced keeps answering
until every process has
looked again.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tenantml.aws import registry, storage
from tenantml.aws.clients import THROTTLES, error_code, platform
from tenantml.aws.customer import CustomerSession, assume
from tenantml.domain import session_policies
from tenantml.domain.models import ModelSettings
from tenantml.domain.rows import Schema
from tenantml.domain.tenants import ACTIVE, Tenant
from tenantml.errors import (
    CustomerAccessRevoked,
    EndpointUnavailable,
    ModelNotReady,
    NotFound,
    TenantSuspended,
    UnreadableAnswer,
)

LIVE_SECONDS = 5
SESSION_MARGIN_SECONDS = 300
KEPT = 1000
UNAVAILABLE = THROTTLES | {
    "ValidationError",
    "ServiceUnavailable",
    "ModelNotReadyException",
    "InternalDependencyException",
    "InternalFailure",
}
REVOKED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredTokenException",
    "ExpiredToken",
}

Kept = TypeVar("Kept")


class Cache(Generic[Kept]):
    """At most `KEPT` values, each until its own end; the one longest unused goes first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Hashable, tuple[float, Kept]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], tuple[float, Kept]]) -> Kept:
        """Return the value of `key`; `make` gives its end (seconds since 1970) and the value when there is none."""
        entry = self._entries.get(key)
        if entry is None or entry[0] <= time.time():
            entry = make()
        self._entries[key] = entry
        self._entries.move_to_end(key)
        while len(self._entries) > KEPT:
            self._entries.popitem(last=False)
        return entry[1]

    def forget(self, key: Hashable) -> None:
        """Drop what is kept of `key`."""
        self._entries.pop(key, None)


@dataclass(frozen=True)
class LiveVersion:
    """The version that answers for a model."""

    tenant: Tenant
    model: str
    version: str
    endpoint: str
    output_keys: tuple[str, ...]
    serverless: bool
    reject_unseen: bool
    schema: Schema


_live: Cache[LiveVersion] = Cache()
_schemas: Cache[Schema] = Cache()
_clients: Cache[Any] = Cache()


def live_version(tenant: str, model: str) -> LiveVersion:
    """Return the version that answers, at most five seconds old.

    Raises:
        NotFound: the tenant has no such model; the same for another tenant's.
        ModelNotReady: no version of it is live.
        TenantSuspended: the tenant is not active.
    """
    return _live.get((tenant, model), lambda: (time.time() + LIVE_SECONDS, _look_up(tenant, model)))


def _look_up(tenant_id: str, model: str) -> LiveVersion:
    tenant = registry.find_tenant(tenant_id, consistent=False)
    if tenant is None or tenant.status != ACTIVE:
        raise TenantSuspended("this tenant is not active; ask the operator why")
    row = registry.find_model(tenant_id, model, consistent=False)
    if row is None or "settings" not in row:
        raise NotFound("there is no such model; GET /models lists yours")
    version = row.get("live_version")
    found = registry.find_version(tenant_id, model, version, consistent=False) if version else None
    if version is None or found is None:
        raise ModelNotReady("the model has no live version yet; GET /executions shows how its training goes")
    settings = ModelSettings.from_document(row["settings"])
    return LiveVersion(
        tenant=tenant,
        model=model,
        version=version,
        endpoint=found["endpoint"],
        output_keys=tuple(found["output_keys"]),
        serverless=found["serverless"],
        reject_unseen=settings.unseen_category == "reject",
        schema=_schemas.get((tenant_id, model, version), lambda: (float("inf"), _read_schema(found["profile"]))),
    )


def _read_schema(place: dict[str, str]) -> Schema:
    return Schema.from_profile(json.loads(storage.get_bytes(platform("s3"), place["bucket"], place["key"])))


def _client(live: LiveVersion) -> Any:
    """Return a client that may invoke this one endpoint, until five minutes before its credentials end."""

    def make() -> tuple[float, Any]:
        session: CustomerSession = assume(
            live.tenant, f"tenantml-predict-{live.model}", session_policies.predict(live.tenant.account, live.endpoint)
        )
        return session.expires_at - SESSION_MARGIN_SECONDS, session.client("sagemaker-runtime")

    return _clients.get((live.tenant.tenant, live.endpoint), make)


def invoke(live: LiveVersion, body: bytes) -> bytes:
    """Return the endpoint's answer to rows of CSV.

    Raises:
        EndpointUnavailable: it is missing, cold or overloaded.
        CustomerAccessRevoked: the access role may not invoke it any more.
        UnreadableAnswer: the model failed on these rows.
    """
    try:
        answer = _client(live).invoke_endpoint(
            EndpointName=live.endpoint, ContentType="text/csv", Accept="text/csv", Body=body
        )
    except ClientError as error:
        code = error_code(error)
        _clients.forget((live.tenant.tenant, live.endpoint))
        _live.forget((live.tenant.tenant, live.model))
        if code in REVOKED:
            raise CustomerAccessRevoked(
                f"account {live.tenant.account_id} refuses the call of its endpoint; its cloud team applies the "
                "on-boarding template again"
            ) from error
        if code in UNAVAILABLE:
            raise EndpointUnavailable("the model's endpoint does not answer now; try again shortly") from error
        if code == "ModelError":
            raise UnreadableAnswer("the model failed on these rows; its log group in your account says why") from error
        raise
    except (EndpointConnectionError, ReadTimeoutError) as error:
        raise EndpointUnavailable("the model's endpoint does not answer now; try again shortly") from error
    content: bytes = answer["Body"].read()
    return content
