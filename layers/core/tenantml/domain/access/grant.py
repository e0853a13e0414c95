"""Grants: each lets one role of a customer's account read one dataset in a bucket of ours, for a limited time.

A grant is an access point of its own on that bucket, whose policy has this grant and nothing else. The bucket's own
policy never changes: it leaves to its owner's access points who may read training sets.

Rules of AWS (S3 User Guide, "Access points restrictions and limitations" and "Configuring IAM policies for using access
points"; IAM User Guide, "Policy elements"): a name has 3 to 50 of a-z, 0-9 and inner hyphens, is unique in its account
and region, and stands in DNS; a policy names objects as `ACCESS-POINT-ARN/object/KEY`, and no alias; `${*}`, `${?}`,
`${$}` are the literal characters, from policy version 2012-10-17 on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

NAME_PREFIX: Final = "tml-"
"""What the names of our access points begin with; policies on both sides name them by it."""

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_LITERALS = str.maketrans({"*": "${*}", "?": "${?}", "$": "${$}"})


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One role's right to read `path` in `bucket` until `expires_at` (whole seconds since 1970, UTC).

    `path` is an object key or, ending in a slash, a folder. `copy` is what a server-side copy of a pinned version needs
    (principal: the access role), `in-place` what a training job needs to list and read its input (principal: the
    execution role).

    Raises:
        ValueError: a field is malformed or would grant more than one dataset.
    """

    grant_id: str
    role_arn: str
    bucket: str
    path: str
    kind: Literal["copy", "in-place"]
    expires_at: int

    def __post_init__(self) -> None:
        if not self.grant_id or not self.bucket:
            raise ValueError("a grant needs an id and a bucket")
        if not _ROLE_ARN.fullmatch(self.role_arn):
            raise ValueError(f"{self.role_arn!r} is not the ARN of a role")
        if not self.path.strip("/") or self.path.startswith("/"):
            raise ValueError(f"the path {self.path!r} does not name a dataset")
        if self.kind not in ("copy", "in-place"):
            raise ValueError(f"the kind {self.kind!r} is neither copy nor in-place")

    @property
    def account_id(self) -> str:
        """The account of the role."""
        return self.role_arn.split(":")[4]

    def as_document(self) -> dict[str, Any]:
        """Return the grant as a JSON object, as the ledger stores it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Grant:
        """Read what `as_document` returned; numbers may have come back from DynamoDB as Decimal."""
        return cls(**{**document, "expires_at": int(document["expires_at"])})

    def policy(self, access_point_arn: str) -> str:
        """Return the policy of its access point, which allows nothing after `expires_at`, swept or not.

        About 800 bytes of the 20 KB that AWS allows: keys have at most 1,024.
        """
        partition = self.role_arn.split(":", 2)[1]
        # The account as principal, the role as condition: AWS refuses a policy that names a deleted role.
        principal = {"AWS": f"arn:{partition}:iam::{self.account_id}:root"}
        literal_path = self.path.translate(_LITERALS)
        only_the_role_until_then = {
            "ArnEquals": {"aws:PrincipalArn": self.role_arn},
            "DateLessThan": {"aws:CurrentTime": f"{datetime.fromtimestamp(self.expires_at, UTC):%Y-%m-%dT%H:%M:%SZ}"},
        }
        read = {
            "Sid": "Read",
            "Effect": "Allow",
            "Principal": principal,
            # SageMaker reads the latest version and cannot name one; a copy names the version of the upload.
            "Action": ["s3:GetObject", "s3:GetObjectVersion"] if self.kind == "copy" else "s3:GetObject",
            "Resource": f"{access_point_arn}/object/{literal_path}" + ("*" if self.path.endswith("/") else ""),
            "Condition": only_the_role_until_then,
        }
        listing = {
            "Sid": "List",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "s3:ListBucket",
            "Resource": access_point_arn,
            "Condition": {**only_the_role_until_then, "StringLike": {"s3:prefix": f"{literal_path}*"}},
        }
        statements = [read] if self.kind == "copy" else [read, listing]
        return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def access_point_name(bucket: str, grant_id: str) -> str:
    """Return the name of a grant's access point: the same however often it is granted, and no other grant's.

    It tells whoever reads DNS nothing of the tenant.
    """
    return f"{NAME_PREFIX}{hashlib.sha256(f'{bucket}/{grant_id}'.encode()).hexdigest()[:32]}"


def split_by_expiry(grants: Iterable[Grant], now: float) -> tuple[list[Grant], list[Grant]]:
    """Return the live and the expired grants at `now` (seconds since 1970), each in the order of their ids."""
    live: list[Grant] = []
    expired: list[Grant] = []
    for grant in sorted(grants):
        (live if grant.expires_at > now else expired).append(grant)
    return live, expired
