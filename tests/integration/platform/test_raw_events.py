"""Whatever API Gateway may hand over, fields missing or odd: no stranger is let in, and the contract is answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenantml.domain.tenancy.tenant import Tenant
from tenantml.errors import Unauthorized
from tenantml.services import api_keys

METHOD_ARN = "arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/models"
TEXTS = st.text(max_size=40) | st.sampled_from(["tml_", "tml_" + "a" * 200, "tml_\ud800", "\0", "acme"])
NAMES = st.sampled_from(["x-api-key", "X-API-Key", "X-Api-Key", "Authorization"]) | TEXTS
ODD: dict[Any, Any] = {
    "headers": st.none() | st.dictionaries(NAMES, st.none() | TEXTS, max_size=4),
    "multiValueHeaders": st.none() | st.dictionaries(NAMES, st.lists(TEXTS, max_size=2), max_size=2),
    "queryStringParameters": st.none() | st.dictionaries(NAMES, TEXTS, max_size=2),
    "pathParameters": st.none() | st.dictionaries(TEXTS, TEXTS, max_size=2),
    "requestContext": st.none() | st.just({"authorizer": {"tenant": "acme"}}),
    "methodArn": st.none() | TEXTS | st.just(METHOD_ARN),
    "type": st.just("REQUEST"),
    "resource": TEXTS,
    "path": TEXTS,
    "httpMethod": TEXTS,
}
EVENTS = st.fixed_dictionaries({}, optional=ODD)
FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
Invoke = Callable[[str, Any], Any]


@FUZZ
@given(event=EVENTS)
def test_no_event_without_a_key_is_let_in(tenant: Tenant, invoke: Invoke, event: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        invoke("authorize", event)


@FUZZ
@given(event=EVENTS, name=st.sampled_from(["x-api-key", "X-API-Key", "X-Api-Key"]))
def test_a_key_opens_its_own_tenants_stage_and_nothing_else_of_the_event_matters(
    tenant: Tenant, invoke: Invoke, event: dict[str, Any], name: str
) -> None:
    issued = api_keys.issue("acme")
    found = invoke("authorize", {**event, "headers": {name: issued}, "methodArn": METHOD_ARN})
    (statement,) = found["policyDocument"]["Statement"]
    key_id = api_keys.id_of(api_keys.digest(issued))
    assert (found["context"], found["principalId"]) == ({"tenant": "acme", "key_id": key_id}, "acme")
    assert statement["Resource"] == "arn:aws:execute-api:us-east-1:123456789012:api/v1/*"


@settings(FUZZ, max_examples=30)
@given(event=EVENTS)
def test_the_contract_is_answered_to_any_event(stack: dict[str, str], invoke: Invoke, event: dict[str, Any]) -> None:
    answer = invoke("describe_api", event)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["openapi"] == "3.1.0"
