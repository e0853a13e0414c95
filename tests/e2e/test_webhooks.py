"""Webhooks with the permissions that the stack gives, to a real receiver: signed, tried again, told to operators."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tenantml_cli.errors import Refused
from tests.e2e.conftest import RECEIVER
from tests.waiting import PATIENCE_SECONDS, wait_for

if TYPE_CHECKING:
    from tenantml_cli.tenant_api import Document
    from tests.e2e.conftest import Tenant
    from tests.receiver import Receiver

WANTED = {"url": f"https://{RECEIVER}/in", "events": ["execution.ended"]}


def put(tenant: Tenant, name: str, wanted: Document) -> Document:
    return tenant.api.call("PUT", f"/webhooks/{name}", json.dumps(wanted).encode())


def delivered(tenant: Tenant, name: str, is_reached: Callable[[Document], object]) -> Document:
    """Wait until the newest delivery of a webhook has reached something, and return it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ((rows := tenant.api.call("GET", f"/webhooks/{name}/deliveries")["deliveries"]) and is_reached(rows[0])):
        assert time.monotonic() < deadline, rows
        time.sleep(0.1)
    return dict(rows[0])


def is_signed(secret: str, headers: dict[str, str], body: str) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_an_execution_that_ends_is_told_to_its_tenant_and_to_operators_and_tried_again(
    newcomer: Callable[..., Tenant],
    person: Callable[..., dict[str, str]],
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    tenant, other = newcomer("gavin"), newcomer("belson")
    outputs = tenant.platform.outputs
    lambdas = tenant.platform.cloud.client("lambda", credentials=person("wanda", "OperatorGroup"))

    def operate(**asked: Any) -> Document:
        answer = lambdas.invoke(FunctionName=outputs["OperatorWebhooksFunction"], Payload=json.dumps(asked).encode())
        document: Document = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, document
        return document

    secret = put(tenant, "ops", WANTED)["secret"]
    put(other, "ops", WANTED)
    begun = tenant.api.call("POST", "/webhooks/ops/test")
    tested = delivered(tenant, "ops", lambda row: row["attempts"])
    assert (tested["outcome"], tested["message"]) == ("answered", begun["message"])
    # Other tests of this cloud have webhooks of their own, which share its receiver.
    ((headers, body),) = [sent for sent in receiver.received if begun["message"] in sent[0].values()]
    assert Webhook(secret).verify(body, headers)["type"] == "webhook.test"

    renewed = tenant.api.call("POST", "/webhooks/ops/secrets")["secret"]
    operators = operate(name="pager", url=WANTED["url"], events=["execution.ended"])["secret"]
    asked = operate(test="pager")["delivery"]["message"]
    wait_for(lambda: operate(deliveries="pager")["deliveries"], lambda rows: rows[0]["status"] == "delivered")
    ((headers, body),) = [sent for sent in receiver.received if asked in sent[0].values()]
    operators = [operators, operate(renew="pager")["secret"]]
    Webhook(operators[0]).verify(body, headers)
    receiver.reset()
    receiver.answers += [(503, {}), (503, {})]
    empty = tmp_path / "empty.csv"
    empty.write_text("a,b\n")
    tenant.api.configure("churn", {"target": "b"})
    ended = tenant.outcome(tenant.api.upload("churn", empty))
    assert ended["error"]["code"] == "HeaderOnly"

    told: dict[str, list[str]] = {"tenant": [], "operators": []}
    for headers, body in receiver.wait_for(4):  # each is refused once
        data = json.loads(body)["data"]
        assert (data["tenant"], data["execution"], data["error"]) == ("gavin", ended["execution"], "HeaderOnly")
        whose = "operators" if is_signed(operators[1], headers, body) else "tenant"
        told[whose].append(headers["webhook-id"])
        for one in operators if whose == "operators" else (secret, renewed):
            Webhook(one).verify(body, headers)
    assert {whose: (len(ids), len(set(ids))) for whose, ids in told.items()} == {
        "tenant": (2, 1), "operators": (2, 1)
    }  # fmt: skip
    found = delivered(tenant, "ops", lambda row: row["status"] == "delivered")
    assert (found["attempts"], found["http_status"], found["type"]) == (2, 204, "execution.ended")
    assert other.api.call("GET", "/webhooks/ops/deliveries")["deliveries"] == []

    assert operate(remove="pager")["webhooks"] == []
    assert tenant.api.call("GET", "/webhooks/ops")["url"] == WANTED["url"]
    assert [row["name"] for row in tenant.api.call("GET", "/webhooks")["webhooks"]] == ["ops"]
    tenant.api.call("DELETE", "/webhooks/ops")
    with pytest.raises(Refused) as refused:
        tenant.api.call("POST", "/webhooks/ops/test")
    assert (refused.value.code, refused.value.status) == ("NotFound", 404)
