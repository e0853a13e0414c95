"""The guide's ways to retrain on a schedule are what AWS and GitHub take, as far as it can be told without them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from botocore.session import Session
from cfnlint import lint
from samtranslator.yaml_helper import yaml_parse

from tests import guides


@pytest.fixture(scope="module")
def guide(repository: Path) -> str:
    return (repository / "docs/developers.md").read_text(encoding="utf-8")


def test_the_template_is_one_that_cloudformation_takes(guide: str) -> None:
    text = guides.files(guide)["retraining.yaml"]
    assert [str(found) for found in lint(text, regions=["us-east-1"])] == []
    broken = text.replace("ScheduleExpression", "ScheduleExpresion")
    assert lint(broken, regions=["us-east-1"]), "it looks"


def test_the_schedule_starts_an_operation_that_the_service_has(guide: str) -> None:
    """A universal target names service and operation (EventBridge Scheduler user guide, "Using universal targets")."""
    resources = yaml_parse(guides.files(guide)["retraining.yaml"])["Resources"]
    target = resources["Schedule"]["Properties"]["Target"]
    service, operation = target["Arn"].removeprefix("arn:aws:scheduler:::aws-sdk:").split(":")
    model = Session().get_service_model(service)
    shape = model.operation_model(operation[0].upper() + operation[1:]).input_shape
    members = {name[0].upper() + name[1:] for name in shape.members}
    assert set(yaml.safe_load(target["Input"]["Fn::Sub"])) <= members


def test_every_way_runs_the_program_that_the_guide_has(guide: str) -> None:
    program = guides.files(guide)["train.py"]
    assert guide.count("train.py leaving") + guide.count("train.py ${Model}") >= 5
    assert "--if-drifted" in program
    compile(program, "train.py", "exec")
