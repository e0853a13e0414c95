"""Models, their versions, and their trainings that are kept."""

from __future__ import annotations

import secrets
from typing import Any

from tenantml.aws.dynamodb import from_item, to_item
from tenantml.aws.error_codes import CONDITION_FAILED, AwsError, code_of
from tenantml.domain.api.pagination import Page, PageRequest
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import NotFound, PlatformUnavailable
from tenantml.services import tenant_scope
from tenantml.services.registry import keys, table


def put_model(tenant: str, model: str, settings: ModelSettings, expected: int | None = None) -> int | None:
    """Write a model's settings and return their revision, 1 for the first; its live version stays.

    With an `expected` revision (0: no such model yet), None is returned when the model has another.
    """
    request = {
        **table.at(keys.model(tenant, model)),
        "UpdateExpression": "SET model = :model, settings = :settings, updated_at = :now ADD revision :one",
        "ReturnValues": "UPDATED_NEW",
    }
    values = {":model": model, ":settings": settings.as_document(), ":now": table.now(), ":one": 1}
    if expected is not None:
        request["ConditionExpression"] = "revision = :expected" if expected else "attribute_not_exists(pk)"
        values |= {":expected": expected} if expected else {}
    try:
        answer = tenant_scope.dynamodb().update_item(**request, ExpressionAttributeValues=to_item(values))
    except AwsError as error:
        if code_of(error) in CONDITION_FAILED:
            return None
        raise
    revision: int = from_item(answer["Attributes"])["revision"]
    return revision


def find_model(tenant: str, model: str, consistent: bool = True) -> dict[str, Any] | None:
    """Return the model's row (`settings`, `live_version`), or None."""
    return table.get(keys.model(tenant, model), consistent)


def get_model(tenant: str, model: str) -> dict[str, Any]:
    """Return the model's row.

    Raises:
        NotFound: the tenant has no such model.
    """
    row = find_model(tenant, model)
    if row is None:
        raise NotFound("there is no such model; PUT /models/{model} configures one")
    return row


def holdout_salt(tenant: str, model: str) -> str:
    """Return the model's salt of row hashes: random, made when it is first asked for, and never another one.

    Raises:
        NotFound: the tenant has no such model.
    """
    made = {"holdout_salt": secrets.token_hex(16)}
    table.update(keys.model(tenant, model), made, "attribute_exists(pk) AND attribute_not_exists(holdout_salt)")
    salt: str = get_model(tenant, model)["holdout_salt"]
    return salt


def all_models(tenant: str) -> list[dict[str, Any]]:
    """Return the rows of all models of a tenant that were configured, by name."""
    return [row for row in table.query(keys.model(tenant, "")) if "settings" in row]


def list_models(tenant: str, page: PageRequest) -> Page:
    """Return a page of the tenant's models, by name."""
    return table.read_page(keys.model(tenant, ""), page)


def note_newest_upload(tenant: str, model: str, order: str) -> bool:
    """Remember the model's newest upload by its `order`; return False when a newer one is known already, or when the
    model is gone.
    """
    return table.update(
        keys.model(tenant, model),
        {"newest_upload": order},
        "attribute_exists(pk) AND (attribute_not_exists(newest_upload) OR newest_upload <= :order)",
        order=order,
    )


def find_turn(tenant: str, model: str) -> dict[str, Any] | None:
    """Return whose turn it is to train the model (`execution`, `order`, `stops`), or None; it may be over.

    Raises:
        NotFound: the model is gone.
    """
    turn: dict[str, Any] | None = get_model(tenant, model).get("turn")
    return turn


def take_turn(run: Run, turn: dict[str, Any], held: dict[str, Any] | None) -> bool:
    """Note that it is the run's turn, if it is still that of `held`; return whether it was."""
    condition = "attribute_exists(pk) AND " + ("attribute_not_exists(turn)" if held is None else "turn = :held")
    operands = {} if held is None else {"held": held}
    return table.update(
        keys.model(run.tenant, run.model), {"turn": {"execution": run.execution} | turn}, condition, **operands
    )


def request_version(run: Run, document: dict[str, Any]) -> None:
    """Make a version known, the first time that it is asked for; a repeat changes nothing.

    Raises:
        PlatformUnavailable: another candidate was asked for in the same second, and chance gave it the same name.
    """
    is_new = table.update(
        keys.version(run.tenant, run.model, run.version),
        {
            "model": run.model,
            "version": run.version,
            "execution": run.execution,
            "status": "requested",
            "created_at": table.now(),
            **document,
        },
        "attribute_not_exists(pk)",
    )
    found = {} if is_new else find_version(run.tenant, run.model, run.version) or {}
    if found and (found["execution"], found.get("candidate")) != (run.execution, document.get("candidate")):
        raise PlatformUnavailable("another version was asked for at the same moment; try again")


