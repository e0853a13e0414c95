"""A role of another account reads through an access point exactly as far as it, the access point and the bucket allow.

The expectations are those of the S3 user guide: "Configuring IAM policies for using access points" (each of them must
allow), "Access point compatibility" (aliases and ARNs, in CopyObject as well), "Blocking public access" (a bucket
policy for a fixed account's access points is not public), "Access points restrictions and limitations" (no anonymous
access).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

from local import CUSTOMER_ACCOUNT, NO_ACCOUNT, OTHER_CUSTOMER_ACCOUNT, REGION, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud

_KEY = "acme/churn/a b+c.csv"
_POINTS = f"arn:aws:s3:{REGION}:{SAAS_ACCOUNT}:accesspoint"
_READ = ["s3:GetObject", "s3:GetObjectVersion"]


@dataclass
class Shared:
    """A bucket that leaves to its account's access points who reads, one of these, and a role that may read so."""

    cloud: EmbeddedCloud
    bucket: str
    version_id: str
    name: str
    arn: str
    alias: str
    role: Any

    @property
    def source(self) -> dict[str, str]:
        return {"Bucket": self.arn, "Key": _KEY, "VersionId": self.version_id}

    def s3(self, role: Any = None, account: str = CUSTOMER_ACCOUNT) -> Any:
        return self.cloud.client("s3", account, credentials=(role or self.role).credentials)


