"""Bring the training set to where the job in the customer's account reads it."""

from __future__ import annotations

from typing import Any

from tenantml.aws import registry, storage
from tenantml.aws.clients import platform
from tenantml.aws.customer import assume
from tenantml.domain import session_policies
from tenantml.domain.runs import Run
from tenantml.entrypoint import state
from tenantml.settings import setting


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return the training set's s3:// address; a repeat writes the same object again."""
    train, delivery = storage.StoredObject(**event["train"]), event["delivery"]
    if delivery == "in-place":
        return {"training_uri": train.uri}
    tenant = registry.get_tenant(run.tenant)
    bucket, key = tenant.account.bucket, f"{run.customer_folder}input/train.csv"
    source_arn = f"arn:aws:s3:::{train.bucket}/{train.key}"
    session = assume(
        tenant,
        run.execution,
        session_policies.deliver(tenant.account, run.customer_folder, source_arn if delivery == "copy" else None),
    )
    if delivery == "copy":
        storage.copy(session.client("s3"), train, setting("PLATFORM_ACCOUNT"), bucket, key, tenant.account_id)
    else:
        storage.stream(platform("s3"), train, session.client("s3"), bucket, key)
    return {"training_uri": f"s3://{bucket}/{key}"}
