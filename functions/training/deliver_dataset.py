"""Deliver the training set to where the job in the customer's account reads it."""

from __future__ import annotations

from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.access import session_policies
from tenantml.domain.training.model_settings import IN_PLACE
from tenantml.entrypoint import state
from tenantml.services import delivery
from tenantml.services.run_context import RunContext
from tenantml.settings import setting


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the training set's s3:// address; a repeat continues or adopts what is there."""
    train = context.training_set(event["train"])
    if event["delivery"] == IN_PLACE:
        return {"training_uri": train.uri}
    account, folder = context.account, context.run.customer_folder
    target = delivery.Target(account.bucket, f"{folder}input/train.csv", account.account_id)
    if event["delivery"] == "copy":
        source_arn = f"{objects.arn_of(train.bucket)}/{train.key}"
        policy = session_policies.deliver(account, folder, source_arn, setting("DATA_KEY_ARN", ""))
        delivery.copy(context.customer(policy).client("s3"), train, setting("PLATFORM_ACCOUNT"), target, platform("s3"))
    else:
        policy = session_policies.deliver(account, folder, None)
        delivery.stream(platform("s3"), train, context.customer(policy).client("s3"), target)
    return {"training_uri": target.uri}
