"""Lambda: a function of ours that another one calls and waits for."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from botocore.config import Config

from tenantml import errors
from tenantml.aws.clients import CONFIG, platform, shared_session

LONGEST_SECONDS = 305  # longer than the functions that are waited for patiently may take


def invoke(function: str, event: dict[str, Any], *, patiently: bool = False) -> Any:
    """Return what the function answers; wait `patiently` for one that takes minutes, and call it once only.

    Raises:
        TenantMLError: it ended in this named failure, as if it had been raised here.
        RuntimeError: it ended in one without a name, which it has logged: a bug.
    """
    client = _patient_client() if patiently else platform("lambda")
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    document = json.loads(answer["Payload"].read())
    if "FunctionError" not in answer:
        return document
    named = {kind.__name__: kind for kind in errors.kinds()}.get(document.get("errorType", ""))
    if named is None:
        raise RuntimeError(f"{function} ended in a failure without a name")
    raise named(document["errorMessage"])


@lru_cache(maxsize=1)
def _patient_client() -> Any:
    """Return a client that does not call again when an answer is late: the function may still be at work."""
    patience = Config(read_timeout=LONGEST_SECONDS, tcp_keepalive=True, retries={"total_max_attempts": 1})
    return shared_session().create_client("lambda", config=CONFIG.merge(patience))
