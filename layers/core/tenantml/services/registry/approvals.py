"""Approvals: which versions await one, and what was decided.

Every change of an approval changes the version's status with it, in one write that asks for the status as it was read.
So of two decisions at once one is written, and nobody decides about a version that is being removed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tenantml.domain.judging.approval import APPROVE, REFUSE, TIMED_OUT, Decision
from tenantml.domain.training.run import Run
from tenantml.errors import AlreadyDecided, NotAwaitingApproval, NotFound, PlatformUnavailable
from tenantml.services.registry import keys, table
from tenantml.services.registry.models import get_version
from tenantml.services.registry.pointer import ATTEMPTS, ENDED

AWAITING = "awaiting approval"
DECIDED = {APPROVE: "approved", REFUSE: "refused", TIMED_OUT: "approval timed out"}
UNDECIDED = {"decision": None, "decided_at": None, "by": None, "reason": None}

Row = dict[str, Any]


def ask_for_approval(run: Run, token: str, attempt: int, hours: int) -> Row:
    """Note that the run's version awaits an approval, and the token by which its execution goes on; return its row.

    A later attempt brings another token, and no more time. An earlier one that is still running then changes nothing.

    Raises:
        AlreadyDecided: somebody has decided on the token of an earlier attempt.
        NotFound: the version is gone, or is being removed.
    """
    for _ in range(ATTEMPTS):
        row = get_version(run.tenant, run.model, run.version)
        approval = row.get("approval") or _asked(hours)
        if approval["decision"]:
            raise AlreadyDecided("the version was decided on before")
        if row["status"] in ENDED:
            raise NotFound("the version is being removed")
        if row.get("approval_attempt", attempt) > attempt:
            return row
        asked = {"status": AWAITING, "approval": approval, "approval_token": token, "approval_attempt": attempt}
        if _write(run.tenant, row, asked, "(attribute_not_exists(#3) OR #3 <= :3)"):
            return get_version(run.tenant, run.model, run.version)
    raise _contended()


def decide(tenant: str, model: str, version: str, word: Decision, by: str) -> Row:
    """Write what `by` (the id of an API key, or the operator) decided, once, and return the version's row; the same
    decision again changes nothing. What is approved is from then on the newest word, as what is chosen by hand.

    Raises:
        AlreadyDecided: the opposite was decided.
        NotAwaitingApproval: the version awaits none, or no longer.
        NotFound: there is no such version.
    """
    row, now = get_version(tenant, model, version), table.now()
    if row["status"] == AWAITING and row["approval"]["until"] >= now:
        said = {"decision": word.decision, "decided_at": now, "by": by, "reason": word.reason}
        values = {"status": DECIDED[word.decision], "approval": row["approval"] | said}
        _write(tenant, row, values | ({"order": now} if word.decision == APPROVE else {}))
        row = get_version(tenant, model, version)
    decided = (row.get("approval") or UNDECIDED)["decision"]
    if decided in {None, TIMED_OUT}:
        raise NotAwaitingApproval(
            "the version awaits no approval: it was not asked for, its time is over, or its deployment has ended; GET "
            "the version to see its status"
        )
    if decided != word.decision:
        raise AlreadyDecided(f"the version is {DECIDED[decided]} already; GET the version to see by whom and when")
    return row


def close_approval(run: Run) -> Row:
    """Return what was decided of the run's version; what nobody decided is closed as timed out.

    Raises:
        NotFound: the version is gone, or is being removed.
    """
    for _ in range(ATTEMPTS):
        row = get_version(run.tenant, run.model, run.version)
        approval: Row = row.get("approval") or _asked(0)
        if approval["decision"]:
            return approval
        if row["status"] in ENDED:
            raise NotFound("the version is being removed")
        closed = approval | {"decision": TIMED_OUT, "decided_at": table.now()}
        if _write(run.tenant, row, {"status": DECIDED[TIMED_OUT], "approval": closed}):
            return closed
    raise _contended()


def _asked(hours: int) -> Row:
    until = datetime.now(UTC) + timedelta(hours=hours)
    return {"asked_at": table.now(), "until": until.strftime("%Y-%m-%dT%H:%M:%SZ"), **UNDECIDED}


def _write(tenant: str, row: Row, values: Row, condition: str = "") -> bool:
    """Change a version's row while its status (`#0`, the first of the values) is as it was read."""
    holds = " AND ".join(filter(None, ["#0 = :found", condition]))
    return table.update(keys.version(tenant, row["model"], row["version"]), values, holds, found=row["status"])


def _contended() -> PlatformUnavailable:
    return PlatformUnavailable("this version is being changed from several places; try again")
