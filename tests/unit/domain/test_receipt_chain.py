"""A hash chain of calls: whatever is done to it shows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.access import receipt_chain
from tenantml.domain.access.receipt_chain import Entry, Head
from tests.tenants import account_of

TENANT, CHAIN = "acme", "acme-churn-0123456789abcdef"


def calls(count: int) -> list[Entry]:
    return [
        {
            "time": "2026-11-22T17:03:01Z",
            "action": "sagemaker:DescribeEndpoint",
            "resource": f"arn:aws:sagemaker:eu-central-1:222222222222:endpoint/tenantml-{number}",
            "session": CHAIN,
            "request_id": f"request-{number}",
            "outcome": "OK",
            "count": 1,
        }
        for number in range(count)
    ]


def chain(count: int, tenant: str = TENANT, name: str = CHAIN) -> tuple[list[Entry], Head]:
    return receipt_chain.append(receipt_chain.start_of(tenant, name), calls(count))


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_chain_is_the_same_in_one_piece_and_in_two(first: int, second: int) -> None:
    whole, head = chain(first + second)
    begun, middle = receipt_chain.append(receipt_chain.start_of(TENANT, CHAIN), calls(first + second)[:first])
    ended, end = receipt_chain.append(middle, calls(first + second)[first:])
    assert (begun + ended, end) == (whole, head)
    assert receipt_chain.verify(TENANT, CHAIN, whole, head) == []


@given(st.data())
def test_a_changed_field_shows_at_its_entry_even_with_a_new_hash(data: st.DataObject) -> None:
    entries, head = chain(data.draw(st.integers(1, 6)))
    index = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from(receipt_chain.SEEN))
    changed = entries[index] | {field: "something else"}
    if data.draw(st.booleans()):
        changed["hash"] = receipt_chain.hash_of(changed)
    faults = receipt_chain.verify(TENANT, CHAIN, [*entries[:index], changed, *entries[index + 1 :]], head)
    assert len(faults) == 1
    assert "altered" in faults[0]


@given(st.data())
def test_an_entry_that_is_missing_shows_by_its_number(data: st.DataObject) -> None:
    entries, head = chain(data.draw(st.integers(2, 6)))
    index = data.draw(st.integers(0, len(entries) - 2))
    faults = receipt_chain.verify(TENANT, CHAIN, entries[:index] + entries[index + 1 :], head)
    assert faults == [f"entry {index + 1} is missing"]


@given(st.data())
def test_a_chain_that_is_cut_off_shows(data: st.DataObject) -> None:
    entries, head = chain(data.draw(st.integers(1, 6)))
    kept = data.draw(st.integers(0, len(entries) - 1))
    faults = receipt_chain.verify(TENANT, CHAIN, entries[:kept], head)
    assert faults == [f"the chain is truncated: it ends after entry {kept} of {len(entries)}"]


@given(st.permutations(range(4)))
def test_another_order_shows(order: list[int]) -> None:
    entries, head = chain(4)
    faults = receipt_chain.verify(TENANT, CHAIN, [entries[index] for index in order], head)
    assert faults == ([] if order == sorted(order) else ["the entries are reordered"])


def test_entries_that_were_added_or_doubled_show() -> None:
    entries, head = chain(3)
    more, _ = receipt_chain.append(head, calls(1))
    for extra in (more[0], entries[2]):
        (fault,) = receipt_chain.verify(TENANT, CHAIN, [*entries, extra], head)
        assert fault == f"entry {extra['number']} was added: the chain has 3 entries, each once"


def test_a_field_that_is_not_an_entrys_shows() -> None:
    entries, head = chain(2)
    assert len(receipt_chain.verify(TENANT, CHAIN, [entries[0] | {"note": ""}, entries[1]], head)) == 1
    without = {name: value for name, value in entries[0].items() if name != "outcome"}
    assert receipt_chain.verify(TENANT, CHAIN, [without, entries[1]], head)


@pytest.mark.parametrize(("tenant", "name"), [("globex", CHAIN), (TENANT, "acme-churn-fedcba9876543210")])
def test_the_entries_of_another_chain_do_not_fit(tenant: str, name: str) -> None:
    entries, head = chain(2, tenant, name)
    assert receipt_chain.verify(TENANT, CHAIN, entries, head) == [
        "entry 1 does not follow the one before it: one of the two is altered"
    ]


def test_only_executions_of_the_tenant_are_executions() -> None:
    assert receipt_chain.is_execution("acme", "acme-churn-0123456789abcdef")
    for purpose in ("tenantml-probe", "tenantml-predict-churn", "globex-churn-0123456789abcdef", "acme-churn-0123"):
        assert not receipt_chain.is_execution("acme", purpose)


ACCOUNT = account_of("222222222222", "eu-central-1")
SAGEMAKER = "arn:aws:sagemaker:eu-central-1:222222222222"


@pytest.mark.parametrize(
    ("service", "parameters", "arn"),
    [
        ("sagemaker", {"EndpointName": "e", "EndpointConfigName": "c"}, f"{SAGEMAKER}:endpoint/e"),
        ("sagemaker", {"EndpointConfigName": "c"}, f"{SAGEMAKER}:endpoint-config/c"),
        ("sagemaker", {"ModelName": "m", "ExecutionRoleArn": "arn:aws:iam::1:role/r"}, f"{SAGEMAKER}:model/m"),
        ("sagemaker", {"AutoMLJobName": "j", "RoleArn": "arn:aws:iam::1:role/r"}, f"{SAGEMAKER}:automl-job/j"),
        ("sagemaker", {"ResourceArn": f"{SAGEMAKER}:model/m"}, f"{SAGEMAKER}:model/m"),
        ("sagemaker", {"NameContains": "tenantml-"}, f"{SAGEMAKER}:*"),
        ("s3", {"Bucket": "b", "Key": "k/x"}, "arn:aws:s3:::b/k/x"),
        ("s3", {"Bucket": "b", "Prefix": "k/"}, "arn:aws:s3:::b"),
        ("sts", {"RoleArn": "arn:aws:iam::222222222222:role/r"}, "arn:aws:iam::222222222222:role/r"),
        ("sts", {}, "arn:aws:sts:eu-central-1:222222222222:*"),
    ],
)
def test_a_call_is_about_what_it_makes_or_changes(service: str, parameters: dict[str, Any], arn: str) -> None:
    assert receipt_chain.resource_of(ACCOUNT, service, parameters) == arn


def test_a_printed_receipt_has_one_call_a_line_and_says_how_many_a_count_stands_for() -> None:
    entries, _ = receipt_chain.append(receipt_chain.start_of(TENANT, CHAIN), [calls(1)[0], calls(1)[0] | {"count": 7}])
    first, second = receipt_chain.as_text(entries).splitlines()
    assert "sagemaker:DescribeEndpoint" in first
    assert second.endswith("(7 calls)")
