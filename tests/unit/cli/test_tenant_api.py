"""The tenant's HTTP client, against a server that keeps what it was sent."""

from __future__ import annotations

import email
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tenantml_cli.__main__ import main
from tenantml_cli.errors import Refused
from tenantml_cli.sending import post_form
from tenantml_cli.tenant_api import TenantApi
from tests.unit.cli.conftest import Recorder


def test_requests_carry_the_key_and_json(server: Recorder) -> None:
    TenantApi(f"{server.url}/prod/", "secret").configure("churn", {"target": "Churn?"})
    method, path, headers, body = server.requests[0]
    assert (method, path) == ("PUT", "/prod/models/churn")
    assert headers["x-api-key"] == "secret"
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"target": "Churn?"}


def test_predictions_are_sent_as_csv(server: Recorder) -> None:
    server.answer = (200, b'{"predictions": [{"predicted_label": "True."}]}')
    api = TenantApi(server.url, "secret")
    assert api.predict("churn", "a,b\n1,2\n")["predictions"] == [{"predicted_label": "True."}]
    assert server.requests[0][2]["content-type"] == "text/csv"
    assert server.requests[0][3] == b"a,b\n1,2\n"


def test_a_form_carries_its_fields_and_then_the_file(server: Recorder, tmp_path: Path) -> None:
    path = tmp_path / "my churn.csv"
    path.write_bytes(b'a,b\r\n1,"two\nlines"\n' * 100_000)
    server.answer = (204, b"")
    post_form(server.url, {"key": "acme/churn/my churn.csv", "policy": "abc="}, path)
    _, _, headers, body = server.requests[0]
    message = email.message_from_bytes(f"content-type: {headers['content-type']}\r\n\r\n".encode() + body)
    names = [part.get_param("name", header="content-disposition") for part in message.get_payload()]
    assert names == ["key", "policy", "file"]
    assert f"\r\n\r\n{path.read_bytes().decode()}\r\n--".encode() in body
    assert int(headers["content-length"]) == len(body)


@pytest.mark.parametrize(
    ("status", "answer", "code", "message"),
    [
        (
            400,
            b'{"code": "InvalidSettings", "detail": "target: missing", "status": 400}',
            "InvalidSettings",
            "target: missing",
        ),
        (401, b'{"message": "Unauthorized"}', "Unauthorized", "Unauthorized"),
        (
            400,
            b"<?xml version='1.0'?><Error><Code>EntityTooLarge</Code><Message>m</Message></Error>",
            "EntityTooLarge",
            "m",
        ),
        (502, b"<html>", "Bad Gateway", "<html>"),
        (500, b"", "Internal Server Error", "Internal Server Error"),
    ],
)
def test_a_refusal_has_a_code_and_a_message(
    server: Recorder, status: int, answer: bytes, code: str, message: str
) -> None:
    server.answer = (status, answer)
    with pytest.raises(Refused, match=message) as refused:
        TenantApi(server.url, "k").execution("e")
    assert (refused.value.code, refused.value.status) == (code, status)


def test_an_upload_without_an_execution_is_none_yet(server: Recorder) -> None:
    server.answer = (200, b'{"executions": [], "next_token": null}')
    assert TenantApi(server.url, "k").execution_of("acme/churn/a b.csv") is None
    assert server.requests[0][1] == "/executions?upload_key=acme%2Fchurn%2Fa+b.csv&limit=1"


