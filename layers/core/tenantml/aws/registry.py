"""The registry: one table that says who the tenants are, what their models are, and how every upload ended.

| pk | sk | what |
|---|---|---|
| `TENANT#{tenant}` | `TENANT` | the tenant |
| `TENANT#{tenant}` | `MODEL#{model}` | settings, the live version, the newest upload |
| `TENANT#{tenant}` | `EXECUTION#{execution}` | one upload and its outcome |
| `TENANT#{tenant}` | `VERSION#{model}#{version}` | one deployed training |
| `TENANT#{tenant}` | `KEY#{sha256}` | one of its API keys, to be listed |
| `ACCOUNT#{account}` | `ACCOUNT` | which tenant has this customer's account |
| `KEY#{sha256}` | `KEY` | whose API key this is, and until when |
| `TENANTS` | `TENANT#{tenant}` | that there is such a tenant, for those who look at all of them |

Everything of a tenant is under one partition key, so that credentials can be scoped to it (`dynamodb:LeadingKeys`):
inside `tenant_scope.scoped_to(tenant)` every call is made with such credentials, and reaches nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tenantml.aws import tenant_scope
from tenantml.aws.clients import error_code
from tenantml.aws.dynamodb import from_item, to_item, to_value
from tenantml.domain.models import ModelSettings
from tenantml.domain.pagination import Page, PageRequest
from tenantml.domain.tenants import Tenant
from tenantml.errors import InvalidRequest, NotFound, RegistrationConflict, TenantNotFound, UploadSuperseded
from tenantml.settings import setting

UPLOADS_INDEX = "uploads"  # by tenant and time of upload; only executions are in it
NOBODY = "-"  # the partition of uploads that belong to no tenant
DIRECTORY = "TENANTS"
TOMBSTONE = ("execution", "tenant", "model", "version", "status", "started_at", "ended_at", "created_at")


def now() -> str:
    """Return the time as the registry writes it: ISO 8601, UTC, seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _key(pk: str, sk: str) -> dict[str, Any]:
    return to_item({"pk": pk, "sk": sk})


def _get(pk: str, sk: str, consistent: bool = True) -> dict[str, Any] | None:
    answer = tenant_scope.dynamodb().get_item(
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
    return _holds(tenant_scope.dynamodb().put_item, request)


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
    return _holds(tenant_scope.dynamodb().update_item, request)


def _holds(call: Any, request: dict[str, Any]) -> bool:
    try:
        call(**request)
    except ClientError as error:
        if error_code(error) == "ConditionalCheckFailedException":
            return False
        raise
    return True


def _query(pk: str, prefix: str = "", newest_first: bool = False) -> list[dict[str, Any]]:
    beginning = {":prefix": prefix} if prefix else {}
    pages = (
        tenant_scope.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=setting("REGISTRY_TABLE"),
            KeyConditionExpression="pk = :pk" + (" AND begins_with(sk, :prefix)" if prefix else ""),
            ExpressionAttributeValues=to_item({":pk": pk, **beginning}),
            ScanIndexForward=not newest_first,
            ConsistentRead=True,
        )
    )
    return [from_item(item) for page in pages for item in page["Items"]]


