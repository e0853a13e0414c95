"""The API's contract: its documents, clients made from them, pages, revisions, quota, and whatever else is sent."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import TenantApi
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
DEFAULTS = {"requests_per_second": 50, "requests_per_day": 1_000_000, "rows_per_day": 10_000_000}
ROWS_PER_DAY = 100


class Answered(NamedTuple):
    """A whole answer: status, headers, and the body as JSON where it is."""

    status: int
    headers: dict[str, str]
    body: Any


def ask(
    api: TenantApi, method: str, path: str, document: object = None, *, key: str | None = None, **headers: str
) -> Answered:
    """Send one request as it is, and return the answer whatever its status."""
    body = None if document is None else json.dumps(document).encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent |= {"x-api-key": api.api_key if key is None else key} | ({"content-type": "application/json"} if body else {})
    request = urllib.request.Request(api.url + path, body, sent, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        content = answer.read()
        is_json = "json" in answer.headers["content-type"]
        return Answered(answer.status, dict(answer.headers), json.loads(content) if is_json else content.decode())


@pytest.fixture(scope="module")
def vandelay(newcomer: Callable[..., Tenant]) -> Tenant:
    """A tenant of few rows a day."""
    return newcomer("vandelay", rows_per_day=ROWS_PER_DAY)


@pytest.fixture(scope="module")
def species(vandelay: Tenant, iris: Path) -> dict[str, Any]:
    """The execution of a model `species` that is live."""
    ended = vandelay.train("species", iris, target="species", max_candidates=2)
    assert ended["error"] is None, ended
    return ended


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, object], Callable[[str], ModuleType]]:
    """Generate a Python client from a document, and import a module of it."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "settings.yaml").write_text("post_hooks: []\n")
    sys.path.insert(0, str(folder))

    def generate(name: str, document: object) -> Callable[[str], ModuleType]:
        (folder / f"{name}.json").write_text(json.dumps(document))
        arguments = ["--path", f"{name}.json", "--output-path", name, "--meta", "none", "--config", "settings.yaml"]
        command = [Path(sys.executable).with_name("openapi-python-client"), "generate", *arguments]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        # The generator knows no CSV, which is one of two bodies of one operation; that is all that it may leave out.
        assert made.stdout.count("WARNING") == made.stdout.count("Unsupported content type text/csv"), made.stdout
        assert made.returncode == 0, made.stdout + made.stderr
        return lambda module: import_module(f"{name}.{module}")

    yield generate
    sys.path.remove(str(folder))


def test_the_documents_are_open_to_all_and_the_page_loads_nothing_from_elsewhere(acme: Tenant) -> None:
    served = ask(acme.api, "GET", "/openapi.json", key="")
    assert served.body == json.loads(COMMITTED.read_text())
    page = ask(acme.api, "GET", "/docs", key="")
    assert page.status == HTTPStatus.OK
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.findall(r"""(?:src|href)\s*=(?!"(?:docs/[a-z.-]+|app)")|https?://""", page.body)


@pytest.mark.parametrize(
    ("path", "key", "status", "code"),
    [
        ("/models", "", 401, "Unauthorized"),
        ("/models", "tml_wrong", 401, "Unauthorized"),
        ("/nothing", None, 404, "NotFound"),
    ],
)
def test_what_api_gateway_refuses_by_itself_is_a_problem_document_too(
    acme: Tenant, path: str, key: str | None, status: int, code: str
) -> None:
    answered = ask(acme.api, "GET", path, key=key)
    assert (answered.status, answered.headers["Content-Type"]) == (status, "application/problem+json")
    assert (answered.body["code"], answered.body["status"]) == (code, status)
    assert answered.body["type"].endswith(f"docs/errors.md#{code.lower()}")
    assert answered.body["request_id"]


