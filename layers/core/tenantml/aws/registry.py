"""The registry: one table that says who the tenants are, what their models are, and how every upload ended.

| pk | sk | what |
|---|---|---|
| `TENANT#{tenant}` | `TENANT` | the tenant |
| `TENANT#{tenant}` | `MODEL#{model}` | settings, the live version, the newest upload |
| `TENANT#{tenant}` | `EXECUTION#{execution}` | one upload and its outcome |
| `TENANT#{tenant}` | `VERSION#{model}#{version}` | one deployed training |
| `ACCOUNT#{account}` | `ACCOUNT` | which tenant has this customer's account |
| `KEY#{sha256}` | `KEY` | an API key's hash |

Everything of a tenant is under one partition key, so that credentials can be scoped to it (`dynamodb:LeadingKeys`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tenantml.aws.clients import error_code, platform
from tenantml.aws.dynamodb import from_item, to_item, to_value
from tenantml.domain.models import ModelSettings
from tenantml.domain.tenants import Tenant
from tenantml.errors import NotFound, RegistrationConflict, TenantNotFound, UploadSuperseded
from tenantml.settings import setting

NOBODY = "-"  # the partition of uploads that belong to no tenant


def now() -> str:
    """Return the time as the registry writes it: ISO 8601, UTC, seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _key(pk: str, sk: str) -> dict[str, Any]:
    return to_item({"pk": pk, "sk": sk})


def _get(pk: str, sk: str, consistent: bool = True) -> dict[str, Any] | None:
    answer = platform("dynamodb").get_item(
        TableName=setting("REGISTRY_TABLE"), Key=_key(pk, sk), ConsistentRead=consistent
    )
    return from_item(answer["Item"]) if "Item" in answer else None


def _put(pk: str, sk: str, document: dict[str, Any], condition: str | None = None) -> bool:
    """Write a row; with a condition, say whether it held."""
    request: dict[str, Any] = {
        "TableName": setting("REGISTRY_TABLE"),
        "Item": to_item({"pk": pk, "sk": sk, **document}),
    }
    if condition:
        request["ConditionExpression"] = condition
    return _holds(platform("dynamodb").put_item, request)


def _update(pk: str, sk: str, values: dict[str, Any], condition: str | None = None, **operands: Any) -> bool:
    """Set attributes of a row; with a condition (its operands as `:name`), say whether it held."""
    names = {f"#{index}": name for index, name in enumerate(values)}
    sets = ", ".join(f"#{index} = :{index}" for index in range(len(values)))
    request: dict[str, Any] = {
        "TableName": setting("REGISTRY_TABLE"),
        "Key": _key(pk, sk),
        "UpdateExpression": f"SET {sets}",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {f":{index}": to_value(value) for index, value in enumerate(values.values())}
        | {f":{name}": to_value(value) for name, value in operands.items()},
    }
    if condition:
        request["ConditionExpression"] = condition
    return _holds(platform("dynamodb").update_item, request)


def _holds(call: Any, request: dict[str, Any]) -> bool:
    try:
        call(**request)
    except ClientError as error:
        if error_code(error) == "ConditionalCheckFailedException":
            return False
        raise
    return True


def _query(pk: str, prefix: str, newest_first: bool = False) -> list[dict[str, Any]]:
    pages = (
        platform("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=setting("REGISTRY_TABLE"),
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=to_item({":pk": pk, ":prefix": prefix}),
            ScanIndexForward=not newest_first,
            ConsistentRead=True,
        )
    )
    return [from_item(item) for page in pages for item in page["Items"]]


# tenants and keys


