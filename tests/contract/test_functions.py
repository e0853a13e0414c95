"""Every function: its folder, its resource, its event, its environment, its permissions."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tenantml.domain.predictions.batch import Batch
from tests.functions import imports
from tools.reach import reaches, settings_of

Functions = dict[str, dict[str, Any]]
CONDITIONAL = {"TENANT_DATA_ROLE": "scoped_to"}  # read only by those that reach this symbol


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def test_every_module_is_a_function_of_the_template_under_the_same_name(
    apps: dict[str, Path], template: dict[str, Any], repository: Path
) -> None:
    handlers = {
        snake(name.removesuffix("Function")): resource["Properties"]["Handler"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert handlers == {name: f"{path.parent.name}.{name}.handler" for name, path in apps.items()}
    assert sorted((repository / "functions").rglob("*.py")) == sorted(apps.values())


def test_all_functions_are_built_as_one(functions: Functions, template: dict[str, Any]) -> None:
    assert template["Globals"]["Function"]["CodeUri"] == "functions"
    assert [name for name, properties in functions.items() if "CodeUri" in properties] == []


def test_no_function_imports_another(apps: dict[str, Path]) -> None:
    groups = {path.parent.name for path in apps.values()} | {"functions"}
    for name, path in apps.items():
        assert {module.partition(".")[0] for module in imports(path)} & groups == set(), name


def test_every_function_says_what_it_is_for(functions: Functions) -> None:
    assert [name for name, properties in functions.items() if not properties.get("Description")] == []


def test_every_function_has_a_sample_event_and_no_sample_is_without_one(
    apps: dict[str, Path], repository: Path
) -> None:
    assert sorted(sample.stem for sample in (repository / "events").glob("*.json")) == sorted(apps)


def test_the_sample_of_a_state_is_what_a_definition_sends(definitions: list[dict[str, Any]], repository: Path) -> None:
    sent: dict[str, list[tuple[str, set[str]]]] = {}
    for name, state in (item for definition in definitions for item in definition["States"].items()):
        if state["Type"] == "Task" and isinstance(state["Arguments"]["Payload"], dict):
            function = snake(state["Arguments"]["FunctionName"].removeprefix("${").removesuffix("FunctionArn}"))
            sent.setdefault(function, []).append((name, set(state["Arguments"]["Payload"])))
    for function, payloads in sent.items():
        sample = json.loads((repository / "events" / f"{function}.json").read_text())
        assert (sample.get("state"), set(sample)) in payloads, function


def test_samples_that_are_about_one_upload_agree(repository: Path) -> None:
    samples = {path.stem: json.loads(path.read_text()) for path in (repository / "events").glob("*.json")}
    runs = {json.dumps(sample["run"], sort_keys=True) for sample in samples.values() if "run" in sample}
    uploads = {json.dumps(sample["upload"], sort_keys=True) for sample in samples.values() if "upload" in sample}
    assert len(runs) == len(uploads) == 2  # of a training and its deployment, and of a batch
    executions = {json.loads(run)["execution"] for run in runs}
    assert executions >= {batch.execution for upload in uploads if (batch := Batch.of_key(json.loads(upload)["key"]))}


def test_every_variable_that_a_function_reads_is_given_and_none_is_given_unused(
    apps: dict[str, Path], functions: Functions, template: dict[str, Any]
) -> None:
    everywhere = template["Globals"]["Function"]["Environment"]["Variables"].keys()
    for name, app in apps.items():
        given = functions[name].get("Environment", {}).get("Variables", {}).keys()
        read = {
            variable
            for variable in settings_of(app)
            if variable not in CONDITIONAL or reaches(app, CONDITIONAL[variable])
        }
        assert sorted(read - given - everywhere) == [], f"{name} reads what it is not given"
        assert sorted(given - read) == [], f"{name} is given what it does not read"


def test_variables_are_read_through_setting_alone(repository: Path) -> None:
    for path in [*(repository / "layers").rglob("*.py"), *(repository / "functions").rglob("*.py")]:
        found = re.findall(r"os\.environ|os\.getenv", path.read_text())
        assert not found or path.name == "settings.py", path


def test_importing_a_handler_does_nothing_and_needs_no_environment(apps: dict[str, Path], repository: Path) -> None:
    for name, app in apps.items():
        for statement in ast.parse(app.read_text()).body:
            assert isinstance(
                statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
            ) or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)), name
    program = """
import importlib, sys
def refuse(event, args):
    if event in {"socket.connect", "subprocess.Popen"} or (event == "open" and "w" in str(args[1])):
        sys.exit(f"import did {event} {args}")
sys.addaudithook(refuse)
for module in sys.argv[1:]:
    importlib.import_module(module)
"""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    command = [sys.executable, "-B", "-c", program, *(f"{app.parent.name}.{name}" for name, app in apps.items())]
    done = subprocess.run(command, cwd=repository / "functions", env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_permission_has_an_id_and_reaches_everything_only_with_a_reason(
    functions: Functions, repository: Path
) -> None:
    statements = [
        (name, statement)
        for name, properties in functions.items()
        for policy in properties.get("Policies", [])
        for statement in policy["Statement"]
    ]
    assert len(statements) > len(functions)
    for name, statement in statements:
        assert statement.get("Sid"), name
        assert statement["Effect"] == "Allow", name
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        assert not [action for action in actions if "*" in action], f"{name}: {statement['Sid']}"
    lines = (repository / "template.yaml").read_text().splitlines()
    for number, line in enumerate(lines):
        if re.search(r"""Resource: ['"]?\*['"]?\s*(,|}|#|$)""", line):
            statement_lines = lines[max(0, number - 14) : number + 1]
            assert any("#" in found for found in statement_lines), f"template.yaml:{number + 1} has no reason"


PATHS = {"training-access": "AssumeTrainingAccess", "prediction-access": "AssumePredictionAccess"}


def path_of(properties: dict[str, Any]) -> str | None:
    """The path that customers trust, if a function's role is on one."""
    return next((path for path in PATHS if path in json.dumps(properties.get("RolePath", ""))), None)


def test_only_functions_that_assume_an_access_role_are_on_a_path_that_customers_trust(
    apps: dict[str, Path], functions: Functions
) -> None:
    for name, app in apps.items():
        may = "sts:AssumeRole" in json.dumps(functions[name].get("Policies", ""))
        assert (path_of(functions[name]) is not None) == (may and reaches(app, "assume")), name


# They ask for the role of the other path, too, to be refused; they enter it through a role on that path anyway.
PROBES = {"activate_tenant", "probe_tenant"}


def test_a_function_may_assume_the_access_role_of_its_path_and_no_other(functions: Functions) -> None:
    seen = set()
    for name, properties in functions.items():
        path, text = path_of(properties), json.dumps(properties.get("Policies", ""))
        reached = {one for one in PATHS if f"/*-{one}" in text}
        assert reached == (PATHS.keys() if name in PROBES else {path} if path else set()), name
        seen.add((path, properties["Handler"] if path == "prediction-access" else ""))
    assert seen == {
        (None, ""),
        ("training-access", ""),
        ("prediction-access", "api.predict.handler"),
        ("prediction-access", "deployment.evaluate_version.handler"),
    }
