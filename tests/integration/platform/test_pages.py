"""The pages as a browser gets them: which files, under which policy, and nothing else."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tenantml.aws import clients
from tenantml.aws.s3 import presigned
from tests.functions import sample_event, template

Invoke = Callable[[str, Any], Any]
PAGES = ["app", "docs"]


@pytest.fixture
def get(invoke: Invoke) -> Callable[..., Any]:
    """Ask for a page, or for one of its files."""

    def ask(page: str, file: str = "", **headers: str) -> Any:
        asked = (
            {"resource": f"/{page}/{{file}}", "pathParameters": {"file": file}} if file else {"resource": f"/{page}"}
        )
        return invoke("show_pages", sample_event("show_pages") | {"pathParameters": None, "headers": headers} | asked)

    return ask


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_only_its_own_scripts_and_is_framed_by_nobody(get: Callable[..., Any], page: str) -> None:
    answered = get(page)
    headers = answered["headers"]
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert (answered["statusCode"], headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert (policy["default-src"], policy["script-src"], policy["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    assert (policy["base-uri"], policy["form-action"]) == ("'none'", "'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "unsafe-eval" not in headers["Content-Security-Policy"]
    assert not re.search(r"<script>|<style>|style=| on[a-z]+=|https?://", answered["body"])


def test_the_tenants_page_styles_nothing_inline_and_sends_files_where_the_forms_say(get: Callable[..., Any]) -> None:
    policy = get("app")["headers"]["Content-Security-Policy"]
    client = clients.shared_session().create_client("s3", config=presigned.SIGNING)
    form = presigned.upload_form(client, "acme/churn/churn.csv", 1000, "0" * 32)
    assert "unsafe-inline" not in policy
    assert re.search("connect-src 'self' (.*?);", policy)[1] == form["url"].rstrip("/")  # type: ignore[index]


def test_the_frame_of_a_report_is_of_no_origin_and_talks_to_nothing(get: Callable[..., Any]) -> None:
    policy = get("app", "report.html")["headers"]["Content-Security-Policy"].split("; ")
    assert {"sandbox allow-scripts", "default-src 'none'", "form-action 'none'", "frame-ancestors 'self'"} <= set(
        policy
    )
    assert [part for part in policy if "connect-src" in part or "http" in part or "allow-same-origin" in part] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_served_as_what_it_is(get: Callable[..., Any], page: str) -> None:
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    wanted = set(re.findall(rf'(?:src|href)="{page}/([^"]+)"', get(page)["body"]))
    assert len(wanted) >= 4
    while wanted:
        file = wanted.pop()
        answered = get(page, file)
        assert answered["statusCode"] == 200, file
        assert answered["headers"]["Content-Type"].startswith(kinds[file.rpartition(".")[2]])
        wanted |= set(re.findall(r"from \"\./([^\"]+)\"", answered["body"]))


def test_a_browser_that_unpacks_gets_a_third_of_the_bytes(get: Callable[..., Any]) -> None:
    plain, packed = (
        get("docs", "swagger-ui-bundle.min.js"),
        get("docs", "swagger-ui-bundle.min.js", **{"Accept-Encoding": "gzip, br"}),
    )
    assert packed["headers"]["Content-Encoding"] == "gzip"
    sent = base64.b64decode(packed["body"])
    assert gzip.decompress(sent).decode() == plain["body"]
    assert len(sent) < len(plain["body"]) / 3


@pytest.mark.parametrize(
    "file", ["nothing.js", "../tenantml/http.py", "parts.toml", "dagre.js", "__init__.py", "a" * 300]
)
@pytest.mark.parametrize("page", PAGES)
def test_what_is_no_file_of_a_page_is_not_found(get: Callable[..., Any], page: str, file: str) -> None:
    answered = get(page, file)
    assert (answered["statusCode"], json.loads(answered["body"])["code"]) == (404, "NotFound")


def test_the_pages_function_may_do_nothing() -> None:
    properties = template()["Resources"]["ShowPagesFunction"]["Properties"]
    assert not {"Policies", "Role", "RolePath"} & set(properties)


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://app.example.com", True), ("https://evil.example.com", False)]
)
def test_a_browser_lets_pages_of_named_origins_call_the_api_and_no_others(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, origin: str, allowed: bool
) -> None:
    monkeypatch.setenv("BROWSER_ORIGINS", "https://app.example.com,https://admin.example.com")
    sample = sample_event("answer_preflight")
    asked = invoke("answer_preflight", sample | {"headers": {"Origin": origin, "Access-Control-Request-Method": "PUT"}})
    read = invoke("tenant_api", sample_event("tenant_api") | {"headers": {"origin": origin}})
    granted = {asked["headers"].get("Access-Control-Allow-Origin"), read["headers"].get("Access-Control-Allow-Origin")}
    assert granted == ({origin} if allowed else {None})
    assert asked["statusCode"] == 204
    assert ("x-api-key" in asked["headers"].get("Access-Control-Allow-Headers", "")) == allowed
    assert read["headers"].get("Vary") == ("Origin" if allowed else None)


def test_without_named_origins_none_is_let_in(invoke: Invoke) -> None:
    asked = invoke("answer_preflight", sample_event("answer_preflight"))
    assert [name for name in asked["headers"] if name.startswith("Access-Control")] == []
