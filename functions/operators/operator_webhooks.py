"""Operator: the webhooks that are told of every tenant, beside the e-mail of alarms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenantml.domain.api import pagination, views
from tenantml.domain.tenancy import operator_requests
from tenantml.domain.webhooks.webhook import Webhook, is_name
from tenantml.entrypoint import function
from tenantml.errors import InvalidOperation, InvalidRequest
from tenantml.services import notifying
from tenantml.services.notifying import OPERATORS
from tenantml.services.registry import webhooks

Json = dict[str, Any]


@function
def handler(event: Json) -> Json:
    """Return all webhooks of the operators, after one thing was done: with `name`, `url` and `events` one is put, and
    the `secret` of a new one is returned this once. `remove`, `renew` (another `secret`, beside which the one before
    signs until `previous_until`), `test` (its `delivery`) and `deliveries` (the newest) hold the name of one.
    """
    asked = operator_requests.read(event, {"name": str, "url": str, "events": list, **dict.fromkeys(OF_ONE, str)})
    answer: Json = dict.fromkeys(("secret",))
    if chosen := asked.keys() & OF_ONE.keys():
        if len(asked) > 1:
            raise InvalidOperation(f"one thing at a time: {', '.join(OF_ONE)}, or name, url and events")
        (what,) = chosen
        answer |= OF_ONE[what](asked[what])
    elif asked:
        answer["secret"] = _put(asked)
    return {"webhooks": [views.webhook(row) for row in webhooks.all_of(OPERATORS)]} | answer


def _put(asked: Json) -> str | None:
    name = asked.pop("name", "")
    if not is_name(name):
        raise InvalidOperation("name: expected 1 to 40 of a-z, 0-9 and inner hyphens, starting with a letter")
    try:
        wanted = Webhook.from_document(asked)
    except InvalidRequest as error:
        raise InvalidOperation(str(error)) from error
    return notifying.put(OPERATORS, name, wanted)[1]


def _remove(name: str) -> Json:
    webhooks.remove(OPERATORS, name)
    return {}


def _renew(name: str) -> Json:
    secret, until = notifying.renew_secret(OPERATORS, notifying.find(OPERATORS, name)["name"])
    return {"secret": secret, "previous_until": until}


def _test(name: str) -> Json:
    return {"delivery": views.webhook_delivery(notifying.test(OPERATORS, notifying.find(OPERATORS, name)))}


def _deliveries(name: str) -> Json:
    page = webhooks.list_deliveries(OPERATORS, notifying.find(OPERATORS, name)["hook"], pagination.read({}))
    return {"deliveries": [views.webhook_delivery(row) for row in page.rows]}


OF_ONE: dict[str, Callable[[str], Json]] = {
    "remove": _remove, "renew": _renew, "test": _test, "deliveries": _deliveries,
}  # fmt: skip
