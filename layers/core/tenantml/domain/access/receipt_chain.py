"""The access receipt: what was done in a customer's account, in entries that are chained by their hashes.

A chain holds all calls of one execution, or of one of our processes outside executions (predictions, probes,
removals). Every entry holds the hash of the one before it, the first that of the chain's own name; the number of
entries and the last hash are kept elsewhere. So a missing, altered, reordered, cut off or added entry shows.

An entry is `{number, time, action, resource, session, request_id, outcome, count, previous, hash}`: never a payload,
never a credential. `docs/receipts.md` describes how customers check it against their own CloudTrail.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tenantml.domain.names import CustomerAccount

OK = "OK"
SEEN = ("time", "action", "resource", "session", "request_id", "outcome", "count")
ENTRY = ("number", *SEEN, "previous", "hash")

Entry = dict[str, Any]


@dataclass(frozen=True)
class Head:
    """Where a chain ends: how many entries it has, and the hash of the last."""

    count: int
    hash: str


def is_execution(tenant: str, purpose: str) -> bool:
    """Return whether a session's purpose is an execution of the tenant, which has its own chain."""
    return re.fullmatch(rf"{re.escape(tenant)}-.*-[0-9a-f]{{16}}", purpose) is not None


def start_of(tenant: str, chain: str) -> Head:
    """Return the head of a chain without entries: its name's hash, so that entries of another chain never fit."""
    return Head(0, hashlib.sha256(f"tenantml receipt\n{tenant}\n{chain}".encode()).hexdigest())


def append(head: Head, calls: Sequence[Entry]) -> tuple[list[Entry], Head]:
    """Return the calls as entries that follow `head`, and the new head."""
    entries = []
    for call in calls:
        entry = {"number": head.count + 1, **{name: call[name] for name in SEEN}, "previous": head.hash}
        entry["hash"] = hash_of(entry)
        head = Head(head.count + 1, entry["hash"])
        entries.append(entry)
    return entries, head


def hash_of(entry: Entry) -> str:
    """Return the SHA-256 of an entry without its hash, as JSON with sorted keys and no spaces."""
    text = json.dumps(
        {name: entry[name] for name in ENTRY[:-1]}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def verify(tenant: str, chain: str, entries: Sequence[Entry], head: Head, expired: int = 0) -> list[str]:
    """Return what is wrong with a chain, entry by entry in words; an empty list means that it is whole and unaltered.

    `entries` are in the order in which they were returned; `head` is stored apart from them. The first `expired` are
    not expected any more: then the hashes of the others lead from the head back to the first that is left.
    """
    numbers = [int(entry["number"]) for entry in entries]
    faults = ["the entries are reordered"] if numbers != sorted(numbers) else []
    by_number: dict[int, Entry] = {}
    for number, entry in zip(numbers, entries, strict=True):
        if number in by_number or not 1 <= number <= head.count:
            faults.append(f"entry {number} was added: the chain has {head.count} entries, each once")
        else:
            by_number[number] = entry
    last = max(by_number, default=expired)
    if last < head.count:
        faults.append(f"the chain is truncated: it ends after entry {last} of {head.count}")
    previous: str | None = None if expired else start_of(tenant, chain).hash
    for number in range(expired + 1, last + 1):
        stored = by_number.get(number)
        if stored is None:
            faults.append(f"entry {number} is missing")
            previous = None
            continue
        if set(stored) != set(ENTRY) or hash_of(stored) != stored["hash"]:
            faults.append(f"entry {number} is altered: its hash is not that of its content")
        elif previous is not None and stored["previous"] != previous:
            faults.append(f"entry {number} does not follow the one before it: one of the two is altered")
        previous = stored.get("hash")
    if last > expired and last == head.count and previous != head.hash:
        faults.append(f"entry {last} is altered: its hash is not the one kept as the chain's end")
    return faults


def resource_of(account: CustomerAccount, service: str, parameters: dict[str, Any]) -> str:
    """Return the ARN that a call was about, from its parameters' names; the account's `*` when it names none.

    If a call names several, it is the one that the call creates or changes: CreateEndpoint's endpoint, not its
    configuration.
    """
    if service == "s3" and "Bucket" in parameters:
        key = f"/{parameters['Key']}" if "Key" in parameters else ""
        return f"arn:{account.partition}:s3:::{parameters['Bucket']}{key}"
    kinds = {
        "EndpointName": "endpoint",
        "EndpointConfigName": "endpoint-config",
        "ModelName": "model",
        "AutoMLJobName": "automl-job",
    }
    for name, kind in kinds.items():
        if service == "sagemaker" and name in parameters:
            return account.sagemaker_arn(kind, parameters[name])
    if service == "application-autoscaling":  # endpoint/NAME/variant/AllTraffic
        return account.sagemaker_arn("endpoint", str(parameters["ResourceId"]).split("/")[1])
    arns = [value for name, value in parameters.items() if name.endswith("Arn") and isinstance(value, str)]
    return arns[0] if arns else f"arn:{account.partition}:{service}:{account.region}:{account.account_id}:*"


def as_text(entries: Sequence[Entry]) -> str:
    """Return a receipt for people: one call a line."""
    lines = [
        f"{entry['number']:>5}  {entry['time']}  {entry['action']:<38} {entry['outcome']:<24} {entry['request_id']:<36}"
        f"  {entry['resource']}" + (f"  ({entry['count']} calls)" if entry["count"] > 1 else "")
        for entry in entries
    ]
    return "\n".join(lines)