def test_two_who_change_a_model_at_once_do_not_overwrite_each_other(acme: Tenant) -> None:
    created = ask(acme.api, "PUT", "/models/raced", {"target": "y"}, if_none_match="*")
    assert (created.status, created.headers["ETag"]) == (201, '"1"')
    again = ask(acme.api, "PUT", "/models/raced", {"target": "y"}, if_none_match="*")
    assert (again.status, again.body["code"]) == (412, "PreconditionFailed")
    etag = ask(acme.api, "GET", "/models/raced").headers["ETag"]
    answers: list[Answered] = []

    def change(candidates: int) -> None:
        settings = {"target": "y", "max_candidates": candidates}
        answers.append(ask(acme.api, "PUT", "/models/raced", settings, if_match=etag))

    racing = [threading.Thread(target=change, args=(number,)) for number in range(1, 5)]
    for thread in racing:
        thread.start()
    for thread in racing:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, 412, 412, 412]
    won = next(answer.body for answer in answers if answer.status == HTTPStatus.OK)
    assert ask(acme.api, "GET", "/models/raced").body["settings"] == won["settings"]
    assert won["revision"] == 2


def test_a_list_comes_in_pages_and_a_token_opens_no_other_list(acme: Tenant, globex: Tenant) -> None:
    names = [f"page-{number}" for number in range(5)]
    for name in names:
        acme.api.configure(name, {"target": "y"})
    found, query = [], "limit=2"
    while True:
        page = ask(acme.api, "GET", f"/models?{query}").body
        assert len(page["models"]) <= 2
        found += [model["model"] for model in page["models"]]
        if page["next_token"] is None:
            break
        query = f"limit=2&next_token={page['next_token']}"
    assert found == sorted(set(found))
    assert set(names) <= set(found)
    token = query.split("next_token=")[1]
    assert not set(names) & {model["model"] for model in ask(globex.api, "GET", f"/models?{query}").body["models"]}
    for path in (
        f"/executions?next_token={token}",
        "/models?next_token=e30",
        "/models?next_token=!",
        "/models?limit=101",
    ):
        assert ask(acme.api, "GET", path).body["code"] == "InvalidRequest"


def test_executions_are_found_by_model_upload_and_status_and_by_their_tenant_alone(
    vandelay: Tenant, acme: Tenant, species: dict[str, Any]
) -> None:
    for query in ("model=species", f"upload_key={species['upload']['key']}", "status=succeeded", "limit=1"):
        found = ask(vandelay.api, "GET", f"/executions?{query}").body["executions"]
        assert [row["execution"] for row in found] == [species["execution"]]
        assert ask(acme.api, "GET", f"/executions?{query}").body["executions"] != found
    assert ask(vandelay.api, "GET", "/executions?status=failed").body["executions"] == []
    assert ask(acme.api, "GET", f"/executions/{species['execution']}").status == HTTPStatus.NOT_FOUND


def test_a_version_tells_what_it_was_chosen_from(vandelay: Tenant, acme: Tenant, species: dict[str, Any]) -> None:
    path = f"/models/species/versions/{species['version']}"
    found = ask(vandelay.api, "GET", path).body
    assert found["live"]
    assert found["candidate"] in [candidate["name"] for candidate in found["candidates"]]
    assert found["rows"] == species["rows"]
    assert ask(acme.api, "GET", path).status == HTTPStatus.NOT_FOUND
    assert [row["version"] for row in ask(vandelay.api, "GET", "/models/species/versions").body["versions"]] == [
        species["version"]
    ]


def test_a_client_generated_from_the_document_configures_a_model_and_reads_problems(
    acme: Tenant, generated: Callable[[str, object], Callable[[str], ModuleType]]
) -> None:
    document = ask(acme.api, "GET", "/openapi.json").body
    module = generated("tenantml_client", document)
    client = module("client").AuthenticatedClient(
        base_url=acme.api.url, token=acme.api.api_key, prefix="", auth_header_name="x-api-key"
    )
    for methods in document["paths"].values():
        for operation in methods.values():
            words = re.sub("([A-Z])", r"_\1", operation["operationId"]).lower()
            assert module(f"api.{operation['tags'][0]}.{words}").sync_detailed
    settings = module("models").ModelSettings(target="y", max_candidates=3)
    with client:
        model = module("api.models.put_model").sync("generated", client=client, body=settings)
        assert (model.model, model.settings.max_candidates, model.live_version) == ("generated", 3, None)
        form = module("api.uploads.create_upload").sync(
            "generated", client=client, body=module("models").UploadRequest(file_name="rows.csv")
        )
        assert form.key == "acme/generated/rows.csv"
        problem = module("api.models.get_model").sync("never-made", client=client)
        assert problem.code == "NotFound"
        assert module("api.usage.get_usage").sync(client=client).requests.limit == 1_000_000