def add_tenant(tenant: Tenant) -> None:
    """Register a tenant and claim its account, both or neither.

    Raises:
        RegistrationConflict: the id or the account is taken.
    """
    table = setting("REGISTRY_TABLE")
    rows = [
        {"pk": f"TENANT#{tenant.tenant}", "sk": "TENANT", **tenant.as_document(), "registered_at": now()},
        {"pk": f"ACCOUNT#{tenant.account_id}", "sk": "ACCOUNT", "tenant": tenant.tenant},
    ]
    try:
        platform("dynamodb").transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": to_item(row), "ConditionExpression": "attribute_not_exists(pk)"}}
                for row in rows
            ]
        )
    except ClientError as error:
        if error_code(error) == "TransactionCanceledException":
            raise RegistrationConflict(
                "this tenant id or this account cannot be registered; choose another id, or off-board the tenant "
                "that uses the account"
            ) from error
        raise


def find_tenant(tenant: str, consistent: bool = True) -> Tenant | None:
    """Return the tenant, or None."""
    row = _get(f"TENANT#{tenant}", "TENANT", consistent)
    return Tenant.from_document(row) if row else None


def get_tenant(tenant: str) -> Tenant:
    """Return the tenant.

    Raises:
        TenantNotFound: it is not registered.
    """
    found = find_tenant(tenant)
    if found is None:
        raise TenantNotFound(f"there is no tenant {tenant!r}; register it first")
    return found


def set_tenant_status(tenant: str, status: str, reason: str = "") -> None:
    """Activate, suspend or retire a tenant, with the reason that a person will read."""
    _update(
        f"TENANT#{tenant}", "TENANT", {"status": status, "reason": reason, "status_at": now()}, "attribute_exists(pk)"
    )


def add_key(key_hash: str, tenant: str) -> None:
    """Store an API key's SHA-256."""
    _put(f"KEY#{key_hash}", "KEY", {"tenant": tenant, "created_at": now()})
    _put(f"TENANT#{tenant}", f"KEY#{key_hash}", {"created_at": now()})


def find_key(key_hash: str) -> str | None:
    """Return the tenant whose key has this SHA-256, or None."""
    row = _get(f"KEY#{key_hash}", "KEY")
    return row["tenant"] if row else None


def remove_tenant(tenant: Tenant) -> list[str]:
    """Delete every row of the tenant and its account's claim; return the keys of the rows, secrets left out."""
    kinds = ("MODEL#", "EXECUTION#", "VERSION#", "KEY#")
    table, client = setting("REGISTRY_TABLE"), platform("dynamodb")
    removed = []
    for row in [row for kind in kinds for row in _query(f"TENANT#{tenant.tenant}", kind)]:
        if row["sk"].startswith("KEY#"):
            client.delete_item(TableName=table, Key=_key(row["sk"], "KEY"))
        client.delete_item(TableName=table, Key=_key(row["pk"], row["sk"]))
        removed.append(row["sk"] if not row["sk"].startswith("KEY#") else "KEY")
    client.delete_item(TableName=table, Key=_key(f"ACCOUNT#{tenant.account_id}", "ACCOUNT"))
    client.delete_item(TableName=table, Key=_key(f"TENANT#{tenant.tenant}", "TENANT"))
    return [*removed, "ACCOUNT", "TENANT"]


# models and versions


def put_model(tenant: str, model: str, settings: ModelSettings) -> None:
    """Write a model's settings; its live version stays."""
    _update(
        f"TENANT#{tenant}", f"MODEL#{model}", {"model": model, "settings": settings.as_document(), "updated_at": now()}
    )


def find_model(tenant: str, model: str, consistent: bool = True) -> dict[str, Any] | None:
    """Return the model's row (`settings`, `live_version`), or None."""
    return _get(f"TENANT#{tenant}", f"MODEL#{model}", consistent)


def get_model(tenant: str, model: str) -> dict[str, Any]:
    """Return the model's row.

    Raises:
        NotFound: the tenant has no such model.
    """
    found = find_model(tenant, model)
    if found is None:
        raise NotFound("there is no such model; PUT /models/{model} configures one")
    return found


def list_models(tenant: str) -> list[dict[str, Any]]:
    """Return the tenant's models."""
    return _query(f"TENANT#{tenant}", "MODEL#")


