"""One attempt of one delivery: signed (Standard Webhooks 1.0.0), sent, and noted where its owner sees it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks.webhooks import Webhook as Signer

from tenantml.domain.webhooks import retry_schedule, webhook_words
from tenantml.domain.webhooks.webhook import DELIVERED, ENABLED, FAILED, RETRYING
from tenantml.domain.webhooks.webhook_outcomes import ANSWERED, NOT_ACCEPTED, NOT_ENABLED, REMOVED, UNSIGNED
from tenantml.services import https_post
from tenantml.services.https_post import Reply
from tenantml.services.registry import webhooks
from tenantml.services.registry.table import now

GONE = 410

Row = dict[str, Any]


def attempt(place: Row, number: int) -> int | None:
    """Make the attempt of this number (from 1) of the delivery at a place in the registry, and return for how many
    seconds to wait for the next one: 0 when this was the last and it failed, None when there is nothing left to do.
    """
    owner = place["owner"]
    row = webhooks.find_delivery(owner, place["hook"], place["message"])
    if row is None or row["status"] in {DELIVERED, FAILED}:
        return None
    hook = webhooks.find(owner, place["webhook"])
    if hook is None or hook["hook"] != row["hook"]:
        return _end(owner, row, number, REMOVED)
    if hook["status"] != ENABLED and not row["is_test"]:
        return _end(owner, row, number, NOT_ENABLED)
    signing = webhooks.secrets_of(owner, hook["name"])
    if not signing:
        return _end(owner, row, number, UNSIGNED)
    reply = https_post.post(hook["url"], row["body"].encode(), signed(row, signing, datetime.now(UTC)))
    if reply.status is not None and 200 <= reply.status < 300:
        webhooks.note_delivered(owner, hook["name"])
        return _end(owner, row, number, ANSWERED, reply, DELIVERED)
    return _again(owner, hook, row, number, reply)


def signed(row: Row, signing: list[str], at: datetime) -> dict[str, str]:
    """Return the headers of an attempt at a time, which is aware and in UTC: one signature for each secret."""
    signatures = [Signer(secret).sign(row["message"], at, row["body"]) for secret in signing]
    return {
        "Content-Type": "application/json",
        "User-Agent": "TenantML-Webhooks",
        "webhook-id": row["message"],
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _again(owner: str, hook: Row, row: Row, number: int, reply: Reply) -> int | None:
    """Note a failed attempt, and when the next one is."""
    outcome = NOT_ACCEPTED if reply.outcome == ANSWERED else reply.outcome
    if reply.status == GONE:
        webhooks.disable(owner, hook, webhook_words.GONE)
        return _end(owner, row, number, outcome, reply)
    if row["is_test"]:
        return _end(owner, row, number, outcome, reply)
    wait = retry_schedule.wait_after(number, reply.retry_after, random.random)
    if wait is None:
        if hook.get("delivered_at", "") < row["created_at"]:
            webhooks.disable(owner, hook, webhook_words.UNDELIVERED)
        _end(owner, row, number, outcome, reply)
        return 0
    due = (datetime.now(UTC) + timedelta(seconds=wait)).strftime("%Y-%m-%dT%H:%M:%SZ")
    _note(owner, row, number, outcome, reply, status=RETRYING, next_attempt_at=due)
    return wait


def _end(
    owner: str, row: Row, number: int, outcome: str, reply: Reply | None = None, status: str = FAILED
) -> int | None:
    _note(owner, row, number, outcome, reply, status=status, next_attempt_at=None)
    return None


def _note(owner: str, row: Row, number: int, outcome: str, reply: Reply | None, **values: Any) -> None:
    noted = {"attempts": number, "outcome": outcome, "http_status": reply and reply.status, "attempted_at": now()}
    webhooks.update_delivery(owner, row, noted | values)
