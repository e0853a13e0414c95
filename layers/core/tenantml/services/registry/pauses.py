"""Pauses: the pointer of a paused model names no version, and `paused` says which one answered. Its endpoint goes as
that of any version that was replaced. Whatever becomes live ends the pause; a version that is deployed to resume it is
promoted only while this very pause lasts.
"""

from __future__ import annotations

import secrets

from tenantml.domain.webhooks.webhook_words import IDLE
from tenantml.errors import ModelNotReady
from tenantml.services.registry import keys, table
from tenantml.services.registry.models import find_version, get_model
from tenantml.services.registry.pointer import ATTEMPTS, STANDBY, Row, contended, may_answer, unchanged


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
    raise contended()


def _new_pause(version: str, by: str) -> Row:
    return {"version": version, "at": table.now(), "by": by, "pause": secrets.token_hex(3)}


def _pause(row: Row, paused: Row, newest_word: str | None) -> bool:
    """Let the pointer of a model name no version; return False when it is not as in `row` any more."""
    tenant, model, version = keys.tenant_of(row), row["model"], row.get("live_version")
    condition, operands = unchanged(row)
    word = {} if newest_word is None else {"newest_word": newest_word}
    untold = {"kind": "Model Paused", "version": paused["version"], "by": paused["by"]}
    key, pointer = keys.model(tenant, model), {"live_version": None, "paused": paused, "untold": untold} | word
    requests = [table.update_request(key, pointer, f"attribute_exists(pk) AND {condition}", **operands)]
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
    return resumption(row)[0]


def resumption(row: Row) -> tuple[str | None, Row | None]:
    """Return the version that is being deployed to end the pause of the model of this row, and the error of the last
    one that was and could not. One that has ended the pause since the row was read counts as being deployed: whoever
    looks again sees it live.
    """
    noted, paused = row.get("return"), row.get("paused") or {}
    if not noted or noted["to"] != paused_version(row):
        return None, None
    found = find_version(keys.tenant_of(row), row["model"], noted["as"])
    if found is None:
        return None, None
    is_of_this_pause = found.get("resumes") == paused["pause"]
    if may_answer(row, found) or (is_of_this_pause and "promoted_at" in found):
        return str(found["version"]), None
    return None, found.get("error") if is_of_this_pause else None
