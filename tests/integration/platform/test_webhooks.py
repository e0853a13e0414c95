"""Webhooks from the request that creates one to what a receiver verifies, on moto's tables and queues."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from tenantml.aws.clients import platform
from tenantml.domain.tenancy.tenant import ACTIVE, Tenant
from tenantml.domain.webhooks import retry_schedule
from tenantml.domain.webhooks.webhook import MAX_WEBHOOKS
from tenantml.domain.webhooks.webhook_events import BUS_TYPES
from tenantml.errors import InvalidOperation, NotFound
from tenantml.services import registry
from tenantml.services.registry import keys, table, webhooks
from tests.functions import REPOSITORY
from tests.integration.platform.conftest import TEMPLATE
from tests.receiver import Receiver
from tests.tenants import tenant_of

URL = "https://hooks.acme.example/tenantml"
WANTED = {"url": URL, "events": ["execution.ended"]}
Json = dict[str, Any]
Ask = Callable[..., tuple[int, Json]]
Invoke = Callable[[str, Any], Any]


@pytest.fixture
def ask(tenant: Tenant, event: Callable[[str], Any], invoke: Invoke) -> Ask:
    """Send a request to the function as API Gateway does; return the status and the document."""

    def ask(method: str, resource: str, body: Json | None = None, by: str = "acme", name: str = "ops") -> Any:
        sample = event("webhook_api")
        sample |= {"httpMethod": method, "resource": resource, "pathParameters": {"webhook": name}}
        sample["requestContext"]["authorizer"]["tenant"] = by
        answer = invoke("webhook_api", sample | {"body": json.dumps(body) if body is not None else None})
        return answer["statusCode"], json.loads(answer["body"])

    return ask


@pytest.fixture
def secret(ask: Ask) -> str:
    """What signs for the webhook `ops` of acme."""
    status, found = ask("PUT", "/webhooks/{webhook}", WANTED)
    assert status == 201
    return str(found["secret"])


@pytest.fixture
def happen(event: Callable[[str], Any], invoke: Invoke) -> Callable[..., None]:
    """Let something happen on the bus."""

    def happen(kind: str = "Execution Ended", **detail: Any) -> None:
        sample = event("dispatch_webhooks")
        happened = json.loads(sample["Records"][0]["body"])
        happened |= {"detail-type": kind, "detail": happened["detail"] | detail}
        sample["Records"][0]["body"] = json.dumps(happened)
        assert invoke("dispatch_webhooks", sample) is None

    return happen


@pytest.fixture
def send(stack: dict[str, str], event: Callable[[str], Any], invoke: Invoke) -> Callable[..., list[Json]]:
    """Let Lambda take what is in the queue, as the attempt of a number where it is not the next."""

    def send(number: int | None = None) -> list[Json]:
        queue, sent = stack["WEBHOOK_QUEUE"], []
        asked = {"QueueUrl": queue, "AttributeNames": ["ApproximateReceiveCount"], "MaxNumberOfMessages": 1}
        while messages := platform("sqs").receive_message(**asked).get("Messages"):
            (message,) = messages
            sample = event("send_webhook")
            record = sample["Records"][0]
            record |= {"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"]}
            record["body"] = message["Body"]
            count = str(number) if number else message["Attributes"]["ApproximateReceiveCount"]
            record["attributes"]["ApproximateReceiveCount"] = count
            failed = invoke("send_webhook", sample)["batchItemFailures"]
            if not failed:
                platform("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            sent.append(json.loads(message["Body"]) | {"failed": bool(failed)})
            if number:
                break
        return sent

    return send


def deliveries(ask: Ask, **options: Any) -> list[Json]:
    status, found = ask("GET", "/webhooks/{webhook}/deliveries", **options)
    assert status == 200, found
    return list(found["deliveries"])


def waiting(stack: dict[str, str]) -> dict[str, str]:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = platform("sqs").get_queue_attributes(QueueUrl=stack["WEBHOOK_QUEUE"], AttributeNames=names)
    return {name.removeprefix("ApproximateNumberOf"): value for name, value in found["Attributes"].items()}


def test_a_webhook_is_created_changed_listed_and_deleted_and_its_secret_shown_once(ask: Ask) -> None:
    status, made = ask("PUT", "/webhooks/{webhook}", WANTED)
    assert (status, made["name"], made["url"], made["status"]) == (201, "ops", URL, "enabled")
    assert made["secret"].startswith("whsec_")
    status, changed = ask("PUT", "/webhooks/{webhook}", WANTED | {"events": ["approval.wanted", "execution.ended"]})
    assert (status, changed["secret"], changed["events"]) == (200, None, ["approval.wanted", "execution.ended"])
    status, found = ask("GET", "/webhooks/{webhook}")
    assert (status, "secret" in found, found["created_at"]) == (200, False, made["created_at"])
    status, listed = ask("GET", "/webhooks")
    assert [row["name"] for row in listed["webhooks"]] == ["ops"]
    assert made["secret"] not in json.dumps([found, listed])
    assert ask("DELETE", "/webhooks/{webhook}")[0] == 200
    for method, resource in (
        ("GET", "/webhooks/{webhook}"), ("DELETE", "/webhooks/{webhook}"), ("POST", "/webhooks/{webhook}/test"),
        ("POST", "/webhooks/{webhook}/secrets"), ("GET", "/webhooks/{webhook}/deliveries"),
    ):  # fmt: skip
        status, refused = ask(method, resource)
        assert (status, refused["code"]) == (404, "NotFound"), resource
    assert table.get(keys.webhook_secret("acme", "ops")) is None


def test_there_are_ten_webhooks_at_most(ask: Ask) -> None:
    for number in range(MAX_WEBHOOKS):
        assert ask("PUT", "/webhooks/{webhook}", WANTED, name=f"ops-{number}")[0] == 201
    status, refused = ask("PUT", "/webhooks/{webhook}", WANTED, name="ops-x")
    assert (status, refused["code"]) == (409, "TooManyWebhooks")
    assert ask("PUT", "/webhooks/{webhook}", WANTED, name="ops-3")[0] == 200


@pytest.mark.parametrize("name", ["", "-a", "A", "a/b", "a#b", "a" * 41])
def test_a_name_that_no_webhook_can_have_is_refused(name: str, ask: Ask) -> None:
    assert ask("PUT", "/webhooks/{webhook}", WANTED, name=name)[0] == 400
    assert ask("GET", "/webhooks/{webhook}", name=name)[0] == 404


def test_an_execution_that_ends_arrives_and_verifies(
    receiver: Receiver, ask: Ask, secret: str, happen: Callable[..., None], send: Callable[..., list[Json]]
) -> None:
    happen()
    assert [sent["failed"] for sent in send()] == [False]
    ((headers, body),) = receiver.received
    found = Verifier(secret).verify(body, headers)
    assert (found["type"], found["data"]["execution"]) == ("execution.ended", "acme-churn-9f3c2b1a0d4e5f60")
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(body.replace("succeeded", "failed"), headers)
    (row,) = deliveries(ask)
    assert row["message"] == headers["webhook-id"]
    assert (row["status"], row["attempts"], row["outcome"], row["http_status"]) == ("delivered", 1, "answered", 204)
    assert ask("GET", "/webhooks/{webhook}")[1]["delivered_at"]


def test_what_the_documentation_tells_a_tenant_to_run_verifies_what_arrives(
    receiver: Receiver, ask: Ask, secret: str, send: Callable[..., list[Json]]
) -> None:
    page = (REPOSITORY / "docs" / "webhooks.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"^```python\n(.+?)^```$", page, re.MULTILINE | re.DOTALL)
    documented: Json = {}
    exec(snippet, documented)
    ask("POST", "/webhooks/{webhook}/test")
    send()
    ((headers, body),) = receiver.received
    assert documented["received"](secret, headers, body.encode())["type"] == "webhook.test"
    with pytest.raises(WebhookVerificationError):
        documented["received"](secret, headers, body.encode() + b" ")


def test_an_event_that_comes_twice_is_one_delivery(
    receiver: Receiver, ask: Ask, secret: str, happen: Callable[..., None], send: Callable[..., list[Json]]
) -> None:
    happen()
    happen()
    assert len(send()) == 2
    assert (len(receiver.received), len(deliveries(ask))) == (1, 1)


def test_what_a_webhook_does_not_ask_for_is_not_told(
    receiver: Receiver, ask: Ask, secret: str, happen: Callable[..., None], send: Callable[..., list[Json]]
) -> None:
    happen("Approval Wanted", until="2026-11-25T18:03:01Z")
    assert (send(), receiver.received, deliveries(ask)) == ([], [], [])


def test_for_a_day_a_replaced_secret_signs_beside_the_new_one(
    receiver: Receiver, ask: Ask, secret: str, send: Callable[..., list[Json]], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, renewed = ask("POST", "/webhooks/{webhook}/secrets")
    assert status == 201
    assert renewed["secret"] != secret
    ends = datetime.fromisoformat(renewed["previous_until"]) - datetime.now(UTC)
    assert timedelta(hours=23) < ends <= timedelta(hours=24)
    ask("POST", "/webhooks/{webhook}/test")
    send()
    ((headers, body),) = receiver.received
    for one in (secret, renewed["secret"]):
        assert Verifier(one).verify(body, headers)["type"] == "webhook.test"
    later = time.time() + 25 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert webhooks.secrets_of("acme", "ops") == [renewed["secret"]]


def test_what_is_not_accepted_waits_hidden_in_the_queue_and_says_until_when(
    receiver: Receiver, ask: Ask, secret: str, happen: Callable[..., None], send: Callable[..., list[Json]],
    stack: dict[str, str],
) -> None:  # fmt: skip
    receiver.answers.append((503, {"Retry-After": "7200"}))
    happen()
    assert [sent["failed"] for sent in send()] == [True]
    assert waiting(stack) == {"Messages": "0", "MessagesNotVisible": "1"}
    (row,) = deliveries(ask)
    assert (row["status"], row["attempts"], row["outcome"], row["http_status"]) == ("retrying", 1, "not accepted", 503)
    due = datetime.fromisoformat(row["next_attempt_at"]) - datetime.now(UTC)
    assert timedelta(seconds=7190) < due <= timedelta(seconds=7200)


def test_after_the_last_attempt_a_delivery_has_failed_and_is_dead_lettered_and_a_dead_webhook_is_disabled(
    receiver: Receiver, ask: Ask, secret: str, happen: Callable[..., None], send: Callable[..., list[Json]],
    stack: dict[str, str],
) -> None:  # fmt: skip
    receiver.answers += [(500, {})]
    happen()
    assert [sent["failed"] for sent in send(retry_schedule.ATTEMPTS)] == [True]
    (row,) = deliveries(ask)
    assert (row["status"], row["attempts"], row["next_attempt_at"]) == ("failed", retry_schedule.ATTEMPTS, None)
    assert waiting(stack) == {"Messages": "1", "MessagesNotVisible": "0"}  # where SQS finds that it came too often
    assert TEMPLATE["WebhookQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == retry_schedule.ATTEMPTS
    found = ask("GET", "/webhooks/{webhook}")[1]
    assert (found["status"], found["reason"]) == ("disabled", "nothing was delivered for a day")


def test_a_receiver_that_is_gone_is_told_nothing_more_until_it_is_put_again(
    receiver: Receiver, ask: Ask, secret: str, happen: Callable[..., None], send: Callable[..., list[Json]]
) -> None:
    receiver.answers.append((410, {}))
    happen()
    assert [sent["failed"] for sent in send()] == [False]
    assert deliveries(ask)[0]["status"] == "failed"
    found = ask("GET", "/webhooks/{webhook}")[1]
    assert (found["status"], found["reason"]) == ("disabled", "the receiver answered 410 Gone")
    happen(execution="another")
    assert send() == []
    status, enabled = ask("PUT", "/webhooks/{webhook}", WANTED)
    assert (status, enabled["status"], enabled["reason"]) == (200, "enabled", None)


def test_a_test_is_one_attempt(receiver: Receiver, ask: Ask, secret: str, send: Callable[..., list[Json]]) -> None:
    receiver.answers.append((500, {}))
    status, begun = ask("POST", "/webhooks/{webhook}/test")
    assert (status, begun["status"], begun["type"]) == (202, "pending", "webhook.test")
    assert ask("POST", "/webhooks/{webhook}/test")[1]["message"] == begun["message"]  # one at a time
    assert [sent["failed"] for sent in send()] == [False]
    (row,) = deliveries(ask)
    assert (row["message"], row["status"], row["attempts"]) == (begun["message"], "failed", 1)
    assert ask("POST", "/webhooks/{webhook}/test")[1]["message"] != begun["message"]


def test_a_delivery_to_a_webhook_that_was_deleted_or_made_anew_is_not_sent(
    receiver: Receiver, ask: Ask, secret: str, happen: Callable[..., None], send: Callable[..., list[Json]]
) -> None:
    happen()
    hook = webhooks.all_of("acme")[0]["hook"]
    ask("DELETE", "/webhooks/{webhook}")
    ask("PUT", "/webhooks/{webhook}", WANTED)
    assert [sent["failed"] for sent in send()] == [False]
    assert receiver.received == []
    (row,) = table.query(keys.webhook_delivery("acme", hook, ""))
    assert (row["status"], row["outcome"]) == ("failed", "webhook removed")
    assert deliveries(ask) == []


def test_a_tenant_neither_sees_nor_fires_anothers(
    receiver: Receiver, ask: Ask, secret: str, happen: Callable[..., None], send: Callable[..., list[Json]]
) -> None:
    registry.add_tenant(tenant_of("globex", "333333333333", "us-east-1", "x@globex.example", "another-id", ACTIVE))
    assert ask("GET", "/webhooks", by="globex")[1]["webhooks"] == []
    for method, resource in (
        ("GET", "/webhooks/{webhook}"), ("DELETE", "/webhooks/{webhook}"), ("POST", "/webhooks/{webhook}/test"),
        ("POST", "/webhooks/{webhook}/secrets"), ("GET", "/webhooks/{webhook}/deliveries"),
    ):  # fmt: skip
        assert ask(method, resource, by="globex")[0] == 404, resource
    status, made = ask("PUT", "/webhooks/{webhook}", WANTED, by="globex")
    assert status == 201
    happen()
    send()
    ((headers, body),) = receiver.received
    with pytest.raises(WebhookVerificationError):
        Verifier(made["secret"]).verify(body, headers)
    assert Verifier(secret).verify(body, headers)["data"]["tenant"] == "acme"
    assert deliveries(ask, by="globex") == []


def test_operators_are_told_of_every_tenant(
    receiver: Receiver, tenant: Tenant, invoke: Invoke, happen: Callable[..., None], send: Callable[..., list[Json]]
) -> None:
    wanted = {"name": "pager", "url": URL, "events": ["tenant.suspended"]}
    made = invoke("operator_webhooks", wanted)
    assert [row["name"] for row in made["webhooks"]] == ["pager"]
    happen("Tenant Suspended", status="suspended", reason="RoleGone: arn:aws:iam::222222222222:role/x")
    assert len(send()) == 1
    ((headers, body),) = receiver.received
    told = Verifier(made["secret"]).verify(body, headers)
    assert told["data"] == {"tenant": "acme", "status": "suspended"}
    assert invoke("operator_webhooks", wanted)["secret"] is None
    assert invoke("operator_webhooks", {"remove": "pager"}) == {"webhooks": [], "secret": None}
    for malformed in (
        {"name": "pager"},
        {"remove": "pager", "test": "pager"},
        wanted | {"renew": "pager"},
        wanted | {"name": "A"},
        wanted | {"url": "http://x.example"},
        {"x": 1},
    ):
        with pytest.raises(InvalidOperation):
            invoke("operator_webhooks", malformed)


def test_operators_test_their_webhook_and_replace_its_secret(
    receiver: Receiver, tenant: Tenant, invoke: Invoke, send: Callable[..., list[Json]]
) -> None:
    before = invoke("operator_webhooks", {"name": "pager", "url": URL, "events": ["tenant.suspended"]})["secret"]
    renewed = invoke("operator_webhooks", {"renew": "pager"})
    begun = invoke("operator_webhooks", {"test": "pager"})["delivery"]
    send()
    ((headers, body),) = receiver.received
    assert headers["webhook-id"] == begun["message"]
    for secret in (before, renewed["secret"]):
        assert Verifier(secret).verify(body, headers)["type"] == "webhook.test"
    assert datetime.fromisoformat(renewed["previous_until"]) > datetime.now(UTC) + timedelta(hours=23)
    (shown,) = invoke("operator_webhooks", {"deliveries": "pager"})["deliveries"]
    assert (shown["message"], shown["outcome"], shown["status"]) == (begun["message"], "answered", "delivered")
    for what in ("renew", "test", "deliveries"):
        with pytest.raises(NotFound, match="no webhook of this name"):
            invoke("operator_webhooks", {what: "nobody"})


def test_off_boarding_forgets_webhooks_secrets_and_deliveries(
    receiver: Receiver, ask: Ask, secret: str, happen: Callable[..., None], send: Callable[..., list[Json]]
) -> None:
    happen()
    registry.forget("acme", tombstones=True)
    assert table.query(keys.webhooks("acme")) == []
    assert table.get(keys.webhook_secret("acme", "ops")) is None
    assert [sent["failed"] for sent in send()] == [False]
    assert receiver.received == []


def test_the_rule_takes_every_event_that_a_webhook_can_be_told() -> None:
    assert TEMPLATE["WebhookRule"]["Properties"]["EventPattern"]["detail-type"] == list(BUS_TYPES)