@pytest.fixture
def shared(
    cloud: EmbeddedCloud,
    make_bucket: Callable[..., str],
    make_role: Callable[..., Any],
    unique: Callable[[str], str],
    policy: Callable[..., str],
) -> Shared:
    saas, bucket, name = cloud.client("s3"), make_bucket(), unique("tml-point")
    version = saas.put_object(Bucket=bucket, Key=_KEY, Body=b"pinned")["VersionId"]
    saas.put_object(Bucket=bucket, Key=_KEY, Body=b"newer")
    saas.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    )
    through_ours = {"StringLike": {"s3:DataAccessPointArn": f"{_POINTS}/tml-*"}}
    delegated = {"Effect": "Allow", "Principal": "*", "Condition": through_ours}
    saas.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(
            delegated | {"Action": _READ, "Resource": f"arn:aws:s3:::{bucket}/*"},
            delegated | {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"},
        ),
    )
    made = cloud.client("s3control").create_access_point(AccountId=SAAS_ACCOUNT, Name=name, Bucket=bucket)
    through = [f"{_POINTS}/{name}", f"{_POINTS}/{name}/object/*", f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    allowed = {"Effect": "Allow", "Action": [*_READ, "s3:ListBucket"], "Resource": through}
    role = make_role(allowed, {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}, account=CUSTOMER_ACCOUNT)
    return Shared(cloud, bucket, version, name, made["AccessPointArn"], made["Alias"], role)


@pytest.fixture
def grant(shared: Shared, policy: Callable[..., str]) -> Callable[..., None]:
    """Let a role's account read one prefix through the access point, and list it."""

    def put(account: str = CUSTOMER_ACCOUNT, prefix: str = "acme/", **changed: Any) -> None:
        to = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
        listing = {
            "Action": "s3:ListBucket",
            "Resource": shared.arn,
            "Condition": {"StringLike": {"s3:prefix": f"{prefix}*"}},
        }
        shared.cloud.client("s3control").put_access_point_policy(
            AccountId=SAAS_ACCOUNT,
            Name=shared.name,
            Policy=policy(to | {"Action": _READ, "Resource": f"{shared.arn}/object/{prefix}*"} | changed, to | listing),
        )

    return put


def copy(shared: Shared, make_bucket: Callable[..., str], s3: Any, **options: Any) -> bytes:
    target = make_bucket(CUSTOMER_ACCOUNT)
    s3.copy_object(Bucket=target, Key="copy.csv", CopySource=shared.source, **options)
    read = shared.cloud.client("s3", CUSTOMER_ACCOUNT).get_object(Bucket=target, Key="copy.csv")
    return bytes(read["Body"].read())


def test_a_role_of_another_account_reads_and_lists_by_the_alias(
    shared: Shared, grant: Callable[..., None], code_of: Any
) -> None:
    grant()
    s3 = shared.s3()
    assert s3.get_object(Bucket=shared.alias, Key=_KEY)["Body"].read() == b"newer"
    assert s3.get_object(Bucket=shared.alias, Key=_KEY, VersionId=shared.version_id)["Body"].read() == b"pinned"
    assert s3.head_object(Bucket=shared.alias, Key=_KEY)["ContentLength"] == 5
    assert [row["Key"] for row in s3.list_objects_v2(Bucket=shared.alias, Prefix="acme/")["Contents"]] == [_KEY]
    assert code_of(s3.list_objects_v2, Bucket=shared.alias, Prefix="") == "AccessDenied"
    assert code_of(s3.get_object, Bucket=shared.alias, Key="globex/churn/data.csv") == "AccessDenied"


def test_it_copies_a_pinned_version_by_the_arn(
    shared: Shared, grant: Callable[..., None], make_bucket: Callable[..., str], code_of: Any
) -> None:
    assert code_of(copy, shared, make_bucket, shared.s3()) == "AccessDenied"  # nothing is granted yet
    grant()
    assert copy(shared, make_bucket, shared.s3(), ExpectedSourceBucketOwner=SAAS_ACCOUNT) == b"pinned"
    wrong = {"ExpectedSourceBucketOwner": CUSTOMER_ACCOUNT}
    assert code_of(copy, shared, make_bucket, shared.s3(), **wrong) == "AccessDenied"


def test_a_grant_opens_the_access_point_and_not_the_bucket(
    shared: Shared, grant: Callable[..., None], code_of: Any
) -> None:
    grant()
    assert code_of(shared.s3().get_object, Bucket=shared.bucket, Key=_KEY) == "AccessDenied"
    assert code_of(shared.s3().list_objects_v2, Bucket=shared.bucket, Prefix="acme/") == "AccessDenied"


@pytest.mark.parametrize("lacking", ["access point", "bucket", "role"])
def test_each_of_the_three_must_allow(
    shared: Shared,
    grant: Callable[..., None],
    make_role: Callable[..., Any],
    make_bucket: Callable[..., str],
    lacking: str,
    code_of: Any,
) -> None:
    grant()
    s3 = shared.s3()
    if lacking == "access point":
        grant(OTHER_CUSTOMER_ACCOUNT)
    elif lacking == "bucket":
        shared.cloud.client("s3").delete_bucket_policy(Bucket=shared.bucket)
    else:
        of_the_bucket = [f"arn:aws:s3:::{shared.bucket}", f"arn:aws:s3:::{shared.bucket}/*"]
        only = {"Effect": "Allow", "Action": [*_READ, "s3:ListBucket"], "Resource": of_the_bucket}
        s3 = shared.s3(make_role(only, account=CUSTOMER_ACCOUNT))
    assert code_of(s3.get_object, Bucket=shared.alias, Key=_KEY) == "AccessDenied"
    assert code_of(s3.list_objects_v2, Bucket=shared.alias, Prefix="acme/") == "AccessDenied"
    assert code_of(copy, shared, make_bucket, s3) == "AccessDenied"


def test_a_condition_on_the_role_keeps_other_roles_of_its_account_out(
    shared: Shared, grant: Callable[..., None], make_role: Callable[..., Any], code_of: Any
) -> None:
    grant(Condition={"ArnEquals": {"aws:PrincipalArn": shared.role.arn}})
    assert shared.s3().get_object(Bucket=shared.alias, Key=_KEY)["Body"].read() == b"newer"
    other = make_role({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, account=CUSTOMER_ACCOUNT)
    assert code_of(shared.s3(other).get_object, Bucket=shared.alias, Key=_KEY) == "AccessDenied"
    for account in (CUSTOMER_ACCOUNT, OTHER_CUSTOMER_ACCOUNT):
        root = shared.cloud.client("s3", account)
        assert code_of(root.get_object, Bucket=shared.alias, Key=_KEY) == "AccessDenied"
        assert code_of(root.get_object, Bucket=shared.alias, Key=_KEY, VersionId=shared.version_id) == "AccessDenied"


def test_a_grant_that_is_over_lets_nobody_in(shared: Shared, grant: Callable[..., None], code_of: Any) -> None:
    grant(Condition={"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}})
    assert code_of(shared.s3().get_object, Bucket=shared.alias, Key=_KEY) == "AccessDenied"


def test_nobody_reads_unsigned(shared: Shared, grant: Callable[..., None], code_of: Any) -> None:
    grant()
    anybody = shared.cloud.session().client(
        "s3",
        endpoint_url=shared.cloud.endpoint_url,
        config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}),
    )
    assert code_of(anybody.get_object, Bucket=shared.alias, Key=_KEY) in {"InvalidRequest", "AccessDenied"}
    assert code_of(anybody.get_object, Bucket=shared.bucket, Key=_KEY) == "AccessDenied"


def test_a_policy_that_s3_would_not_take_is_refused_and_the_old_one_stands(
    shared: Shared, grant: Callable[..., None], code_of: Any
) -> None:
    grant()
    for wrong in (
        {"Principal": {"AWS": f"arn:aws:iam::{NO_ACCOUNT}:root"}},
        {"Resource": f"arn:aws:s3:::{shared.bucket}/acme/*"},
        {"Resource": f"{shared.arn}/acme/*"},
        {"Resource": shared.arn},
    ):
        assert code_of(grant, **wrong) == "MalformedPolicy", wrong
    assert shared.s3().get_object(Bucket=shared.alias, Key=_KEY)["Body"].read() == b"newer"


def test_one_name_is_one_access_point(shared: Shared, code_of: Any) -> None:
    control = shared.cloud.client("s3control")
    place = {"AccountId": SAAS_ACCOUNT, "Name": shared.name}
    assert code_of(control.create_access_point, **place, Bucket=shared.bucket) == "AccessPointAlreadyOwnedByYou"
    assert control.get_access_point(**place)["Alias"] == shared.alias
    control.delete_access_point(**place)
    assert code_of(control.get_access_point, **place) == "NoSuchAccessPoint"
    assert code_of(control.put_access_point_policy, **place, Policy="{}") == "NoSuchAccessPoint"
    assert code_of(shared.s3().get_object, Bucket=shared.alias, Key=_KEY) in {"NoSuchBucket", "AccessDenied"}
