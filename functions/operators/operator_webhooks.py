"""Operator: the webhooks that are told of every tenant, beside the e-mail of alarms."""

from __future__ import annotations

from typing import Any

from tenantml.domain.api import views
from tenantml.domain.tenancy import operator_requests
from tenantml.domain.webhooks.webhook import Webhook, is_name
from tenantml.entrypoint import function
from tenantml.errors import InvalidOperation, InvalidRequest
from tenantml.services import notifying
from tenantml.services.notifying import OPERATORS
from tenantml.services.registry import webhooks


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return all webhooks of the operators: with `name`, `url` and `events` one is put first, and the `secret` of a new
    one is returned this once; with `remove`, the one of this name is removed first.
    """
    asked = operator_requests.read(event, {"name": str, "url": str, "events": list, "remove": str})
    secret = None
    if name := asked.pop("remove", None):
        webhooks.remove(OPERATORS, name)
    elif asked:
        secret = _put(asked)
    return {"webhooks": [views.webhook(row) for row in webhooks.all_of(OPERATORS)], "secret": secret}


def _put(asked: dict[str, Any]) -> str | None:
    name = asked.pop("name", "")
    if not is_name(name):
        raise InvalidOperation("name: expected 1 to 40 of a-z, 0-9 and inner hyphens, starting with a letter")
    try:
        wanted = Webhook.from_document(asked)
    except InvalidRequest as error:
        raise InvalidOperation(str(error)) from error
    return notifying.put(OPERATORS, name, wanted)[1]