def note_newest_upload(tenant: str, model: str, uploaded_at: str, sequencer: str) -> bool:
    """Remember the model's newest upload; say False when a newer one is known already.

    S3 orders events of one key by `sequencer`; over different keys of a model the upload's time decides, and the
    sequencer breaks ties.
    """
    order = f"{uploaded_at} {sequencer.rjust(40, '0')}"
    return _update(
        f"TENANT#{tenant}",
        f"MODEL#{model}",
        {"newest_upload": order},
        "attribute_not_exists(newest_upload) OR newest_upload <= :order",
        order=order,
    )


def put_version(tenant: str, model: str, version: str, document: dict[str, Any]) -> None:
    """Write a version's row, over the same version's earlier attempt."""
    _put(f"TENANT#{tenant}", f"VERSION#{model}#{version}", {"model": model, "version": version, **document})


def update_version(tenant: str, model: str, version: str, values: dict[str, Any]) -> bool:
    """Change attributes of a version's row; say False when there is no such row."""
    return _update(f"TENANT#{tenant}", f"VERSION#{model}#{version}", values, "attribute_exists(pk)")


def find_version(tenant: str, model: str, version: str, consistent: bool = True) -> dict[str, Any] | None:
    """Return a version's row, or None."""
    return _get(f"TENANT#{tenant}", f"VERSION#{model}#{version}", consistent)


def list_versions(tenant: str, model: str) -> list[dict[str, Any]]:
    """Return a model's versions, newest first."""
    return _query(f"TENANT#{tenant}", f"VERSION#{model}#", newest_first=True)


def promote(tenant: str, model: str, version: str) -> str | None:
    """Make `version` the one that answers, in one conditional write; return the version that was live before.

    Versions sort by the time of their upload. Promoting what is live already changes nothing.

    Raises:
        NotFound: the model is gone.
        UploadSuperseded: a newer version is live.
    """
    row = get_model(tenant, model)
    previous: str | None = row.get("live_version")
    if previous == version:
        return row.get("previous_version")
    held = _update(
        f"TENANT#{tenant}",
        f"MODEL#{model}",
        {"live_version": version, "previous_version": previous, "promoted_at": now()},
        "attribute_exists(pk) AND (attribute_not_exists(live_version) OR live_version < :version)",
        version=version,
    )
    if not held:
        raise UploadSuperseded("a version trained from a newer upload is live already; this one was not promoted")
    return previous


# executions


def add_execution(tenant: str, execution: str, document: dict[str, Any]) -> None:
    """Make an upload visible, the first time that its execution runs; a repeat changes nothing."""
    _put(
        f"TENANT#{tenant}",
        f"EXECUTION#{execution}",
        {"execution": execution, "status": "running", "started_at": now(), **document},
        "attribute_not_exists(pk)",
    )


def update_execution(tenant: str, execution: str, values: dict[str, Any]) -> None:
    """Note an execution's progress."""
    _update(f"TENANT#{tenant}", f"EXECUTION#{execution}", values)


def end_execution(tenant: str, execution: str, values: dict[str, Any]) -> bool:
    """Write how an execution ended, once; say False when it had ended before."""
    return _update(
        f"TENANT#{tenant}",
        f"EXECUTION#{execution}",
        {"execution": execution, **values, "ended_at": now()},
        "attribute_not_exists(ended_at)",
    )


def find_execution(tenant: str, execution: str) -> dict[str, Any] | None:
    """Return an execution's row, or None."""
    return _get(f"TENANT#{tenant}", f"EXECUTION#{execution}")


def require_execution(tenant: str, execution: str) -> dict[str, Any]:
    """Return the row of an execution that runs.

    Raises:
        LookupError: there is none: a bug, for the first state writes it.
    """
    found = find_execution(tenant, execution)
    if found is None:
        raise LookupError(f"the registry has no execution {execution}")
    return found


def list_executions(tenant: str) -> list[dict[str, Any]]:
    """Return the tenant's executions, newest first."""
    return sorted(_query(f"TENANT#{tenant}", "EXECUTION#"), key=lambda row: str(row.get("started_at")), reverse=True)
