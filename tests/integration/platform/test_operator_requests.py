"""Whatever an operator sends: the function does what it is for, or says by name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenantml.domain.tenancy.tenant import Tenant
from tenantml.errors import InvalidOperation, TenantMLError
from tests.functions import PATHS, sample_event

Invoke = Callable[[str, Any], Any]
FUNCTIONS = [name for name, path in PATHS.items() if path.parent.name == "operators"]
FIELDS = {
    "tenant", "model", "keep", "abandon", "receipt", "removal", "next_token", "reason", "overlap_seconds", "key_id",
    "account_id", "region", "contact", "kms_key_arn", "subnet_ids", "security_group_ids", "rows_per_day",
}  # fmt: skip
TEXTS = st.text(max_size=30) | st.sampled_from(["acme", "churn", "nobody", "\ud800", "x" * 5000, "ab " * 200_000])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def requests_like(sample: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return anything, or the sample with some of its fields changed, left out, or with others beside them."""
    changes = st.dictionaries(st.sampled_from(sorted(FIELDS)) | TEXTS, JSON, max_size=2)
    dropped = st.sets(st.sampled_from(sorted(sample)), max_size=1)
    changed = st.tuples(changes, dropped).map(
        lambda found: {name: value for name, value in (sample | found[0]).items() if name not in found[1]}
    )
    return changed | JSON


def event_of(function: str, request: Any) -> Any:
    """Return the event that brings an operator's request to a function; off-boarding's comes by its state machine."""
    return {"state": "BeginRemoval", "request": request} if function == "begin_removal" else request


@pytest.mark.parametrize("function", [*FUNCTIONS, "begin_removal"])
def test_a_request_that_is_no_object_is_refused_by_name(stack: dict[str, str], invoke: Invoke, function: str) -> None:
    for request in ([], ["acme"], "acme", "", None, 5, True, 0.5):
        with pytest.raises(InvalidOperation, match="expected a JSON object with "):
            invoke(function, event_of(function, request))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize("function", [*FUNCTIONS, "begin_removal"])
def test_no_request_ends_without_a_name(
    tenant: Tenant,
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    data: st.DataObject,
) -> None:
    # What these ask, moto does not answer.
    monkeypatch.setattr("tenantml.services.probe.probe", lambda *_, **__: None)
    monkeypatch.setattr("tenantml.aws.service_quotas.sagemaker_quotas", lambda *_, **__: None)
    sample = sample_event(function)
    request = data.draw(requests_like(sample["request"] if function == "begin_removal" else sample))
    refusal = ""
    try:
        invoke(function, event_of(function, request))
    except TenantMLError as error:
        refusal = str(error)
    assert len(refusal.encode()) < 10_000, "a refusal is short, and UTF-8"
