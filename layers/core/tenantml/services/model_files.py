"""Model files: what a version's containers are and what they load, for a customer who takes the model along."""

from __future__ import annotations

from typing import Any

from tenantml.aws.s3 import objects, presigned
from tenantml.aws.sagemaker import automl
from tenantml.domain.access import session_policies
from tenantml.domain.names import CustomerAccount
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training import candidates, inference_containers
from tenantml.domain.training.explanation import MODEL
from tenantml.errors import ArtefactsGone, NoCandidate
from tenantml.services.customer import assume

Row = dict[str, Any]


def of(tenant: Tenant, version: Row) -> tuple[list[Row], list[Row]]:
    """Return a version's containers in the order in which rows pass them, as it is deployed, and the files that they
    load, each with a link that downloads it for a quarter of an hour.

    Raises:
        CustomerAccessRevoked: the access role may not read them.
        CustomerThrottled: AWS did not answer.
        ArtefactsGone: the training no longer has the version's candidate.
    """
    account, purpose = tenant.account, f"tenantml-model-{version['model']}"
    client = assume(tenant, purpose, session_policies.list_candidates()).client("sagemaker")
    try:
        candidate = candidates.named(automl.candidates(client, account.job(version["execution"])), version["candidate"])
    except NoCandidate as error:
        raise ArtefactsGone(f"the version's model cannot be found any more: {error}") from error
    prepared = inference_containers.prepare_containers(
        candidate["InferenceContainers"], version.get("output_keys") or ()
    )
    folder = CustomerAccount.folder(version["model"], version["execution"])
    keys = {str(item.get("ModelDataUrl")): account.key_of(str(item.get("ModelDataUrl")), folder) for item in prepared}
    containers = [
        {
            "image": item["Image"],
            "environment": item.get("Environment", {}),
            "artefact": _name(keys[str(item.get("ModelDataUrl"))], folder),
        }
        for item in prepared
    ]
    theirs = [key for key in keys.values() if key]
    if not theirs:
        return containers, []
    session = assume(tenant, purpose, session_policies.read_reports(account, folder, *theirs))
    sizes = {key: objects.list_theirs(session.client("s3"), account.bucket, key, most=1).get(key) for key in theirs}
    found = [key for key in theirs if sizes[key] is not None]
    links = presigned.downloads(session.credentials, tenant.region, account.bucket, found)
    return containers, [
        {"name": _name(key, folder), "kind": MODEL, "size_bytes": sizes[key]} | link
        for key, link in zip(found, links, strict=True)
    ]


def _name(key: str | None, folder: str) -> str | None:
    return key and key.removeprefix(folder)
