"""The probe, asked of an STS that lets in whom it should not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tenantml.aws.clients import platform, shared_session
from tenantml.domain.names import PREDICTION
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.errors import RoleNotAssumable, TrustTooOpen
from tenantml.services import customer, probe

Asked = dict[str, str]
OTHERS = "tenantml-of-another-tenant"


@pytest.fixture
def refuses(
    stack: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[Asked], bool]], None]]:
    """Let STS refuse what a function says of a request to assume a customer's role; moto lets everybody in."""
    monkeypatch.setenv("PREDICTION_PROBE_ROLE", "arn:aws:iam::123456789012:role/prediction-probe")
    rules: list[Callable[[Asked], bool]] = []

    def answer(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        asked: Asked = params["body"]
        if "Policy" not in asked or not any(refused(asked) for refused in rules):
            return None
        error = {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        return SimpleNamespace(status_code=403), error

    events = shared_session().get_component("event_emitter")
    events.register("before-call.sts.AssumeRole", answer)
    yield rules.append
    events.unregister("before-call.sts.AssumeRole", answer)


def test_a_role_that_needs_no_external_id_is_too_open(tenant: Tenant, refuses: Callable[..., None]) -> None:
    with pytest.raises(TrustTooOpen, match="can be assumed with no external ID"):
        probe.probe(tenant, OTHERS)


@pytest.mark.parametrize(
    ("lets_in", "label"),
    [
        (lambda given, _: given == OTHERS, "another tenant's external ID"),
        (lambda given, own: given.lower() == own.lower(), "its external ID in other letters' case"),
        (lambda given, own: given.startswith(own), "its external ID with something after it"),
        (lambda given, own: given.endswith(own), "its external ID with something before it"),
        (lambda given, own: given[:-1] == own[:-1], "its external ID with another last character"),
    ],
)
def test_a_role_that_takes_another_external_id_is_too_open(
    tenant: Tenant, refuses: Callable[..., None], lets_in: Callable[[str, str], bool], label: str
) -> None:
    def is_refused(asked: Asked) -> bool:
        given, own = asked.get("ExternalId", ""), tenant.external_id
        return given != own and not (given and lets_in(given, own))

    refuses(is_refused)
    with pytest.raises(TrustTooOpen, match=f"can be assumed with {label}"):
        probe.probe(tenant, OTHERS)


def test_a_role_that_trusts_more_than_its_path_is_too_open(tenant: Tenant, refuses: Callable[..., None]) -> None:
    refuses(lambda asked: asked.get("ExternalId") != tenant.external_id)
    with pytest.raises(TrustTooOpen, match="can be assumed from outside its path"):
        probe.probe(tenant, OTHERS)


def test_a_role_of_ours_that_a_probe_asks_as_is_assumed_once_until_its_session_is_nearly_over(
    tenant: Tenant, stack: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """STS counts every AssumeRole, and the probes of all tenants come hourly."""
    assumed: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        assumed.append(params["body"]["RoleArn"])

    shared_session().get_component("event_emitter").register("before-call.sts.AssumeRole", note)
    platform.cache_clear()
    ours, theirs = "arn:aws:iam::123456789012:role/prediction-probe", tenant.roles.access(PREDICTION)
    for seconds in (0, 600, 700, 900):  # moto lets everybody in
        began = time.time()
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda now=began + seconds: now)
            assert customer.lets_in(tenant, PREDICTION, "another", through=ours)
    shared_session().get_component("event_emitter").unregister("before-call.sts.AssumeRole", note)
    platform.cache_clear()
    assert assumed == [ours, theirs, theirs, theirs, ours, theirs]


def test_that_we_may_not_be_who_asks_is_no_answer_of_the_customers(
    tenant: Tenant, refuses: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a role of ours that is gone would look like a customer's trust that holds, and suspend a tenant."""

    def deny(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        if params["body"]["RoleArn"].endswith("role/gone"):
            error = {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
            return SimpleNamespace(status_code=403), error
        return None

    platform("sts").meta.events.register_first("before-call.sts.AssumeRole", deny)
    gone = "arn:aws:iam::123456789012:role/gone"
    with pytest.raises(ClientError, match="AccessDenied"):
        customer.lets_in(tenant, PREDICTION, tenant.external_id, through=gone)
    with pytest.raises(ClientError, match="AccessDenied"):
        customer.assume(tenant, "a-run", {}, PREDICTION, through=gone)
    platform.cache_clear()


def test_a_role_that_lets_us_in_no_more_is_not_assumable(tenant: Tenant, refuses: Callable[..., None]) -> None:
    refuses(lambda _: True)
    with pytest.raises(RoleNotAssumable, match="apply the on-boarding template again"):
        probe.probe(tenant, OTHERS)
