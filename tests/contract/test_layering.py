"""Dependencies point towards the domain, and nothing that is deployed knows of the embedded cloud."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

NUMERIC = {"numpy"}  # for the inspection alone: it is not in the layer that other functions load


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(module: str) -> str:
    return module.partition(".")[0]


@pytest.fixture(scope="module")
def package(repository: Path) -> Path:
    return repository / "layers" / "core" / "tenantml"


def test_the_domain_imports_the_standard_library_itself_and_the_errors(package: Path) -> None:
    paths = list((package / "domain").rglob("*.py"))
    assert len(paths) > 20
    for path in paths:
        inspection = "inspection" in path.parent.parts
        for module in imports(path):
            ours = module.startswith(("tenantml.domain", "tenantml.errors"))
            numeric = inspection and top(module) in NUMERIC
            assert ours or numeric or top(module) in sys.stdlib_module_names, f"{path} imports {module}"


def test_the_domain_asks_neither_the_environment_nor_the_disk_nor_the_network(package: Path) -> None:
    for path in (package / "domain").rglob("*.py"):
        modules = {top(module) for module in imports(path)}
        assert not modules & {"os", "pathlib", "socket", "subprocess", "urllib3", "http", "tempfile"}, path


def test_only_the_inspection_is_numeric(package: Path) -> None:
    for path in package.rglob("*.py"):
        numeric = {top(module) for module in imports(path)} & NUMERIC
        assert not numeric or path.parent == package / "domain" / "inspection", path


def test_errors_import_nothing(package: Path) -> None:
    assert set(imports(package / "errors.py")) == {"__future__.annotations"}


def test_adapters_do_not_know_who_calls_them(package: Path) -> None:
    for path in (package / "aws").rglob("*.py"):
        assert not [module for module in imports(path) if module.startswith(("tenantml.entrypoint", "tenantml.http"))]


def test_functions_import_the_package_the_standard_library_and_powertools(repository: Path) -> None:
    for path in (repository / "functions").glob("*/app.py"):
        for module in imports(path):
            known = top(module) in sys.stdlib_module_names | {"tenantml", "aws_lambda_powertools"}
            assert known, f"{path} imports {module}"


def test_one_module_assumes_roles_in_customers_accounts(package: Path) -> None:
    assuming = {path.name for path in package.rglob("*.py") if ".assume_role(" in path.read_text()}
    assert "customer.py" in assuming
    # The other one scopes our own rows to one tenant: it assumes a role of ours.
    assert assuming <= {"customer.py", "tenant_scope.py"}


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
