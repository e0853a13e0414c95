"""Deliver the training set to where the job in the customer's account reads it."""

from __future__ import annotations

from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import access_points, objects
from tenantml.domain.access import session_policies
from tenantml.domain.access.grant import access_point_name
from tenantml.domain.training.model_settings import COPY, IN_PLACE
from tenantml.entrypoint import state
from tenantml.services import delivery
from tenantml.services.run_context import RunContext
from tenantml.settings import setting


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the training set's s3:// address; a repeat continues or adopts what is there."""
    train = context.training_set(event["train"])
    ours, access_point = setting("PLATFORM_ACCOUNT"), access_point_name(train.bucket, context.run.execution)
    if event["delivery"] == IN_PLACE:
        alias = access_points.alias_of(ours, access_point)
        return {"training_uri": delivery.in_place(platform("s3"), train, alias).uri}
    account, folder = context.account, context.run.customer_folder
    target = delivery.Target(account.bucket, f"{folder}input/train.csv", account.account_id)
    if event["delivery"] == COPY:
        through, key_arn = access_points.arn_of(ours, access_point), setting("DATA_KEY_ARN", "")
        # S3 asks about the object in the access point, and about the object in its bucket.
        sources = [f"{through}/object/{train.key}", f"{objects.arn_of(train.bucket)}/{train.key}"]
        s3 = context.customer(session_policies.deliver(account, folder, sources, key_arn)).client("s3")
        delivery.copy(s3, train, ours, target, platform("s3"), through=through)
    else:
        policy = session_policies.deliver(account, folder)
        delivery.stream(platform("s3"), train, context.customer(policy).client("s3"), target)
    return {"training_uri": target.uri}
