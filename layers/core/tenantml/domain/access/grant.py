"""Grants: the temporary statements by which a customer's role reads one dataset in a bucket of ours.

The grants live in a ledger; the bucket's policy is rendered from it as a whole, standing statements first, so that two
executions can never erase each other's grant. Our statements are recognised by their Sid; all others are standing.

Rules of AWS (S3 User Guide, "Bucket policies"; IAM User Guide, "Policy elements"): a bucket policy holds at most 20 KB,
a Sid is letters and digits and unique, an empty list of statements is refused, and `${*}`, `${?}`, `${$}` are the
literal characters, from policy version 2012-10-17 on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from tenantml.errors import GrantCapacity

POLICY_VERSION = "2012-10-17"
MAX_POLICY_BYTES = 20_480

Statement = Mapping[str, Any]
Policy = dict[str, Any]

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_OUR_SID = re.compile(r"TenantmlGrant[0-9a-f]{24}(Read|List)")
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

    def statements(self) -> list[dict[str, Any]]:
        """Return the policy statements of this grant; they allow nothing after `expires_at`, swept or not."""
        digest = hashlib.sha256(self.grant_id.encode()).hexdigest()[:24]
        partition = self.role_arn.split(":", 2)[1]
        # The account as principal, the role as condition: AWS refuses the whole of a policy that names a deleted
        # role, which would let one tenant's cloud team block the grants of all.
        principal = {"AWS": f"arn:{partition}:iam::{self.account_id}:root"}
        bucket_arn = f"arn:{partition}:s3:::{self.bucket}"
        literal_path = self.path.translate(_LITERALS)
        only_the_role_until_then = {
            "ArnEquals": {"aws:PrincipalArn": self.role_arn},
            "DateLessThan": {"aws:CurrentTime": f"{datetime.fromtimestamp(self.expires_at, UTC):%Y-%m-%dT%H:%M:%SZ}"},
        }
        read = {
            "Sid": f"TenantmlGrant{digest}Read",
            "Effect": "Allow",
            "Principal": principal,
            # SageMaker reads the latest version and cannot name one; a copy names the version of the upload.
            "Action": ["s3:GetObject", "s3:GetObjectVersion"] if self.kind == "copy" else "s3:GetObject",
            "Resource": f"{bucket_arn}/{literal_path}" + ("*" if self.path.endswith("/") else ""),
            "Condition": only_the_role_until_then,
        }
        if self.kind == "copy":
            return [read]
        listing = {
            "Sid": f"TenantmlGrant{digest}List",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "s3:ListBucket",
            "Resource": bucket_arn,
            "Condition": {**only_the_role_until_then, "StringLike": {"s3:prefix": f"{literal_path}*"}},
        }
        return [read, listing]


def split_by_expiry(grants: Iterable[Grant], now: float) -> tuple[list[Grant], list[Grant]]:
    """Return the live and the expired grants at `now` (seconds since 1970), each in the order of their ids."""
    live: list[Grant] = []
    expired: list[Grant] = []
    for grant in sorted(grants):
        (live if grant.expires_at > now else expired).append(grant)
    return live, expired


def standing_statements(policy: Mapping[str, Any] | None) -> list[Statement]:
    """Return the statements of a bucket policy (None: it has none) that are not grants, unchanged and in order.

    Raises:
        ValueError: an older policy version under which `${` is plain text, so that rendering would change a meaning.
    """
    if policy is None:
        return []
    standing = [statement for statement in _statements(policy) if not _is_grant(statement)]
    if policy.get("Version") != POLICY_VERSION and "${" in json.dumps(standing):
        raise ValueError(
            f"the standing policy uses ${{…}} under a version older than {POLICY_VERSION}; state its version"
        )
    return standing


def render(standing: Sequence[Statement], grants: Iterable[Grant], bucket: str) -> Policy | None:
    """Return the policy that `bucket` must have: the standing statements, then those of its grants by their ids.

    None stands for no policy at all, because AWS refuses one without statements.

    Raises:
        GrantCapacity: the policy would exceed 20 KB.
    """
    # The later end of a prolonged grant counts, so that no Sid appears twice.
    ours = {grant.grant_id: grant for grant in sorted(grants) if grant.bucket == bucket}
    statements = [*standing, *(statement for grant in ours.values() for statement in grant.statements())]
    if not statements:
        return None
    policy = {"Version": POLICY_VERSION, "Statement": statements}
    size_bytes = len(policy_text(policy))  # JSON escapes make it ASCII
    if size_bytes > MAX_POLICY_BYTES:
        raise GrantCapacity(
            f"the policy of {bucket} would take {size_bytes} bytes with {len(ours)} grants, "
            f"and AWS allows {MAX_POLICY_BYTES}; wait until an execution returns its grant"
        )
    return policy


def policy_text(policy: Mapping[str, Any]) -> str:
    """Return the policy as PutBucketPolicy accepts it, in as few bytes as possible."""
    return json.dumps(policy, separators=(",", ":"))


def is_same_policy(left: Mapping[str, Any] | None, right: Mapping[str, Any] | None) -> bool:
    """Return whether two policies mean the same, whatever their order, and a single value bare or in a list."""
    return _canonical(left) == _canonical(right)


def _statements(policy: Mapping[str, Any]) -> list[Statement]:
    """IAM's grammar lets a single statement stand without its list."""
    statements = policy.get("Statement", [])
    return [statements] if isinstance(statements, Mapping) else list(statements)


def _is_grant(statement: Statement) -> bool:
    return _OUR_SID.fullmatch(str(statement.get("Sid", ""))) is not None


def _canonical(policy: Mapping[str, Any] | None) -> list[str]:
    return sorted(json.dumps(_normal(s), sort_keys=True) for s in _statements(policy)) if policy else []


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = sorted(str(item) for item in value)
        return items[0] if len(items) == 1 else items
    return value
