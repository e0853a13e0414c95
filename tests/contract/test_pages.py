"""What the tenants' page knows of the system is what the system is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

TENANT = Path("layers/pages/tenantml_pages/tenant")


@pytest.mark.parametrize(("listed", "machines"), [("STAGES", ("training", "deployment")), ("BATCH_STAGES", ("batch",))])
def test_every_state_of_the_pipelines_is_in_one_stage_of_the_page(
    repository: Path, listed: str, machines: tuple[str, ...]
) -> None:
    text = (repository / TENANT / "stages.js").read_text()

    def states_in(name: str) -> list[str]:
        (block,) = re.findall(rf"export const {name} = \[(.*?)\];", text, re.DOTALL)
        return re.findall(r'"([A-Z][A-Za-z]+)"', re.sub(r'title: "[^"]*"', "", block))

    states = {
        state
        for machine in machines
        for state in json.loads((repository / "statemachine" / f"{machine}.asl.json").read_text())["States"]
    }
    ahead, after = states_in(listed), set(states_in("AFTER_A_FAILURE"))
    assert sorted(ahead) == sorted(states - after)
    assert states & after


def test_the_page_writes_no_markup_and_keeps_nothing(repository: Path) -> None:
    for path in (repository / TENANT).glob("*.js"):
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|dangerously\w*|document\.write|eval\(|localStorage|sessionStorage"
            r"|indexedDB|document\.cookie",
            path.read_text(),
        )
        assert found == [], path.name


def test_browsers_send_files_from_api_gateways_hosts_and_from_origins_that_the_stack_names(
    template: dict[str, Any],
) -> None:
    own, (condition, named, otherwise) = (
        rule.get("Fn::If", rule)
        for rule in template["Resources"]["IngestBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    )
    assert own["AllowedOrigins"] == [{"Fn::Sub": "https://*.execute-api.${AWS::Region}.${AWS::URLSuffix}"}]
    assert (condition, named["AllowedOrigins"]) == ("HasBrowserOrigins", {"Ref": "BrowserOrigins"})
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert own["AllowedMethods"] == named["AllowedMethods"] == ["POST", "PUT"]
    assert template["Parameters"]["BrowserOrigins"]["Default"] == ""
