"""Serving: which version answers for a model, with what schema, and the call of its endpoint.

Kept in the process for as long as the state machine's `Drain` allows: a version that was replaced keeps answering
until every process has read the registry again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from tenantml.aws import sagemaker_runtime
from tenantml.aws.clients import Caller
from tenantml.aws.s3 import objects
from tenantml.domain.access import session_policies
from tenantml.domain.names import PREDICTION
from tenantml.domain.predictions.rows import Schema
from tenantml.domain.tenancy.tenant import Tenant, require_active
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import (
    CustomerAccessRevoked,
    EndpointGone,
    EndpointUnavailable,
    ModelNotReady,
    NotFound,
)
from tenantml.services import registry, tenant_scope
from tenantml.services.customer import assume
from tenantml.services.expiring_cache import ExpiringCache

LIVE_SECONDS = 5
SESSION_MARGIN_SECONDS = 60
FOR_EVER = float("inf")


@dataclass(frozen=True, slots=True)
class Deployed:
    """One version as it was deployed; it never changes."""

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
        NotFound: the tenant has no such model; another tenant's gets the same answer.
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
        row = registry.find_version(tenant_id, model, version, consistent=False)
        if row is None:
            raise _not_ready()
        return FOR_EVER, Deployed(
            endpoint=row["endpoint"],
            output_keys=tuple(row["output_keys"]),
            serverless=row["serverless"],
            schema=_read_schema(row["profile"]),
        )

    return read


def _not_ready() -> ModelNotReady:
    return ModelNotReady("the model has no live version yet; GET /executions shows how its training goes")


def _read_schema(place: dict[str, str]) -> Schema:
    return Schema.from_profile(json.loads(objects.get_bytes(tenant_scope.s3(), place["bucket"], place["key"])))


def _caller(live: LiveVersion) -> Caller:
    """Return who may invoke this one endpoint and nothing else, until a minute before the session ends."""

    def make() -> tuple[float, Caller]:
        session = assume(
            live.tenant,
            f"tenantml-predict-{live.model}",
            session_policies.predict(live.tenant.account, live.endpoint),
            PREDICTION,
        )
        return session.expires_at - SESSION_MARGIN_SECONDS, session.caller("sagemaker")

    return _callers.get((live.tenant.tenant, live.endpoint), make)


def invoke(live: LiveVersion, body: bytes) -> bytes:
    """Return the endpoint's answer to rows of CSV.

    Raises:
        AnswerTimedOut: it takes too long.
        EndpointGone: it does not exist.
        EndpointUnavailable: it is cold, overloaded or out of reach.
        CustomerAccessRevoked: the access role may no longer invoke it.
        UnreadableAnswer: the model failed on these rows.
    """
    try:
        return sagemaker_runtime.invoke_endpoint(live.tenant.region, _caller(live), live.endpoint, body)
    except CustomerAccessRevoked:
        _callers.hasten((live.tenant.tenant, live.endpoint))
        raise
    except (EndpointGone, EndpointUnavailable):
        _live.hasten((live.tenant.tenant, live.model))  # another version may have become live
        raise
