"""Two customers with the roles of the on-boarding template, grants for both, and one of them who tries everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import SAAS_ACCOUNT
from tenantml.aws.clients import platform
from tenantml.aws.s3 import access_points
from tenantml.domain.access.grant import access_point_name
from tenantml.domain.training.model_settings import COPY, IN_PLACE, ModelSettings
from tenantml.domain.training.run import Run
from tenantml.services import grants
from tenantml.settings import setting
from tests.integration.pipeline.conftest import Customer

pytestmark = pytest.mark.usefixtures("boundary")
THEIRS, OTHERS = b"age\n1\n", b"holdout"


@dataclass(frozen=True)
class Granted:
    """A training set of a customer that a role of it may read, and the ways to it."""

    customer: Customer
    run: Run
    delivery: str

    @property
    def key(self) -> str:
        return f"{self.run.staging_folder}train.csv"

    @property
    def point(self) -> str:
        return access_point_name(setting("STAGING_BUCKET"), self.run.execution)

    @property
    def arn(self) -> str:
        return access_points.arn_of(SAAS_ACCOUNT, self.point)

    @property
    def alias(self) -> str:
        return access_points.alias_of(SAAS_ACCOUNT, self.point)


def granted(customer: Customer, delivery: str) -> Granted:
    """Stage a customer's training set and holdout, and grant the first."""
    execution = f"{customer.run.execution[:-2]}{'ci'[delivery == IN_PLACE]}x"
    run = Run(execution, customer.run.tenant, customer.run.model, customer.run.version)
    found = Granted(customer, run, delivery)
    bucket = setting("STAGING_BUCKET")
    platform("s3").put_object(Bucket=bucket, Key=found.key, Body=THEIRS)
    platform("s3").put_object(Bucket=bucket, Key=f"{run.staging_folder}holdout.csv", Body=OTHERS)
    grants.grant(run, customer.tenant.account, bucket, found.key, ModelSettings("y", delivery=delivery))
    return found


def as_role(customer: Customer, role_arn: str) -> Any:
    """S3 as one of the customer's roles, which its own administrator lets itself assume."""
    iam, name = customer.client("iam"), role_arn.rpartition("/")[2]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    own = {"Effect": "Allow", "Principal": {"AWS": customer.tenant.account_id}, "Action": "sts:AssumeRole"}
    widened = json.dumps(trust | {"Statement": [*trust["Statement"], own]})
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=widened)
    keys = customer.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="own")["Credentials"]
    return customer.cloud.client("s3", customer.tenant.account_id, credentials=keys)


def everything(customer: Customer, role_arn: str) -> None:
    """Let a role do anything in S3, as far as its own account decides."""
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    customer.client("iam").put_role_policy(
        RoleName=role_arn.rpartition("/")[2],
        PolicyName="everything",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )


def attempts(s3: Any, own_bucket: str, wanted: Granted, points: list[Granted]) -> dict[str, Callable[[], Any]]:
    """The ways to a training set, through its own access point, through others, and past all of them."""
    bucket = setting("STAGING_BUCKET")
    keys = [wanted.key, f"{wanted.run.staging_folder}holdout.csv"]
    aliases = {point.point: point.alias for point in points} | {"the bucket": bucket}
    found: dict[str, Callable[[], Any]] = {}
    for key, (name, alias) in product(keys, aliases.items()):
        found[f"read {key} by {name}"] = lambda key=key, alias=alias: s3.get_object(Bucket=alias, Key=key)[
            "Body"
        ].read()
        found[f"copy {key} by {name}"] = lambda key=key, alias=alias: s3.copy_object(
            Bucket=own_bucket, Key=f"{wanted.customer.run.model}/stolen", CopySource={"Bucket": alias, "Key": key}
        )
    for key, point in product(keys, points):
        found[f"copy {key} by {point.arn}"] = lambda key=key, point=point: s3.copy_object(
            Bucket=own_bucket, Key=f"{wanted.customer.run.model}/stolen", CopySource={"Bucket": point.arn, "Key": key}
        )
    for (name, alias), prefix in product(aliases.items(), [wanted.run.staging_folder, wanted.key, ""]):
        if prefix != wanted.key or wanted.delivery == COPY or name != wanted.point:
            found[f"list {prefix} by {name}"] = lambda alias=alias, prefix=prefix: s3.list_objects_v2(
                Bucket=alias, Prefix=prefix
            )
    return found


def succeeded(tried: dict[str, Callable[[], Any]]) -> list[str]:
    let_in = []
    for name, attempt in tried.items():
        try:
            attempt()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("AccessDenied", "NoSuchBucket", "NoSuchAccessPoint"):
                continue
        let_in.append(name)
    return let_in


def test_a_customer_reads_its_own_training_set_while_it_is_granted_and_nothing_of_anybody_elses(
    new_customer: Callable[..., Customer],
) -> None:
    acme, globex = new_customer(), new_customer()
    of_acme = [granted(acme, delivery) for delivery in (COPY, IN_PLACE)]
    of_globex = [granted(globex, delivery) for delivery in (COPY, IN_PLACE)]
    roles = acme.tenant.roles
    own = {COPY: as_role(acme, roles.training_access), IN_PLACE: as_role(acme, roles.training_execution)}
    bucket = acme.tenant.account.bucket

    copied, in_place = of_acme
    source = {"Bucket": copied.arn, "Key": copied.key}
    own[COPY].copy_object(Bucket=bucket, Key="copied", CopySource=source, ExpectedSourceBucketOwner=SAAS_ACCOUNT)
    assert acme.client("s3").get_object(Bucket=bucket, Key="copied")["Body"].read() == THEIRS
    assert own[IN_PLACE].get_object(Bucket=in_place.alias, Key=in_place.key)["Body"].read() == THEIRS
    listed = own[IN_PLACE].list_objects_v2(Bucket=in_place.alias, Prefix=in_place.key)["Contents"]
    assert [row["Key"] for row in listed] == [in_place.key]

    for role in (roles.training_access, roles.training_execution, roles.serving_execution):
        everything(acme, role)
    points = [*of_acme, *of_globex]
    sessions = [*own.values(), as_role(acme, roles.serving_execution), acme.client("s3")]
    for s3, wanted in product(sessions, of_globex):
        assert succeeded(attempts(s3, bucket, wanted, points)) == []
    # And of its own: what a grant names, by the role that it names, and no more.
    for number, s3 in enumerate(sessions):
        for wanted in of_acme:
            let_in = succeeded(attempts(s3, bucket, wanted, points))
            mine = {COPY: 0, IN_PLACE: 1}[wanted.delivery] == number
            assert all(wanted.point in name and wanted.key in name for name in let_in), let_in
            assert bool(let_in) == mine, (number, let_in)

    aliases = [point.alias for point in of_acme]
    for one in of_acme:
        assert grants.revoke(one.run.execution) == 1
    for alias, one, s3 in zip(aliases, of_acme, own.values(), strict=True):
        with pytest.raises(ClientError, match=r"AccessDenied|NoSuchBucket"):
            s3.get_object(Bucket=alias, Key=one.key)
    assert len(access_points.names_on(SAAS_ACCOUNT, setting("STAGING_BUCKET"))) == 2  # globex's stand
