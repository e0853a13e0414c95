"""The access receipt's storage: every call in a customer's account becomes an entry of a hash chain.

A client in a customer's account reports to its `Recorder` (`aws/clients.py`), so that no adapter can forget it: one
entry per request that was sent, retries included, as CloudTrail has them. Entries are in the evidence table, from which
no role of ours may delete.

An execution's head is in the registry until its execution goes, in a row of its own: the execution's has kilobytes,
which each call would write again. An entry and its head are written in one transaction, before the next call is made.
Entries may expire (`RECEIPT_DAYS`); heads stay. Predictions are counted, and the counts are written at
most every `FLUSH_SECONDS`, so that frequent predictions cost nothing.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger

from tenantml.aws.dynamodb import to_item
from tenantml.aws.error_codes import CONDITION_FAILED, CONFLICT, AnyFailure, AwsError, code_of
from tenantml.domain.access import receipt_chain
from tenantml.domain.access.receipt_chain import OK, Entry, Head
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.services import evidence, registry, tenant_scope
from tenantml.services.evidence import now
from tenantml.services.registry import keys, table

FLUSH_SECONDS = 5
COUNTED = {"sagemaker:InvokeEndpoint"}
ATTEMPTS = 8  # two writers of one chain are rare: a state, and the rescue of its stopped execution
KEPT_HEADS = 1000
RESOURCE = "tenantml-resource"  # where a call's context carries its resource from its parameters to its answer

logger = Logger(service="tenantml")


@lru_cache(maxsize=1)
def _process() -> str:
    return uuid.uuid4().hex[:8]


class Recorder:
    """What a client that tenants share calls before and after each request of a caller."""

    def __init__(self, tenant: Tenant, purpose: str, service: str):
        self._tenant, self._purpose, self._service = tenant, purpose, service
        self._counts: dict[tuple[str, ...], Entry] = {}
        self._written_at = 0.0
        self._lock = threading.Lock()

    def before(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Remember what the call is about."""
        context[RESOURCE] = receipt_chain.resource_of(self._tenant.account, self._service, params)

    def after(
        self,
        event_name: str,
        parsed_response: dict[str, Any] | None,
        exception: Exception | None,
        context: dict[str, Any],
        **_: Any,
    ) -> None:
        """Write the entry of a request that was answered, or not."""
        answer = parsed_response or {}
        call: Entry = {
            "time": now(),
            "action": f"{self._service}:{event_name.rsplit('.', 1)[-1]}",
            "resource": context.get(RESOURCE, ""),
            "session": self._purpose[:64],
            "request_id": answer.get("ResponseMetadata", {}).get("RequestId", ""),
            "outcome": type(exception).__name__ if exception else answer.get("Error", {}).get("Code", "") or OK,
            "count": 1,
        }
        with self._lock:
            if call["action"] in COUNTED:
                self._count(call)
            else:
                append(self._tenant.tenant, chain_of(self._tenant.tenant, self._purpose), [call])

    def _count(self, call: Entry) -> None:
        """Add to the count of identical calls; the first gives time and request id. A prediction never fails here."""
        key = (call["time"][:10], call["action"], call["resource"], call["outcome"])
        self._counts.setdefault(key, call | {"count": 0})["count"] += 1
        if time.monotonic() - self._written_at < FLUSH_SECONDS:
            return
        try:
            append(self._tenant.tenant, chain_of(self._tenant.tenant, self._purpose), list(self._counts.values()))
        except (*AnyFailure, LookupError):
            logger.exception("the receipt of predictions was not written; their counts are kept for the next one")
            return
        self._counts, self._written_at = {}, time.monotonic()


def chain_of(tenant: str, purpose: str) -> str:
    """Return the chain of a purpose: the execution's, or else one of this day and process, which nobody else writes."""
    if receipt_chain.is_execution(tenant, purpose):
        return purpose
    return f"{purpose}/{now()[:10]}/{_process()}"


_heads: dict[tuple[str, str], Head] = {}  # of the chains that this process wrote last; a guess that a condition checks


def append(tenant: str, chain: str, calls: list[Entry]) -> None:
    """Write the calls behind the chain's last entry, in one transaction with its head.

    Raises:
        LookupError: too many write the chain at once.
    """
    for _ in range(ATTEMPTS):
        known = _heads.get((tenant, chain))
        head, has_begun = (known, True) if known else _last_head(tenant, chain)
        entries, new = receipt_chain.append(head, calls)
        puts = [
            evidence.put_request(keys.receipt(tenant, chain, entry["number"]), entry | evidence.expires_at())
            | {"ConditionExpression": "attribute_not_exists(pk)"}
            for entry in entries
        ]
        try:
            tenant_scope.dynamodb().transact_write_items(
                TransactItems=[*({"Put": put} for put in puts), *_move_head(tenant, chain, head, new, has_begun)]
            )
        except AwsError as error:
            if code_of(error) not in CONDITION_FAILED | CONFLICT:
                raise
            if _heads.pop((tenant, chain), None) is None and not _is_on_registry(tenant, chain):
                # A chain of this process that it no longer knows, or an execution whose tenant was off-boarded.
                chain = f"{chain}/{uuid.uuid4().hex[:8]}"
            continue
        _heads[tenant, chain] = new
        while len(_heads) > KEPT_HEADS:
            del _heads[next(iter(_heads))]
        return
    raise LookupError(f"the receipt {chain} could not be written")