def test_a_client_generated_for_a_model_cannot_mix_its_columns_up(
    vandelay: Tenant,
    iris: Path,
    species: dict[str, Any],
    generated: Callable[[str, object], Callable[[str], ModuleType]],
) -> None:
    document = ask(vandelay.api, "GET", "/models/species/openapi.json").body
    row = document["components"]["schemas"]["Row"]
    assert list(row["properties"]) == iris.read_text().splitlines()[0].split(",")[:-1]
    assert document["components"]["schemas"]["Prediction"]["properties"]["predicted_label"]["enum"] == [
        "setosa",
        "versicolor",
        "virginica",
    ]
    module = generated("species_client", document)
    client = module("client").AuthenticatedClient(
        base_url=vandelay.api.url, token=vandelay.api.api_key, prefix="", auth_header_name="x-api-key"
    )
    rows = [
        # Named, so the order does not matter; what is forgotten or misspelt is an error of the program.
        module("models").Row(petal_width_cm=0.2, petal_length_cm=1.4, sepal_width_cm=3.5, sepal_length_cm=5.1),
        module("models").Row.from_dict(row["example"]),
    ]
    with pytest.raises(TypeError):
        module("models").Row(petal_width_cm=0.2, petal_length_cm=1.4, sepal_width_cm=3.5)
    with client:
        predict = module("api.predictions.predict").sync
        answered = predict(client=client, body=module("models").PredictionRequest(rows=rows))
    assert answered.version == species["version"]
    assert answered.predictions[0].predicted_label == "setosa"
    assert len(answered.predictions) == len(rows)


@pytest.mark.usefixtures("species")
def test_a_body_arrives_byte_for_byte_and_is_answered_as_csv_on_request(vandelay: Tenant, iris: Path) -> None:
    header, line, *_ = iris.read_text().splitlines()
    rows = "\n".join(text.rpartition(",")[0] for text in (header, line))

    def send(body: bytes) -> tuple[int, str, str]:
        headers = {"x-api-key": vandelay.api.api_key, "content-type": "text/csv", "accept": "text/csv"}
        request = urllib.request.Request(f"{vandelay.api.url}/models/species/predictions", body, headers)
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers["content-type"], answer.read().decode()

    status, kind, text = send(rows.encode())
    assert (status, kind) == (HTTPStatus.OK, "text/csv; charset=utf-8; header=present")
    assert text.splitlines()[0] == "predicted_label,probability,setosa,versicolor,virginica"
    assert text.splitlines()[1].startswith("setosa,")
    status, _, text = send(f"{rows}\n".encode() + "Å,1,1,1\n".encode("latin-1"))
    assert (status, json.loads(text)["code"]) == (HTTPStatus.BAD_REQUEST, "InvalidRequest")
    assert "not UTF-8 at byte" in text


def test_the_days_rows_end_for_one_tenant_and_are_told(vandelay: Tenant, species: dict[str, Any]) -> None:
    example = ask(vandelay.api, "GET", "/models/species/openapi.json").body["components"]["schemas"]["Row"]["example"]
    used = ask(vandelay.api, "GET", "/usage").body["rows"]["used"]
    path = "/models/species/predictions"
    assert ask(vandelay.api, "POST", path, {"rows": [example] * (ROWS_PER_DAY - used - 10)}).status == HTTPStatus.OK
    refused = ask(vandelay.api, "POST", path, {"rows": [example] * 11})
    assert (refused.status, refused.body["code"]) == (429, "DailyQuotaExceeded")
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert '"rows";r=10;' in refused.headers["RateLimit"]
    assert ask(vandelay.api, "POST", path, {"rows": [example] * 10}).status == HTTPStatus.OK
    usage = ask(vandelay.api, "GET", "/usage").body
    assert usage["rows"] == {"used": ROWS_PER_DAY, "limit": ROWS_PER_DAY, "remaining": 0}
    assert usage["requests"]["used"] > 3


