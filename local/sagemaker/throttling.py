"""Accounts that SageMaker throttles: `TENANTML_LOCAL_SAGEMAKER_RATES` is `444444444444=2`, in requests a second.

A bucket of as many requests as a second refills, as AWS throttles its APIs (EC2 developer guide, "Request throttling").
AWS does not document SageMaker's rates; by default no account has one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from local.sagemaker.errors import ApiError
from local.sagemaker.store import Scope

SETTING = "TENANTML_LOCAL_SAGEMAKER_RATES"

_buckets: dict[Scope, tuple[float, float]] = {}  # what is left of each, and when that was


def require_rate(scope: Scope, clock: Callable[[], float] = time.monotonic) -> None:
    """Count one request of an account.

    Raises:
        ApiError: `ThrottlingException`, it is one too many.
    """
    rates = dict(item.split("=") for item in os.environ.get(SETTING, "").split(",") if item)
    if scope.account not in rates:
        return
    rate, now = float(rates[scope.account]), clock()
    left, since = _buckets.get(scope, (rate, now))
    left = min(rate, left + (now - since) * rate)
    _buckets[scope] = (max(left - 1, left if left < 1 else 0.0), now)
    if left < 1:
        raise ApiError("ThrottlingException", "Rate exceeded")
