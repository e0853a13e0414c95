"""Tenants and what they have, read by the product's own code, and endpoints in every account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from local.console.deployed import Deployed, client, own_account
from local.console.executions import iso
from tenantml.domain.api.pagination import MAX_LIMIT, Page, PageRequest
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.services import grants, receipts, registry, served

# What a tenant's row shows; its external id is a secret between the customer and us.
_TENANT = ("tenant", "status", "reason", "held", "status_at", "account_id", "region", "contact", "prefix")
_VERSION = (
    "version",
    "status",
    "execution",
    "objective",
    "candidate",
    "endpoint",
    "created_at",
    "promoted_at",
    "ended_at",
    "error",
)

Row = dict[str, Any]


def everything() -> list[Row]:
    """Return every tenant with its models, and every model with its versions."""
    return [
        {name: getattr(tenant, name) for name in _TENANT}
        | {
            "probed_at": registry.probed_at(tenant.tenant),
            "models": [_model(tenant, row) for row in _all(registry.list_models, tenant.tenant)],
        }
        for tenant in registry.list_tenants()
    ]


def _model(tenant: Tenant, row: Row) -> Row:
    name, live = row["model"], row.get("live_version")
    versions = registry.all_versions(tenant.tenant, name)
    return {
        "model": name,
        "live_version": live,
        "settings": row["settings"],
        "turn": (row.get("turn") or {}).get("execution"),
        "versions": [_version(tenant.tenant, each, live) for each in versions],
    }


def _version(tenant: str, row: Row, live: str | None) -> Row:
    counted = served.of(tenant, row["model"], row["version"])
    return {name: row.get(name) for name in _VERSION} | {
        "live": row["version"] == live,
        "verdict": (row.get("verdict") or {}).get("decision"),
        "served": {"requests": counted.requests, "failures": counted.failures, "mean_ms": counted.mean_ms},
    }


def endpoints() -> list[Row]:
    """Return the endpoints in the stack's account and in those of all tenants, as SageMaker lists them."""
    accounts = sorted({own_account(), *(tenant.account_id for tenant in registry.list_tenants())})
    return [
        {
            "account_id": account,
            "endpoint": each["EndpointName"],
            "status": each["EndpointStatus"],
            "created_at": iso(each["CreationTime"]),
        }
        for account in accounts
        for page in client("sagemaker", account).get_paginator("list_endpoints").paginate()
        for each in page["Endpoints"]
    ]


def standing_grants() -> list[Row]:
    """Return the grants in the ledger: which role of a customer may read what, and until when."""
    return [
        {
            "execution": each.grant_id,
            "role_arn": each.role_arn,
            "path": each.path,
            "kind": each.kind,
            "expires_at": iso(datetime.fromtimestamp(each.expires_at, UTC)),
        }
        for each in grants.standing()
    ]


def refused_uploads() -> list[Row]:
    """Return the uploads that came to no training, the newest first, and why; with those that belong to no tenant."""
    names = [registry.NOBODY, *(tenant.tenant for tenant in registry.list_tenants())]
    rows = [
        {
            "tenant": name,
            "execution": row["execution"],
            "key": row.get("upload", {}).get("key"),
            "size_bytes": row.get("upload", {}).get("size_bytes"),
            "uploaded_at": row.get("uploaded_at"),
            "status": row["status"],
            "error": row["error"],
        }
        for name in names
        for row in _all(_executions, name)
        if row.get("error") and not row.get("training")
    ]
    return sorted(rows, key=lambda row: str(row["uploaded_at"]), reverse=True)


def dead_letters(deployed: Deployed) -> int:
    """Return how many uploads wait in the dead-letter queue."""
    answer = client("sqs").get_queue_attributes(
        QueueUrl=deployed.resources["UploadDeadLetterQueue"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def receipts_of(tenant: str) -> list[Row]:
    """Return the tenant's receipts by their chains: how many calls each has, and the hash of the last."""
    ends = ((row["execution"], receipts.read_head(tenant, row["execution"])) for row in _all(_executions, tenant))
    of_executions = {execution: (head.count, head.hash) for execution, head in ends if head and head.count}
    others = {chain: (head.count, head.hash) for chain, head in receipts.chains(tenant).items()}
    return [{"chain": chain, "count": count, "head": head} for chain, (count, head) in (of_executions | others).items()]


def receipt(tenant: str, chain: str) -> Row | None:
    """Return a receipt with its entries, verified, or None when there is no such chain."""
    return receipts.read(tenant, chain)


def _executions(tenant: str, page: PageRequest) -> Page:
    return registry.list_executions(tenant, page, bool)


def _all(read: Callable[[str, PageRequest], Page], tenant: str) -> Iterator[Row]:
    page = PageRequest(MAX_LIMIT, None)
    while True:
        found = read(tenant, page)
        yield from found.rows
        if not found.after:
            return
        page = PageRequest(MAX_LIMIT, found.after)
