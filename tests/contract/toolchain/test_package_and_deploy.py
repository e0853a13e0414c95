"""A template with local paths becomes a stack that runs, without the SAM CLI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud import EmbeddedCloud
from local.deploy import StackFailed, deploy
from local.package import BuildFailed, package

_TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Word: {Type: String, Default: first}
  Other: {Type: String, Default: other}
Globals:
  Function: {Runtime: python3.13, Handler: app.handler}
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: makefile}
    Properties: {ContentUri: layer}
  Echo:
    Type: AWS::Serverless::Function
    Metadata: {SkipBuild: true}
    Properties:
      CodeUri: echo
      Layers: [!Ref Layer]
      Environment: {Variables: {WORD: !Sub "${Word}-${Other}"}}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: machine.asl.json
      DefinitionSubstitutions: {Function: !GetAtt Echo.Arn}
Outputs:
  Function: {Value: !Ref Echo}
  Machine: {Value: !Ref Machine}
"""
_APP = """
import os, marked
def handler(event, context):
    return {"word": os.environ["WORD"], "layer": marked.MARK}
"""
_MACHINE = '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${Function}", "End": true}}}'
_LAYER = """
build-Layer:
	mkdir -p "$(ARTIFACTS_DIR)/python"
	cp marked.py "$(ARTIFACTS_DIR)/python/"
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud() as running:
        running.client("s3").create_bucket(Bucket="artifacts")
        yield running


@pytest.fixture
def template(tmp_path: Path) -> Path:
    for name, content in {
        "template.yaml": _TEMPLATE,
        "echo/app.py": _APP,
        "layer/Makefile": _LAYER,
        "layer/marked.py": "MARK = 1\n",
        "machine.asl.json": _MACHINE,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return tmp_path / "template.yaml"


def _packaged(cloud: EmbeddedCloud, template: Path) -> str:
    return package(template, template.parent / "build", cloud.client("s3"), "artifacts")


def _answer(cloud: EmbeddedCloud, function: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.load(cloud.client("lambda").invoke(FunctionName=function)["Payload"])
    return answer


def test_a_deployed_function_runs_with_its_layer_and_the_machine_knows_it(cloud: EmbeddedCloud, template: Path) -> None:
    outputs = deploy(cloud.client("cloudformation"), "runs", _packaged(cloud, template), {"Word": "given"})
    assert _answer(cloud, outputs["Function"]) == {"word": "given-other", "layer": 1}
    machine = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=outputs["Machine"])
    resource = json.loads(machine["definition"])["States"]["A"]["Resource"]
    assert resource.endswith(f":function:{outputs['Function']}")


def test_a_second_deployment_brings_the_change_and_keeps_the_parameters(cloud: EmbeddedCloud, template: Path) -> None:
    cloudformation = cloud.client("cloudformation")
    outputs = deploy(cloudformation, "changes", _packaged(cloud, template), {"Word": "kept", "Other": "old"})
    (template.parent / "layer" / "marked.py").write_text("MARK = 2\n")
    assert deploy(cloudformation, "changes", _packaged(cloud, template), {"Other": "new"}) == outputs
    assert _answer(cloud, outputs["Function"]) == {"word": "kept-new", "layer": 2}


def test_what_did_not_change_is_neither_built_nor_deployed_again(cloud: EmbeddedCloud, template: Path) -> None:
    cloudformation = cloud.client("cloudformation")
    packaged = _packaged(cloud, template)
    outputs = deploy(cloudformation, "same", packaged)
    (template.parent / "layer" / "Makefile").touch()
    assert _packaged(cloud, template) == packaged
    assert deploy(cloudformation, "same", packaged) == outputs
    assert cloudformation.describe_stacks(StackName="same")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


def test_a_failed_build_shows_what_make_said(cloud: EmbeddedCloud, template: Path) -> None:
    (template.parent / "layer" / "marked.py").unlink()
    with pytest.raises(BuildFailed, match=r"build-Layer.*[\s\S]*marked\.py"):
        _packaged(cloud, template)


def test_a_failed_stack_names_the_resource_and_the_reason(cloud: EmbeddedCloud) -> None:
    broken = {
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Broken": {
                "Type": "Custom::Gone",
                "Properties": {"ServiceToken": "arn:aws:lambda:us-east-1:1:function:gone"},
            },
        }
    }
    with pytest.raises(StackFailed, match=r"Broken \(Custom::Gone\): .*function:gone"):
        deploy(cloud.client("cloudformation"), "broken", json.dumps(broken))
