"""The API's document is what the code says, and the code, the template and the document name the same operations."""

from __future__ import annotations

import copy
import dataclasses
import json
from string import Template
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tenantml import errors
from tenantml.domain.api import schemas
from tenantml.domain.api.document import document
from tenantml.domain.api.operations import EVERYWHERE, OPERATIONS
from tenantml.domain.training.model_settings import ModelSettings
from tests.functions import template

TEMPLATE = template()


def routes_of(template: dict[str, Any]) -> dict[str, str]:
    """Each method and path of the template's functions, and what stands behind it."""
    return {
        f"{event['Properties']['Method'].upper()} {event['Properties']['Path']}": behind(
            name, function, event["Properties"].get("Auth", {}).get("Authorizer") == "NONE"
        )
        for function, resource in template["Resources"].items()
        for name, event in resource.get("Properties", {}).get("Events", {}).items()
        if event["Type"] == "Api" and event["Properties"]["Method"] != "options"
    }


def behind(event: str, function: str, is_public: bool) -> str:
    return f"event {event} of {function}, {'open to all' if is_public else 'with a key'}"


def differences(template: dict[str, Any]) -> list[str]:
    """What the template and the table of operations do not agree on, in the table's words first."""
    table = {
        f"{found.method} {found.path}": behind(
            found.name[0].upper() + found.name[1:], f"{found.function}Function", found.is_public
        )
        for found in OPERATIONS
    }
    routes = routes_of(template)
    return [
        f"{route}: {table.get(route, 'no operation')}; in the template {routes.get(route, 'missing')}"
        for route in sorted(table | routes)
        if table.get(route) != routes.get(route)
    ]


def test_the_template_routes_each_operation_to_its_function_and_nothing_else() -> None:
    found = differences(TEMPLATE)
    assert not found, "\n".join(found)


def test_all_differences_of_the_template_are_found_at_once() -> None:
    template = copy.deepcopy(TEMPLATE)
    events = template["Resources"]["TenantApiFunction"]["Properties"]["Events"]
    template["Resources"]["PredictFunction"]["Properties"]["Events"]["ListKeys"] = events.pop("ListKeys")
    events["GetUsage"]["Properties"]["Auth"] = {"Authorizer": "NONE"}
    events["GetModel"]["Properties"]["Path"] = "/models/{name}"
    assert [line.partition(":")[0] for line in differences(template)] == [
        "GET /keys", "GET /models/{model}", "GET /models/{name}", "GET /usage",
    ]  # fmt: skip


def test_no_operation_is_open_but_the_contract_and_the_pages() -> None:
    pages = {"/app", "/app/{file}", "/docs", "/docs/{file}"}
    assert {found.path for found in OPERATIONS if found.is_public} == {"/openapi.json"} | pages


def test_browsers_may_ask_first_for_every_path_that_asks_for_a_key() -> None:
    events = TEMPLATE["Resources"]["AnswerPreflightFunction"]["Properties"]["Events"].values()
    asked = [event["Properties"] for event in events]
    assert sorted(found["Path"] for found in asked) == sorted(
        {found.path for found in OPERATIONS if not found.is_public}
    )
    assert {(found["Method"], found["Auth"]["Authorizer"]) for found in asked} == {("options", "NONE")}


def test_every_reference_of_the_document_leads_somewhere() -> None:
    found = document()
    known = found["components"]["schemas"]
    text = json.dumps(found)
    referenced = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referenced == set(known)
    for schema in known.values():
        Draft202012Validator.check_schema(schema)


def test_every_error_of_an_operation_is_a_code_of_the_problem_schema() -> None:
    codes = set(schemas.codes())
    named = {kind.__name__ for found in OPERATIONS for kind in found.refusals} | {kind.__name__ for kind in EVERYWHERE}
    assert named <= codes
    requests = {kind.__name__ for kind in errors.kinds(errors.RequestError)}
    missing = sorted(requests - named)
    assert not missing, f"in the `refusals` of no operation: {', '.join(missing)}"


def test_every_setting_is_in_the_document_with_a_default_that_it_takes() -> None:
    schema = schemas.settings()
    assert set(schema["properties"]) == {found.name for found in dataclasses.fields(ModelSettings)}
    Draft202012Validator(schema).validate(ModelSettings(target="y").as_document())
    ModelSettings.from_document(schema["example"])


@pytest.mark.parametrize("kind", list(TEMPLATE["Resources"]["Api"]["Properties"]["GatewayResponses"]))
def test_what_api_gateway_answers_is_a_problem_document(kind: str) -> None:
    response = TEMPLATE["Resources"]["Api"]["Properties"]["GatewayResponses"][kind]
    text, values = response["ResponseTemplates"]["application/json"]["Fn::Sub"]
    body = json.loads(Template(text).safe_substitute(values))
    assert body["type"] == f"{errors.DOCUMENTATION}#{body['code'].lower()}"
    assert response["ResponseParameters"]["Headers"]["Content-Type"] == "'application/problem+json'"
    Draft202012Validator(schemas.problem()).validate(body)
    assert body["status"] == int(response["StatusCode"])
    assert errors.named(body["code"]).status == body["status"]
    assert ("Retry-After" in response["ResponseParameters"]["Headers"]) == (body["status"] in {429, 503})
