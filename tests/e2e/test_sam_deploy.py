"""The path of a real deployment: `make deploy` with the SAM CLI, pointed at the embedded cloud."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from local.cloud import EmbeddedCloud

_REPOSITORY = Path(__file__).resolve().parents[2]


def test_make_deploy_creates_the_stack_with_the_given_parameters() -> None:
    with EmbeddedCloud() as cloud:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        made = subprocess.run(
            ["make", "deploy", "STACK=deployed-by-sam", "PARAMETERS=LogRetentionDays=30"],
            cwd=_REPOSITORY,
            # Native: the embedded cloud runs functions here, not on AWS's processors.
            env=inherited | cloud.environment() | {"TENANTML_BUILD": "native"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout[-4000:]
        assert "15 minutes before the first upload" in made.stdout
        stack = cloud.client("cloudformation").describe_stacks(StackName="deployed-by-sam")["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        parameters = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]}
        assert parameters["LogRetentionDays"] == "30"
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        function = cloud.client("lambda").get_function_configuration(FunctionName=outputs["RegisterTenantFunction"])
        assert function["Runtime"] == "python3.13"


def test_make_build_stops_at_a_template_that_sam_finds_wrong(tmp_path: Path) -> None:
    planted = tmp_path / "planted.yaml"
    planted.write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources:\n"
        "  Planted:\n"
        "    Type: AWS::Serverless::Function\n"
        "    Properties: {Runtime: python3.13, Handler: app.handler, CodeUri: ., Tymeout: 3}\n"
    )
    made = subprocess.run(
        ["make", "build", f"TEMPLATE={planted}"],
        cwd=_REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert made.returncode != 0
    assert "Tymeout" in made.stdout
