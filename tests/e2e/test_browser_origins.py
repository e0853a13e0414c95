"""A web app of another origin: a browser lets it call the API and send files where the stack names it (the parameter
BrowserOrigins), and nothing otherwise.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tests import webapp

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.conftest import Tenant

FILE = "a,b\n" + "1,2\n" * 20
# What a page learns of a request: status, body and the headers that it may read, or that the browser refuses.
ASK = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        const read = ["etag", "ratelimit", "x-request-id"].filter((name) => answer.headers.has(name));
        return { status: answer.status, body: await answer.text(), read };
    } catch (error) {
        return { refused: error.name };
    }
}"""


def ask(page: Page, url: str, **options: Any) -> dict[str, Any]:
    """Have the page ask, and return what it learns."""
    found: dict[str, Any] = page.evaluate(ASK, [url, options])
    return found


def parts_sent(tenant: Tenant, key: str) -> list[int]:
    """The sizes of the parts of an upload that arrived in the bucket."""
    s3, bucket = tenant.platform.cloud.client("s3"), tenant.platform.outputs["IngestBucket"]
    (upload,) = (each for each in s3.list_multipart_uploads(Bucket=bucket)["Uploads"] if each["Key"] == key)
    listed = s3.list_parts(Bucket=bucket, Key=key, UploadId=upload["UploadId"])
    return [part["Size"] for part in listed.get("Parts", [])]


def put_to(tenant: Tenant, name: str) -> tuple[str, str]:
    """Ask for an upload in parts; return its key, and where its only part is PUT."""
    tenant.api.configure("elsewhere", {"target": "b"})
    request = f'{{"file_name": "{name}", "size_bytes": {len(FILE)}, "multipart": true}}'.encode()
    made = tenant.api.call("POST", "/models/elsewhere/uploads", request, "application/json")
    (part,) = tenant.api.call("GET", f"/models/elsewhere/uploads/{made['upload']}/parts")["parts"]
    return made["key"], part["url"]


def test_an_origin_that_the_stack_names_calls_the_api_and_sends_a_file(
    page: Page, complaints: list[str], acme: Tenant, web_app: str
) -> None:
    page.goto(web_app)
    keyed = {"x-api-key": acme.api.api_key, "content-type": "application/json"}
    model = f"{acme.platform.api_url}/models/elsewhere"
    changed = ask(page, model, method="PUT", headers=keyed, body='{"target": "b"}')
    assert changed["status"] in (HTTPStatus.OK, HTTPStatus.CREATED)
    assert changed["read"] == ["etag", "ratelimit", "x-request-id"]
    refused = ask(page, model, headers={"x-api-key": "tml_wrong"})
    assert (refused["status"], '"code":"Unauthorized"' in refused["body"]) == (HTTPStatus.UNAUTHORIZED, True)
    assert "401" in complaints.pop()  # the browser's own line about the request

    key, url = put_to(acme, "named.csv")
    sent = ask(page, url, method="PUT", body=FILE)
    assert (sent["status"], sent["read"]) == (HTTPStatus.OK, ["etag"])
    assert parts_sent(acme, key) == [len(FILE)]


def test_a_browser_refuses_another_origin(page: Page, complaints: list[str], acme: Tenant) -> None:
    key, url = put_to(acme, "unnamed.csv")
    before = acme.api.call("GET", "/models/elsewhere")["revision"]
    with webapp.origin() as other:
        page.goto(other)
        keyed = {"x-api-key": acme.api.api_key, "content-type": "application/json"}
        model = f"{acme.platform.api_url}/models/elsewhere"
        assert ask(page, model, headers=keyed) == {"refused": "TypeError"}
        assert ask(page, model, method="PUT", headers=keyed, body='{"target": "a"}') == {"refused": "TypeError"}
        assert ask(page, url, method="PUT", body=FILE) == {"refused": "TypeError"}
    assert acme.api.call("GET", "/models/elsewhere")["revision"] == before
    assert parts_sent(acme, key) == []
    assert sum("blocked by CORS policy" in line for line in complaints) == 3
    complaints.clear()
