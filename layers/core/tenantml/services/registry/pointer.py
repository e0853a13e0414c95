"""The pointer of a model to the version that answers: it moves in one conditional write with the statuses of both
versions, while the model's row is as it was read.
"""

from __future__ import annotations

from typing import Any

from tenantml.errors import PlatformUnavailable
from tenantml.services.registry import keys, table
from tenantml.services.registry.models import find_version

LIVE, STANDBY, RETIRING, RETIRED, ROLLED_BACK = "live", "standby", "retiring", "retired", "rolled back"
ENDED = {RETIRING, RETIRED, ROLLED_BACK}
ATTEMPTS = 5
AGAINST = ("refused", "failing")
"""What a bake notes on a version: why the one before answers again, or should; null once it is live all the same."""

Row = dict[str, Any]


def move(
    row: Row,
    version: Row,
    marks: Row,
    *,
    newest_word: str | None = None,
    of_replaced: Row | None = None,
    untold: Row | None = None,
) -> bool:
    """Let the pointer of a model, which is as in `row`, name a version, against which no bake has said anything any
    more; return False when either changed meanwhile.
    """
    tenant, model = keys.tenant_of(row), row["model"]
    previous = row.get("live_version")
    word: Row = {} if newest_word is None else {"newest_word": newest_word}
    word |= {"untold": untold} if untold else {}
    pointer = {"live_version": version["version"], "previous_version": previous, "paused": None} | word
    condition, operands = unchanged(row)
    marks = marks | {name: None for name in AGAINST if version.get(name)}
    has_ended = f"attribute{'' if 'ended_at' in version else '_not'}_exists(ended_at)"
    requests = [
        table.update_request(keys.model(tenant, model), pointer, f"attribute_exists(pk) AND {condition}", **operands),
        table.update_request(
            keys.version(tenant, model, version["version"]),
            {"status": LIVE} | marks,
            f"#0 = :found AND {has_ended}",
            found=version["status"],
        ),
    ]
    if previous is not None and find_version(tenant, model, previous) is not None:
        values = {"status": STANDBY, "replaced_at": table.now()} | (of_replaced or {})
        requests.append(table.update_request(keys.version(tenant, model, previous), values, "attribute_exists(pk)"))
    return table.update_all(requests)


def unchanged(row: Row) -> tuple[str, Row]:
    """Return the condition, with its operands, that a model's pointer, newest word and pause are as in its row."""
    previous, paused = row.get("live_version"), row.get("paused")
    condition = "live_version = :previous"
    if previous is None:
        condition = f"(attribute_not_exists(live_version) OR {condition})"
    condition += " AND paused = :paused" if paused else " AND (attribute_not_exists(paused) OR paused = :paused)"
    condition += " AND newest_word = :word" if "newest_word" in row else " AND attribute_not_exists(newest_word)"
    return condition, {"previous": previous, "paused": paused} | (
        {"word": row["newest_word"]} if "newest_word" in row else {}
    )


def is_overtaken(row: Row, version: Row) -> bool:
    """Return whether something newer was said since a version was asked for."""
    if "resumes" in version:
        return bool((row.get("paused") or {}).get("pause") != version["resumes"])
    return bool(row.get("newest_word", "") > version["order"])


def may_answer(row: Row, version: Row) -> bool:
    """Return whether a version is being deployed and can still go live."""
    return not {"ended_at", "promoted_at"} & version.keys() and not is_overtaken(row, version)


def contended() -> PlatformUnavailable:
    """Return that the pointer moved too often while it was to be moved."""
    return PlatformUnavailable("the live version of this model is being changed from several places; try again")
