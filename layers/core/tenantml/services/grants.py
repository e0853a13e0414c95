"""The grant ledger: a table holds the grants that stand, and the bucket's policy is rendered from it as a whole.

One writer at a time holds the bucket's lock, a row that expires, so that a writer that died blocks nobody for
long. What is written is read back. `sweep` fixes whatever a crash left: the ledger is the truth, and grants that
expired or outlived their execution leave it. So do the grants of an account that was closed: S3 would refuse the whole
policy for it, and with it the grants of all others.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.dynamodb import from_item, to_item
from tenantml.aws.error_codes import CONDITION_FAILED, AwsError, code_of
from tenantml.aws.s3 import policies
from tenantml.domain.access import bucket_policy
from tenantml.domain.access.bucket_policy import Grant
from tenantml.domain.names import CustomerAccount
from tenantml.domain.training.model_settings import IN_PLACE, ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import GrantContended, GrantRefused
from tenantml.services import registry
from tenantml.settings import setting

LOCK_SECONDS = 120  # a writer takes one or two; past this it writes no more, and another may
LOCK_WAIT_SECONDS = 20
COPY_GRANT_SECONDS = 6 * 3600
IN_PLACE_MARGIN_SECONDS = COPY_GRANT_SECONDS  # a start may wait for hours
LOCK = "lock"


def grant(run: Run, account: CustomerAccount, bucket: str, key: str, settings: ModelSettings) -> str:
    """Let the role that needs it read `key`, and return the grant's id; a repeat changes nothing.

    Raises:
        GrantCapacity: the policy has no room; the grant is not in the ledger.
        GrantContended: another writer held the lock too long.
        GrantRefused: S3 refuses it; it is not in the ledger any more.
    """
    in_place = settings.delivery == IN_PLACE
    lifetime = settings.max_runtime_seconds + IN_PLACE_MARGIN_SECONDS if in_place else COPY_GRANT_SECONDS
    new_grant = Grant(
        grant_id=run.execution,
        role_arn=account.roles.training_execution if in_place else account.roles.training_access,
        bucket=bucket,
        path=key,
        kind="in-place" if in_place else "copy",
        expires_at=int(time.time()) + lifetime,
    )
    with _locked(bucket) as held_until:
        # Rendered before it is in the ledger: what does not fit must never block the others.
        _render(bucket, policies.read(bucket), [*_ledger(bucket), new_grant])
        row = to_item({"bucket": bucket, **new_grant.as_document()})
        platform("dynamodb").put_item(TableName=setting("GRANTS_TABLE"), Item=row)
        try:
            refused = _apply(bucket, held_until)
        except GrantRefused:
            _forget(bucket, new_grant.grant_id)
            raise
    if new_grant.grant_id in refused:
        raise GrantRefused(
            f"S3 refuses a grant for account {account.account_id}, which may be closed; check that it is active, then "
            "upload again"
        )
    return new_grant.grant_id


def revoke(grant_id: str) -> int:
    """Revoke a grant and return how many there were: one or none.

    A grant that left the ledger but not the policy, because its revocation crashed, is revoked, too.

    Raises:
        GrantContended: another writer held the lock too long.
    """
    bucket = setting("STAGING_BUCKET")
    known = sum(entry.grant_id == grant_id for entry in _ledger(bucket))
    if not known and bucket_policy.is_same_policy(
        current := policies.read(bucket), _render(bucket, current, _ledger(bucket))
    ):
        return 0
    with _locked(bucket) as held_until:
        _forget(bucket, grant_id)
        _apply(bucket, held_until)
    return known


def standing() -> list[Grant]:
    """Return the grants in the ledger; one that expired may still be among them until the next sweep."""
    return _ledger(setting("STAGING_BUCKET"))


def ids_under(folder: str) -> list[str]:
    """Return the ids of the grants in the ledger that let somebody read something under `folder`."""
    return [entry.grant_id for entry in standing() if entry.path.startswith(folder)]


def sweep() -> list[str]:
    """Delete the grants that expired or whose execution has ended, render the policy again, and return their ids."""
    bucket = setting("STAGING_BUCKET")
    with _locked(bucket) as held_until:
        live, expired = bucket_policy.split_by_expiry(_ledger(bucket), time.time())
        needless = [*expired, *(entry for entry in live if _has_outlived_its_execution(entry))]
        for old in needless:
            _forget(bucket, old.grant_id)
        _apply(bucket, held_until)
    return [old.grant_id for old in needless]


def _has_outlived_its_execution(entry: Grant) -> bool:
    row = registry.find_execution(entry.path.split("/")[0], entry.grant_id)
    return row is not None and "ended_at" in row


def _ledger(bucket: str) -> list[Grant]:
    pages = (
        platform("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=setting("GRANTS_TABLE"),
            KeyConditionExpression="#bucket = :bucket",
            ExpressionAttributeNames={"#bucket": "bucket"},
            ExpressionAttributeValues=to_item({":bucket": bucket}),
            ConsistentRead=True,
        )
    )
    rows = [from_item(item) for page in pages for item in page["Items"]]
    return [Grant.from_document(row) for row in rows if row["grant_id"] != LOCK]


def _forget(bucket: str, grant_id: str) -> None:
    platform("dynamodb").delete_item(
        TableName=setting("GRANTS_TABLE"), Key=to_item({"bucket": bucket, "grant_id": grant_id})
    )


def _render(bucket: str, current: dict[str, Any] | None, ledger: list[Grant]) -> dict[str, Any] | None:
    live, _ = bucket_policy.split_by_expiry(ledger, time.time())
    return bucket_policy.render(bucket_policy.standing_statements(current), live, bucket)


def _apply(bucket: str, held_until: int) -> set[str]:
    """Make the bucket's policy what the ledger says, and read it back, while the lock is held; return the ids of the
    grants that S3 refuses, which leave the ledger.
    """
    current, ledger = policies.read(bucket), _ledger(bucket)
    policy, refused = _render(bucket, current, ledger), set[str]()
    if bucket_policy.is_same_policy(current, policy):
        return refused
    if time.time() >= held_until:
        raise GrantContended(f"the lock of the policy of {bucket} ended before it was written; the state tries again")
    try:
        _write(bucket, policy)
    except GrantRefused:
        policy, refused = _write_without_the_refused(bucket, current, ledger)
        for grant_id in refused:
            _forget(bucket, grant_id)
    if not bucket_policy.is_same_policy(policies.read(bucket), policy):
        raise GrantContended(
            f"the policy of {bucket} is not what was written; something else writes it, too: find it, "
            "the state tries again"
        )
    return refused


def _write(bucket: str, policy: dict[str, Any] | None) -> None:
    if policy is None:  # never where the stack's own statements stand, and no role of the stack may
        policies.remove(bucket)
    else:
        policies.write(bucket, bucket_policy.policy_text(policy))


def _write_without_the_refused(
    bucket: str, current: dict[str, Any] | None, ledger: list[Grant]
) -> tuple[dict[str, Any] | None, set[str]]:
    """Write the policy without the grants of the one account that S3 refuses, and return both.

    S3 refuses a policy as a whole; AWS documents no field that says which principal it was. So each account is left out
    in turn, those first that the current policy does not name, and what is written never lacks the grants of another.

    Raises:
        GrantRefused: it is not the fault of one account; nothing is written.
    """
    accounts = {grant.account_id for grant in ledger}
    for account_id in sorted(accounts, key=lambda account_id: (account_id in json.dumps(current), account_id)):
        rest = [grant for grant in ledger if grant.account_id != account_id]
        policy = _render(bucket, current, rest)
        with suppress(GrantRefused):
            _write(bucket, policy)
            return policy, {grant.grant_id for grant in ledger if grant not in rest}
    raise GrantRefused(
        f"S3 refuses the policy of {bucket}, and not for one account alone; check its standing statements"
    )


@contextmanager
def _locked(bucket: str) -> Iterator[int]:
    """Hold the bucket's lock and yield when it expires: it expires by itself if its holder dies."""
    table, client, owner = setting("GRANTS_TABLE"), platform("dynamodb"), uuid.uuid4().hex
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        now = int(time.time())
        try:
            client.put_item(
                TableName=table,
                Item=to_item({"bucket": bucket, "grant_id": LOCK, "owner": owner, "held_until": now + LOCK_SECONDS}),
                # Its own row is success: a request that got no answer is sent again.
                ConditionExpression="attribute_not_exists(grant_id) OR held_until < :now OR #owner = :owner",
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues=to_item({":now": now, ":owner": owner}),
            )
            break
        except AwsError as error:
            if code_of(error) not in CONDITION_FAILED:
                raise
            if time.monotonic() > deadline:
                raise GrantContended(
                    f"the policy of {bucket} is being written by another execution; the state tries again"
                ) from error
            time.sleep(0.2)
    try:
        yield now + LOCK_SECONDS
    finally:
        try:
            client.delete_item(
                TableName=table,
                Key=to_item({"bucket": bucket, "grant_id": LOCK}),
                ConditionExpression="#owner = :owner",
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues=to_item({":owner": owner}),
            )
        except AwsError as error:
            if code_of(error) not in CONDITION_FAILED:
                raise
