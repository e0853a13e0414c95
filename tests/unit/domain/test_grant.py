"""The grant ledger's rendering: whatever happens to the grants, the standing statements stay."""

from __future__ import annotations

import copy
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tenantml.domain.access.bucket_policy import (
    MAX_POLICY_BYTES,
    Grant,
    Policy,
    is_same_policy,
    policy_text,
    render,
    split_by_expiry,
    standing_statements,
)
from tenantml.errors import GrantCapacity

BUCKET = "staging-bucket"
TLS_ONLY = {
    "Sid": "TlsOnly",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
NAMELESS = {
    "Effect": "Allow",
    "Principal": {"AWS": "111111111111"},
    "Action": ["s3:GetObject", "s3:PutObject"],
    "Resource": f"arn:aws:s3:::{BUCKET}/*",
}
STANDING = [TLS_ONLY, NAMELESS]


def a_grant(**changes: Any) -> Grant:
    fields = {
        "grant_id": "acme-churn-0123456789abcdef",
        "role_arn": "arn:aws:iam::222222222222:role/customer_trusting_saas",
        "bucket": BUCKET,
        "path": "acme/churn/acme-churn-0123456789abcdef/train.csv",
        "kind": "copy",
        "expires_at": 1_795_366_981,
    }
    return Grant(**(fields | changes))


def test_a_copy_grant_lets_the_access_role_read_one_object_until_it_expires() -> None:
    [read] = a_grant().statements()
    assert read["Principal"] == {"AWS": "arn:aws:iam::222222222222:root"}
    assert read["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert read["Resource"] == f"arn:aws:s3:::{BUCKET}/acme/churn/acme-churn-0123456789abcdef/train.csv"
    assert read["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/customer_trusting_saas"},
        "DateLessThan": {"aws:CurrentTime": "2026-11-22T17:03:01Z"},
    }


def test_an_in_place_grant_lets_the_execution_role_read_and_list_its_folder_only() -> None:
    role = "arn:aws:iam::222222222222:role/tenantml_autopilot_execution"
    read, listing = a_grant(kind="in-place", role_arn=role, path="acme/churn/x/").statements()
    assert (read["Action"], read["Resource"]) == ("s3:GetObject", f"arn:aws:s3:::{BUCKET}/acme/churn/x/*")
    assert (listing["Action"], listing["Resource"]) == ("s3:ListBucket", f"arn:aws:s3:::{BUCKET}")
    assert listing["Condition"]["StringLike"] == {"s3:prefix": "acme/churn/x/*"}
    assert listing["Condition"]["DateLessThan"] == read["Condition"]["DateLessThan"]
    assert read["Principal"] == listing["Principal"] == {"AWS": "arn:aws:iam::222222222222:root"}
    assert read["Condition"]["ArnEquals"] == listing["Condition"]["ArnEquals"] == {"aws:PrincipalArn": role}


def test_an_in_place_grant_on_one_object_does_not_reach_its_neighbours() -> None:
    read, listing = a_grant(kind="in-place", path="a/b/train.csv").statements()
    assert read["Resource"] == f"arn:aws:s3:::{BUCKET}/a/b/train.csv"
    assert listing["Condition"]["StringLike"] == {"s3:prefix": "a/b/train.csv*"}


def test_characters_that_a_policy_would_expand_are_taken_literally() -> None:
    [read] = a_grant(path="a/b/what?*${aws:userid}.csv").statements()
    assert read["Resource"] == f"arn:aws:s3:::{BUCKET}/a/b/what${{?}}${{*}}${{$}}{{aws:userid}}.csv"


def test_another_partition_is_kept() -> None:
    [read] = a_grant(role_arn="arn:aws-cn:iam::222222222222:role/path/r").statements()
    assert read["Resource"].startswith(f"arn:aws-cn:s3:::{BUCKET}/")


@pytest.mark.parametrize(
    "changes",
    [
        {"grant_id": ""},
        {"bucket": ""},
        {"role_arn": "arn:aws:iam::222222222222:user/eve"},
        {"role_arn": "arn:aws:iam::222222222222:role/*"},
        {"role_arn": "arn:aws:sts::222222222222:assumed-role/r/s"},
        {"path": ""},
        {"path": "/"},
        {"path": "/etc/passwd"},
        {"kind": "upload"},
    ],
)
def test_a_grant_that_would_give_too_much_cannot_be_made(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"grant|ARN|path|kind"):
        a_grant(**changes)


def test_a_grant_survives_the_ledger() -> None:
    stored = a_grant().as_document()
    assert Grant.from_document(stored | {"expires_at": Decimal(stored["expires_at"])}) == a_grant()


def test_no_statement_at_all_is_no_policy() -> None:
    assert render([], [], BUCKET) is None
    assert render([], [a_grant(bucket="another")], BUCKET) is None
    assert standing_statements(None) == []


def test_one_bare_statement_is_a_standing_one_too() -> None:
    assert standing_statements({"Version": "2012-10-17", "Statement": TLS_ONLY}) == [TLS_ONLY]


def test_a_sid_that_only_resembles_ours_is_standing() -> None:
    close = [
        TLS_ONLY | {"Sid": sid} for sid in ("TenantmlGrant", "TenantmlGrantsAdmin", f"TenantmlGrant{'0' * 24}ReadX")
    ]
    assert standing_statements({"Version": "2012-10-17", "Statement": close}) == close


def test_an_older_policy_version_is_refused_where_it_would_change_a_meaning() -> None:
    literal = NAMELESS | {"Resource": f"arn:aws:s3:::{BUCKET}/${{aws:username}}"}
    assert standing_statements({"Statement": [NAMELESS]}) == [NAMELESS]
    assert standing_statements({"Version": "2012-10-17", "Statement": [literal]}) == [literal]
    with pytest.raises(ValueError, match="2012-10-17"):
        standing_statements({"Version": "2008-10-17", "Statement": [literal]})


def test_a_prolonged_grant_stands_once_with_its_later_end() -> None:
    later = a_grant(expires_at=1_795_370_000)
    assert render([], [later, a_grant()], BUCKET) == render([], [later], BUCKET)


def test_the_policy_is_refused_by_the_byte_at_20_kb() -> None:
    def sized(padding: int) -> list[dict[str, Any]]:
        return [NAMELESS | {"Sid": "x" * padding}]

    spare = MAX_POLICY_BYTES - len(policy_text(render(sized(1), [a_grant()], BUCKET) or {}))
    assert len(policy_text(render(sized(1 + spare), [a_grant()], BUCKET) or {})) == MAX_POLICY_BYTES
    with pytest.raises(GrantCapacity, match="20481 bytes with 1 grants"):
        render(sized(2 + spare), [a_grant()], BUCKET)


def test_dozens_of_executions_have_room_at_once() -> None:
    def grants(count: int) -> list[Grant]:
        return [
            a_grant(grant_id=f"acme-churn-{n:016x}", path=f"acme/churn/acme-churn-{n:016x}/train.csv")
            for n in range(count)
        ]

    assert render(STANDING, grants(40), BUCKET)
    with pytest.raises(GrantCapacity):
        render(STANDING, grants(100), BUCKET)


def test_policies_are_compared_by_meaning() -> None:
    one = {"Version": "2012-10-17", "Statement": [TLS_ONLY, NAMELESS]}
    reordered = [NAMELESS | {"Action": ["s3:PutObject", "s3:GetObject"]}, TLS_ONLY | {"Action": ["s3:*"]}]
    assert is_same_policy(one, {"Version": "2012-10-17", "Statement": reordered})
    assert is_same_policy(None, None)
    assert not is_same_policy(one, None)
    assert not is_same_policy(one, {"Version": "2012-10-17", "Statement": [TLS_ONLY]})
    assert not is_same_policy(
        one, {"Version": "2012-10-17", "Statement": [TLS_ONLY, NAMELESS | {"Action": "s3:GetObject"}]}
    )


_names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)
_grants = st.builds(
    Grant,
    grant_id=_names,
    role_arn=st.sampled_from([f"arn:aws:iam::{account * 12}:role/customer_trusting_saas" for account in "234"]),
    bucket=st.sampled_from([BUCKET, "another-bucket"]),
    path=st.builds("a{}".format, st.text("ab/*?${} é'\"", max_size=12)),
    kind=st.sampled_from(["copy", "in-place"]),
    expires_at=st.integers(0, 4_000_000_000),
)


