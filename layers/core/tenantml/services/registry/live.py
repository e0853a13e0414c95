"""Which version of a model answers: the pointer in the model's row, and how it moves.

A version is `live` while the pointer names it. One that was replaced is on `standby` while its endpoint stands, and
`retiring` from the moment when that may go: only a version on standby can answer again at once. The pointer and both
statuses are written together, so that no endpoint is removed that the pointer can still come back to.

The newest word wins. `newest_word` of a model is the `order` of the newest version that was promoted, or the time when
somebody chose a version by hand: what was uploaded or asked for before it is promoted no more.

The pointer of a paused model names no version, and `paused` says which one answered: its endpoint goes as that of any
version that was replaced. Whatever becomes live ends the pause. A version that is deployed to resume it is promoted
only while this very pause lasts.

What somebody does by hand is `untold` until it is published: it is written with the pointer, so that a crash in between
publishes it again rather than never. The newest word replaces one before it that is not told yet.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from tenantml.domain.webhooks.webhook_words import IDLE
from tenantml.errors import (
    LiveVersionChanged,
    ModelNotReady,
    NotFound,
    PlatformUnavailable,
    StillChanging,
    UploadSuperseded,
)
from tenantml.services.registry import keys, table
from tenantml.services.registry.models import find_model, find_version, get_model, get_version

LIVE, STANDBY, RETIRING, RETIRED, ROLLED_BACK = "live", "standby", "retiring", "retired", "rolled back"
ENDED = {RETIRING, RETIRED, ROLLED_BACK}
ATTEMPTS = 5
ANY_VERSION = "*"
DRAIN_SECONDS = 35.0  # the predict function keeps for 5 s which version is live, and answers within 29 s

Row = dict[str, Any]


def is_live(tenant: str, model: str, version: str) -> bool:
    """Return whether this version is the one that answers."""
    row = find_model(tenant, model)
    return row is not None and row.get("live_version") == version


def promote(tenant: str, model: str, version: str, over: str | None = ANY_VERSION) -> str | None:
    """Make a new version the one that answers, in one conditional write; return the version that was live before.

    A version is promoted once: a repeat, whatever happened since, changes nothing and returns the same. `over` is the
    version that it was judged against, None for the first.

    Raises:
        LiveVersionChanged: another version than `over` is live.
        NotFound: the model or the version is gone.
        UploadSuperseded: a version of a newer upload was promoted, or one was chosen by hand since, or the pause is
            over that it was to end.
    """
    for _ in range(ATTEMPTS):
        row, found = get_model(tenant, model), get_version(tenant, model, version)
        previous: str | None = row.get("live_version")
        if "promoted_at" in found:
            return found.get("replaced")
        if _is_overtaken(row, found):
            raise UploadSuperseded(
                "a newer version went live, or somebody chose one by hand or paused the model, after this one was "
                "uploaded or asked for; this one does not go live, and its training is kept"
            )
        if found["status"] in ENDED or "ended_at" in found:
            raise NotFound("the version has ended, or is being removed")
        if over not in (ANY_VERSION, previous):
            raise LiveVersionChanged("another version went live since this one was evaluated, which is done again")
        marks = {"promoted_at": table.now(), "replaced": previous}
        if _move(row, found, marks, newest_word=max(found["order"], row.get("newest_word", ""))):
            return previous
    raise _contended()


def return_to(tenant: str, model: str, version: str, by: str, *, is_word: bool = True) -> bool:
    """Make a version that was live the one that answers, in one conditional write, on somebody's word unless told
    otherwise; return False when its endpoint does not stand.

    Raises:
        NotFound: the model or the version is gone.
    """
    for _ in range(ATTEMPTS):
        row, found = get_model(tenant, model), get_version(tenant, model, version)
        if row.get("live_version") == version:
            if not is_word or _note_word(row, table.now()):
                return True
            continue
        if found.get("status") != STANDBY:
            return False
        marks, untold = {"returned": {"at": table.now(), "by": by}}, _return_of(row, version, by)
        if _move(row, found, marks, newest_word=table.now() if is_word else None, untold=untold):
            return True
    raise _contended()


def _return_of(row: Row, version: str, by: str) -> Row:
    """Return what is told of somebody's return to a version, which may end a pause of just this version."""
    told = {"version": version, "by": by, "returns_to": version, "status": "succeeded"}
    if paused_version(row) == version:
        return told | {"kind": "Model Resumed", "resumes": row["paused"]["pause"]}
    return told | {"kind": "Version Returned"}


def forget_untold(tenant: str, model: str, untold: Row) -> None:
    """Note that this is told; what was done by hand meanwhile is not."""
    table.update(keys.model(tenant, model), {"untold": None}, "untold = :told", told=untold)


