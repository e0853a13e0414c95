"""An account's rate at SageMaker."""

from __future__ import annotations

import pytest

from local.sagemaker.errors import ApiError
from local.sagemaker.store import Scope
from local.sagemaker.throttling import SETTING, require_rate


def test_an_account_with_a_rate_gets_so_many_requests_a_second_and_others_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "111111111111=2,222222222222=1")
    slow, other = Scope("111111111111", "us-east-1"), Scope("333333333333", "us-east-1")
    times = [0.0, 0.0, 0.1, 0.2, 0.6, 0.7, 10.0, 10.0, 10.0]

    def is_taken(scope: Scope, at: float) -> bool:
        try:
            require_rate(scope, lambda: at)
        except ApiError as error:
            return error.code != "ThrottlingException"
        return True

    # Two at once, the next half a second later, and never more than two saved up.
    assert [is_taken(slow, at) for at in times] == [True, True, False, False, True, False, True, True, False]
    assert all(is_taken(other, at) for at in times)
