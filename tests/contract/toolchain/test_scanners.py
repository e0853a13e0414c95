"""A scanner that is green without having looked is worse than none: each finds the fault planted in front of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

_REPOSITORY = Path(__file__).resolve().parents[3]


class Fault(NamedTuple):
    """A file with one mistake, the Makefile's variable that names the file, and the finding that must be printed."""

    variable: str
    file: str
    content: str
    finding: str


_FUNCTION = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Planted:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.handler
      CodeUri: functions/planted
      {property}
"""
_POLICY = "Policies: [{{Version: '2012-10-17', Statement: [{{Effect: Allow, Action: {}, Resource: '*'}}]}}]"
_DEFINITION = """
{{"QueryLanguage": "JSONata", "StartAt": "A", "States": {{"A": {{"Type": "Pass", "Output": "{}", "End": true}}}}}}
"""

FAULTS = {
    "check-format": Fault("CODE", "planted.py", "answer  =  1\n", "would be reformatted"),
    "check-code": Fault("CODE", "planted.py", '"""A module."""\n\nimport os\n', "F401"),
    "check-types": Fault("TYPED", "planted.py", "def double(number):\n    return 2 * number\n", "no-untyped-def"),
    "check-security": Fault(
        "DEPLOYED", "planted.py", "import subprocess\n\nsubprocess.call('ls', shell=True)\n", "B602"
    ),
    # The two below are in what SAM generates: an untranslated template does not hold them.
    "check-template": Fault(
        "TEMPLATE",
        "planted.yaml",
        _FUNCTION.format(property="Events: {Tick: {Type: Schedule, Properties: {Schedule: sometimes}}}"),
        "'sometimes'",
    ),
    "check-policies": Fault(
        "TEMPLATE", "planted.yaml", _FUNCTION.format(property=_POLICY.format("s3:GetObjectt")), "s3:GetObjectt"
    ),
    "check-resources": Fault(
        "TEMPLATE", "planted.yaml", _FUNCTION.format(property=_POLICY.format("'*'")), "CKV_AWS_111"
    ),
    "check-site": Fault("FIRST_PAGE", "README.md", "# Planted\n\n[gone](gone.md)\n", "'gone.md'"),
    "check-definitions": Fault("DEFINITIONS", "planted.asl.json", _DEFINITION.format("{% $sum( %}"), "$sum("),
}


def _make(*arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--silent", *map(str, arguments)],
        cwd=_REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", FAULTS)
def test_a_scanner_finds_the_planted_fault(target: str, tmp_path: Path) -> None:
    fault = FAULTS[target]
    planted = tmp_path / fault.file
    planted.write_text(fault.content)
    written = f"TRANSLATED={tmp_path}/translated.json", f"SITE={tmp_path}/site"
    made = _make(target, f"{fault.variable}={planted}", *written, "TEMPLATES=")
    assert made.returncode != 0, made.stdout
    assert fault.finding in made.stdout


def test_a_definition_with_a_dangling_state_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.asl.json"
    planted.write_text(_DEFINITION.format("{% 1 %}").replace('"StartAt": "A"', '"StartAt": "Gone"'))
    made = _make("check-definitions", f"DEFINITIONS={planted}")
    assert made.returncode != 0
    assert "Gone" in made.stdout


def test_a_definition_that_is_not_formatted_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.asl.json"
    planted.write_text(_DEFINITION.format("{% 1 %}"))
    made = _make("check-definitions", f"DEFINITIONS={planted}")
    assert made.returncode != 0
    assert "not formatted" in made.stdout


def test_an_audit_that_finds_an_advisory_or_cannot_ask_for_any_fails(tmp_path: Path) -> None:
    planted = tmp_path / "planted.txt"
    planted.write_text(f"requests==2.19.0 --hash=sha256:{'0' * 64}\n")  # PYSEC-2018-28
    made = _make("audit", f"AUDITED={planted}")
    assert made.returncode != 0
    assert "requests" in made.stdout


def test_every_scanner_of_make_check_has_a_planted_fault() -> None:
    declared = re.search(r"^CHECKS := (.*)$", (_REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert declared is not None
    assert set(declared[1].split()) == set(FAULTS)


@pytest.mark.parametrize(
    ("target", "variable"),
    [("check-definitions", "DEFINITIONS"), ("check-code", "CODE"), ("check-security", "DEPLOYED")],
)
def test_a_scanner_given_nothing_to_look_at_fails(target: str, variable: str, tmp_path: Path) -> None:
    assert _make(target, f"{variable}={tmp_path / 'gone'}").returncode != 0


def test_policies_without_a_policy_to_look_at_fail(tmp_path: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}\n")
    made = _make("check-policies", f"TEMPLATE={empty}", f"TRANSLATED={tmp_path}/translated.json", "TEMPLATES=")
    assert made.returncode != 0
    assert "0 policies" in made.stdout
