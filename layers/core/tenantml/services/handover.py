"""Hand-over: the live models of a tenant that leaves stay in its account and answer on, with a page and a client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.aws.sagemaker import automl, endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.handover import package
from tenantml.domain.names import CustomerAccount, variant_resource
from tenantml.domain.predictions.asking import Deployed
from tenantml.domain.tenancy.removal_report import KEPT, MODELS, REMOVED, Offboarding
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training import endpoint_rules
from tenantml.errors import InvalidOperation
from tenantml.services import handover_client, registry, reports, spending
from tenantml.services.customer import assume
from tenantml.services.registry import keys

Row = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """What a removal leaves in the customer's account: endpoints, with the configurations and models of their name, and
    objects by their keys.
    """

    names: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()


def kept(wanted: Offboarding, client: Any, account: CustomerAccount) -> Kept:
    """Return what stays, as the account has it now; nothing unless the models are to be kept.

    Raises:
        CustomerAccessRevoked: the account lets us in no more.
    """
    names, found = set(), set()
    for row in _live(wanted):
        name = row["endpoint"]
        if endpoints.status(client, name)[0] not in {automl.ABSENT, "Failed", "Deleting"}:
            names.add(name)
            uris = endpoints.model_files(client, name)
            found |= {key for uri in uris if (key := account.key_of(uri, f"{row['model']}/"))}
            found |= {f"{package.folder(row['model'])}{file}" for file in (package.PAGE, package.CLIENT)}
    return Kept(frozenset(names), frozenset(found))


def require_one(wanted: Offboarding) -> None:
    """Return when a model would stay, or none is to.

    Raises:
        InvalidOperation: the models are to be kept, and none has an endpoint that answers.
    """
    if MODELS in wanted.keep and not _live(wanted):
        raise InvalidOperation(
            "keep: no model has an endpoint that answers, so none would stay and all would be removed; resume a paused "
            "one first, or off-board without it"
        )


def hand_over(wanted: Offboarding, tenant: Tenant, client: Any) -> None:
    """Write the page and the client of each model that stays, and note what stays and what it costs. Repeatable, also
    when what is staged here is removed already.

    Raises:
        CustomerAccessRevoked: the account lets us in no more.
        CustomerThrottled: AWS did not answer.
    """
    account, stays = tenant.account, kept(wanted, client, tenant.account)
    staying = [row for row in _live(wanted) if row["endpoint"] in stays.names]
    for row in staying:
        cost = package.monthly_cost(row["plan"], account.region, spending.prices())
        _write(tenant, row, cost)
        _note(wanted, account, row, cost, stays)
    _note_unkept(wanted, {row["model"] for row in staying})


def _note_unkept(wanted: Offboarding, staying: set[str]) -> None:
    """Note the models that are removed although models are to be kept, each with the reason."""
    if MODELS not in wanted.keep:
        return
    with_endpoint = {row["model"] for row in _live(wanted)}
    for row in registry.rows_of(wanted.tenant):
        if keys.kind_of(row) != keys.MODEL or (model := row["model"]) in staying:
            continue
        why = "its endpoint was gone"
        if registry.paused_version(row):
            why = "it was paused"
        elif model not in with_endpoint:
            why = "it answered batches alone" if row.get("live_version") else "no version of it answered"
        reports.note(wanted, REMOVED, f"model {model}", f"not kept, for {why}")


def _live(wanted: Offboarding) -> list[Row]:
    """Return the rows of the versions that answer by an endpoint, if the models are to be kept."""
    if MODELS not in wanted.keep:
        return []
    rows = registry.rows_of(wanted.tenant)
    answers = {(row["model"], row.get("live_version")) for row in rows if keys.kind_of(row) == keys.MODEL}
    return [
        row
        for row in rows
        if keys.kind_of(row) == keys.VERSION and (row["model"], row["version"]) in answers
        if not endpoint_rules.answers_batches_only(row)
    ]


def _write(tenant: Tenant, row: Row, cost: str) -> None:
    stored = objects.find_bytes(platform("s3"), **row["profile"])
    if stored is None:
        return  # a removal that was resumed, and had written both before
    account, deployed = tenant.account, Deployed.of_row(row, json.loads(stored))
    folder = package.folder(row["model"])
    session = assume(tenant, f"tenantml-handover-{row['model']}", session_policies.write_objects(account, folder))
    files = {
        package.CLIENT: package.client(Path(handover_client.__file__).read_text("utf-8"), account, deployed),
        package.PAGE: package.page(account, row["model"], row, deployed, cost),
    }
    for name, text in files.items():
        objects.put_theirs(session.client("s3"), account.bucket, f"{folder}{name}", text)


def _note(wanted: Offboarding, account: CustomerAccount, row: Row, cost: str, stays: Kept) -> None:
    name, model = row["endpoint"], row["model"]
    reports.note(wanted, KEPT, account.sagemaker_arn("endpoint", name), f"the model {model} answers on; {cost}")
    for kind in ("endpoint-config", "model"):
        reports.note(wanted, KEPT, account.sagemaker_arn(kind, name), f"the endpoint {name} is made of it")
    if scales := package.scaling(row["plan"]):
        target = f"scalable target {variant_resource(name)}"
        reports.note(wanted, KEPT, target, f"{scales}; its policy and alarms stay with it")
    for key in sorted(key for key in stays.objects if key.startswith(f"{model}/")):
        is_ours = key.startswith(package.folder(model))
        reason = f"how to call the model {model} without us" if is_ours else f"the endpoint {name} loads it"
        reports.note(wanted, KEPT, f"{account.bucket_arn}/{key}", reason)
    reason = "endpoints that stay run as it: update your stack with HandedOver=yes, and do not delete it"
    reports.note(wanted, KEPT, account.roles.serving_execution, reason)
