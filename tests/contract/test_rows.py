"""The keys of rows are built in one module, and no tenant's row is outside the tenant's partition."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from tenantml.services.registry import keys

BEGINNINGS_AND_KEYS_OF_ROWS = {"of", "of_tenant", "receipts", "webhooks"}
LISTED_FOR_ALL = {"listed_tenant"}
APART = {
    "tenant": "ACCOUNT#acme",
    "usage": "USAGE#acme",
    "served": "USAGE#acme",
    "binned": "USAGE#acme",
    "webhook": "WEBHOOK#acme",
    "webhook_delivery": "WEBHOOK#acme",
    "webhook_secret": "SECRET#acme",
}  # what others may write than the tenant's other rows


def keys_in(source: str) -> Iterator[str]:
    """What looks like a key of ours in the texts of a module, its docstrings left out."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield from re.findall(r"\b[A-Z]{3,}#", node.value)


def test_keys_are_built_in_one_module_and_tables_named_in_one_each(repository: Path) -> None:
    built: dict[str, set[str]] = {}
    for folder in ("layers", "functions"):
        for path in (repository / folder).rglob("*.py"):
            source = path.read_text()
            if any(keys_in(source)):
                built.setdefault("keys", set()).add(path.name)
            for table in re.findall(r'"(REGISTRY_TABLE|EVIDENCE_TABLE)"', source):
                built.setdefault(table, set()).add(path.name)
    assert built == {"keys": {"keys.py"}, "REGISTRY_TABLE": {"table.py"}, "EVIDENCE_TABLE": {"evidence.py"}}


def test_a_key_that_is_built_by_hand_is_found() -> None:
    assert list(keys_in('"""TENANT#{tenant}"""\nkey = f"TENANT#{tenant}"\nrow["sk"].startswith("KEY#")')) == [
        "TENANT#", "KEY#",
    ]  # fmt: skip


def test_every_kind_of_row_is_documented_with_its_table() -> None:
    builders = {
        name
        for name, found in inspect.getmembers(keys, inspect.isfunction)
        if inspect.get_annotations(found, eval_str=True).get("return") is keys.Key
    }
    assert builders - BEGINNINGS_AND_KEYS_OF_ROWS == {kind.__name__ for kind in keys.REGISTRY + keys.EVIDENCE}


def test_every_row_of_a_tenant_is_in_a_partition_that_its_credentials_reach() -> None:
    of_tenants = [
        kind
        for kind in keys.REGISTRY + keys.EVIDENCE
        if "tenant" in inspect.signature(kind).parameters and kind.__name__ not in LISTED_FOR_ALL
    ]
    assert len(of_tenants) > 10
    for kind in of_tenants:
        further = dict.fromkeys(inspect.signature(kind).parameters, 1) | {"tenant": "acme"}
        assert kind(**further).pk == APART.get(kind.__name__, "TENANT#acme"), kind