def end_version(run: Run, values: dict[str, Any]) -> bool:
    """Write how a version's deployment ended, once; return False when it had ended before, or is not known."""
    return table.update(
        keys.version(run.tenant, run.model, run.version),
        {**values, "ended_at": table.now()},
        "attribute_exists(pk) AND attribute_not_exists(ended_at)",
    )


def update_version(tenant: str, model: str, version: str, values: dict[str, Any]) -> bool:
    """Change attributes of a version's row; return False when there is no such row."""
    return table.update(keys.version(tenant, model, version), values, "attribute_exists(pk)")


def find_version(tenant: str, model: str, version: str, consistent: bool = True) -> dict[str, Any] | None:
    """Return a version's row, or None."""
    return table.get(keys.version(tenant, model, version), consistent)


def get_version(tenant: str, model: str, version: str) -> dict[str, Any]:
    """Return a version's row.

    Raises:
        NotFound: the model has no such version.
    """
    row = find_version(tenant, model, version)
    if row is None:
        raise NotFound("there is no such version; GET /models/{model}/versions lists yours")
    return row


def all_versions(tenant: str, model: str) -> list[dict[str, Any]]:
    """Return the rows of all versions of a model, newest first."""
    return table.query(keys.version(tenant, model, ""))[::-1]


def list_versions(tenant: str, model: str, page: PageRequest) -> Page:
    """Return a page of a model's versions, newest first."""
    return table.read_page(keys.version(tenant, model, ""), page, newest_first=True)


def keep_training(run: Run, candidates: dict[str, str]) -> None:
    """Note that the run's training completed, that what it made is kept, and where its candidates are described."""
    table.update(
        keys.training(run.tenant, run.model, run.execution),
        {"execution": run.execution, "trained_at": table.now(), "candidates": candidates},
    )


def find_training(tenant: str, model: str, execution: str) -> dict[str, Any] | None:
    """Return the row of a training that is kept, or None."""
    row = table.get(keys.training(tenant, model, execution))
    return row if row and _is_kept(row) else None


def list_trainings(tenant: str, model: str) -> list[dict[str, Any]]:
    """Return the rows of a model's trainings that are kept: few, since others are pruned."""
    return [row for row in table.query(keys.training(tenant, model, "")) if _is_kept(row)]


def give_up_training(tenant: str, model: str, execution: str) -> None:
    """Note that what is kept of a training goes: from now on it counts as gone."""
    values = {"given_up_at": table.now(), "model": model}
    table.update(keys.training(tenant, model, execution), values, "attribute_exists(pk)")


def take_back_training(tenant: str, model: str, execution: str) -> None:
    """Note that a training is kept all the same that was given up, and of which nothing was deleted yet."""
    table.update(keys.training(tenant, model, execution), {"given_up_at": None}, "attribute_exists(pk)")


def given_up_trainings(tenant: str, model: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of trainings of which something may be left although they were given up; of one model, or all."""
    rows = table.query(keys.training(tenant, model, "") if model else keys.of_tenant(tenant, f"{keys.TRAINING}#"))
    return [row for row in rows if not _is_kept(row)]


def _is_kept(row: dict[str, Any]) -> bool:
    return row.get("given_up_at") is None


def forget_training(tenant: str, model: str, execution: str) -> None:
    """Note that nothing is kept of a training."""
    table.delete(keys.training(tenant, model, execution))


def note_leftover(tenant: str, execution: str, folder: str) -> None:
    """Note a folder in the customer's account that is to be deleted, and could not be yet."""
    table.update(keys.leftover(tenant, execution), {"folder": folder})


def leftovers(tenant: str) -> list[dict[str, Any]]:
    """Return the rows of what the customer's account did not let us delete yet, each with its `folder`."""
    return list(table.query(keys.leftover(tenant, "")))


def forget_leftover(row: dict[str, Any]) -> None:
    """Note that a folder is deleted."""
    table.delete(keys.of(row))


def remove_model(tenant: str, model: str) -> None:
    """Delete a model's row, so that it neither answers nor is trained; its executions and versions stay."""
    table.delete(keys.model(tenant, model))
