"""Webhooks: what an owner says of them, and what becomes a delivery of each. `sending` sends it."""

from __future__ import annotations

import base64
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from tenantml.aws import sqs
from tenantml.domain.webhooks import webhook_events
from tenantml.domain.webhooks.webhook import (
    ENABLED,
    KEPT_SECONDS,
    MAX_WEBHOOKS,
    OVERLAP_SECONDS,
    PENDING,
    PREFIX,
    SECRET_BYTES,
    Webhook,
)
from tenantml.errors import NotFound, TooManyWebhooks
from tenantml.services.registry import NOBODY, webhooks
from tenantml.services.registry.table import now
from tenantml.settings import setting

TEST_FORGET_SECONDS = KEPT_SECONDS - 3600  # an attempt that broke off comes again in minutes
OPERATORS = NOBODY
"""Whose webhooks are told of every tenant."""

Row = dict[str, Any]


def put(owner: str, name: str, wanted: Webhook) -> tuple[Row, str | None]:
    """Create a webhook, or change and enable it; return it, and the secret of a new one, which nobody can read again.

    Raises:
        TooManyWebhooks: the owner has as many as it may.
    """
    if not webhooks.change(owner, name, wanted):
        if len(webhooks.all_of(owner)) >= MAX_WEBHOOKS:
            raise TooManyWebhooks(f"there are {MAX_WEBHOOKS} webhooks already; change or delete one of them")
        if webhooks.add(owner, name, secrets.token_hex(8), wanted):
            return find(owner, name), renew_secret(owner, name, overlap_seconds=0)[0]
    return find(owner, name), None


def find(owner: str, name: str) -> Row:
    """Return a webhook.

    Raises:
        NotFound: the owner has none of this name.
    """
    row = webhooks.find(owner, name)
    if row is None:
        raise NotFound("there is no webhook of this name here; list them (GET /webhooks, or `tenantml webhooks list`)")
    return row


def renew_secret(owner: str, name: str, overlap_seconds: int = OVERLAP_SECONDS) -> tuple[str, str]:
    """Return a new secret for a webhook, which signs from now on, and until when the one before it signs, too."""
    secret = PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    until = int(time.time()) + overlap_seconds
    webhooks.set_secret(owner, name, secret, until)
    return secret, datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test(owner: str, row: Row) -> Row:
    """Have a message of no meaning delivered to a webhook, in one attempt, and return the delivery: the one that is
    under way, if one is, so that a slow receiver is not waited for many times at once.
    """
    under_way = webhooks.find_delivery(owner, row["hook"], row.get("tested", ""))
    if under_way and under_way["status"] == PENDING and under_way["forget_at"] > time.time() + TEST_FORGET_SECONDS:
        return under_way
    told = webhook_events.message(webhook_events.TEST, now(), {"webhook": row["name"]}, secrets.token_hex(16))
    webhooks.note_test(owner, row["name"], told.message)
    return _deliver(owner, row, told, is_test=True)


def dispatch(event: Row) -> int:
    """Have an event of our bus delivered to every webhook that wants it: its tenant's, and the operators'; return how
    many deliveries there are. Repeatable.
    """
    told = list(webhook_events.messages_of(event))
    deliveries = [
        _deliver(owner, row, message)
        for owner in dict.fromkeys((event["detail"]["tenant"], OPERATORS))
        for row in (webhooks.all_of(owner) if told else [])
        for message in told
        if message.type in row["events"] and row["status"] == ENABLED
    ]
    return len(deliveries)


def _deliver(owner: str, row: Row, message: webhook_events.Message, *, is_test: bool = False) -> Row:
    """The queue is told where the delivery is: what is sent comes from a row that only its owner's sessions reach."""
    delivery = webhooks.add_delivery(owner, row["hook"], row["name"], message, is_test=is_test)
    place = {"owner": owner, "webhook": row["name"], "hook": row["hook"], "message": message.message}
    sqs.send(setting("WEBHOOK_QUEUE"), place)
    return delivery