def pause_idle(row: Row) -> bool:
    """Let no version answer for the model of this row, which nobody calls; return False when the model is not as in the
    row any more. This is nobody's word: what is uploaded or being deployed is promoted all the same.
    """
    return _pause(row, _new_pause(row["live_version"], IDLE), None)


def pause(tenant: str, model: str, by: str) -> Row:
    """Let no version of a model answer, in one conditional write, on somebody's word; return `version`, which answered,
    and the `pause`. What was asked for to end an earlier pause is promoted no more.

    Raises:
        ModelNotReady: no version of it answers, nor did when it was paused.
        NotFound: the model is gone.
    """
    for _ in range(ATTEMPTS):
        row = get_model(tenant, model)
        version: str | None = row.get("live_version")
        answered = version or paused_version(row)
        if answered is None:
            raise ModelNotReady("no version of the model answers, so there is nothing to pause")
        if version is None and resumed_as(row) is None:
            return dict(row["paused"])
        paused = _new_pause(answered, by)
        if _pause(row, paused, max(table.now(), row.get("newest_word", ""))):
            return paused
    raise _contended()


def _new_pause(version: str, by: str) -> Row:
    return {"version": version, "at": table.now(), "by": by, "pause": secrets.token_hex(3)}


def _pause(row: Row, paused: Row, newest_word: str | None) -> bool:
    """Let the pointer of a model name no version; return False when it is not as in `row` any more."""
    tenant, model, version = keys.tenant_of(row), row["model"], row.get("live_version")
    unchanged, operands = _unchanged(row)
    word = {} if newest_word is None else {"newest_word": newest_word}
    untold = {"kind": "Model Paused", "version": paused["version"], "by": paused["by"]}
    key, pointer = keys.model(tenant, model), {"live_version": None, "paused": paused, "untold": untold} | word
    requests = [table.update_request(key, pointer, f"attribute_exists(pk) AND {unchanged}", **operands)]
    if version and find_version(tenant, model, version) is not None:
        values = {"status": STANDBY, "replaced_at": table.now()}
        requests.append(table.update_request(keys.version(tenant, model, version), values, "attribute_exists(pk)"))
    return table.update_all(requests)


def version_to_predict(row: Row) -> str | None:
    """Return the version that answers for the model of this row, or that did when it was paused; None without one."""
    live: str | None = row.get("live_version")
    return live or paused_version(row)


def paused_version(row: Row) -> str | None:
    """Return the version that answered when the model of this row was paused; None when it is not paused."""
    version: str | None = (row.get("paused") or {}).get("version")
    return version


def resumed_as(row: Row) -> str | None:
    """Return the version that is being deployed to end the pause of the model of this row, None when none is."""
    noted = row.get("return")
    if not noted or noted["to"] != paused_version(row):
        return None
    found = find_version(keys.tenant_of(row), row["model"], noted["as"])
    return str(noted["as"]) if found and _may_answer(row, found) else None


def note_return(tenant: str, model: str, version: str, proposed: str) -> str:
    """Return the name of the version that is deployed to return to another one: the `proposed`, or that of the
    deployment that runs for the same and can still go live.
    """
    for _ in range(ATTEMPTS):
        row = get_model(tenant, model)
        noted = row.get("return")
        if noted and noted["to"] == version:
            found = find_version(tenant, model, noted["as"])
            if found is None or _may_answer(row, found):  # who noted it is about to ask for it, or died before that
                return str(noted["as"])
        condition = "attribute_exists(pk) AND " + ("#0 = :noted" if noted else "attribute_not_exists(#0)")
        values = {"return": {"to": version, "as": proposed}}
        if table.update(keys.model(tenant, model), values, condition, **({"noted": noted} if noted else {})):
            return proposed
    raise _contended()


def returned_as(tenant: str, model: str, version: str) -> str | None:
    """Return the version that was deployed last to return to this one, None when none was."""
    noted = get_model(tenant, model).get("return")
    if noted is None or noted["to"] != version or find_version(tenant, model, noted["as"]) is None:
        return None
    return str(noted["as"])


def fall_back(tenant: str, model: str, version: str, reason: str) -> bool:
    """Let the version that this one replaced answer again, in one conditional write, and note why; return False when
    this one is not live any more, or when there is nothing to fall back to.

    Raises:
        NotFound: the model or the version is gone.
    """
    for _ in range(ATTEMPTS):
        row, refused = get_model(tenant, model), get_version(tenant, model, version)
        before = find_version(tenant, model, refused.get("replaced") or "")
        if row.get("live_version") != version or before is None or before.get("status") != STANDBY:
            return False
        if _move(row, before, {"returned": {"at": table.now(), "by": "bake"}}, of_replaced={"refused": reason}):
            return True
    raise _contended()


