"""What the parameter `ColdStarts` makes of the two functions on the way of a prediction."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.translate import translated

FUNCTIONS = ("Authorize", "Predict")


@pytest.fixture(scope="module")
def stack(repository: Path) -> dict[str, Any]:
    """The CloudFormation template that SAM makes of ours."""
    return translated(repository / "template.yaml")


def _resolved(value: Any, stack: dict[str, Any], cold_starts: str) -> Any:
    """A value as CloudFormation makes it with this parameter: conditions decided, what has no value left out."""
    if isinstance(value, list):
        return [_resolved(each, stack, cold_starts) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::If" in value:
        condition, then, otherwise = value["Fn::If"]
        (left, right) = stack["Conditions"][condition]["Fn::Equals"]
        assert left == {"Ref": "ColdStarts"}
        return _resolved(then if right == cold_starts else otherwise, stack, cold_starts)
    found = {name: _resolved(each, stack, cold_starts) for name, each in value.items()}
    return {name: each for name, each in found.items() if each != {"Ref": "AWS::NoValue"}}


@pytest.mark.parametrize(
    ("cold_starts", "applies", "waits"),
    [("start", "None", False), ("snapstart", "PublishedVersions", False), ("provisioned", "None", True)],
)
def test_the_parameter_does_what_it_says(stack: dict[str, Any], cold_starts: str, applies: str, waits: bool) -> None:
    assert cold_starts in stack["Parameters"]["ColdStarts"]["AllowedValues"]
    for name in FUNCTIONS:
        function = _resolved(stack["Resources"][f"{name}Function"]["Properties"], stack, cold_starts)
        alias = _resolved(stack["Resources"][f"{name}FunctionAliaslive"]["Properties"], stack, cold_starts)
        assert function["SnapStart"] == {"ApplyOn": applies}
        expected = {"ProvisionedConcurrentExecutions": {"Ref": "WaitingEnvironments"}} if waits else None
        assert alias.get("ProvisionedConcurrencyConfig") == expected


def test_nothing_is_paid_for_unless_somebody_asks(stack: dict[str, Any]) -> None:
    assert stack["Parameters"]["ColdStarts"]["Default"] == "start"


def test_snapstart_is_there_for_the_runtime(stack: dict[str, Any]) -> None:
    """Lambda developer guide, "Improving startup performance with Lambda SnapStart": Python 3.12 and later, 512 MB of
    ephemeral storage at most, no file system, not together with provisioned concurrency.
    """
    for name in FUNCTIONS:
        properties = stack["Resources"][f"{name}Function"]["Properties"]
        found = re.fullmatch(r"python3\.(\d+)", properties["Runtime"])
        assert found is not None
        assert int(found[1]) >= 12
        assert not {"EphemeralStorage", "FileSystemConfigs", "ImageConfig"} & properties.keys()


def test_requests_go_to_what_is_published(stack: dict[str, Any]) -> None:
    """The function's own `$LATEST` has neither SnapStart nor an environment that waits."""
    api = json.dumps(stack["Resources"]["Api"]["Properties"]["Body"])
    for name in FUNCTIONS:
        assert f"{name}FunctionAliaslive" in api
        assert f"{name}Function.Arn" not in api
        permitted = [
            resource["Properties"]["FunctionName"]
            for resource in stack["Resources"].values()
            if resource["Type"] == "AWS::Lambda::Permission" and f'"{name}Function' in json.dumps(resource)
        ]
        assert permitted
        assert all(each == {"Ref": f"{name}FunctionAliaslive"} for each in permitted)


def test_a_change_of_the_layer_publishes_the_functions_again(
    repository: Path, stack: dict[str, Any], template: dict[str, Any], tmp_path: Path
) -> None:
    """Nearly all code is in the layer; SAM publishes for it because of PublishLambdaVersion (SAM specification,
    AWS::Serverless::LayerVersion).
    """
    changed = copy.deepcopy(template)
    changed["Resources"]["CoreLayer"]["Properties"]["Description"] += ", changed"
    (tmp_path / "template.yaml").write_text(json.dumps(changed))
    before, after = _versions(stack), _versions(translated(tmp_path / "template.yaml"))
    assert len(before) == len(after) == len(FUNCTIONS)
    assert not before.keys() & after.keys()
    assert {each["DeletionPolicy"] for each in before.values()} == {"Delete"}, "an older version is paid for"


def _versions(stack: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in stack["Resources"].items() if each["Type"] == "AWS::Lambda::Version"}


def test_nothing_is_made_at_import_that_would_be_the_same_in_every_restored_environment(repository: Path) -> None:
    """Lambda developer guide, "Handling uniqueness with Lambda SnapStart"."""
    program = """
import random, secrets, uuid
def made(*_, **__): raise AssertionError("made at import")
uuid.uuid4 = uuid.uuid1 = secrets.token_hex = secrets.token_urlsafe = secrets.randbits = made
import api.predict, api.authorize
from tenantml.services import receipts
assert receipts._process.cache_info().currsize == 0
from tenantml.aws import clients
assert clients.platform.cache_info().currsize == 0
print("nothing")
"""
    path = os.pathsep.join(str(repository / each) for each in ("functions", "layers/core"))
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stdout == "nothing\n", finished.stderr
