"""A task of upkeep: one kind for one tenant, done by a function that has the rights for this kind alone."""

from __future__ import annotations

from tenantml.aws import lambda_functions
from tenantml.aws.error_codes import AnyFailure, code_of
from tenantml.domain.tenancy.upkeep import DRIFT, PROBE, SWEEP
from tenantml.errors import TenantMLError
from tenantml.settings import setting

ATTEMPTS = 3  # the queue's maxReceiveCount
RETRY_SECONDS = 15
FUNCTIONS = {
    PROBE: lambda: setting("PROBE_FUNCTION"),
    SWEEP: lambda: setting("SWEEP_FUNCTION"),
    DRIFT: lambda: setting("DRIFT_FUNCTION"),
}


def attempt(kind: str, tenant: str) -> str | None:
    """Have a task done, and wait for it; return the name of the failure that it ended in, None when it is done."""
    try:
        lambda_functions.invoke(FUNCTIONS[kind](), {"tenant": tenant}, patiently=True)
    except TenantMLError as error:
        return type(error).__name__
    except AnyFailure as error:
        return code_of(error)
    except RuntimeError:
        return "InternalFailure"  # a bug, which its function has logged, or the end of its time or memory
    return None


def wait_after(number: int) -> int:
    """Return for how many seconds a task is left alone after a failed attempt of this number (from 1): few, because the
    account's others wait behind it, and none after the last.
    """
    return RETRY_SECONDS if number < ATTEMPTS else 0
