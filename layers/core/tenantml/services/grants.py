"""The grant ledger: a table holds the grants that stand, and each is an access point with a policy of its own.

A grant's row is written before its access point is made and deleted after that is gone, so whatever a crash left, the
row tells. Grants share nothing: no lock, no policy, no 20 KB; an account that S3 refuses, because it was closed, blocks
its own grants alone. `sweep` takes back what expired or outlived its execution, and removes access points that no row
knows.
"""

from __future__ import annotations

import time

from tenantml.aws.clients import platform
from tenantml.aws.dynamodb import from_item, to_item
from tenantml.aws.s3 import access_points
from tenantml.domain.access.grant import NAME_PREFIX, Grant, access_point_name, split_by_expiry
from tenantml.domain.names import CustomerAccount
from tenantml.domain.training.model_settings import IN_PLACE, ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import GrantRefused
from tenantml.services import registry
from tenantml.settings import setting

COPY_GRANT_SECONDS = 6 * 3600
IN_PLACE_MARGIN_SECONDS = COPY_GRANT_SECONDS  # a start may wait for hours
LOCK = "lock"  # a row that earlier releases kept beside the grants


def grant(run: Run, account: CustomerAccount, bucket: str, key: str, settings: ModelSettings) -> str:
    """Let the role that needs it read `key`, and return the grant's id; a repeat changes nothing but the grant's end.

    Raises:
        GrantCapacity: the account has no room for another access point; the ledger keeps the grant for the next try.
        GrantRefused: S3 refuses it; it is not in the ledger any more.
        PlatformUnavailable: S3 does not know the new access point yet; the repeated state finds it.
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
    name, ours = access_point_name(bucket, new_grant.grant_id), setting("PLATFORM_ACCOUNT")
    platform("dynamodb").put_item(TableName=setting("GRANTS_TABLE"), Item=to_item(new_grant.as_document()))
    try:
        access_points.make(ours, name, bucket)
        access_points.write_policy(ours, name, new_grant.policy(access_points.arn_of(ours, name)))
    except GrantRefused as refused:
        revoke(new_grant.grant_id)
        raise GrantRefused(
            f"S3 refuses a grant for account {account.account_id}, which may be closed; check that it is active, then "
            f"upload again: {refused}"
        ) from refused
    return new_grant.grant_id


def revoke(grant_id: str) -> int:
    """Revoke a grant and return how many there were in the ledger: one or none.

    What left the ledger but not S3, because a revocation crashed, is removed, too.
    """
    bucket = setting("STAGING_BUCKET")
    access_points.remove(setting("PLATFORM_ACCOUNT"), access_point_name(bucket, grant_id))
    forgotten = platform("dynamodb").delete_item(
        TableName=setting("GRANTS_TABLE"), Key=_key(bucket, grant_id), ReturnValues="ALL_OLD"
    )
    return int("Attributes" in forgotten)


def standing() -> list[Grant]:
    """Return the grants in the ledger; one that expired may still be among them until the next sweep."""
    pages = (
        platform("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=setting("GRANTS_TABLE"),
            KeyConditionExpression="#bucket = :bucket",
            ExpressionAttributeNames={"#bucket": "bucket"},
            ExpressionAttributeValues=to_item({":bucket": setting("STAGING_BUCKET")}),
            ConsistentRead=True,
        )
    )
    rows = [from_item(item) for page in pages for item in page["Items"]]
    return [Grant.from_document(row) for row in rows if row["grant_id"] != LOCK]


def ids_under(folder: str) -> list[str]:
    """Return the ids of the grants in the ledger that let somebody read something under `folder`."""
    return [entry.grant_id for entry in standing() if entry.path.startswith(folder)]


def sweep() -> list[str]:
    """Revoke the grants that expired or whose execution has ended, and return their ids; remove the access points of
    ours that no grant has.
    """
    ours, bucket = setting("PLATFORM_ACCOUNT"), setting("STAGING_BUCKET")
    # Listed before the ledger is read: a row is older than its access point, so one without a row has none.
    there = access_points.names_on(ours, bucket)
    ledger = standing()
    live, expired = split_by_expiry(ledger, time.time())
    needless = [*expired, *(entry for entry in live if _has_outlived_its_execution(entry))]
    for old in needless:
        revoke(old.grant_id)
    for name in there - {access_point_name(bucket, entry.grant_id) for entry in ledger}:
        if name.startswith(NAME_PREFIX):
            access_points.remove(ours, name)
    return [old.grant_id for old in needless]


def _has_outlived_its_execution(entry: Grant) -> bool:
    row = registry.find_execution(entry.path.split("/")[0], entry.grant_id)
    return row is not None and "ended_at" in row


def _key(bucket: str, grant_id: str) -> dict[str, dict[str, str]]:
    return to_item({"bucket": bucket, "grant_id": grant_id})
