"""Which version of a model answers: the pointer in the model's row, and how it moves.

A version is `live` while the pointer names it. One that was replaced is on `standby` while its endpoint stands, and
`retiring` from the moment when that may go: only a version on standby can answer again at once. The pointer and both
statuses are written together, so that no endpoint is removed that the pointer can still come back to.

The newest word wins. `newest_word` of a model is the `order` of the newest version that was promoted, or the time when
somebody chose a version by hand: what was uploaded or asked for before it is promoted no more.

What somebody does by hand is `untold` until it is published: it is written with the pointer, so that a crash in between
publishes it again rather than never. The newest word replaces one before it that is not told yet.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tenantml.errors import LiveVersionChanged, NotFound, StillChanging, UploadSuperseded
from tenantml.services.registry import keys, table
from tenantml.services.registry.models import find_model, find_version, get_model, get_version
from tenantml.services.registry.pauses import paused_version
from tenantml.services.registry.pointer import (
    ATTEMPTS,
    ENDED,
    RETIRING,
    STANDBY,
    Row,
    contended,
    is_overtaken,
    may_answer,
    move,
    unchanged,
)

ANY_VERSION = "*"
DRAIN_SECONDS = 35.0  # the predict function keeps for 5 s which version is live, and answers within 29 s


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
        if is_overtaken(row, found):
            raise UploadSuperseded(
                "a newer version went live, or somebody chose one by hand or paused the model, after this one was "
                "uploaded or asked for; this one does not go live, and its training is kept"
            )
        if found["status"] in ENDED or "ended_at" in found:
            raise NotFound("the version has ended, or is being removed")
        if over not in (ANY_VERSION, previous):
            raise LiveVersionChanged("another version went live since this one was evaluated, which is done again")
        marks = {"promoted_at": table.now(), "replaced": previous}
        if move(row, found, marks, newest_word=max(found["order"], row.get("newest_word", ""))):
            return previous
    raise contended()


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
        if move(row, found, marks, newest_word=table.now() if is_word else None, untold=untold):
            return True
    raise contended()


def _return_of(row: Row, version: str, by: str) -> Row:
    """Return what is told of somebody's return to a version, which may end a pause of just this version."""
    told = {"version": version, "by": by, "returns_to": version, "status": "succeeded"}
    if paused_version(row) == version:
        return told | {"kind": "Model Resumed", "resumes": row["paused"]["pause"]}
    return told | {"kind": "Version Returned"}


def forget_untold(tenant: str, model: str, untold: Row) -> None:
    """Note that this is told; what was done by hand meanwhile is not."""
    table.update(keys.model(tenant, model), {"untold": None}, "untold = :told", told=untold)


def note_return(tenant: str, model: str, version: str, proposed: str) -> str:
    """Return the name of the version that is deployed to return to another one: the `proposed`, or that of the
    deployment that runs for the same and can still go live.
    """
    for _ in range(ATTEMPTS):
        row = get_model(tenant, model)
        noted = row.get("return")
        if noted and noted["to"] == version:
            found = find_version(tenant, model, noted["as"])
            if found is None or may_answer(row, found):  # who noted it is about to ask for it, or died before that
                return str(noted["as"])
        condition = "attribute_exists(pk) AND " + ("#0 = :noted" if noted else "attribute_not_exists(#0)")
        values = {"return": {"to": version, "as": proposed}}
        if table.update(keys.model(tenant, model), values, condition, **({"noted": noted} if noted else {})):
            return proposed
    raise contended()


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
        if move(row, before, {"returned": {"at": table.now(), "by": "bake"}}, of_replaced={"refused": reason}):
            return True
    raise contended()


def note_failing(tenant: str, model: str, version: str, reason: str) -> bool:
    """Note on a version why it should be replaced by the one before, which stands no more; return False when it is not
    the live one.
    """
    key = keys.version(tenant, model, version)
    return is_live(tenant, model, version) and table.update(key, {"failing": reason}, "attribute_exists(pk)")


def stands_by(tenant: str, model: str, version: str, *, consistent: bool = False) -> bool:
    """Return whether a version was replaced and we have not begun to remove its endpoint, a moment ago at least."""
    row = find_version(tenant, model, version, consistent)
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


def _note_word(row: Row, word: str) -> bool:
    """Note that somebody chose the version that is live; return False when the model's row changed meanwhile."""
    condition, operands = unchanged(row)
    key = keys.model(keys.tenant_of(row), row["model"])
    return table.update(key, {"newest_word": word}, f"attribute_exists(pk) AND {condition}", **operands)
