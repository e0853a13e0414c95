"""External IDs that must not let us in are different from the right one and from each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.access import probe_questions
from tenantml.domain.tenancy.tenant import register

_TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=32, max_size=32)


def _external_id() -> str:
    request = {"tenant": "acme", "account_id": "222222222222", "region": "us-east-1", "contact": "x"}
    return register(request, "111111111111", "tenantml").external_id


@given(random=_TOKEN)
def test_no_wrong_external_id_is_the_right_one(random: str) -> None:
    right, other = _external_id(), _external_id()
    wrong = probe_questions.wrong_external_ids(right, other, random)
    assert right not in wrong.values()
    assert len(set(wrong.values())) == len(wrong)
    assert wrong["no external ID"] is None
    assert wrong["another tenant's external ID"] == other


@given(random=_TOKEN)
def test_sts_takes_each_of_them(random: str) -> None:
    for value in probe_questions.wrong_external_ids(_external_id(), _external_id(), random).values():
        assert value is None or 2 <= len(value) <= 1224


def test_without_another_tenant_there_is_none_to_try() -> None:
    assert "another tenant's external ID" not in probe_questions.wrong_external_ids(_external_id(), None, "x" * 32)
