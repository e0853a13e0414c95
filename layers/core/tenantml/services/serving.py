"""Serving: which version answers for a model, with what schema, and the call of its endpoint.

Kept in the process for as long as the state machine's `Drain` allows: a version that was replaced keeps answering
until every process has read the registry again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tenantml.aws import lambda_functions, sagemaker_runtime
from tenantml.aws.clients import Caller
from tenantml.aws.error_codes import NO_ANSWER, AwsError
from tenantml.aws.s3 import objects
from tenantml.domain.access import session_policies
from tenantml.domain.names import PREDICTION
from tenantml.domain.predictions import asking
from tenantml.domain.predictions.answers import Predictions
from tenantml.domain.predictions.asking import Deployed
from tenantml.domain.predictions.rows import Batch, PreparedRows
from tenantml.domain.tenancy.tenant import Tenant, require_active
from tenantml.domain.training import endpoint_rules
from tenantml.domain.training.model_settings import ON_REQUEST, ModelSettings
from tenantml.errors import (
    CustomerAccessRevoked,
    EndpointGone,
    EndpointUnavailable,
    ModelNotReady,
    ModelPaused,
    ModelResuming,
    NoEndpoint,
    NotFound,
    TenantMLError,
    UnreadableAnswer,
    WrongPredictionCount,
)
from tenantml.services import binned, registry, served, tenant_scope
from tenantml.services.customer import assume
from tenantml.services.expiring_cache import ExpiringCache
from tenantml.settings import setting

LIVE_SECONDS = 5
SESSION_MARGIN_SECONDS = 60
FOR_EVER = float("inf")


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """The version that answers for a model."""

    tenant: Tenant
    model: str
    version: str
    deployed: Deployed
    reject_unseen: bool


_live: ExpiringCache[LiveVersion] = ExpiringCache()
_deployed: ExpiringCache[Deployed] = ExpiringCache()
_callers: ExpiringCache[Caller] = ExpiringCache()


def live_version(tenant: str, model: str) -> LiveVersion:
    """Return the version that answers, at most five seconds old.

    Raises:
        NotFound: the tenant has no such model; another tenant's gets the same answer.
        ModelNotReady: no version of it is live.
        ModelPaused, ModelResuming: none is for now; what resumes it on request has begun.
        ArtefactsGone, BudgetExceeded: it is to be resumed on request, and cannot be.
        NoEndpoint: the one that is answers batches alone.
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
        raise _why_none(tenant_id, row)
    return LiveVersion(
        tenant=tenant,
        model=model,
        version=version,
        deployed=_deployed.get((tenant_id, model, version), _reader(tenant_id, model, version)),
        reject_unseen=ModelSettings.from_document(row["settings"]).unseen_category == "reject",
    )


def _reader(tenant_id: str, model: str, version: str) -> Callable[[], tuple[float, Deployed]]:
    def read() -> tuple[float, Deployed]:
        row = registry.find_version(tenant_id, model, version, consistent=False)
        if row is None:
            raise _not_ready()
        if endpoint_rules.answers_batches_only(row):
            raise NoEndpoint(
                "the model answers batches alone, with endpoint none: POST /models/{model}/batches; for an endpoint, "
                'POST /models/{model}/versions with the version\'s execution and "endpoint": "real-time"'
            )
        place = row["profile"]
        stored = objects.get_bytes(tenant_scope.s3(), place["bucket"], place["key"])
        return FOR_EVER, Deployed.of_row(row, json.loads(stored))

    return read


def _why_none(tenant: str, row: dict[str, Any]) -> TenantMLError:
    if not registry.paused_version(row):
        return _not_ready()
    is_resuming = registry.resumed_as(row) is not None
    if not is_resuming and row["settings"].get("resume") == ON_REQUEST:
        asked = {"tenant": tenant, "model": row["model"], "pause": row["paused"]["pause"]}
        lambda_functions.invoke(setting("RESUME_MODEL_FUNCTION"), asked)
        is_resuming = True
    if is_resuming:
        return ModelResuming("the model is being resumed, which takes minutes; try again after Retry-After")
    return ModelPaused('the model is paused; PUT /models/{model}/state {"paused": false} lets it answer again')


def _not_ready() -> ModelNotReady:
    return ModelNotReady("the model has no live version yet; GET /executions shows how its training goes")


def _caller(live: LiveVersion) -> Caller:
    """Return who may invoke this one endpoint and nothing else, until a minute before the session ends."""

    def make() -> tuple[float, Caller]:
        session = assume(
            live.tenant,
            f"tenantml-predict-{live.model}",
            session_policies.predict(live.tenant.account, live.deployed.endpoint),
            PREDICTION,
        )
        return session.expires_at - SESSION_MARGIN_SECONDS, session.caller("sagemaker")

    return _callers.get((live.tenant.tenant, live.deployed.endpoint), make)


def predict(live: LiveVersion, prepared: PreparedRows) -> Predictions:
    """Return one prediction per row, and count what was asked and answered.

    Raises:
        RowTooLarge: the endpoint does not take one of the lines.
        UnreadableAnswer, WrongPredictionCount: an answer is not what the version promises.
        RequestError: whatever `invoke` raises.
    """
    tally = served.tally(live.tenant.tenant, live.model, live.version)

    def counted(batch: Batch) -> served.Call:
        return tally.call(lambda: _fails_before_too(live, batch))

    predictions = asking.ask(live.deployed, prepared.lines, lambda body: invoke(live, body), tally=counted)
    bins = binned.binned(live.tenant.tenant, live.model, live.version, live.deployed.watch)
    if bins is not None:
        bins.count(prepared.values, predictions)
    return predictions


def _fails_before_too(live: LiveVersion, batch: Batch) -> bool:
    """Return whether the version before, as long as its endpoint stands, cannot answer the same rows either: then it is
    their fault and not that of the version. False where nobody can tell.
    """
    try:
        before = _version_before(live)
        if before is not None and before.deployed.schema.names == live.deployed.schema.names:
            before.deployed.read(invoke(before, batch.body), batch.row_count)
    except (UnreadableAnswer, WrongPredictionCount):
        return True
    except (TenantMLError, AwsError, *NO_ANSWER):
        return False
    return False


def _version_before(live: LiveVersion) -> LiveVersion | None:
    tenant, model = live.tenant.tenant, live.model
    row = registry.find_model(tenant, model, consistent=False) or {}
    version = row.get("previous_version") if row.get("live_version") == live.version else None
    if not version or not registry.stands_by(tenant, model, version):
        return None
    deployed = _deployed.get((tenant, model, version), _reader(tenant, model, version))
    return replace(live, version=version, deployed=deployed)


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
        return sagemaker_runtime.invoke_endpoint(live.tenant.region, _caller(live), live.deployed.endpoint, body)
    except CustomerAccessRevoked:
        _callers.hasten((live.tenant.tenant, live.deployed.endpoint))
        raise
    except (EndpointGone, EndpointUnavailable):
        _live.hasten((live.tenant.tenant, live.model))  # another version may have become live
        raise
