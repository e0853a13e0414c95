"""Operator: print an access receipt or the report of a removal; both outlive the tenant."""

from __future__ import annotations

from typing import Any

from tenantml.domain.access.receipt_chain import as_text
from tenantml.domain.api import pagination
from tenantml.domain.tenancy import operator_requests
from tenantml.entrypoint import function
from tenantml.errors import NotFound
from tenantml.services import receipts, reports


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the receipt of `{"tenant", "receipt": chain}`, the report of `{"tenant", "removal": name}`, or for a
    tenant alone the names of both; an execution's name is its chain.

    A receipt comes in pages of a thousand entries, each verified as a whole: `next_token` brings the next one.
    """
    asked = operator_requests.read(event, dict.fromkeys(("receipt", "removal", "next_token"), str), tenant=str)
    tenant, chain, removal = asked["tenant"], asked.get("receipt"), asked.get("removal")
    if chain is None and removal is None:
        return {"receipts": sorted(receipts.chains(tenant)), "removals": reports.heads(tenant)}
    found = receipts.read(tenant, chain) if chain else reports.read(tenant, str(removal))
    if found is None:
        raise NotFound("there is no such receipt or report; the tenant alone lists their names")
    if not chain:
        return found
    token = {"next_token": asked["next_token"]} if "next_token" in asked else {}
    page = pagination.page_of(found["entries"], pagination.read(token, pagination.MAX_ENTRIES, pagination.MAX_ENTRIES))
    return found | {"entries": page.rows, "text": as_text(page.rows), "next_token": page.next_token}
