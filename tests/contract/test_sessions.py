"""Roles are assumed in two modules: a customer's by the session broker, our own for one tenant's rows."""

from __future__ import annotations

from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]


def test_only_the_broker_and_the_tenants_scope_assume_roles() -> None:
    sources = [*(_REPOSITORY / "layers" / "core").rglob("*.py"), *(_REPOSITORY / "functions").rglob("*.py")]
    callers = {path.name for path in sources if ".assume_role(" in path.read_text(encoding="utf-8")}
    assert callers == {"customer.py", "tenant_scope.py"}


def test_a_tenants_scope_knows_no_customers_role() -> None:
    text = (_REPOSITORY / "layers/core/tenantml/aws/tenant_scope.py").read_text(encoding="utf-8")
    assert 'RoleArn=setting("TENANT_DATA_ROLE")' in text
    assert "access_role_arn" not in text
