"""Serving: which version answers for a model, with what schema, and the call of its endpoint.

Kept in the process for as long as the state machine's `Drain` allows: a version that was replaced keeps answering
until every process has looked again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import botocore.exceptions
from botocore.config import Config
from botocore.exceptions import ClientError

from tenantml.aws.clients import THROTTLES, Caller, error_code, platform, unbound_client
from tenantml.aws.s3 import objects
from tenantml.domain.access import session_policies
from tenantml.domain.predictions.rows import Schema
from tenantml.domain.tenancy.tenant import Tenant, require_active
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import (
    CustomerAccessRevoked,
    EndpointUnavailable,
    ModelNotReady,
    NotFound,
    TenantMLError,
    UnreadableAnswer,
)
from tenantml.services import registry
from tenantml.services.customer import assume
from tenantml.services.expiring_cache import ExpiringCache

# Both attempts end before this function and API Gateway do, after 29 s: the app is told that the endpoint is slow.
CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=12, max_pool_connections=2
)
LIVE_SECONDS = 5
SESSION_MARGIN_SECONDS = 300
FOR_EVER = float("inf")
UNAVAILABLE = THROTTLES | {
    "ValidationError",  # also the answer about an endpoint that does not exist
    "ModelNotReadyException",
    "InternalDependencyException",
}
REVOKED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredTokenException",
    "ExpiredToken",
}
NO_ANSWER = (
    botocore.exceptions.ConnectionError,
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.IncompleteReadError,
)


@dataclass(frozen=True, slots=True)
class Deployed:
    """One version as it was deployed; nothing of it ever changes."""

    endpoint: str
    output_keys: tuple[str, ...]
    serverless: bool
    schema: Schema


@dataclass(frozen=True, slots=True)
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


_live: ExpiringCache[LiveVersion] = ExpiringCache()
_deployed: ExpiringCache[Deployed] = ExpiringCache()
_callers: ExpiringCache[Caller] = ExpiringCache()


def live_version(tenant: str, model: str) -> LiveVersion:
    """Return the version that answers, at most five seconds old.

    Raises:
        NotFound: the tenant has no such model; the same for another tenant's.
        ModelNotReady: no version of it is live.
        TenantSuspended: the tenant is not active.
    """
    return _live.get((tenant, model), lambda: (time.time() + LIVE_SECONDS, _look_up(tenant, model)))


def _look_up(tenant_id: str, model: str) -> LiveVersion:
    tenant = require_active(registry.find_tenant(tenant_id, consistent=False))
    row = registry.find_model(tenant_id, model, consistent=False)
    if row is None or "settings" not in row:
        raise NotFound("there is no such model; GET /models lists yours")
    version = row.get("live_version")
    if not version:
        raise _not_ready()
    deployed = _deployed.get((tenant_id, model, version), _reader(tenant_id, model, version))
    return LiveVersion(
        tenant=tenant,
        model=model,
        version=version,
        endpoint=deployed.endpoint,
        output_keys=deployed.output_keys,
        serverless=deployed.serverless,
        reject_unseen=ModelSettings.from_document(row["settings"]).unseen_category == "reject",
        schema=deployed.schema,
    )


def _reader(tenant_id: str, model: str, version: str) -> Callable[[], tuple[float, Deployed]]:
    def read() -> tuple[float, Deployed]:
        found = registry.find_version(tenant_id, model, version, consistent=False)
        if found is None:
            raise _not_ready()
        return FOR_EVER, Deployed(
            endpoint=found["endpoint"],
            output_keys=tuple(found["output_keys"]),
            serverless=found["serverless"],
            schema=_read_schema(found["profile"]),
        )

    return read


def _not_ready() -> ModelNotReady:
    return ModelNotReady("the model has no live version yet; GET /executions shows how its training goes")


def _read_schema(place: dict[str, str]) -> Schema:
    return Schema.from_profile(json.loads(objects.get_bytes(platform("s3"), place["bucket"], place["key"])))


def _caller(live: LiveVersion) -> Caller:
    """Return who may invoke this one endpoint and nothing else, until five minutes before that ends."""

    def make() -> tuple[float, Caller]:
        session = assume(
            live.tenant, f"tenantml-predict-{live.model}", session_policies.predict(live.tenant.account, live.endpoint)
        )
        return session.expires_at - SESSION_MARGIN_SECONDS, session.caller("sagemaker")

    return _callers.get((live.tenant.tenant, live.endpoint), make)


def invoke(live: LiveVersion, body: bytes) -> bytes:
    """Return the endpoint's answer to rows of CSV.

    Raises:
        EndpointUnavailable: it is missing, cold or overloaded.
        CustomerAccessRevoked: the access role may not invoke it any more.
        UnreadableAnswer: the model failed on these rows.
    """
    try:
        answer = unbound_client("sagemaker-runtime", live.tenant.region, CONFIG).invoke_endpoint(
            EndpointName=live.endpoint,
            ContentType="text/csv",
            Accept="text/csv",
            Body=body,
            Caller=_caller(live),
        )
        content: bytes = answer["Body"].read()
    except ClientError as error:
        named = _named(error, live)
        if named is None:
            raise
        raise named from error
    except NO_ANSWER as error:
        raise _unavailable() from error
    return content


def _named(error: ClientError, live: LiveVersion) -> TenantMLError | None:
    """Return the failure under its name; a code that is not expected here has none, as the bug it is."""
    code = error_code(error)
    if code in REVOKED:
        _callers.hasten((live.tenant.tenant, live.endpoint))
        return CustomerAccessRevoked(
            f"account {live.tenant.account_id} refuses the call of its endpoint; its cloud team applies the "
            "on-boarding template again"
        )
    if code in UNAVAILABLE:
        _live.hasten((live.tenant.tenant, live.model))  # another version may have become live
        return _unavailable()
    if code == "ModelError":
        return UnreadableAnswer("the model failed on these rows; its log group in your account says why")
    return None


def _unavailable() -> EndpointUnavailable:
    return EndpointUnavailable("the model's endpoint does not answer now; try again shortly")
