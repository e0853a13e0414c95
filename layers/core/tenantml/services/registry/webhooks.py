"""Webhooks, what signs for them, and their deliveries; used by its own name."""

from __future__ import annotations

import time
from typing import Any

from tenantml.aws.dynamodb import to_item
from tenantml.domain.api.pagination import Page, PageRequest
from tenantml.domain.webhooks.webhook import DISABLED, ENABLED, KEPT_SECONDS, PENDING, Webhook
from tenantml.domain.webhooks.webhook_events import Message
from tenantml.services import tenant_scope
from tenantml.services.registry import keys, table

Row = dict[str, Any]


def add(owner: str, name: str, hook: str, wanted: Webhook) -> bool:
    """Write a new webhook; return False when there is one of this name."""
    row = {"name": name, "hook": hook, "created_at": table.now()} | _as_wanted(wanted)
    return table.put(keys.webhook(owner, name), row, "attribute_not_exists(pk)")


def change(owner: str, name: str, wanted: Webhook) -> bool:
    """Change a webhook, and enable it; return False when there is none."""
    return table.update(keys.webhook(owner, name), _as_wanted(wanted), "attribute_exists(pk)")


def _as_wanted(wanted: Webhook) -> Row:
    values = {"url": wanted.url, "events": list(wanted.events), "updated_at": table.now()}
    return values | {"status": ENABLED, "reason": None}


def disable(owner: str, row: Row, reason: str) -> None:
    """Send nothing to a webhook any more, until it is changed; one that was changed since it was read stays enabled."""
    condition = "updated_at = :updated_at"
    values = {"status": DISABLED, "reason": reason}
    table.update(keys.webhook(owner, row["name"]), values, condition, updated_at=row["updated_at"])


def note_delivered(owner: str, name: str) -> None:
    """Note that something was delivered just now."""
    table.update(keys.webhook(owner, name), {"delivered_at": table.now()}, "attribute_exists(pk)")


def note_test(owner: str, name: str, message: str) -> None:
    """Note which message tests a webhook."""
    table.update(keys.webhook(owner, name), {"tested": message}, "attribute_exists(pk)")


def find(owner: str, name: str) -> Row | None:
    """Return a webhook, or None."""
    return table.get(keys.webhook(owner, name))


def all_of(owner: str) -> list[Row]:
    """Return an owner's webhooks, in the order of their names."""
    return table.query(keys.webhook(owner, ""))


def remove(owner: str, name: str) -> None:
    """Forget a webhook, what signs for it first; its deliveries are forgotten in their time."""
    table.delete(keys.webhook_secret(owner, name))
    table.delete(keys.webhook(owner, name))


def forget_all(owner: str) -> int:
    """Forget all of an owner's webhooks, what signs for them and their deliveries; return how many rows there were."""
    names = [row["name"] for row in all_of(owner)]
    for name in names:
        remove(owner, name)
    deliveries = table.query(keys.webhooks(owner))
    for row in deliveries:
        table.delete(keys.of(row))
    return 2 * len(names) + len(deliveries)


def set_secret(owner: str, name: str, secret: str, previous_until: int) -> None:
    """Let a secret sign, beside the one before it until a time in seconds since 1970. Whoever writes it need not read
    what was there.
    """
    tenant_scope.dynamodb().update_item(
        **table.at(keys.webhook_secret(owner, name)),
        UpdateExpression="SET #before = if_not_exists(#now, :now), #until = :until, #now = :now",
        ExpressionAttributeNames={"#before": "previous", "#now": "current", "#until": "previous_until"},
        ExpressionAttributeValues=to_item({":now": secret, ":until": previous_until}),
    )


def secrets_of(owner: str, name: str) -> list[str]:
    """Return what signs for a webhook now, the newest first; nothing when there is none."""
    row = table.get(keys.webhook_secret(owner, name))
    if row is None:
        return []
    return [row["current"]] + [row["previous"]] * (row["previous_until"] > time.time())


def add_delivery(owner: str, hook: str, name: str, message: Message, *, is_test: bool = False) -> Row:
    """Write what is to be delivered to a webhook, once, and return it."""
    key = keys.webhook_delivery(owner, hook, message.message)
    row = {
        "message": message.message, "type": message.type, "body": message.body, "webhook": name, "hook": hook,
        "status": PENDING, "attempts": 0, "is_test": is_test, "created_at": table.now(),
        "forget_at": int(time.time()) + KEPT_SECONDS,
    }  # fmt: skip
    table.put(key, row, "attribute_not_exists(pk)")
    return table.get(key) or row


def find_delivery(owner: str, hook: str, message: str) -> Row | None:
    """Return a delivery, or None."""
    return table.get(keys.webhook_delivery(owner, hook, message))


def update_delivery(owner: str, row: Row, values: Row) -> None:
    """Note how a delivery goes, unless it is forgotten."""
    key = keys.webhook_delivery(owner, row["hook"], row["message"])
    table.update(key, values, "attribute_exists(pk)")


def list_deliveries(owner: str, hook: str, page: PageRequest) -> Page:
    """Return a page of a webhook's deliveries, the newest first."""
    return table.read_page(keys.webhook_delivery(owner, hook, ""), page, newest_first=True)
