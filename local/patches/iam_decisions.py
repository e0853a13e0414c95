"""IAM's decisions are recorded: which statement allowed a principal what, and what it was refused.

Each distinct one is a line of `iam_decisions.jsonl` in the cloud's state folder, however often it is taken: an allowed
request is noted with a policy's pattern, not with the resource, so the file stays as small as the policies.
"""

from __future__ import annotations

import contextvars
import functools
import json
import os
import threading
from pathlib import Path
from typing import Any, Final

from ministack.core import iam_evaluator

from local.patches.emulator import wrap
from local.patches.iam_conditions import filled_resource

FILE: Final = "iam_decisions.jsonl"

_of_a_resource: contextvars.ContextVar[bool] = contextvars.ContextVar("resource_policy", default=False)
_written: set[str] = set()
_lock = threading.Lock()


def apply() -> None:
    """Note every decision on a principal's own policies, before other patches request further ones."""
    wrap(iam_evaluator, "evaluate", "2a5dd6932d1a", _noting_what_allows)
    wrap(iam_evaluator, "evaluate_resource_policy", "e49ce7161ad6", _apart)
    wrap(iam_evaluator, "enforce", "cf64b1ee5b09", _noting_refusals)


def refused(principal_arn: str, action: str, resource_arn: str) -> None:
    """Note that a principal may not do something; the session's name is kept, because it shows its purpose."""
    _write(principal_arn, action, resource_arn, allowed=False, session=principal_arn.rsplit("/", maxsplit=1)[-1])


def _noting_what_allows(evaluate: Any) -> Any:
    @functools.wraps(evaluate)
    def evaluating(context: Any, policies: Any, *limits: Any) -> Any:
        result = evaluate(context, policies, *limits)
        if result.decision == "Allow" and not _of_a_resource.get():
            statements = [statement for document in policies for statement in document]
            statement = iam_evaluator._first_match(context, statements, "Allow")
            resource = next(
                (
                    item
                    for item in statement.resources
                    if (filled := filled_resource(item, context))
                    and iam_evaluator._resource_matches(context.resource_arn, [filled], [])
                ),
                "",
            )
            _write(context.principal_arn, context.action, resource, allowed=True, sid=statement.sid)
        return result

    return evaluating


def _apart(evaluate: Any) -> Any:
    """A bucket's, topic's or queue's own policy is not a permission of the principal."""

    @functools.wraps(evaluate)
    def evaluating(*arguments: Any, **options: Any) -> Any:
        token = _of_a_resource.set(True)
        try:
            return evaluate(*arguments, **options)
        finally:
            _of_a_resource.reset(token)

    return evaluating


def _noting_refusals(enforce: Any) -> Any:
    @functools.wraps(enforce)
    def enforcing(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        *arguments: Any,
        **options: Any,
    ) -> Any:
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, *arguments, **options)
        if isinstance(denied, iam_evaluator.EvalResult):
            refused(denied.principal_arn, iam_action, resource_arn)
        return denied

    return enforcing


def _write(principal_arn: str, action: str, resource: str, **details: Any) -> None:
    account, _, name = principal_arn.split(":", 4)[4].partition(":")
    kind, _, rest = name.partition("/")
    principal = f"role/{rest.split('/')[0]}" if kind == "assumed-role" else f"{kind}/{rest.rsplit('/', 1)[-1]}"
    line = json.dumps({"account": account, "principal": principal, "action": action, "resource": resource, **details})
    with _lock:
        if line not in _written:
            _written.add(line)
            with (Path(os.environ["STATE_DIR"]).parent / FILE).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
