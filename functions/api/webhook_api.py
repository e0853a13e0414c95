"""The tenant's webhooks: which addresses are told what happens, and how that went."""

from __future__ import annotations

from tenantml.api import webhooks
from tenantml.api.dispatch import handler_of

handler = handler_of("WebhookApi", webhooks)
