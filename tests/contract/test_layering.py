"""Dependencies point domain <- aws <- services <- functions; nothing deployed knows of the embedded cloud."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import botocore.session
import pytest

from tests.functions import imports

OURS, NUMERIC = {"tenantml", "tenantml_analysis", "tenantml_pages", "functions"}, {"numpy"}
# Whom each layer may import, itself included; the edge is what handlers are wrapped in.
BASE = ("tenantml.errors", "tenantml.settings")
DOMAIN = ("tenantml.domain", "tenantml.errors")
AWS = (*BASE, "tenantml.domain", "tenantml.aws")
SERVICES = (*AWS, "tenantml.services")
EDGE = (*SERVICES, "tenantml.entrypoint", "tenantml.http", "tenantml.api")
# What all modules of `aws` share; and `lambda` is a word of Python.
BESIDE_THE_SERVICES = {"__init__", "clients", "error_codes", "lambda_functions"}


def top(module: str) -> str:
    return module.partition(".")[0]


def reaching_up(folder: Path, allowed: tuple[str, ...]) -> list[str]:
    """The imports in a folder of what stands above it."""
    paths = list(folder.rglob("*.py"))
    assert len(paths) > 5
    return [
        f"{path.relative_to(folder)} imports {module}"
        for path in paths
        for module in imports(path)
        if top(module) in OURS and not module.startswith(allowed)
    ]


@pytest.fixture(scope="module")
def package(repository: Path) -> Path:
    return repository / "layers" / "core" / "tenantml"


@pytest.fixture(scope="module")
def analysis(repository: Path) -> Path:
    return repository / "layers" / "analysis" / "tenantml_analysis"


def test_each_layer_imports_itself_and_what_is_below(package: Path, analysis: Path, repository: Path) -> None:
    assert reaching_up(package / "domain", DOMAIN) == []
    assert reaching_up(package / "aws", AWS) == []
    assert reaching_up(package / "services", SERVICES) == []
    assert reaching_up(analysis, (*DOMAIN, "tenantml_analysis")) == []
    assert reaching_up(repository / "layers" / "pages", ("tenantml_pages",)) == []
    assert reaching_up(repository / "functions", (*EDGE, "tenantml_analysis", "tenantml_pages")) == []


def test_the_domain_and_the_analysis_import_the_standard_library_besides(package: Path, analysis: Path) -> None:
    for folder, also in ((package / "domain", set()), (analysis, NUMERIC)):
        for path in folder.rglob("*.py"):
            for module in imports(path):
                known = sys.stdlib_module_names | also
                assert top(module).startswith("tenantml") or top(module) in known, f"{path} imports {module}"


def test_the_domain_and_the_analysis_ask_neither_the_environment_nor_the_disk_nor_the_network(
    package: Path, analysis: Path
) -> None:
    for folder in (package / "domain", analysis):
        for path in folder.rglob("*.py"):
            modules = {top(module) for module in imports(path)}
            assert not modules & {"os", "pathlib", "socket", "subprocess", "urllib3", "http", "tempfile"}, path


def test_only_the_analysis_is_numeric(package: Path, repository: Path) -> None:
    for folder in (package, repository / "functions"):
        for path in folder.rglob("*.py"):
            assert not {top(module) for module in imports(path)} & NUMERIC, path


def test_errors_import_each_other_alone(package: Path) -> None:
    modules = {module for path in (package / "errors").glob("*.py") for module in imports(path)}
    assert {top(module) for module in modules} == {"__future__", "collections", "tenantml"}
    assert {module for module in modules if top(module) == "tenantml" and ".errors." not in module} == set()


def test_only_the_aws_layer_speaks_to_botocore(package: Path, repository: Path) -> None:
    speaking = {
        path.relative_to(repository)
        for folder in (package, repository / "functions", repository / "layers" / "analysis")
        for path in folder.rglob("*.py")
        if "botocore" in {top(module) for module in imports(path)}
    }
    assert {path.parts[:4] for path in speaking} == {("layers", "core", "tenantml", "aws")}, sorted(speaking)


def test_the_aws_layer_has_one_module_for_each_service(package: Path) -> None:
    services = {name.replace("-", "_") for name in botocore.session.get_session().get_available_services()}
    modules = {path.stem for path in (package / "aws").iterdir() if path.name != "__pycache__"}
    assert modules - BESIDE_THE_SERVICES <= services


def test_no_module_is_called_the_same_in_two_layers(package: Path, analysis: Path) -> None:
    layers = [
        {path.stem for path in folder.rglob("*.py")} - {"__init__"}
        for folder in (package / "domain", package / "services", package / "aws", analysis)
    ]
    names = sorted(name for layer in layers for name in layer)
    assert [name for name in set(names) if names.count(name) > 1] == []


def test_functions_import_the_package_the_standard_library_and_powertools(repository: Path) -> None:
    for path in (repository / "functions").rglob("*.py"):
        for module in imports(path):
            known = sys.stdlib_module_names | {
                "tenantml",
                "tenantml_analysis",
                "tenantml_pages",
                "aws_lambda_powertools",
            }
            assert top(module) in known, f"{path} imports {module}"


def test_one_module_assumes_roles_for_the_customers_broker_and_for_a_tenants_scope(package: Path) -> None:
    assuming = {
        str(path.relative_to(package)) for path in package.rglob("*.py") if "client.assume_role(" in path.read_text()
    }
    assert assuming == {"aws/sts.py"}
    asking = {str(path.relative_to(package)) for path in package.rglob("*.py") if "tenantml.aws.sts" in imports(path)}
    assert asking == {"services/customer.py", "services/tenant_scope.py"}
    assert "access_role_arn" not in (package / "services" / "tenant_scope.py").read_text()


def test_nothing_that_is_deployed_knows_of_the_embedded_cloud(repository: Path) -> None:
    looked_at = 0
    for folder in ("functions", "layers", "statemachine", "onboarding"):
        for path in (repository / folder).rglob("*"):
            if not path.is_file() or path.suffix not in {".py", ".json", ".yaml"}:
                continue
            looked_at += 1
            text = path.read_text()
            assert not re.search(r"ministack|embedded|localhost|127\.0\.0\.1|endpoint_url", text, re.IGNORECASE), path
            if path.suffix == ".py":
                assert not [module for module in imports(path) if top(module) in {"local", "tools", "tests"}], path
    assert looked_at > 60


def test_the_command_line_imports_nothing_that_is_not_installed(repository: Path) -> None:
    paths = list((repository / "cli").rglob("*.py"))
    assert len(paths) > 5
    for path in paths:
        assert not [name for name in imports(path) if top(name) in {"local", "functions", "tools", "tests"}], path
