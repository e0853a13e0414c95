"""JSON schemas of webhooks."""

from __future__ import annotations

from typing import Any

from tenantml.domain.api.schemas import COUNT, MODEL_NAME, TEXT, TIME, Schema, listing, maybe, page, record
from tenantml.domain.predictions.batch import ID_PATTERN as BATCH_PATTERN
from tenantml.domain.webhooks.webhook import DELIVERY_STATUSES, DISABLED, ENABLED, MAX_URL, NAME, URL
from tenantml.domain.webhooks.webhook_events import EVENT_TYPES, NAMES, TEST, EventType
from tenantml.domain.webhooks.webhook_outcomes import OUTCOMES
from tenantml.domain.webhooks.webhook_words import DOERS, ENDINGS, STANDINGS

ADDRESS: Schema = {"type": "string", "pattern": f"^{URL}$", "maxLength": MAX_URL}
EVENTS: Schema = listing({"type": "string", "enum": list(NAMES)}) | {
    "minItems": 1,
    "description": " ".join(f"`{kind.name}`: {kind.description}" for kind in EVENT_TYPES),
}
SECRET: Schema = TEXT | {"description": "What signs; it is shown this once"}
WEBHOOK: dict[str, Schema] = {
    "name": TEXT | {"pattern": f"^{NAME}$"},
    "url": ADDRESS,
    "events": EVENTS,
    "status": {"type": "string", "enum": [ENABLED, DISABLED]},
    "reason": maybe(TEXT) | {"description": "Why it is disabled; PUT it again to enable it"},
    "created_at": TIME,
    "updated_at": TIME,
    "delivered_at": maybe(TIME) | {"description": "When something was delivered last"},
}


FIELDS: dict[str, Schema] = {
    "tenant": TEXT,
    "model": maybe(MODEL_NAME) | {"description": "Null of an upload that names none"},
    "version": maybe(TEXT),
    "execution": TEXT,
    "batch": TEXT | {"pattern": f"^{BATCH_PATTERN}$"},
    "error": maybe(TEXT) | {"description": "A code of docs/errors.md"},
    "until": TIME,
    "by": TEXT | {"description": f"The id of the API key, or who else did it: {', '.join(DOERS)}"},
}
HEADERS = {
    "webhook-id": "The same however often it is sent",
    "webhook-timestamp": "When it was sent, in seconds since 1970",
    "webhook-signature": "One signature per secret, after Standard Webhooks 1.0.0",
}


def webhooks() -> dict[str, Any]:
    """Return what is sent to a webhook, by type: the part `webhooks` of an OpenAPI document."""
    return {kind.name: {"post": _sent(kind)} for kind in EVENT_TYPES}


def _sent(kind: EventType) -> dict[str, Any]:
    fields = FIELDS | {"status": {"type": "string", "enum": list(ENDINGS if "error" in kind.fields else STANDINGS)}}
    data = record("Names, ids and times.", **{name: fields[name] for name in kind.fields})
    message = record(kind.description, type={"const": kind.name}, timestamp=TIME, data=data)
    return {
        "tags": ["webhooks"],
        "summary": kind.description,
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": TEXT}
            for name, text in HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": message}}},
        "responses": {
            "2XX": {"description": "Delivered"},
            "410": {"description": "Gone: the webhook is disabled"},
            "default": {"description": "It is tried again, for a day"},
        },
    }


def components() -> dict[str, Schema]:
    """Return the schemas by name."""
    return {
        "WebhookSettings": {
            "type": "object",
            "description": "Where and of what you want to be told: a host name of the public internet, port 443.",
            "properties": {"url": ADDRESS, "events": EVENTS},
            "required": ["url", "events"],
            "additionalProperties": False,
            "example": {"url": "https://hooks.acme.example/tenantml", "events": ["execution.ended"]},
        },
        "Webhook": record("An address that is told what happens.", **WEBHOOK),
        "NewWebhook": record(
            "A webhook; with its secret when it is new.",
            **WEBHOOK,
            secret=maybe(TEXT) | {"description": "Of a new webhook, shown this once; else null"},
        ),
        "Webhooks": page("webhooks", "Webhook"),
        "WebhookSecret": record(
            "A new secret.",
            secret=SECRET,
            previous_until=TIME | {"description": "Until when the secret before it signs beside it"},
        ),
        "Delivery": record(
            "One message to a webhook, and how it went.",
            message=TEXT | {"description": "The header `webhook-id`: the same however often it is sent"},
            type={"type": "string", "enum": [*NAMES, TEST]},
            webhook=TEXT,
            status={"type": "string", "enum": list(DELIVERY_STATUSES)},
            attempts=COUNT,
            outcome=maybe({"type": "string", "enum": list(OUTCOMES)}) | {"description": "Of the last attempt"},
            http_status=maybe(COUNT),
            created_at=TIME,
            attempted_at=maybe(TIME),
            next_attempt_at=maybe(TIME),
        ),
        "Deliveries": page("deliveries", "Delivery"),
    }
