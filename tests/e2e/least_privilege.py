"""Compares what the policies allow with the requests of a whole e2e run.

`observed` is one embedded cloud's part of it: every worker of the run has its own cloud. `findings` reads all parts
together. A permission is an action of a statement on one of its resources: it is used when the statement allowed a call
of that action on that resource. So an action that a statement allows on three kinds of resource and that is used on
one is found twice. What the run cannot use has its reason in `unused_permissions.toml`, by role and `statement action`
or `statement action resource`; what is refused on purpose in `provoked_refusals.toml`, by role and `session action`.
All of them may have * as in a shell; AWS's own statements are named `AWS`. A reason that begins with `either way:`
depends on timing: the permission may be used or not, and must be allowed; the refusal may come or not.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from local import SAAS_ACCOUNT
from local.inventory import decisions, policies
from local.platform import STACK

if TYPE_CHECKING:
    from local.cloud import EmbeddedCloud

_HERE: Final = Path(__file__).parent
Reasons = dict[str, dict[str, str]]
Observed = dict[str, list[list[str]]]

# The four roles of the customer's template, whosever they are; test_article.py makes others.
_OF_THE_CUSTOMER: Final = re.compile(r"tml-[a-z2-7]{6}-.+-(training|prediction|serving)-(access|execution)")
_EITHER_WAY: Final = "either way:"


def observed(cloud: EmbeddedCloud) -> Observed:
    """Return what one cloud's policies allow, what they allowed, and what was refused, by role and statement."""
    logical = _logical_names(cloud)
    noted = decisions(cloud)
    accounts = {SAAS_ACCOUNT, *(decision["account"] for decision in noted)}
    granted = {
        (_role(name, logical), statement.get("Sid", ""), action, _general(resource))
        for account in accounts
        for name, statement in policies(cloud, account)
        if statement["Effect"] == "Allow"
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
        if (name in logical if account == SAAS_ACCOUNT else _OF_THE_CUSTOMER.fullmatch(name))
    }
    groups, sids = _groups_of_people(cloud, logical), {(role, sid) for role, sid, *_ in granted}
    used, refused = set(), set()
    for decision in noted:
        kind, name = decision["principal"].split("/", 1)
        if kind == "user":  # in the group that has the statement; a refusal is the first group's
            mine = sorted(groups[name])
            role = next((group for group in mine if (group, decision.get("sid")) in sids), mine[0])
        else:
            role = _role(name, logical)
        if decision["allowed"]:
            used.add((role, decision["sid"], decision["action"], _general(decision["resource"])))
        else:
            refused.add((role, decision["session"], decision["action"], decision["resource"]))
    return {
        "granted": sorted(map(list, granted)),
        "used": sorted(map(list, used)),
        "refused": sorted(map(list, refused)),
    }


def findings(parts: Iterable[Observed], unused: Reasons, provoked: Reasons) -> Iterator[str]:
    """Report what is allowed and unused, refused and unprovoked, and reasons without an object."""
    rows = list(parts)
    granted, used, refused = (
        {tuple(row) for part in rows for row in part[name]} for name in ("granted", "used", "refused")
    )
    if not granted or not used:
        yield "nothing was recorded"
    asked = {(role, sid, action.lower(), resource) for role, sid, action, resource in used}
    needless = sorted(row for row in granted if (row[0], row[1], row[2].lower(), row[3]) not in asked)
    yield from _compared(
        {
            (role, f"{sid or 'AWS'} {action} {resource}"): (
                f"{role} is allowed {action} on {resource} ({sid or 'by AWS'}) and never used it"
            )
            for role, sid, action, resource in needless
        },
        {
            role: {f"{what} *" if what.count(" ") == 1 else what: why for what, why in row.items()}
            for role, row in unused.items()
        },
        "unused_permissions.toml: {} is used, or is no longer allowed",
        {(role, f"{sid or 'AWS'} {action} {resource}") for role, sid, action, resource in granted},
    )
    yield from _compared(
        {
            (role, f"{session} {action}"): f"{role} was refused {action} on {what} in the session {session}"
            for role, session, action, what in sorted(refused)
        },
        provoked,
        "provoked_refusals.toml: {} was not refused",
        None,
    )


def _compared(
    found: dict[tuple[str, str], str], table: Reasons, stale: str, possible: set[tuple[str, str]] | None
) -> Iterator[str]:
    """The sentences of what has no reason, and `stale` with each reason that there is nothing for; one that holds
    either way needs something `possible` only, which anything is when this is None.
    """
    excused: set[tuple[str, str]] = set()
    for role, row in table.items():
        for what, reason in row.items():
            fits = {one for one in found if fnmatchcase(one[0], role) and fnmatchcase(one[1], what)}
            excused |= fits
            may_be = possible if reason.startswith(_EITHER_WAY) else set()
            is_possible = may_be is None or any(
                fnmatchcase(one[0], role) and fnmatchcase(one[1], what) for one in may_be
            )
            if not fits and not is_possible:
                yield stale.format(f"{role} {what}")
    yield from (sentence for one, sentence in found.items() if one not in excused)


def reasons(name: str) -> Reasons:
    """Return the table of reasons in a file beside this one."""
    return tomllib.loads((_HERE / name).read_text(encoding="utf-8"))


def _logical_names(cloud: EmbeddedCloud) -> dict[str, str]:
    """The stack's roles and its group: name in the account -> name in the template."""
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    return {
        row["PhysicalResourceId"].rsplit("/", 1)[-1]: row["LogicalResourceId"]
        for page in pages
        for row in page["StackResourceSummaries"]
        if row["ResourceType"] in {"AWS::IAM::Role", "AWS::IAM::Group"}
    }


def _groups_of_people(cloud: EmbeddedCloud, logical: dict[str, str]) -> dict[str, list[str]]:
    """The stack's groups that each user is in: name of the user -> names in the template."""
    iam = cloud.client("iam")
    users = [user["UserName"] for user in iam.list_users()["Users"]]
    return {
        user: [logical[group["GroupName"]] for group in iam.list_groups_for_user(UserName=user)["Groups"]]
        for user in users
    }


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _role(name: str, logical: dict[str, str]) -> str:
    """The role's name in the template; of the customer's roles what they are for."""
    found = _OF_THE_CUSTOMER.fullmatch(name)
    return f"{found[1]}-{found[2]}" if found else logical.get(name, name)


def _general(what: str) -> str:
    """Without what differs between the customers' accounts, and between runs."""
    without_account = re.sub(r"(?<![a-z])tml-[a-z2-7]{6}", "PREFIX", re.sub(r"\d{12}", "ACCOUNT", what))
    without_suffix = re.sub(r"(?<=[a-z])-[0-9A-F]{13}\b", "", without_account)
    without_suffix = re.sub(r"(:role/[^/]+)/[^/]+/PREFIX", r"\1/TENANT/PREFIX", without_suffix)
    return re.sub(r"(-staging-[^/]*)/[a-z][a-z0-9-]*/\*", r"\1/TENANT/*", without_suffix)