def test_an_operator_sets_one_limit_and_the_others_keep_their_defaults(vandelay: Tenant) -> None:
    answer = vandelay.platform.call("LimitTenantFunction", {"tenant": "vandelay", "rows_per_day": ROWS_PER_DAY})
    assert answer["limits"] == DEFAULTS | {"rows_per_day": ROWS_PER_DAY}


def test_a_tenant_that_floods_is_slowed_down_and_no_other_is(newcomer: Callable[..., Tenant], acme: Tenant) -> None:
    soylent = newcomer("soylent", requests_per_second=1)

    def until(status: HTTPStatus) -> Answered:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answered := ask(soylent.api, "GET", "/models")).status != status:
            assert time.monotonic() < deadline, answered
        return answered

    refused = until(HTTPStatus.TOO_MANY_REQUESTS)
    assert refused.body["code"] == "RateExceeded"
    assert 0 < int(refused.headers["Retry-After"]) <= 10
    assert '"rate";r=0;' in refused.headers["RateLimit"]
    assert ask(acme.api, "GET", "/models").status == HTTPStatus.OK
    until(HTTPStatus.OK)


@pytest.mark.parametrize(
    "limits", [{}, {"tenant": "vandelay", "rows": 1}, {"tenant": "vandelay", "rows_per_day": 0}, {"tenant": "nobody"}]
)
def test_limits_that_cannot_be_are_refused_by_name(vandelay: Tenant, limits: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        vandelay.platform.call("LimitTenantFunction", limits)
    assert refused.value.code == ("TenantNotFound" if limits == {"tenant": "nobody"} else "InvalidOperation")


@pytest.fixture
def fuzzed(newcomer: Callable[..., Tenant]) -> Tenant:
    """A tenant of its own: what other tests trained would make the answers depend on their order."""
    return newcomer("fuzzed", requests_per_second=1000)


def test_a_receipt_comes_in_pages_each_of_which_is_verified_as_a_whole(
    vandelay: Tenant, species: dict[str, Any]
) -> None:
    whole = vandelay.api.receipt(species["execution"])
    path = f"/executions/{species['execution']}/receipt?limit=3"
    found: list[dict[str, Any]] = []
    token: str | None = ""
    while token is not None:
        page = ask(vandelay.api, "GET", path + (f"&next_token={token}" if token else "")).body
        assert (page["count"], page["head"], page["faults"]) == (whole["count"], whole["head"], [])
        found += page["entries"]
        token = page["next_token"]
    assert found == whole["entries"]
    assert len(found) == whole["count"] > 3


def test_keys_are_listed_by_their_ids(vandelay: Tenant) -> None:
    (found,) = ask(vandelay.api, "GET", "/keys").body["keys"]
    assert found["key_id"] == hashlib.sha256(vandelay.api.api_key.encode()).hexdigest()[:12]
    assert found["expires_at"] is None
    assert vandelay.api.api_key not in json.dumps(found)


def test_schemathesis_finds_nothing(fuzzed: Tenant, tmp_path: Path) -> None:
    document = json.loads(COMMITTED.read_text())
    for methods in document["paths"].values():
        for operation in methods.values():
            # A schema cannot say which opaque tokens there are; the pages' own test sends wrong ones.
            operation["parameters"] = [p for p in operation.get("parameters", []) if p["name"] != "next_token"]
    operations = sum(len(methods) for methods in document["paths"].values())
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "schemathesis.toml").write_text(
        "[checks]\n"
        # A condition that does not hold is neither acceptance nor rejection of the data.
        'positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412", "413", "422"]\n'
        'negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "409", "412", "413", "415"]\n'
    )
    ran = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "run", "openapi.json", "--url", fuzzed.api.url,
            "--header", f"x-api-key: {fuzzed.api.api_key}", "--checks", "all", "--continue-on-failure",
            # API Gateway answers a method that a path lacks as it does a path that is not there: 404, without Allow.
            "--exclude-checks", "unsupported_method,allow_header_conformance",
            "--max-examples", "6", "--seed", "1", "--phases", "examples,coverage,fuzzing",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-60000:] + ran.stderr[-2000:]
    assert re.search(rf"Tested: +{operations}\b", ran.stdout), ran.stdout
