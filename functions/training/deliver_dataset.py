"""Bring the training set to where the job in the customer's account reads it."""

from __future__ import annotations

from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.access import session_policies
from tenantml.domain.training.run import Run
from tenantml.entrypoint import state
from tenantml.services import delivery, registry
from tenantml.services.customer import assume
from tenantml.settings import setting


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return the training set's s3:// address; a repeat continues or adopts what is there."""
    train = objects.StoredObject(**event["train"])
    if event["delivery"] == "in-place":
        return {"training_uri": train.uri}
    account = (tenant := registry.get_tenant(run.tenant)).account
    target = delivery.Target(account.bucket, f"{run.customer_folder}input/train.csv", account.account_id)
    if event["delivery"] == "copy":
        source_arn = f"arn:aws:s3:::{train.bucket}/{train.key}"
        policy = session_policies.deliver(account, run.customer_folder, source_arn, setting("DATA_KEY_ARN", ""))
        theirs = assume(tenant, run.execution, policy).client("s3")
        delivery.copy(theirs, train, setting("PLATFORM_ACCOUNT"), target, platform("s3"))
    else:
        policy = session_policies.deliver(account, run.customer_folder, None)
        delivery.stream(platform("s3"), train, assume(tenant, run.execution, policy).client("s3"), target)
    return {"training_uri": target.uri}
