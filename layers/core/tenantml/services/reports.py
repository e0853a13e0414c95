"""Reports of removals: what became of each thing, noted as it happens, kept beyond the tenant's rows.

They are in the evidence table, from which no role of ours may delete.
"""

from __future__ import annotations

import secrets
from typing import Any

from tenantml.domain.tenancy import removal_report
from tenantml.domain.tenancy.removal_report import REMAINS, REMOVED, Offboarding
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.services import evidence
from tenantml.services.evidence import now
from tenantml.services.registry import keys


def heads(tenant: str) -> list[dict[str, Any]]:
    """Return the tenant's removals without their lists, oldest first."""
    rows = evidence.query(keys.removal(tenant, ""))
    return sorted(rows, key=lambda row: (str(row["started_at"]), int(row.get("number", 0))))


def latest(wanted: Offboarding, tenant: Tenant | None, *, ended: bool) -> dict[str, Any] | None:
    """Return the last removal of the same tenant or model that has ended, or that has not, or None.

    Of a tenant that is registered, only the removals of this registration: its id may have had another life before.
    """
    alike = [
        row
        for row in heads(wanted.tenant)
        if row["model"] == wanted.model
        and ("ended_at" in row) == ended
        and (tenant is None or row.get("registration") == tenant.registration)
    ]
    return alike[-1] if alike else None


def begin(wanted: Offboarding, tenant: Tenant) -> str:
    """Open a report and return its name; a removal that has not ended is resumed under the name that it has."""
    open_one = latest(wanted, tenant, ended=False)
    if open_one:
        return str(open_one["removal"])
    started_at = now()
    moment = started_at.translate(str.maketrans("", "", "-:"))
    removal = f"{wanted.model or 'all'}-{moment}-{secrets.token_hex(2)}"  # two may begin in one second
    document = {
        "removal": removal,
        "tenant": wanted.tenant,
        "model": wanted.model,
        "registration": tenant.registration,
        "account_id": tenant.account_id,
        "region": tenant.region,
        "started_at": started_at,
        "number": len(heads(wanted.tenant)) + 1,  # of two that begin in one second, the later
        "status": "running",
        "kept_on_wish": list(wanted.keep),
    }
    evidence.put(keys.removal(wanted.tenant, removal), document)
    return removal


def note(wanted: Offboarding, fate: str, arn: str, reason: str = "", objects: int = 0) -> None:
    """Write what became of one thing; a repetition adds its number of objects, and removal outdoes what was said."""
    key = keys.removed(wanted.tenant, wanted.removal, arn)
    before = evidence.get(key) or {}
    document: dict[str, Any] = {"arn": arn, "fate": fate, "at": now(), "reason": reason}
    if total := objects + int(before.get("objects", 0)):
        document |= {"objects": total}
    evidence.put(key, document)


def note_found(wanted: Offboarding, arn: str) -> None:
    """Note a thing before it is removed, so that no death and no lost reply keeps it out of the report; what is said of
    it already stands.
    """
    if evidence.get(keys.removed(wanted.tenant, wanted.removal, arn)) is None:
        note(wanted, REMAINS, arn, "was found, and its removal is not confirmed")


def settle(wanted: Offboarding, *beginnings: str) -> None:
    """Call removed what was said to remain and begins so, or all of it: it was listed again, and nothing was left."""
    for row in evidence.query(keys.removed(wanted.tenant, wanted.removal, "")):
        if row["fate"] == REMAINS and row["arn"].startswith(beginnings or ""):
            note(wanted, REMOVED, row["arn"], "was gone when everything was listed again")


def conclude(wanted: Offboarding, status: str) -> dict[str, Any]:
    """Write how the removal ended and return its report; one that is `incomplete` stays open, to be resumed."""
    head = evidence.get(keys.removal(wanted.tenant, wanted.removal)) or {}
    document = {**head, "status": status, "kept_on_wish": list(wanted.keep), "said_at": now()}
    if status != "incomplete":
        document["ended_at"] = now()
    whole = removal_report.report(document, evidence.query(keys.removed(wanted.tenant, wanted.removal, "")))
    evidence.put(keys.removal(wanted.tenant, wanted.removal), document | {"digest": whole["digest"]})
    return whole


def read(tenant: str, removal: str) -> dict[str, Any] | None:
    """Return a whole report, or None; its digest is computed anew, and `altered` says whether it was another."""
    head = evidence.get(keys.removal(tenant, removal))
    if head is None:
        return None
    whole = removal_report.report(head, evidence.query(keys.removed(tenant, removal, "")))
    return whole | {"altered": "digest" in head and head["digest"] != whole["digest"]}