def note_failing(tenant: str, model: str, version: str, reason: str) -> bool:
    """Note on a version why it should be replaced by the one before, which stands no more; return False when it is not
    the live one.
    """
    key = keys.version(tenant, model, version)
    return is_live(tenant, model, version) and table.update(key, {"failing": reason}, "attribute_exists(pk)")


def stands_by(tenant: str, model: str, version: str) -> bool:
    """Return whether a version was replaced and its endpoint stands, a moment ago at least."""
    row = find_version(tenant, model, version, consistent=False)
    return row is not None and row.get("status") == STANDBY


def is_awaited(tenant: str, model: str, version: str, deployed: str) -> bool:
    """Return whether the deployment of another version than `deployed`, which is live, may still come back to this one:
    then that deployment retires it.
    """
    live = (find_model(tenant, model) or {}).get("live_version")
    if not live or live == deployed:
        return False
    row = find_version(tenant, model, live)
    return row is not None and row.get("replaced") == version and "ended_at" not in row


def begin_retirement(tenant: str, model: str, version: str, drained_from: str | None = None) -> bool:
    """Note that a version's endpoint goes, so that nobody comes back to it; return False when it is live. What was
    replaced before `drained_from` has had the time for its last requests.

    Raises:
        StillChanging: its last requests may not be answered yet, or it changed meanwhile.
    """
    row = find_version(tenant, model, version)
    if is_live(tenant, model, version):
        return False
    if row is None:
        return True
    replaced_at = datetime.fromisoformat(row.get("replaced_at", "2000-01-01T00:00:00Z"))
    is_drained = datetime.now(UTC) - replaced_at >= timedelta(seconds=DRAIN_SECONDS)
    if drained_from is not None:
        is_drained |= replaced_at <= datetime.fromisoformat(drained_from)
    if row["status"] == STANDBY and not is_drained:
        raise StillChanging(f"the version {version} was replaced just now; its last requests are being answered")
    key = keys.version(tenant, model, version)
    if not table.update(key, {"status": RETIRING}, "#0 IN (:found, :0)", found=row["status"]):
        raise StillChanging(f"the version {version} changed while it was being retired; it is looked at again")
    return True


def _is_overtaken(row: Row, version: Row) -> bool:
    """Return whether something newer was said since a version was asked for."""
    if "resumes" in version:
        return bool((row.get("paused") or {}).get("pause") != version["resumes"])
    return bool(row.get("newest_word", "") > version["order"])


def _may_answer(row: Row, version: Row) -> bool:
    """Return whether a version is being deployed and can still go live."""
    return not {"ended_at", "promoted_at"} & version.keys() and not _is_overtaken(row, version)


def _note_word(row: Row, word: str) -> bool:
    """Note that somebody chose the version that is live; return False when the model's row changed meanwhile."""
    unchanged, operands = _unchanged(row)
    key = keys.model(keys.tenant_of(row), row["model"])
    return table.update(key, {"newest_word": word}, f"attribute_exists(pk) AND {unchanged}", **operands)


def _unchanged(row: Row) -> tuple[str, Row]:
    """Return the condition, with its operands, that a model's pointer, newest word and pause are as in its row."""
    previous, paused = row.get("live_version"), row.get("paused")
    unchanged = "live_version = :previous"
    if previous is None:
        unchanged = f"(attribute_not_exists(live_version) OR {unchanged})"
    unchanged += " AND paused = :paused" if paused else " AND (attribute_not_exists(paused) OR paused = :paused)"
    unchanged += " AND newest_word = :word" if "newest_word" in row else " AND attribute_not_exists(newest_word)"
    return unchanged, {"previous": previous, "paused": paused} | (
        {"word": row["newest_word"]} if "newest_word" in row else {}
    )


def _move(
    row: Row,
    version: Row,
    marks: Row,
    *,
    newest_word: str | None = None,
    of_replaced: Row | None = None,
    untold: Row | None = None,
) -> bool:
    """Let the pointer of a model, which is as in `row`, name a version; return False when either changed meanwhile."""
    tenant, model = keys.tenant_of(row), row["model"]
    previous = row.get("live_version")
    word: Row = {} if newest_word is None else {"newest_word": newest_word}
    word |= {"untold": untold} if untold else {}
    pointer = {"live_version": version["version"], "previous_version": previous, "paused": None} | word
    unchanged, operands = _unchanged(row)
    has_ended = f"attribute{'' if 'ended_at' in version else '_not'}_exists(ended_at)"
    requests = [
        table.update_request(keys.model(tenant, model), pointer, f"attribute_exists(pk) AND {unchanged}", **operands),
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


def _contended() -> PlatformUnavailable:
    return PlatformUnavailable("the live version of this model is being changed from several places; try again")
