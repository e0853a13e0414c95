"""A grant: what its access point's policy allows, to whom, and until when; and how that access point is named."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.access.grant import NAME_PREFIX, Grant, access_point_name, split_by_expiry

BUCKET = "staging-bucket"
ARN = "arn:aws:s3:us-east-1:111111111111:accesspoint/tml-0123"
LIMIT_BYTES = 20 * 1024  # S3 user guide, "Access points restrictions and limitations"


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


def statements(grant: Grant, arn: str = ARN) -> list[dict[str, Any]]:
    policy = json.loads(grant.policy(arn))
    assert policy["Version"] == "2012-10-17"
    found: list[dict[str, Any]] = policy["Statement"]
    return found


def test_a_copy_grant_lets_the_access_role_read_one_object_until_it_expires() -> None:
    [read] = statements(a_grant())
    assert read["Principal"] == {"AWS": "arn:aws:iam::222222222222:root"}
    assert read["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert read["Resource"] == f"{ARN}/object/acme/churn/acme-churn-0123456789abcdef/train.csv"
    assert read["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/customer_trusting_saas"},
        "DateLessThan": {"aws:CurrentTime": "2026-11-22T17:03:01Z"},
    }


def test_an_in_place_grant_lets_the_execution_role_read_and_list_its_folder_only() -> None:
    role = "arn:aws:iam::222222222222:role/tenantml_autopilot_execution"
    read, listing = statements(a_grant(kind="in-place", role_arn=role, path="acme/churn/x/"))
    assert (read["Action"], read["Resource"]) == ("s3:GetObject", f"{ARN}/object/acme/churn/x/*")
    assert (listing["Action"], listing["Resource"]) == ("s3:ListBucket", ARN)
    assert listing["Condition"]["StringLike"] == {"s3:prefix": "acme/churn/x/*"}
    assert listing["Condition"]["DateLessThan"] == read["Condition"]["DateLessThan"]
    assert read["Principal"] == listing["Principal"] == {"AWS": "arn:aws:iam::222222222222:root"}
    assert read["Condition"]["ArnEquals"] == listing["Condition"]["ArnEquals"] == {"aws:PrincipalArn": role}


def test_an_in_place_grant_on_one_object_does_not_reach_its_neighbours() -> None:
    read, listing = statements(a_grant(kind="in-place", path="a/b/train.csv"))
    assert read["Resource"] == f"{ARN}/object/a/b/train.csv"
    assert listing["Condition"]["StringLike"] == {"s3:prefix": "a/b/train.csv*"}


def test_characters_that_a_policy_would_expand_are_taken_literally() -> None:
    [read] = statements(a_grant(path="a/b/what?*${aws:userid}.csv"))
    assert read["Resource"] == f"{ARN}/object/a/b/what${{?}}${{*}}${{$}}{{aws:userid}}.csv"


def test_another_partition_is_kept() -> None:
    arn = ARN.replace("aws", "aws-cn")
    [read] = statements(a_grant(role_arn="arn:aws-cn:iam::222222222222:role/path/r"), arn)
    assert read["Resource"].startswith(f"{arn}/object/")
    assert read["Principal"] == {"AWS": "arn:aws-cn:iam::222222222222:root"}


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


_names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=80)
_grants = st.builds(
    Grant,
    grant_id=_names,
    role_arn=st.sampled_from([f"arn:aws:iam::{account * 12}:role/customer_trusting_saas" for account in "234"]),
    bucket=st.sampled_from([BUCKET, "another-bucket"]),
    path=st.builds("a{}".format, st.text("ab/*?${} é'\"", max_size=1023)),
    kind=st.sampled_from(["copy", "in-place"]),
    expires_at=st.integers(0, 4_000_000_000),
)


@given(_grants)
def test_a_policy_fits_and_names_one_account_one_role_one_access_point_and_an_end(grant: Grant) -> None:
    assert len(grant.policy(ARN)) <= LIMIT_BYTES
    found = statements(grant)
    assert len({statement["Sid"] for statement in found}) == len(found)
    for statement in found:
        assert statement["Effect"] == "Allow"
        assert statement["Principal"] == {"AWS": f"arn:aws:iam::{grant.account_id}:root"}
        assert statement["Condition"]["ArnEquals"] == {"aws:PrincipalArn": grant.role_arn}
        assert statement["Condition"]["DateLessThan"].keys() == {"aws:CurrentTime"}
        assert re.fullmatch(rf"{re.escape(ARN)}(/object/.+)?", statement["Resource"], re.DOTALL)


@given(_grants)
def test_no_character_of_a_path_widens_what_a_policy_names(grant: Grant) -> None:
    named = statements(grant)[0]["Resource"].removeprefix(f"{ARN}/object/")
    if grant.path.endswith("/"):
        assert named.endswith("*")
        named = named[:-1]
    without_literals = re.sub(r"\$\{[*?$]\}", "", named)
    assert not set("*?$") & set(without_literals)
    assert re.sub(r"\$\{([*?$])\}", r"\1", named) == grant.path


@given(st.tuples(st.sampled_from([BUCKET, "another-bucket"]), _names), st.tuples(st.just(BUCKET), _names))
def test_an_access_point_is_named_as_aws_demands_and_after_one_grant_alone(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    # S3 user guide, "Naming rules for access points".
    assert re.fullmatch(rf"{NAME_PREFIX}[a-z0-9]{{1,46}}", access_point_name(*one))
    assert (access_point_name(*one) == access_point_name(*other)) == (one == other)


@given(st.lists(_grants, max_size=12), st.integers(0, 4_000_000_000))
def test_every_grant_is_either_live_or_expired(grants: list[Grant], now: int) -> None:
    live, expired = split_by_expiry(grants, now)
    assert sorted(live + expired) == sorted(grants)
    assert all(grant.expires_at > now for grant in live)
    assert all(grant.expires_at <= now for grant in expired)