def _is_on_registry(tenant: str, chain: str) -> bool:
    return receipt_chain.is_execution(tenant, chain) and registry.find_execution(tenant, chain) is not None


def _last_head(tenant: str, chain: str) -> tuple[Head, bool]:
    """Return the end of an execution's chain, and whether it has a row of its own; any other chain that this process
    does not know begins now.
    """
    if receipt_chain.is_execution(tenant, chain):
        if head := _head_of(table.get(keys.end_of_receipt(tenant, chain))):
            return head, True
        if head := _head_of(registry.find_execution(tenant, chain)):  # of a version of ours that kept it there
            return head, False
    return receipt_chain.start_of(tenant, chain), False


def _head_of(row: dict[str, Any] | None) -> Head | None:
    return Head(row["receipt_count"], row["receipt_head"]) if row and "receipt_count" in row else None


def _move_head(tenant: str, chain: str, head: Head, new: Head, has_begun: bool) -> list[dict[str, Any]]:
    """Writes that hold only if the chain still ends where we expect; an execution without a row has no chain."""
    old = to_item({":old": head.hash})
    if not receipt_chain.is_execution(tenant, chain):
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(receipt_count)"}
        if head.count:
            condition = {"ConditionExpression": "receipt_head = :old", "ExpressionAttributeValues": old}
        return [{"Put": evidence.put_request(keys.head(tenant, chain), _head_row(chain, new)) | condition}]
    values = to_item({":count": new.count, ":head": new.hash})
    move = {
        **table.at(keys.end_of_receipt(tenant, chain)),
        "UpdateExpression": "SET receipt_count = :count, receipt_head = :head",
        "ConditionExpression": "receipt_head = :old" if has_begun else "attribute_not_exists(pk)",
        "ExpressionAttributeValues": values | (old if has_begun else {}),
    }
    if has_begun:
        return [{"Update": move}]
    begins = {
        **table.at(keys.execution(tenant, chain)),
        "UpdateExpression": "SET has_receipt = :yes",
        "ConditionExpression": "attribute_exists(pk) AND (attribute_not_exists(receipt_head) OR receipt_head = :old)",
        "ExpressionAttributeValues": old | to_item({":yes": True}),
    }
    return [{"Update": begins}, {"Update": move}]


def _head_row(chain: str, head: Head) -> dict[str, Any]:
    return {"chain": chain, "receipt_count": head.count, "receipt_head": head.hash}


def read_head(tenant: str, chain: str) -> Head | None:
    """Return where a chain ends, or None when there is no such chain."""
    row = registry.find_execution(tenant, chain) if receipt_chain.is_execution(tenant, chain) else None
    if row is None or "removed_at" in row:
        return _head_of(evidence.get(keys.head(tenant, chain)))
    return _last_head(tenant, chain)[0]


def keep_head(tenant: str, chain: str, head: Head) -> None:
    """Keep the head of an execution's chain beyond its row in the registry."""
    evidence.put(keys.head(tenant, chain), _head_row(chain, head))


def chains(tenant: str) -> dict[str, Head]:
    """Return the chains whose head is in the evidence table: all but those of executions that the registry knows."""
    return {
        row["chain"]: Head(row["receipt_count"], row["receipt_head"]) for row in evidence.query(keys.head(tenant, ""))
    }


def read(tenant: str, chain: str) -> dict[str, Any] | None:
    """Return `{chain, count, head, expired, faults, entries}` of a whole receipt, verified, or None when there is no
    such chain; `faults` is empty for one that is whole and unaltered, but for its first `expired` entries.
    """
    head = read_head(tenant, chain)
    if head is None:
        return None
    rows = evidence.query(keys.receipts(tenant, chain))
    newer = read_head(tenant, chain) or head
    entries = [
        {name: row[name] for name in receipt_chain.ENTRY if name in row}
        for row in rows
        if not head.count < row["number"] <= newer.count  # written while we read
    ]
    expired = _expired(rows, head)
    entries = [entry for entry in entries if entry["number"] > expired]
    return {
        "chain": chain,
        "count": head.count,
        "head": head.hash,
        "expired": expired,
        "faults": receipt_chain.verify(tenant, chain, entries, head, expired),
        "entries": entries,
    }


def _expired(rows: list[dict[str, Any]], head: Head) -> int:
    """Return how many of a chain's first entries are over: DynamoDB deletes them late, and not in their order."""
    now_seconds = time.time()
    over = max((row["number"] for row in rows if row.get(evidence.FORGET_AT, math.inf) <= now_seconds), default=0)
    stays = [row for row in rows if row["number"] > over]
    if over or not (evidence.kept_days() or any(evidence.FORGET_AT in row for row in stays)):
        return over
    return min((row["number"] for row in stays), default=head.count + 1) - 1
