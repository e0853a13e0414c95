"""Lambda: a function of ours that another one calls and waits for."""

from __future__ import annotations

import json
from typing import Any

from tenantml import errors
from tenantml.aws.clients import platform


def invoke(function: str, event: dict[str, Any]) -> Any:
    """Return what the function answers.

    Raises:
        TenantMLError: it ended in this named failure, as if it had been raised here.
        RuntimeError: it ended in one without a name, which it has logged: a bug.
    """
    answer = platform("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    document = json.loads(answer["Payload"].read())
    if "FunctionError" not in answer:
        return document
    named = {kind.__name__: kind for kind in errors.kinds()}.get(document.get("errorType", ""))
    if named is None:
        raise RuntimeError(f"{function} ended in a failure without a name")
    raise named(document["errorMessage"])