WEBHOOK = {
    "name": "ops", "url": "https://hooks.acme.example/t", "events": ["execution.ended"], "status": "enabled",
    "reason": None, "delivered_at": None,
}  # fmt: skip
DELIVERY = {
    "message": "msg_1", "type": "execution.ended", "status": "retrying", "attempts": 2, "outcome": "not accepted",
    "http_status": 503, "created_at": "2026-11-28T12:00:00Z", "next_attempt_at": "2026-11-28T12:05:00Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "answer", "request_line", "shown"),
    [
        (["list"], {"webhooks": [WEBHOOK], "next_token": None}, "GET /webhooks", "ops   enabled  execution.ended"),
        (["list"], {"webhooks": [], "next_token": None}, "GET /webhooks", "There are no webhooks."),
        (["show", "ops"], WEBHOOK, "GET /webhooks/ops", "status         enabled"),
        (
            ["put", "ops", "https://hooks.acme.example/t", "--event", "execution.ended"],
            WEBHOOK | {"secret": "whsec_x"}, "PUT /webhooks/ops", "ops is created.\n\nSecret, shown this once: whsec_x",
        ),
        (
            ["put", "ops", "https://hooks.acme.example/t", "--event", "execution.ended"],
            WEBHOOK | {"secret": None}, "PUT /webhooks/ops", "ops is changed.",
        ),
        (["delete", "ops"], WEBHOOK, "DELETE /webhooks/ops", "ops is deleted."),
        (
            ["new-secret", "ops"], {"secret": "whsec_y", "previous_until": "2026-11-29T12:00:00Z"},
            "POST /webhooks/ops/secrets", "Secret, shown this once: whsec_y\n\nThe one before it signs beside it until",
        ),
        (["test", "ops"], DELIVERY, "POST /webhooks/ops/test", "msg_1 is being delivered."),
        (
            ["deliveries", "ops"], {"deliveries": [DELIVERY], "next_token": None}, "GET /webhooks/ops/deliveries",
            "2026-11-28 12:00:00  execution.ended  retrying  2         not accepted 503  2026-11-28 12:05:00  msg_1",
        ),
    ],
)  # fmt: skip
def test_webhooks_are_asked_for_with_the_key_and_shown_to_people(
    server: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    answer: dict[str, Any],
    request_line: str,
    shown: str,
) -> None:
    monkeypatch.setenv("TENANTML_API_URL", server.url)
    monkeypatch.setenv("TENANTML_API_KEY", "tml_key")
    server.answer = 200, json.dumps(answer).encode()
    assert main(["webhooks", *arguments]) == 0
    ((method, path, headers, body),) = server.requests
    assert (f"{method} {path}", headers["x-api-key"]) == (request_line, "tml_key")
    assert shown in capsys.readouterr().out
    if method == "PUT":
        assert json.loads(body) == {"url": WEBHOOK["url"], "events": WEBHOOK["events"]}


def test_a_report_is_saved_as_it_is_answered(
    server: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("TENANTML_API_URL", server.url)
    monkeypatch.setenv("TENANTML_API_KEY", "tml_key")
    server.answer = 200, "<h1>é</h1>".encode()
    out = tmp_path / "report.html"
    assert main(["report", "churn", "v20261122-170301-9f3c", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == "<h1>é</h1>"
    assert capsys.readouterr().out.strip() == out.as_uri()
    server.answer = 200, b'{"live_version": null}'
    assert main(["report", "churn", "--out", str(out), "--json"]) == 3
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "NoLiveVersion"


def test_a_model_is_paused_and_resumed_in_words(
    server: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENANTML_API_URL", server.url)
    monkeypatch.setenv("TENANTML_API_KEY", "secret")
    server.answer = (200, b'{"live_version": null, "state": {"status": "paused", "resumes_as": null}}')
    assert main(["pause", "churn"]) == 0
    server.answer = (200, b'{"live_version": null, "state": {"status": "resuming", "resumes_as": "v2"}}')
    assert main(["resume", "churn"]) == 0
    server.answer = (200, b'{"live_version": "v1", "state": {"status": "live", "resumes_as": null}}')
    assert main(["resume", "churn"]) == 0
    sent = [(method, path, json.loads(body)) for method, path, _, body in server.requests]
    path = "/models/churn/state"
    assert sent == [("PUT", path, {"paused": True}), *[("PUT", path, {"paused": False})] * 2]
    said = capsys.readouterr().out
    for words in ("churn is paused", "being resumed, as v2", "churn answers with v1"):
        assert words in said


def test_a_model_that_could_not_be_resumed_is_listed_with_the_reason(
    server: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENANTML_API_URL", server.url)
    monkeypatch.setenv("TENANTML_API_KEY", "secret")
    state = {"status": "paused", "paused_version": "v1", "error": {"code": "DeploymentFailed", "message": "no"}}
    row = {"model": "churn", "settings": {"target": "y"}, "state": state, "live_version": None, "updated_at": None}
    server.answer = (200, json.dumps({"models": [row], "next_token": None}).encode())
    assert main(["models"]) == 0
    shown = re.split(r"  +", capsys.readouterr().out.splitlines()[1])
    assert shown == ["-", "churn", "y", "paused (DeploymentFailed)", "v1", "-"]
