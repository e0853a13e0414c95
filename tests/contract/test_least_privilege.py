"""The comparison at the end of a whole e2e run finds what it is there for; its tables of reasons are well-formed."""

from __future__ import annotations

import pytest

from tests.e2e.least_privilege import Observed, findings, reasons

PART: Observed = {
    "granted": [["Role", "Read", "s3:GetObject", "arn:aws:s3:::ours/*"]],
    "used": [["Role", "Read", "s3:getobject", "arn:aws:s3:::ours/*"]],
    "refused": [],
}
MORE = PART | {"granted": [*PART["granted"], ["Role", "Write", "s3:PutObject", "*"]]}
REFUSED = PART | {"refused": [["Role", "probe", "iam:ListRoles", "*"]]}


def test_what_is_allowed_and_used_is_right() -> None:
    assert list(findings([PART], {}, {})) == []


def test_what_is_never_used_is_found() -> None:
    assert list(findings([MORE], {}, {})) == ["Role is allowed s3:PutObject on * (Write) and never used it"]


def test_what_one_of_the_clouds_used_is_used() -> None:
    elsewhere = PART | {"used": [["Role", "Write", "s3:PutObject", "*"]]}
    assert list(findings([MORE, elsewhere], {}, {})) == []


def test_the_same_action_of_another_statement_is_another_permission() -> None:
    twice = PART | {"granted": [*PART["granted"], ["Role", "Again", "s3:GetObject", "*"]]}
    assert list(findings([twice], {}, {})) == ["Role is allowed s3:GetObject on * (Again) and never used it"]


def test_an_action_on_a_resource_that_it_is_never_used_on_is_found() -> None:
    wide = PART | {"granted": [*PART["granted"], ["Role", "Read", "s3:GetObject", "arn:aws:s3:::others/*"]]}
    reported = "Role is allowed s3:GetObject on arn:aws:s3:::others/* (Read) and never used it"
    assert list(findings([wide], {}, {})) == [reported]
    assert list(findings([wide], {"Role": {"Read s3:GetObject *others/*": "nobody shares yet"}}, {})) == []


def test_a_reason_excuses_what_it_names_and_nothing_more() -> None:
    assert list(findings([MORE], {"Role": {"Write s3:PutObject": "only after a crash"}}, {})) == []
    assert len(list(findings([MORE], {"Other*": {"Write s3:PutObject": "only after a crash"}}, {}))) == 2


@pytest.mark.parametrize("permission", ["Read s3:GetObject", "Gone s3:PutObject"])
def test_a_reason_for_what_is_used_or_gone_is_found(permission: str) -> None:
    found = list(findings([PART], {"Role": {permission: "once true"}}, {}))
    assert found == [f"unused_permissions.toml: Role {permission} * is used, or is no longer allowed"]


@pytest.mark.parametrize("part", [PART, MORE, MORE | {"used": [*PART["used"], ["Role", "Write", "s3:PutObject", "*"]]}])
def test_what_may_be_used_or_not_needs_to_be_allowed_only(part: Observed) -> None:
    found = list(findings([part], {"Role": {"Write s3:PutObject": "either way: whoever comes first"}}, {}))
    gone = "unused_permissions.toml: Role Write s3:PutObject * is used, or is no longer allowed"
    assert found == ([gone] if part is PART else [])


def test_a_refusal_is_found_unless_it_was_provoked() -> None:
    assert list(findings([REFUSED], {}, {})) == ["Role was refused iam:ListRoles on * in the session probe"]
    assert list(findings([REFUSED], {}, {"Role": {"probe iam:*": "asks what must be refused"}})) == []


def test_a_refusal_that_is_expected_and_does_not_come_is_found() -> None:
    found = list(findings([PART], {}, {"Role": {"probe iam:*": "asks what must be refused"}}))
    assert found == ["provoked_refusals.toml: Role probe iam:* was not refused"]
    assert list(findings([PART], {}, {"Role": {"probe iam:*": "either way: whoever comes first"}})) == []


def test_a_run_that_recorded_nothing_is_found() -> None:
    assert list(findings([], {}, {})) == ["nothing was recorded"]


@pytest.mark.parametrize("name", ["unused_permissions.toml", "provoked_refusals.toml"])
def test_every_entry_has_a_reason_in_words(name: str) -> None:
    table = reasons(name)
    assert table
    for rows in table.values():
        for permission, why in rows.items():
            assert " " in permission
            assert len(why.split()) > 3, permission
