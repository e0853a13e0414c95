"""The tenant's webhooks: which addresses are told what happens, and how that went."""

from __future__ import annotations

from typing import Any

from tenantml import http
from tenantml.domain.api import pagination, views
from tenantml.domain.webhooks.webhook import Webhook, is_name
from tenantml.errors import InvalidRequest
from tenantml.http import Answer
from tenantml.services import notifying
from tenantml.services.registry import webhooks

Json = dict[str, Any]


def list_webhooks(tenant: str, event: Json) -> Answer:
    """GET /webhooks."""
    rows = [views.webhook(row) for row in webhooks.all_of(tenant)]
    page = pagination.page_of(rows, pagination.read(http.query_of(event)))
    return Answer(200, {"webhooks": page.rows, "next_token": page.next_token})


def put_webhook(tenant: str, event: Json) -> Answer:
    """PUT /webhooks/{webhook}: the secret of a new one is shown this once."""
    name = http.in_path(event, "webhook")
    if not is_name(name):
        raise InvalidRequest("a webhook's name has 1 to 40 of a-z, 0-9 and inner hyphens, and starts with a letter")
    wanted = Webhook.from_document(http.parse_json_object(event))
    row, secret = notifying.put(tenant, name, wanted)
    return Answer(201 if secret else 200, views.webhook(row) | {"secret": secret})


def get_webhook(tenant: str, event: Json) -> Answer:
    """GET /webhooks/{webhook}."""
    return Answer(200, views.webhook(find(tenant, event)))


def delete_webhook(tenant: str, event: Json) -> Answer:
    """DELETE /webhooks/{webhook}: answers what it was."""
    row = find(tenant, event)
    webhooks.remove(tenant, row["name"])
    return Answer(200, views.webhook(row))


def create_secret(tenant: str, event: Json) -> Answer:
    """POST /webhooks/{webhook}/secrets: another secret, beside which the one before it signs for a while."""
    secret, until = notifying.renew_secret(tenant, find(tenant, event)["name"])
    return Answer(201, {"secret": secret, "previous_until": until})


def test_webhook(tenant: str, event: Json) -> Answer:
    """POST /webhooks/{webhook}/test: one attempt to deliver a message of no meaning."""
    return Answer(202, views.webhook_delivery(notifying.test(tenant, find(tenant, event))))


def list_deliveries(tenant: str, event: Json) -> Answer:
    """GET /webhooks/{webhook}/deliveries: the newest first."""
    page = webhooks.list_deliveries(tenant, find(tenant, event)["hook"], pagination.read(http.query_of(event)))
    deliveries = [views.webhook_delivery(row) for row in page.rows]
    return Answer(200, {"deliveries": deliveries, "next_token": page.next_token})


def find(tenant: str, event: Json) -> Json:
    """Return the path's webhook; one that does not exist is as one of another tenant."""
    name = http.in_path(event, "webhook")
    row = webhooks.find(tenant, name) if is_name(name) else None
    if row is None:
        raise http.not_found()
    return row
