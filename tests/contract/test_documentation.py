"""The documentation names what exists, and links to what exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tenantml_analysis.inspection import InspectionSettings
from tools.docs import anchor


def sids(value: Any) -> set[str]:
    """Return every statement's id in a template."""
    if isinstance(value, list):
        return {sid for item in value for sid in sids(item)}
    if not isinstance(value, dict):
        return set()
    own = {value["Sid"]} if "Sid" in value else set()
    return own | {sid for item in value.values() for sid in sids(item)}


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    return set(map(anchor, re.findall(r"^#+ (.+)$", text, re.MULTILINE)))


def test_every_permission_that_a_customer_gives_has_its_reason(repository: Path) -> None:
    template = yaml_parse((repository / "onboarding" / "customer_access.yaml").read_text())
    text = (repository / "docs" / "onboarding.md").read_text()
    kinds = {"AWS::IAM::Role", "AWS::IAM::Policy"}
    roles = {name: found for name, found in template["Resources"].items() if found["Type"] in kinds}
    assert [sid for sid in sorted(sids(roles)) if f"`{sid}`" not in text] == []
    assert [name for name in template["Parameters"] if f"`{name}`" not in text] == []


def test_every_parameter_and_alarm_of_the_stack_is_explained(repository: Path, template: dict[str, Any]) -> None:
    text = (repository / "docs" / "operations.md").read_text()
    assert [name for name in template["Parameters"] if f"`{name}`" not in text] == []
    alarms = [name for name, found in template["Resources"].items() if found["Type"] == "AWS::CloudWatch::Alarm"]
    assert [name for name in alarms if f"| {name.removesuffix('Alarm')} |" not in text] == []


def test_every_table_and_bucket_is_in_the_picture(repository: Path, template: dict[str, Any]) -> None:
    text = (repository / "docs" / "architecture.md").read_text()
    stored = [
        name
        for name, found in template["Resources"].items()
        if found["Type"] in {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Serverless::StateMachine"}
    ]
    assert len(stored) > 5
    assert [name for name in stored if name not in text and name.removesuffix("StateMachine").lower() not in text] == []


def test_every_link_between_pages_leads_somewhere(repository: Path) -> None:
    pages = [repository / "README.md", *(repository / "docs").rglob("*.md")]
    links = 0
    for page in pages:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if link.startswith("http"):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path) if path else page
            assert target.exists(), f"{page.name}: {link}"
            assert not anchor or anchor in anchors(target.read_text()), f"{page.name}: {link}"
            links += 1
    assert links > 20


def test_every_decision_is_listed(repository: Path) -> None:
    folder = repository / "docs" / "decisions"
    text = (folder / "README.md").read_text()
    decisions = [page for page in sorted(folder.glob("*.md")) if page.name != "README.md"]
    for number, page in enumerate(decisions, 1):
        assert page.name.startswith(f"{number:04}-")
        assert f"({page.name})" in text
        assert {"**Decided.**", "**Why.**"} <= set(re.findall(r"^\*\*\w+\.\*\*", page.read_text(), re.MULTILINE)), page


@pytest.mark.parametrize("page", ["README.md", "docs/api.md", "docs/cli.md"])
def test_where_a_dataset_is_asked_for_the_fewest_rows_are_named(repository: Path, page: str) -> None:
    fewest = InspectionSettings("y", "salt").min_training_rows
    assert f"at least {fewest} rows" in (repository / page).read_text(encoding="utf-8")