@given(st.lists(_grants, max_size=12, unique_by=lambda grant: grant.grant_id), st.randoms())
def test_a_rendered_policy_is_valid_and_does_not_depend_on_the_order_of_the_ledger(
    grants: list[Grant], random: Any
) -> None:
    policy = render(STANDING, grants, BUCKET)
    assert policy is not None
    shuffled = grants.copy()
    random.shuffle(shuffled)
    assert policy_text(render(STANDING, shuffled, BUCKET) or {}) == policy_text(policy)
    sids = [statement["Sid"] for statement in policy["Statement"] if "Sid" in statement]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)
    assert standing_statements(json.loads(policy_text(policy))) == STANDING


@given(st.lists(_grants, max_size=12), st.integers(0, 4_000_000_000))
def test_every_grant_is_either_live_or_expired(grants: list[Grant], now: int) -> None:
    live, expired = split_by_expiry(grants, now)
    assert sorted(live + expired) == sorted(grants)
    assert all(grant.expires_at > now for grant in live)
    assert all(grant.expires_at <= now for grant in expired)


class Ledger(RuleBasedStateMachine):
    """Grants, revokes, sweeps, changes of the standing statements; each may crash between its two writes."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Grant] = {}
        self.policy: Policy | None = None
        self.standing: list[dict[str, Any]] = []
        self.now = 0
        self.in_step = True  # the last operation got as far as writing the policy

    @initialize(standing=st.sampled_from([[], [TLS_ONLY], STANDING]))
    def deploy(self, standing: list[dict[str, Any]]) -> None:
        self.standing = copy.deepcopy(standing)
        self.policy = render(standing, [], BUCKET)

    def write(self, crashes: bool) -> None:
        """The second half of every operation; the policy is what a reader would get back from S3."""
        self.in_step = not crashes
        if not crashes:
            rendered = render(standing_statements(self.policy), self.rows.values(), BUCKET)
            self.policy = json.loads(policy_text(rendered)) if rendered else None

    @rule(grant=_grants, crashes=st.booleans())
    def give(self, grant: Grant, crashes: bool) -> None:
        assume(grant.grant_id not in self.rows)
        try:  # capacity is checked before the ledger takes the grant
            render(standing_statements(self.policy), [*self.rows.values(), grant], BUCKET)
        except GrantCapacity:
            return
        self.rows[grant.grant_id] = grant
        self.write(crashes)

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), crashes=st.booleans())
    def revoke(self, data: st.DataObject, crashes: bool) -> None:
        del self.rows[data.draw(st.sampled_from(sorted(self.rows)))]
        self.write(crashes)

    @rule(seconds=st.integers(0, 2_000_000_000), crashes=st.booleans())
    def sweep(self, seconds: int, crashes: bool) -> None:
        self.now += seconds
        live, _ = split_by_expiry(self.rows.values(), self.now)
        self.rows = {grant.grant_id: grant for grant in live}
        self.write(crashes)

    @rule(sid=st.text("abcXYZ012", min_size=1, max_size=8))
    def an_operator_adds_a_standing_statement(self, sid: str) -> None:
        added = NAMELESS | {"Sid": sid}
        assume(added not in self.standing)
        self.standing.append(added)
        statements = [*(self.policy["Statement"] if self.policy else []), added]
        self.policy = {"Version": "2012-10-17", "Statement": statements}

    @invariant()
    def the_policy_equals_the_ledger(self) -> None:
        assert standing_statements(self.policy) == self.standing
        if self.in_step:
            assert is_same_policy(self.policy, render(self.standing, self.rows.values(), BUCKET))

    def teardown(self) -> None:
        self.sweep(4_000_000_001, crashes=False)
        assert is_same_policy(self.policy, render(self.standing, [], BUCKET))


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=25, stateful_step_count=20)
