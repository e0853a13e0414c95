"""What a webhook may be, where it may lead, what it is told, and when it is told again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tenantml import errors
from tenantml.domain.api.webhook_schemas import WEBHOOK, webhooks
from tenantml.domain.training.execution_outcome import STATUSES
from tenantml.domain.webhooks import retry_schedule, webhook_events, webhook_words
from tenantml.domain.webhooks.addresses import is_public
from tenantml.domain.webhooks.webhook import DELIVERY_STATUSES, MAX_URL, Webhook, is_name, is_url, place_of
from tenantml.domain.webhooks.webhook_events import EVENT_TYPES, NAMES, messages_of
from tenantml.errors import InvalidRequest

# Kinds as public lists of server-side request forgery have them (OWASP's prevention cheat sheet, PayloadsAllTheThings,
# EdOverflow's cheat sheet), in every form that a resolver may answer.
NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",
    "127.0.0.1", "127.1.1.1", "127.255.255.254", "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:169.254.169.254",
    "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808",
    "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "3fff::1", "5f00::1", "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2606:4700::1%eth0",
    "fec0::1", "ff02::1", "ff0e::1",
    "", "localhost", "127.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433", "017700000001", "0x7f000001", "8.8.8.8 ",
    "8.8.8.8/32", "1.2.3", "１.1.1.1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
          "128.0.0.1", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "198.17.255.255",
          "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888"]  # fmt: skip


def test_every_word_that_is_said_is_listed() -> None:
    assert set(webhook_words.ENDINGS) == {"succeeded", *(kind.outcome for kind in errors.kinds())}
    assert set(webhook_words.ENDINGS) == set(STATUSES) - {"running"}
    assert set(webhook_words.DELIVERIES) == set(DELIVERY_STATUSES)
    assert set(webhook_words.WEBHOOKS) == set(WEBHOOK["status"]["enum"])
    for kind, message in webhooks().items():
        schema = message["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["data"]
        status = schema["properties"].get("status", {}).get("enum", [])
        assert set(status) <= {*webhook_words.ENDINGS, *webhook_words.STANDINGS}, kind
        assert ("status" in schema["properties"]) is bool(status), kind


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_address_inside_a_network_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_beside_those_are_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_public_in_the_clothes_of_ipv6(address: Any) -> None:
    high, low = int(address) >> 16, int(address) & 0xFFFF
    pair = f"{high:x}:{low:x}"
    for text in (f"::ffff:{address}", f"::{pair}", f"64:ff9b::{pair}", f"2002:{pair}::", f"::ffff:0:{pair}"):
        assert not is_public(text), text


@given(st.ip_addresses())
def test_what_python_holds_for_private_is_not_public(address: Any) -> None:
    assert not (is_public(str(address)) and (address.is_private or address.is_multicast or address.is_reserved))


NO_URL = [
    "http://hooks.acme.example/", "HTTPS://hooks.acme.example/", "ftp://hooks.acme.example/", "hooks.acme.example",
    "//hooks.acme.example/", "gopher://hooks.acme.example:443/", "file:///etc/passwd", "https://",
    "https://localhost/", "https://metadata/", "https://127.0.0.1/", "https://127.1/", "https://0177.1/",
    "https://0x7f.1/", "https://0x7f000001/", "https://2130706433/", "https://017700000001/", "https://[::1]/",
    "https://[::ffff:127.0.0.1]/", "https://hooks.acme.example:8443/", "https://hooks.acme.example:22/",
    "https://hooks.acme.example:/", "https://user@hooks.acme.example/", "https://user:pass@hooks.acme.example/",
    "https://hooks.acme.example@127.0.0.1/", "https://127.0.0.1#@hooks.acme.example/",
    "https://hooks.acme.example#@127.0.0.1/", "https://hooks.acme.example\\@127.0.0.1/",
    "https://hooks.acme.example/\r\nX-Evil: 1", "https://hooks.acme.example/\t", "https://hooks.acme.example/ x",
    "https://hooks.acme.example/ü", "https://ⓔxample.com/", "https://hooks.acme.example./", "https://.acme.example/",
    "https://-acme.example/", "https://acme..example/", "https://hooks.Acme.example/", "https://hooks.acme.example/#x",
    "https://hooks.acme.example?" + "x" * MAX_URL, f"https://{'a' * 64}.example/", "https://hooks_acme.example/",
    "https:\\\\hooks.acme.example/", "https:/hooks.acme.example/", " https://hooks.acme.example/",
    "https://hooks.acme.example/\n", "https://%6c%6f.example/",
]  # fmt: skip


@pytest.mark.parametrize("url", NO_URL)
def test_an_address_that_is_not_a_name_of_the_internet_over_https_is_refused(url: str) -> None:
    assert not is_url(url)
    with pytest.raises(InvalidRequest, match="url"):
        Webhook.from_document({"url": url, "events": ["execution.ended"]})


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://hooks.acme.example", ("hooks.acme.example", "/")),
        ("https://hooks.acme.example/a/b?c=d&e=%20", ("hooks.acme.example", "/a/b?c=d&e=%20")),
        ("https://xn--bcher-kva.example:443/x", ("xn--bcher-kva.example", "/x")),
        ("https://acme.example?at=@127.0.0.1", ("acme.example", "/?at=@127.0.0.1")),
    ],
)
def test_what_is_asked_of_whom(url: str, place: tuple[str, str]) -> None:
    assert is_url(url)
    assert place_of(url) == place


@pytest.mark.parametrize(
    "document",
    [
        {}, {"url": "https://a.example/"}, {"url": 1, "events": ["execution.ended"]},
        {"url": "https://a.example/", "events": []}, {"url": "https://a.example/", "events": "execution.ended"},
        {"url": "https://a.example/", "events": ["model.renamed"]}, {"url": "https://a.example/", "events": [{}]},
        {"url": "https://a.example/", "events": ["execution.ended"], "secret": "whsec_mine"},
    ],
)  # fmt: skip
def test_a_malformed_webhook_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        Webhook.from_document(document)


def test_names() -> None:
    assert all(map(is_name, ["a", "ops", "a-1", "a" * 40]))
    assert not any(map(is_name, ["", "-a", "a-", "A", "1a", "a/b", "a#b", "a" * 41, "a\n", "ü"]))


BATCH = "0123456789abcdef"


def event(kind: str, **detail: Any) -> dict[str, Any]:
    base = {"tenant": "acme", "model": "churn", "version": "v1", "execution": "e1", "status": "succeeded"}
    return {"id": "1", "time": "2026-11-22T18:03:01Z", "detail-type": kind, "detail": base | detail}


@pytest.mark.parametrize(
    ("happened", "types"),
    [
        (event("Execution Ended"), ["execution.ended", "version.promoted"]),
        (event("Execution Ended", status="failed", version=None, error={"code": "TooFewRows"}), ["execution.ended"]),
        (event("Execution Ended", status="failed", error={"code": "RolledBack"}),
         ["execution.ended", "version.rolled_back"]),
        (event("Deployment Ended"), ["deployment.ended", "version.promoted"]),
        (event("Deployment Ended", returns_to="v0", by="k"), ["deployment.ended", "version.returned"]),
        (event("Deployment Ended", returns_to="v0", by="k", resumes="3f9a1c"), ["deployment.ended", "model.resumed"]),
        (event("Deployment Ended", status="failed", returns_to="v0", resumes="3f9a1c"), ["deployment.ended"]),
        (event("Version Returned", returns_to="v1", by="k"), ["version.returned"]),
        (event("Model Paused", by="operator"), ["model.paused"]),
        (event("Model Resumed", returns_to="v1", by="operator", resumes="3f9a1c"), ["model.resumed"]),
        (event("Batch Ended", batch=BATCH), ["batch.ended"]),
        (event("Batch Ended", batch=BATCH, status="failed", error={"code": "InvalidValue"}), ["batch.ended"]),
        (event("Approval Wanted", until="2026-11-25T18:03:01Z"), ["approval.wanted"]),
        (event("Tenant Suspended", status="suspended"), ["tenant.suspended"]),
        (event("Tenant Active", status="active"), ["tenant.active"]),
        (event("Something New"), []),
    ],
)  # fmt: skip
def test_what_an_event_of_the_bus_is_to_a_webhook(happened: dict[str, Any], types: list[str]) -> None:
    told = list(messages_of(happened))
    assert [message.type for message in told] == types
    assert told == list(messages_of(happened))
    assert len({message.message for message in told}) == len(told)
    for message in told:
        body = json.loads(message.body)
        kind = next(kind for kind in EVENT_TYPES if kind.name == message.type)
        assert body == {"type": message.type, "timestamp": "2026-11-22T18:03:01Z", "data": body["data"]}
        assert body["data"].keys() == set(kind.fields)
        sent = webhooks()[message.type]["post"]["requestBody"]["content"]["application/json"]["schema"]
        Draft202012Validator(sent).validate(body)


def test_an_error_is_told_by_its_code_and_what_is_not_listed_is_not_told() -> None:
    error = {"code": "TooFewRows", "message": "column 'salary'"}
    private = event("Execution Ended", error=error, left_behind=["arn:x"])
    (told,) = [message for message in messages_of(private) if message.type == "execution.ended"]
    assert json.loads(told.body)["data"]["error"] == "TooFewRows"
    assert "salary" not in told.body
    assert "arn:" not in told.body


def test_later_messages_sort_after_earlier_ones() -> None:
    texts = ["2026-11-22T18:03:01Z", "2026-11-22T18:03:02Z", "2027-01-01T00:00:00Z"]
    ids = [webhook_events.message("webhook.test", time, {}, str(n)).message for n, time in enumerate(texts)]
    assert ids == sorted(ids)


def test_every_type_is_named_once() -> None:
    assert len(set(NAMES)) == len(NAMES) == len(EVENT_TYPES)


def test_a_delivery_is_tried_for_a_day_at_growing_intervals() -> None:
    waits = [retry_schedule.wait_after(number, None, lambda: 0.0) for number in range(1, retry_schedule.ATTEMPTS + 1)]
    assert waits.pop() is None
    found = [wait for wait in waits if wait is not None]
    assert found == sorted(found)
    assert 23 * 3600 <= sum(found) <= 24 * 3600


@given(st.integers(1, retry_schedule.ATTEMPTS - 1), st.none() | st.integers(0, 999_999), st.floats(0, 1))
def test_a_wait_fits_into_what_sqs_can_hide_and_keeps_to_what_is_asked(
    number: int, asked: int | None, chance: float
) -> None:
    wait = retry_schedule.wait_after(number, asked, lambda: chance)
    assert wait is not None
    assert retry_schedule.WAITS_SECONDS[number - 1] <= wait <= retry_schedule.MOST_SECONDS
    assert wait >= min(asked or 0, retry_schedule.MOST_SECONDS)
