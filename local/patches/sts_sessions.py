"""STS: how long a role's session may last, and what its credentials are answered afterwards."""

from __future__ import annotations

import functools
import json
import time
from typing import Any, Final
from urllib.parse import parse_qs

import ministack.app
from ministack.core import iam_evaluator, router
from ministack.services import iam, sts

from local.patches.emulator import wrap
from local.server import EXPIRE_PATH

# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
CHAINED_SESSION_SECONDS: Final = 3600
_SHORTEST_SECONDS, _LONGEST_SECONDS = 900, 43_200
# As shipped an expired session is forgotten as soon as the next one begins, and its key becomes unknown.
_EXPIRED_KEPT_SECONDS = 86_400
_EVERY_SECONDS = 60.0

_NOT_CHAINED = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
_NOT_SO_LONG = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."


def apply() -> None:
    """Refuse AssumeRole for longer than AWS allows; know expired credentials; let a test end a session."""
    wrap(sts, "handle_request", "f2d7c72d01d6", _limit_sessions)
    wrap(sts, "_evict_expired_sessions", "67ddc890eea7", _keep_expired)
    wrap(ministack.app, "_handle_admin_config_request", "68ee50c5f03b", _expire_on_request)


def _keep_expired(evict: Any) -> Any:
    """As shipped, each new session looks at all others, while other threads add theirs: one that comes in between ends
    the start of a Lambda worker, and with it all workers of that function.
    """
    looked_at = time.monotonic()

    @functools.wraps(evict)
    def keeping() -> None:
        nonlocal looked_at
        if time.monotonic() - looked_at < _EVERY_SECONDS:
            return
        looked_at, forgotten = time.monotonic(), time.time() - _EXPIRED_KEPT_SECONDS
        for key, session in sts._sessions.copy().items():  # which no other thread changes; a list is made in steps
            if session.get("Expiration", forgotten) < forgotten:
                sts._sessions.pop(key, None)

    return keeping


def _expire_on_request(answer: Any) -> Any:
    """`EmbeddedCloud.expire`: the time that a session has left is over, without anybody having waited."""

    @functools.wraps(answer)
    async def answering(path: str, method: str, body: bytes) -> Any:
        if (path, method) != (EXPIRE_PATH, "POST"):
            return await answer(path, method, body)
        sts._sessions[json.loads(body)["AccessKeyId"]]["Expiration"] = time.time() - 1
        return 204, {}, b""

    return answering


def _limit_sessions(handle: Any) -> Any:
    @functools.wraps(handle)
    async def limiting(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        answer = await handle(method, path, headers, body, query_params)
        sent = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", errors="replace")).items()}
        if sent.get("Action") != "AssumeRole" or answer[0] != 200:
            return answer  # a caller that may not assume the role at all gets that error first, as on AWS
        refusal = _refusal(sent, router.extract_access_key_id(headers, query_params))
        return iam._error(400, "ValidationError", refusal, ns="sts") if refusal else answer

    return limiting


def _refusal(sent: dict[str, str], access_key_id: str) -> str | None:
    seconds = int(sent.get("DurationSeconds", CHAINED_SESSION_SECONDS))
    if not _SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
        bound, limit = ("greater", _SHORTEST_SECONDS) if seconds < _SHORTEST_SECONDS else ("less", _LONGEST_SECONDS)
        return (
            f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: "
            f"Member must have value {bound} than or equal to {limit}"
        )
    caller = iam_evaluator.resolve_caller_identity(access_key_id) or {}
    if seconds > CHAINED_SESSION_SECONDS and ":assumed-role/" in caller.get("userArn", ""):
        return _NOT_CHAINED
    account, name = sent["RoleArn"].split(":")[4], sent["RoleArn"].rsplit("/", 1)[-1]
    role = iam._roles.get_scoped(account, None, name) or {}
    return _NOT_SO_LONG if seconds > int(role.get("MaxSessionDuration", CHAINED_SESSION_SECONDS)) else None
