"""Tenants, and API keys by their hash."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tenantml.aws.error_codes import CONDITION_FAILED, AwsError, code_of
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.errors import RegistrationConflict, TenantNotFound
from tenantml.services import tenant_scope
from tenantml.services.registry import keys, table, webhooks

TOMBSTONE = ("execution", "tenant", "model", "version", "status", "started_at", "ended_at", "created_at")


def add_tenant(tenant: Tenant) -> None:
    """Register a tenant, list it and let it be probed: all of it or nothing.

    Raises:
        RegistrationConflict: the id is taken.
    """
    rows = [
        table.put_request(keys.tenant(tenant.tenant), tenant.as_document() | {"registered_at": table.now()}),
        table.put_request(keys.listed_tenant(tenant.tenant), {}),
        table.put_request(keys.probe(tenant.tenant), {"probed_at": ""}),
    ]
    try:
        tenant_scope.dynamodb().transact_write_items(
            TransactItems=[{"Put": row | {"ConditionExpression": "attribute_not_exists(pk)"}} for row in rows]
        )
    except AwsError as error:
        if code_of(error) in CONDITION_FAILED:
            raise RegistrationConflict(
                "this tenant id cannot be registered; choose another, or off-board the tenant that has it"
            ) from error
        raise


def find_tenant(tenant: str, consistent: bool = True) -> Tenant | None:
    """Return the tenant, or None."""
    row = table.get(keys.tenant(tenant), consistent)
    return Tenant.from_document(row) if row else None


def get_tenant(tenant: str) -> Tenant:
    """Return the tenant.

    Raises:
        TenantNotFound: it is not registered.
    """
    registered = find_tenant(tenant)
    if registered is None:
        raise TenantNotFound(f"there is no tenant {tenant!r}; register it first")
    return registered


def tenant_names() -> list[str]:
    """Return the names of all registered tenants, in their order: one query for ten thousand."""
    return [keys.name_of(row) for row in table.query(keys.listed_tenant(""))]


def each_tenant(page_rows: int = 1000) -> Iterator[Tenant]:
    """Yield every registered tenant, in the order of their names, of which a page is read when it is needed."""
    for row in table.each(keys.listed_tenant(""), page_rows):
        tenant = find_tenant(keys.name_of(row))
        if tenant:
            yield tenant


def list_tenants() -> list[Tenant]:
    """Return every registered tenant, in the order of their names."""
    return list(each_tenant())


def find_another_tenant(tenant: str) -> Tenant | None:
    """Return some tenant that is not this one, if there is any."""
    return next((other for other in each_tenant(page_rows=2) if other.tenant != tenant), None)


def set_tenant_status(
    tenant: str, status: str, reason: str = "", *, held: bool = False, was: str | None = None
) -> bool:
    """Activate, suspend or retire a tenant, with the reason that a person will read.

    `held` means that an operator suspends it, so that no probe lifts that. With `was`, only a tenant of that status is
    changed; return whether it was.
    """
    values = {"status": status, "reason": reason, "held": held, "status_at": table.now()}
    if was is None:
        return table.update(keys.tenant(tenant), values, "attribute_exists(pk)")
    return table.update(keys.tenant(tenant), values, "#0 = :was", was=was)  # #0 is `status`, a reserved word


def probed_at(tenant: str) -> str:
    """Return when the tenant's access roles were last probed (ISO 8601); empty before the first time."""
    return str((table.get(keys.probe(tenant)) or {}).get("probed_at", ""))


def note_probe(tenant: str) -> None:
    """Remember that the tenant's access roles were probed just now."""
    table.update(keys.probe(tenant), {"probed_at": table.now()}, "attribute_exists(pk)")


def add_key(key_hash: str, tenant: str) -> None:
    """Store an API key's SHA-256, where it is looked up and where it is listed, both or neither."""
    created_at = table.now()
    rows = [
        table.put_request(keys.api_key(key_hash), {"tenant": tenant, "created_at": created_at}),
        table.put_request(keys.key_of_tenant(tenant, key_hash), {"created_at": created_at}),
    ]
    tenant_scope.dynamodb().transact_write_items(TransactItems=[{"Put": row} for row in rows])


def find_key(key_hash: str) -> dict[str, Any] | None:
    """Return the row of the key with this SHA-256 (`tenant`, and `expires_at` once it is being replaced), or None."""
    return table.get(keys.api_key(key_hash))


def list_keys(tenant: str) -> dict[str, dict[str, Any]]:
    """Return the tenant's keys by their SHA-256: when each was made, and when it ends if it does."""
    return {keys.name_of(row): row for row in table.query(keys.key_of_tenant(tenant, ""))}


def expire_key(key_hash: str, tenant: str, expires_at: str) -> None:
    """Let a key end at a time, where it is looked up first."""
    table.update(keys.api_key(key_hash), {"expires_at": expires_at}, "attribute_exists(pk)")
    table.update(keys.key_of_tenant(tenant, key_hash), {"expires_at": expires_at}, "attribute_exists(pk)")


def remove_key(key_hash: str, tenant: str) -> None:
    """Forget a key, where it is looked up first."""
    table.delete(keys.api_key(key_hash))
    table.delete(keys.key_of_tenant(tenant, key_hash))


def rows_of(tenant: str, model: str | None = None) -> list[dict[str, Any]]:
    """Return every row of the tenant but its account and its usage, or those of one model; tombstones left out."""
    rows = [row for row in table.query(keys.of_tenant(tenant)) if "removed_at" not in row]
    if model is None:
        return rows
    executions = {row["execution"] for row in rows if keys.kind_of(row) == keys.EXECUTION and row.get("model") == model}
    return [
        row
        for row in rows
        if keys.of(row) == keys.model(tenant, model)
        or row["sk"].startswith(tuple(of(tenant, model, "").sk for of in (keys.version, keys.drift, keys.training)))
        or (keys.kind_of(row) in {keys.EXECUTION, keys.UPLOAD, keys.RESULT} and row.get("model") == model)
        or (keys.kind_of(row) == keys.RECEIPT_END and keys.name_of(row) in executions)
    ]


def forget(tenant: str, model: str | None = None, *, tombstones: bool = False) -> int:
    """Delete the rows of a tenant, or those of one model; return how many there were.

    With `tombstones`, the names of the tenant, its executions and its versions stay known, and nothing else of them:
    the tenant's id is never reused.
    """
    rows, registered = rows_of(tenant, model), find_tenant(tenant)
    if model is None:
        rows += table.query(keys.usage(tenant, ""))
    else:
        rows += [row for of in (keys.served, keys.binned) for row in table.query(of(tenant, model, ""))]
    for row in rows:
        if keys.kind_of(row) == keys.KEY:
            table.delete(keys.api_key(keys.name_of(row)))
        kept = {name: row[name] for name in TOMBSTONE if name in row}
        if tombstones and keys.kind_of(row) in {keys.EXECUTION, keys.VERSION}:
            table.put(keys.of(row), {**kept, "upload": {"key": ""}, "removed_at": table.now()})
        else:
            table.delete(keys.of(row))
    if model is not None:
        return len(rows)
    count = len(rows) + webhooks.forget_all(tenant)
    if registered is None:
        return count
    table.delete(keys.listed_tenant(tenant))
    if tombstones:
        table.put(keys.tenant(tenant), {**registered.as_document(), "contact": "", "removed_at": table.now()})
    else:
        table.delete(keys.tenant(tenant))
    return count + 2
