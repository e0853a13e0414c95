"""Access points of our own buckets: ways in, each with a policy of its own. Copies name one by its ARN; whoever wants a
bucket's name, by its alias.

S3 learns of a new one in a while: a policy written at once may find none (`NoSuchAccessPoint`), and so may a reader.
"""

from __future__ import annotations

from tenantml.aws.clients import platform
from tenantml.aws.error_codes import (
    ABSENT_ACCESS_POINT,
    ACCESS_POINT_EXISTS,
    REFUSED_POLICY,
    TOO_MANY_ACCESS_POINTS,
    Names,
    absence,
    named,
)
from tenantml.errors import DeliveryDenied, GrantCapacity, GrantRefused, PlatformUnavailable

ALL_BLOCKED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)


def arn_of(account_id: str, name: str) -> str:
    """Return the ARN of our account's access point of this name, whether there is one or not."""
    meta = platform("s3control").meta
    return f"arn:{meta.partition}:s3:{meta.region_name}:{account_id}:accesspoint/{name}"


def make(account_id: str, name: str, bucket: str) -> None:
    """Make an access point on a bucket; one of this name is left as it is.

    Raises:
        GrantCapacity: the account has no room for another one in this region.
    """
    no_room = "the account has as many access points as it may have; wait until others end, or raise the quota"
    with absence(ACCESS_POINT_EXISTS), named(dict.fromkeys(TOO_MANY_ACCESS_POINTS, GrantCapacity), no_room):
        platform("s3control").create_access_point(
            AccountId=account_id, Name=name, Bucket=bucket, PublicAccessBlockConfiguration=ALL_BLOCKED
        )


def write_policy(account_id: str, name: str, text: str) -> None:
    """Replace the policy of an access point.

    Raises:
        GrantRefused: S3 finds it malformed, as one that names an account which does not exist.
        PlatformUnavailable: S3 does not know the access point yet.
    """
    names: Names = dict.fromkeys(REFUSED_POLICY, GrantRefused) | dict.fromkeys(ABSENT_ACCESS_POINT, PlatformUnavailable)
    with named(names, f"S3 does not take the policy of the access point {name}"):
        platform("s3control").put_access_point_policy(AccountId=account_id, Name=name, Policy=text)


def alias_of(account_id: str, name: str) -> str:
    """Return what S3 lets stand for an access point wherever a bucket's name may.

    Raises:
        DeliveryDenied: S3 does not know the access point, or not yet.
    """
    with named(dict.fromkeys(ABSENT_ACCESS_POINT, DeliveryDenied), f"S3 does not know the access point {name}"):
        alias: str = platform("s3control").get_access_point(AccountId=account_id, Name=name)["Alias"]
        return alias


def remove(account_id: str, name: str) -> None:
    """Delete an access point and its policy; an absent one is no failure."""
    with absence(ABSENT_ACCESS_POINT):
        platform("s3control").delete_access_point(AccountId=account_id, Name=name)


def names_on(account_id: str, bucket: str) -> set[str]:
    """Return the names of our account's access points on a bucket."""
    names, more = set[str](), dict[str, str]()
    while True:  # botocore has no paginator for it
        page = platform("s3control").list_access_points(AccountId=account_id, Bucket=bucket, **more)
        names |= {row["Name"] for row in page.get("AccessPointList", [])}
        if not page.get("NextToken"):
            return names
        more = {"NextToken": page["NextToken"]}
