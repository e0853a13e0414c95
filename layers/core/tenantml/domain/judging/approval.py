"""Approval: a person's word on a version that the gate leaves to a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tenantml.errors import InvalidRequest, TenantMLError

DECISIONS = APPROVE, REFUSE = "approve", "refuse"
TIMED_OUT = "timed out"
"""What an approval comes to when nobody decides."""
OPERATOR = "operator"
"""Who decided, when it was no API key of the tenant's."""
REASON_BYTES = 900


@dataclass(frozen=True)
class Decision:
    """What somebody decided, and why: the tenant's own text, which is neither logged nor published."""

    decision: str
    reason: str = ""

    @classmethod
    def from_document(cls, document: Mapping[str, Any], refusal: type[TenantMLError] = InvalidRequest) -> Decision:
        """Read `{"decision", "reason"}`; the reason may be left out.

        Raises:
            InvalidRequest: it is malformed; or whatever `refusal` is.
        """
        decision, reason = document.get("decision"), document.get("reason", "")
        if document.keys() - {"decision", "reason"} or decision not in DECISIONS:
            raise refusal(f'expected {{"decision": "…"}}, one of {", ".join(DECISIONS)}, and optionally a reason')
        if not isinstance(reason, str) or len(reason.encode()) > REASON_BYTES:
            raise refusal(f"reason: expected text of at most {REASON_BYTES} bytes")
        return cls(str(decision), reason)