def _page(
    pk: str,
    prefix: str,
    page: PageRequest,
    *,
    newest_first: bool = False,
    index: str = "",
    wanted: Callable[[dict[str, Any]], bool] = bool,
) -> Page:
    """Return at most `page.limit` wanted rows of a kind, in the order of their sort keys or of an index on
    `uploaded_at`.

    Raises:
        InvalidRequest: the page's position is not one in such a list.
    """
    sort_keys = {"sk", "uploaded_at"} if index else {"sk"}
    request: dict[str, Any] = {
        "TableName": setting("REGISTRY_TABLE"),
        "KeyConditionExpression": "pk = :pk" if index else "pk = :pk AND begins_with(sk, :prefix)",
        "ExpressionAttributeValues": to_item({":pk": pk} | ({} if index else {":prefix": prefix})),
        "ScanIndexForward": not newest_first,
        # A page and the row after it; filtered lists read on in larger pieces.
        "Limit": page.limit + 1,
    } | ({"IndexName": index} if index else {"ConsistentRead": True})
    if page.after is not None:
        after = page.after
        if after.keys() != sort_keys or not after["sk"].startswith(prefix) or len(json.dumps(after)) > 1024:
            raise InvalidRequest("next_token: not a token of this list; start without one")
        request["ExclusiveStartKey"] = to_item({"pk": pk, **after})
    found: list[dict[str, Any]] = []
    while True:
        answer = tenant_scope.dynamodb().query(**request)
        found += [row for row in map(from_item, answer["Items"]) if wanted(row)]
        if len(found) > page.limit:
            found = found[: page.limit]
            return Page(found, {name: found[-1][name] for name in sort_keys})
        if "LastEvaluatedKey" not in answer:
            return Page(found, None)
        request |= {"ExclusiveStartKey": answer["LastEvaluatedKey"], "Limit": 200}


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
        {"pk": DIRECTORY, "sk": f"TENANT#{tenant.tenant}"},
    ]
    try:
        tenant_scope.dynamodb().transact_write_items(
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


def list_tenants() -> list[Tenant]:
    """Return every registered tenant, in the order of their names."""
    names = [row["sk"].removeprefix("TENANT#") for row in _query(DIRECTORY, "TENANT#")]
    return [tenant for tenant in map(find_tenant, names) if tenant]


def set_tenant_status(
    tenant: str, status: str, reason: str = "", *, held: bool = False, was: str | None = None
) -> bool:
    """Activate, suspend or retire a tenant, with the reason that a person will read.

    `held` means that an operator suspends it, so that no probe lifts that. With `was` only a tenant of that status is
    changed: say whether it was.
    """
    values = {"status": status, "reason": reason, "held": held, "status_at": now()}
    if was is None:
        return _update(f"TENANT#{tenant}", "TENANT", values, "attribute_exists(pk)")
    return _update(f"TENANT#{tenant}", "TENANT", values, "#0 = :was", was=was)  # #0 is `status`, a reserved word


def note_probe(tenant: str) -> None:
    """Remember that the tenant's access role was probed just now."""
    _update(f"TENANT#{tenant}", "TENANT", {"probed_at": now()}, "attribute_exists(pk)")


def add_key(key_hash: str, tenant: str) -> None:
    """Store an API key's SHA-256, where it is looked up and where it is listed, both or neither."""
    table, created_at = setting("REGISTRY_TABLE"), now()
    rows = [
        {"pk": f"KEY#{key_hash}", "sk": "KEY", "tenant": tenant, "created_at": created_at},
        {"pk": f"TENANT#{tenant}", "sk": f"KEY#{key_hash}", "created_at": created_at},
    ]
    tenant_scope.dynamodb().transact_write_items(
        TransactItems=[{"Put": {"TableName": table, "Item": to_item(row)}} for row in rows]
    )


def find_key(key_hash: str) -> dict[str, Any] | None:
    """Return the row of the key with this SHA-256 (`tenant`, and `expires_at` once it is being replaced), or None."""
    return _get(f"KEY#{key_hash}", "KEY")


def list_keys(tenant: str) -> dict[str, dict[str, Any]]:
    """Return the tenant's keys by their SHA-256: when each was made, and when it ends if it does."""
    return {row["sk"].removeprefix("KEY#"): row for row in _query(f"TENANT#{tenant}", "KEY#")}


def expire_key(key_hash: str, tenant: str, expires_at: str) -> None:
    """Let a key end at a time, where it is looked up first."""
    _update(f"KEY#{key_hash}", "KEY", {"expires_at": expires_at}, "attribute_exists(pk)")
    _update(f"TENANT#{tenant}", f"KEY#{key_hash}", {"expires_at": expires_at}, "attribute_exists(pk)")


def remove_key(key_hash: str, tenant: str) -> None:
    """Forget a key, where it is looked up first."""
    for pk, sk in ((f"KEY#{key_hash}", "KEY"), (f"TENANT#{tenant}", f"KEY#{key_hash}")):
        tenant_scope.dynamodb().delete_item(TableName=setting("REGISTRY_TABLE"), Key=_key(pk, sk))


def rows_of(tenant: str, model: str | None = None) -> list[dict[str, Any]]:
    """Return every row of the tenant but its own, or those of one model; tombstones left out."""
    rows = [row for row in _query(f"TENANT#{tenant}") if row["sk"] != "TENANT" and "removed_at" not in row]
    if model is None:
        return rows
    return [
        row
        for row in rows
        if row["sk"] == f"MODEL#{model}"
        or row["sk"].startswith(f"VERSION#{model}#")
        or (row["sk"].startswith(("EXECUTION#", "UPLOAD#")) and row.get("model") == model)
    ]


def forget(tenant: str, model: str | None = None, *, tombstones: bool = False) -> int:
    """Delete the rows of a tenant, its account's claim included, or those of one model; return how many there were.

    With `tombstones` it stays known that there was such a tenant, such an execution and such a version, and nothing
    else of them: its id is not given away again.
    """
    rows, found = rows_of(tenant, model), find_tenant(tenant)
    for row in rows:
        if row["sk"].startswith("KEY#"):
            _delete(row["sk"], "KEY")
        kept = {name: row[name] for name in TOMBSTONE if name in row}
        if tombstones and row["sk"].startswith(("EXECUTION#", "VERSION#")):
            _put(row["pk"], row["sk"], {**kept, "upload": {"key": ""}, "removed_at": now()})
        else:
            _delete(row["pk"], row["sk"])
    if model is not None or found is None:
        return len(rows)
    _delete(f"ACCOUNT#{found.account_id}", "ACCOUNT")
    _delete(DIRECTORY, f"TENANT#{tenant}")
    if tombstones:
        _put(f"TENANT#{tenant}", "TENANT", {**found.as_document(), "contact": "", "removed_at": now()})
    else:
        _delete(f"TENANT#{tenant}", "TENANT")
    return len(rows) + 3


def remove_model(tenant: str, model: str) -> None:
    """Delete a model's row, so that it neither answers nor is trained; its executions and versions stay."""
    _delete(f"TENANT#{tenant}", f"MODEL#{model}")


def _delete(pk: str, sk: str) -> None:
    tenant_scope.dynamodb().delete_item(TableName=setting("REGISTRY_TABLE"), Key=_key(pk, sk))


# models and versions


def put_model(tenant: str, model: str, settings: ModelSettings, expected: int | None = None) -> int | None:
    """Write a model's settings and return their revision, 1 for the first; its live version stays.

    With an `expected` revision (0: no such model yet), None is returned when the model has another.
    """
    request = {
        "TableName": setting("REGISTRY_TABLE"),
        "Key": _key(f"TENANT#{tenant}", f"MODEL#{model}"),
        "UpdateExpression": "SET model = :model, settings = :settings, updated_at = :now ADD revision :one",
        "ReturnValues": "UPDATED_NEW",
    }
    values = {":model": model, ":settings": settings.as_document(), ":now": now(), ":one": 1}
    if expected is not None:
        request["ConditionExpression"] = "revision = :expected" if expected else "attribute_not_exists(pk)"
        values |= {":expected": expected} if expected else {}
    try:
        answer = tenant_scope.dynamodb().update_item(**request, ExpressionAttributeValues=to_item(values))
    except ClientError as error:
        if error_code(error) == "ConditionalCheckFailedException":
            return None
        raise
    revision: int = from_item(answer["Attributes"])["revision"]
    return revision


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


def list_models(tenant: str, page: PageRequest) -> Page:
    """Return a page of the tenant's models, by name."""
    return _page(f"TENANT#{tenant}", "MODEL#", page)


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


def list_versions(tenant: str, model: str, page: PageRequest) -> Page:
    """Return a page of a model's versions, newest first."""
    return _page(f"TENANT#{tenant}", f"VERSION#{model}#", page, newest_first=True)


def is_live(tenant: str, model: str, version: str) -> bool:
    """Say whether this version is the one that answers."""
    row = find_model(tenant, model)
    return row is not None and row.get("live_version") == version


def promote(tenant: str, model: str, version: str) -> str | None:
    """Make `version` the one that answers, in one conditional write; return the version that was live before.

    Versions sort by the time of their upload. Promoting what is live already changes nothing, also when that was this
    very write, whose reply was lost.

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
        "attribute_exists(pk) AND (attribute_not_exists(live_version) OR live_version <= :version)",
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
        {
            "execution": execution,
            "status": "running",
            "started_at": now(),
            "uploaded_at": document["upload"]["uploaded_at"],
            **document,
        },
        "attribute_not_exists(pk)",
    )


def update_execution(tenant: str, execution: str, values: dict[str, Any]) -> None:
    """Note the progress of an execution that the registry knows; off-boarding may have removed it meanwhile."""
    _update(f"TENANT#{tenant}", f"EXECUTION#{execution}", values, "attribute_exists(pk)")


def end_execution(tenant: str, execution: str, values: dict[str, Any]) -> bool:
    """Write how an execution ended, once; say False when it had ended before."""
    return _update(
        f"TENANT#{tenant}",
        f"EXECUTION#{execution}",
        {
            "execution": execution,
            **values,
            "uploaded_at": values["upload"]["uploaded_at"],  # a refused upload's row begins here
            "ended_at": now(),
        },
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


def list_executions(tenant: str, page: PageRequest, wanted: Callable[[dict[str, Any]], bool]) -> Page:
    """Return a page of the tenant's executions, the newest upload first, of those that are `wanted`."""
    return _page(f"TENANT#{tenant}", "EXECUTION#", page, newest_first=True, index=UPLOADS_INDEX, wanted=wanted)
