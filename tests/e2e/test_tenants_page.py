"""The tenants' page in a real browser, from a dropped file to a prediction, a decision, and the version before."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local import sample
from tests.browser import overflow
from tests.e2e.conftest import TRAINING_SECONDS, Tenant
from tests.logs import logged

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Page

Look = Callable[[str], None]
PATIENCE = 1000 * TRAINING_SECONDS
MARKUP = "<img src=x onerror=\"document.title='run'\">"  # a column's name, for whoever takes text for markup
DROP = """(zone, [name, text]) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name, { type: "text/csv" }));
    zone.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def look(page: Page, axe_violations: Callable[[Page], list[str]], keep_screenshot: Callable[..., Path]) -> Look:
    """Look at the page as it is: nothing that axe objects to, nothing wider than a phone; pictures are kept."""

    def look(name: str) -> None:
        keep_screenshot(page, f"{name}-390", narrow=True)
        assert overflow(page) == 0, name
        for dark in (True, False):
            keep_screenshot(page, f"{name}-dark" if dark else name, dark=dark)
            assert axe_violations(page) == [], name

    return look


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 customers, with a column whose name is markup."""
    path = tmp_path_factory.mktemp("page") / "customers.csv"
    sample.write(path, count=600)
    with path.open(newline="") as rows:
        header, *cells = csv.reader(rows)
    with path.open("w", newline="") as rows:
        csv.writer(rows).writerows([[MARKUP, *header], *([number % 7, *row] for number, row in enumerate(cells))])
    return path


def sign_in(page: Page, tenant: Tenant) -> None:
    page.goto(f"{tenant.platform.api_url}/app")
    page.get_by_label("API key").fill(tenant.api.api_key)
    page.get_by_role("button", name="Sign in").click()


def test_a_wrong_key_is_refused_in_words_and_a_right_one_is_kept_nowhere(
    page: Page, complaints: list[str], acme: Tenant, look: Look
) -> None:
    asked: list[str] = []
    began = int(time.time() * 1000)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{acme.platform.api_url}/app")
    look("sign-in")
    page.get_by_label("API key").fill("tml_wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").get_by_text("No key like this is known").wait_for()
    assert "401" in complaints.pop()  # the browser's own line about the request
    sign_in(page, acme)
    page.get_by_role("heading", name="Models", exact=True).wait_for()
    kept = page.evaluate("[JSON.stringify({...localStorage, ...sessionStorage}), document.cookie, location.href]")
    lines = "".join(logged(acme.platform.cloud, startTime=began))
    assert "request_id" in lines or "RequestId" in lines
    for key in (acme.api.api_key, "tml_wrong"):
        assert key not in "".join([*kept, *asked, lines])
    page.reload()
    page.get_by_label("API key").wait_for()


def test_from_a_dropped_file_to_a_prediction_a_decision_and_back(
    page: Page, newcomer: Callable[..., Tenant], file: Path, look: Look, keep_screenshot: Callable[..., Path]
) -> None:
    tenant = newcomer("wernham")
    sign_in(page, tenant)
    create_and_train(page, tenant, file, look)

    page.get_by_role("link", name="Versions").click()
    page.locator(".version .badge", has_text="live").wait_for()
    page.get_by_text("Which columns count").click()
    page.get_by_role("region", name="Columns by importance").wait_for()
    assert page.get_by_text(MARKUP).count() >= 1
    assert page.locator("main img").count() == 0
    look("versions")

    page.get_by_role("button", name="Read the report").click()
    page.frame_locator("iframe").get_by_role("heading", name="customers").first.wait_for()
    keep_screenshot(page, "report")

    predict(page, look)

    first = str(tenant.api.call("GET", "/models/customers")["live_version"])
    tenant.api.configure("customers", {"target": "Churn?", "promote": "manual", "bake_minutes": 60})
    page.get_by_role("link", name="Training").click()
    page.get_by_label("Drop a CSV file here").set_input_files(file)
    page.get_by_role("button", name="Train").click()
    page.get_by_text("Somebody has to approve the version").wait_for(timeout=PATIENCE)
    page.get_by_role("link", name="Versions").click()
    page.get_by_label("Why").fill("it is for a test")
    look("approval")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Return to this version").wait_for(timeout=PATIENCE)
    look("compared")
    second = str(tenant.api.call("GET", "/models/customers")["live_version"])
    assert second > first

    page.get_by_role("button", name="Return to this version").click()
    page.get_by_text(f"{first} answers again.").wait_for()
    assert tenant.api.call("GET", "/models/customers")["live_version"] == first
    pause_and_resume(page, tenant, look, lambda: predict_a_file(page, tenant, file, look))
    see_usage_and_cost(page, tenant, look)
    try_the_document(page, tenant, file, look)


def create_and_train(page: Page, tenant: Tenant, file: Path, look: Look) -> None:
    """From a dropped file to a model, what its training can cost, and its first version."""
    page.get_by_role("heading", name="Your first model").wait_for()

    page.locator(".drop").evaluate(DROP, [file.name, file.read_text()])
    page.get_by_label("Column to predict").select_option("Churn?")
    assert page.get_by_label("Name", exact=True).input_value() == "customers"
    look("new-model")
    page.get_by_role("button", name="Create the model").click()
    quoted = tenant.api.call("GET", "/models/customers/quote")["training"]["worst_case_usd"]
    page.get_by_text(f"${Decimal(quoted):.2f}").wait_for()
    assert page.evaluate("document.activeElement.textContent").startswith("Train customers")
    assert page.get_by_label(file.name).evaluate("input => input.files[0].name") == file.name
    look("quote")
    page.get_by_role("button", name="Train").click()

    page.locator("[aria-current=step]").wait_for(timeout=PATIENCE)
    look("pipeline")
    page.get_by_role("link", name="See the version").wait_for(timeout=PATIENCE)
    assert page.locator(".stages .done").count() == 7
    page.locator(".advice", has_text="Phone").wait_for()
    page.get_by_text(re.compile(r"It cost .*in your AWS account.* \(quoted: ")).wait_for()
    look("trained")


def see_usage_and_cost(page: Page, tenant: Tenant, look: Look) -> None:
    """Look at what was used and what it cost."""
    page.get_by_role("link", name="Usage").click()
    page.get_by_role("heading", name="API keys").wait_for()
    spent = tenant.api.call("GET", "/usage")["spending"]["training"]["usd"]
    assert Decimal(spent) > 0
    page.get_by_role("region", name="Cost of this month by model").get_by_role("row", name="customers").wait_for()
    look("usage")
    assert page.title() == "Usage and cost · TenantML"


def pause_and_resume(page: Page, tenant: Tenant, look: Look, meanwhile: Callable[[], None]) -> None:
    """Pause the model, do something meanwhile, and let it answer again."""
    page.get_by_text("Pause this model").click()
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_text("nothing answers, and no endpoint costs").wait_for()
    assert tenant.api.call("GET", "/models/customers")["state"]["status"] == "paused"
    assert page.locator("main").inner_text().startswith("All models")  # the head stays above what it is the head of
    look("paused")
    meanwhile()
    page.get_by_role("button", name="Resume").click()
    page.get_by_text("Pause this model").wait_for(timeout=PATIENCE)


def predict_a_file(page: Page, tenant: Tenant, file: Path, look: Look) -> None:
    """Send the training's own file, which is refused by its name, then its rows without the target, by a version that
    is not live.
    """
    page.get_by_role("link", name="Batches").click()
    chosen = page.get_by_label("Drop a CSV file here")
    chosen.set_input_files(file)
    look("batch")
    page.get_by_role("button", name="Predict", exact=True).click()
    page.get_by_role("alert").get_by_text("UnexpectedColumn").wait_for(timeout=PATIENCE)

    with file.open(newline="") as text:
        rows = [row[:-1] for row in csv.reader(text)][:41]
    content = io.StringIO(newline="")
    csv.writer(content).writerows(rows)
    chosen.set_input_files(page_file("rows.csv", content.getvalue()))
    version = page.get_by_label("Version", exact=True)
    assert version.input_value() == tenant.api.call("GET", "/models/customers")["state"]["paused_version"]
    version.select_option(index=0)
    named = version.input_value()
    page.get_by_role("button", name="Predict", exact=True).click()
    page.get_by_role("button", name="Download").wait_for(timeout=PATIENCE)
    assert page.locator(".stages .done").count() == 4
    look("batches")
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="Download").click()
    with downloaded.value.path().open(newline="") as text:
        header, *joined = csv.reader(text)
    assert header[: len(rows[0]) + 2] == ["row_number", *rows[0], "predicted_label"]
    assert [row[1 : len(rows[0]) + 1] for row in joined] == rows[1:]
    newest, refused = tenant.api.call("GET", "/models/customers/batches")["batches"]
    assert (newest["version"], newest["status"], refused["error"]["code"]) == (named, "succeeded", "UnexpectedColumn")


def predict(page: Page, look: Look) -> None:
    """Try the row that the form has, with one value changed."""
    page.get_by_role("link", name="Predict").click()
    page.get_by_label("Day Mins").fill("300.5")
    assert page.get_by_label(MARKUP).count() == 1
    page.get_by_role("button", name="Predict").click()
    answer = page.get_by_role("status").filter(has_text="Answered by")
    answer.get_by_role("heading", name=re.compile("True|False")).wait_for()
    look("prediction")


def test_a_file_that_cannot_be_trained_from_says_why(
    page: Page, newcomer: Callable[..., Tenant], tmp_path: Path, look: Look
) -> None:
    path = tmp_path / "few.csv"
    path.write_text("a,b\n" + "1,2\n" * 20)
    sign_in(page, newcomer("bluth"))
    page.get_by_label("Drop a CSV file here").set_input_files(path)
    page.get_by_role("button", name="Create the model").click()
    page.get_by_role("button", name="Train").click()
    page.get_by_role("alert").get_by_text("TooFewRows").wait_for(timeout=PATIENCE)
    assert page.locator(".stages").count() == 0
    assert page.get_by_label("Drop a CSV file here").is_enabled()
    look("refused")


def page_file(name: str, text: str) -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def try_the_document(page: Page, tenant: Tenant, file: Path, look: Look) -> None:
    """Send what Swagger UI fills in for a model: JSON, CSV as text, and a CSV file."""
    page.goto(f"{tenant.platform.api_url}/docs")
    page.locator("#operations-models-putModel").wait_for()
    look("docs")
    page.get_by_label("API key").fill(tenant.api.api_key)
    page.get_by_role("button", name="Use", exact=True).click()
    page.get_by_text("Requests are sent with your key.", exact=True).wait_for()
    page.get_by_label("Document of").select_option("customers")
    page.get_by_text("Predictions of 'Churn?' by the model customers").wait_for()
    page.locator(".opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    lines = file.read_text().splitlines()[:4]
    rows = page_file("rows.csv", "\n".join(line.rpartition(",")[0] for line in lines))  # without the target
    for media_type in ("application/json", "text/csv", "text/csv; charset=utf-8"):
        page.get_by_label("Request content type").select_option(media_type)
        if media_type.endswith("utf-8"):
            page.locator(".opblock-body input[type=file]").set_input_files(rows)
        with page.expect_response("**/predictions") as answered:
            page.get_by_role("button", name="Execute").click()
        assert answered.value.status == HTTPStatus.OK, answered.value.text()
        assert answered.value.request.headers["content-type"] == media_type
    assert tenant.api.api_key not in page.content()
    look("docs-tried")
