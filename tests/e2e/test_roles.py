"""Four roles in a customer's account: what each path of ours may do there, and tenants that share an account."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local import SAAS_ACCOUNT
from local.inventory import inventory
from local.onboard import onboard
from tenantml.domain.names import PREDICTION, TRAINING, Access
from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import Document, TenantApi
from tests.e2e.test_operations import sweep

if TYPE_CHECKING:
    from local.platform import Platform
    from tests.e2e.conftest import Tenant

QUICK = {"target": "species", "max_candidates": 1}
DENIED = "AccessDenied"


def first_row(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    return [{name: float(value) for name, value in row.items() if name != "species"}]


def name_of(role_arn: str) -> str:
    return role_arn.rsplit("/", 1)[-1]


@pytest.fixture(scope="module")
def tenant(newcomer: Callable[..., Tenant]) -> Tenant:
    return newcomer("wonka")


@pytest.fixture(scope="module")
def live(tenant: Tenant, iris: Path) -> Document:
    """A version that answers."""
    ended = tenant.train("iris", iris, **QUICK)
    assert ended["error"] is None, ended
    return ended


Credentials = dict[str, Any]


def assumed(platform: Platform, role_arn: str, credentials: Credentials | None = None, **options: str) -> Credentials:
    sts = platform.cloud.client("sts", credentials=credentials)
    found: Credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName="attempt", **options)["Credentials"]
    return found


@pytest.fixture(scope="module")
def injected(tenant: Tenant) -> Credentials:
    """What code that was brought into the predict function has: the credentials of its role."""
    platform = tenant.platform
    iam = platform.cloud.client("iam")
    role = next(row for row in iam.list_roles()["Roles"] if "PredictFunctionRole" in row["RoleName"])
    ours = {"Effect": "Allow", "Principal": {"AWS": SAAS_ACCOUNT}, "Action": "sts:AssumeRole"}
    trust = role["AssumeRolePolicyDocument"]
    widened = json.dumps(trust | {"Statement": [*trust["Statement"], ours]})
    iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=widened)
    try:
        return assumed(platform, role["Arn"])
    finally:
        iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=json.dumps(trust))


def test_code_in_the_predict_function_invokes_and_does_nothing_else_in_a_customers_account(
    tenant: Tenant, live: Document, injected: Credentials, iris: Path
) -> None:
    platform, registered, account = tenant.platform, tenant.registered, tenant.registered.account
    with pytest.raises(ClientError, match=DENIED):
        assumed(platform, registered.roles.training_access, injected, ExternalId=registered.external_id)
    inside = assumed(platform, registered.roles.prediction_access, injected, ExternalId=registered.external_id)

    def client(service: str) -> Any:
        return platform.cloud.client(service, tenant.account_id, credentials=inside)

    endpoint = live["endpoint"]["name"]
    line = ",".join(str(value) for value in first_row(iris)[0].values()).encode()
    answer = client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=line)
    assert answer["Body"].read()

    containers = [{"Image": "anybodys:image", "ModelDataUrl": f"s3://{account.bucket}/x/output/model.tar.gz"}]
    key = platform.cloud.client("s3", tenant.account_id).list_objects_v2(Bucket=account.bucket)["Contents"][0]["Key"]
    problem = {"TabularJobConfig": {"TargetAttributeName": "species"}}
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.bucket}/x"}}
    attempts: list[Callable[[], Any]] = [
        lambda: client("sagemaker").create_auto_ml_job_v2(
            AutoMLJobName=account.job("x-0123456789abcdef"),
            AutoMLJobInputDataConfig=[{"ChannelType": "training", "DataSource": source}],
            OutputDataConfig={"S3OutputPath": f"s3://{account.bucket}/x"},
            AutoMLProblemTypeConfig=problem,
            RoleArn=registered.roles.training_execution,
        ),
        lambda: client("sagemaker").create_model(
            ModelName=f"{account.prefix}-mine",
            Containers=containers,
            ExecutionRoleArn=registered.roles.serving_execution,
        ),
        lambda: client("sagemaker").describe_endpoint(EndpointName=endpoint),
        lambda: client("sagemaker").delete_endpoint(EndpointName=endpoint),
        lambda: client("sagemaker").list_models(),
        lambda: client("s3").get_object(Bucket=account.bucket, Key=key),
        lambda: client("s3").list_objects_v2(Bucket=account.bucket),
        lambda: client("s3").put_object(Bucket=account.bucket, Key="x", Body=b""),
        lambda: client("sagemaker-runtime").invoke_endpoint(EndpointName="theirs", ContentType="text/csv", Body=b"1"),
        lambda: assumed(platform, registered.roles.training_access, inside, ExternalId=registered.external_id),
        lambda: assumed(platform, registered.roles.training_execution, inside),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match=DENIED):
            attempt()


@pytest.fixture(scope="module")
def almighty(tenant: Tenant) -> dict[str, Credentials]:
    """Credentials of roles of ours that may assume any role: on the two paths that customers trust, and on neither."""
    iam = tenant.platform.cloud.client("iam")
    version, everything = {"Version": "2012-10-17"}, {"Effect": "Allow", "Action": "*", "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"AWS": SAAS_ACCOUNT}, "Action": "sts:AssumeRole"}
    found = {}
    for path in ("training-access", "prediction-access", "customer-access"):
        name = f"almighty-on-{path}"
        role = iam.create_role(
            Path=f"/tenantml/{path}/",
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(version | {"Statement": [trust]}),
        )["Role"]
        policy = json.dumps(version | {"Statement": [everything]})
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
        found[path] = assumed(tenant.platform, role["Arn"])
    return found


@pytest.mark.parametrize(
    ("path", "enters"), [("training-access", [TRAINING]), ("prediction-access", [PREDICTION]), ("customer-access", [])]
)
def test_a_role_of_ours_enters_the_role_of_its_path_whatever_it_may_itself(
    tenant: Tenant, almighty: dict[str, Credentials], path: str, enters: list[Access]
) -> None:
    registered = tenant.registered
    both: tuple[Access, ...] = (TRAINING, PREDICTION)
    for access in both:
        refusal = nullcontext() if access in enters else pytest.raises(ClientError, match=DENIED)
        with refusal:
            assumed(tenant.platform, registered.roles.access(access), almighty[path], ExternalId=registered.external_id)


def test_jobs_run_as_one_role_and_models_as_the_other_and_all_carry_the_tenants_tag(
    tenant: Tenant, live: Document
) -> None:
    sagemaker, registered = tenant.platform.cloud.client("sagemaker", tenant.account_id), tenant.registered
    job = sagemaker.describe_auto_ml_job_v2(AutoMLJobName=live["training"]["job_name"])
    assert job["RoleArn"] == registered.roles.training_execution
    name = live["endpoint"]["name"]
    model = sagemaker.describe_model(ModelName=name)
    assert model["ExecutionRoleArn"] == registered.roles.serving_execution
    made = [job["AutoMLJobArn"]]
    made += [registered.account.sagemaker_arn(kind, name) for kind in ("model", "endpoint-config", "endpoint")]
    for arn in made:
        tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        assert tags == {"tenantml:execution": live["execution"], "tenantml:tenant": "wonka"}, arn


# several tenants, one account


def test_tenants_share_an_account_and_none_reaches_or_removes_what_is_anothers(
    tenant: Tenant, live: Document, almighty: dict[str, Credentials], iris: Path
) -> None:
    platform = tenant.platform
    onboarded = onboard(platform, "slugworth", tenant.account_id, "cloud-team@wonka.example")
    other = replace(tenant, name="slugworth", api=TenantApi(platform.api_url, onboarded.api_key))
    before = inventory(platform.cloud, tenant.account_id)
    theirs = other.train("iris", iris, **QUICK)
    assert theirs["error"] is None, theirs
    assert other.api.predict_rows("iris", first_row(iris))["version"] == theirs["version"]

    mine, neighbour = tenant.registered, other.registered
    assert mine.account_id == neighbour.account_id
    assert mine.prefix != neighbour.prefix
    inside = assumed(
        platform, neighbour.roles.training_access, almighty["training-access"], ExternalId=neighbour.external_id
    )
    sagemaker = platform.cloud.client("sagemaker", tenant.account_id, credentials=inside)
    s3 = platform.cloud.client("s3", tenant.account_id, credentials=inside)
    attempts: list[Callable[[], Any]] = [
        lambda: sagemaker.describe_endpoint(EndpointName=live["endpoint"]["name"]),
        lambda: sagemaker.delete_endpoint(EndpointName=live["endpoint"]["name"]),
        lambda: sagemaker.stop_auto_ml_job(AutoMLJobName=live["training"]["job_name"]),
        lambda: s3.list_objects_v2(Bucket=mine.account.bucket),
        lambda: sagemaker.create_model(
            ModelName=f"{neighbour.prefix}-mine",
            ExecutionRoleArn=mine.roles.serving_execution,
            Containers=[{"Image": "i", "ModelDataUrl": f"s3://{mine.account.bucket}/m"}],
        ),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match=DENIED):
            attempt()
    with pytest.raises(ClientError, match=DENIED):
        assumed(platform, mine.roles.training_access, almighty["training-access"], ExternalId=neighbour.external_id)

    for name in (mine.tenant, neighbour.tenant):
        assert sweep(platform, name)["orphans"]["removed"] == []  # what is a neighbour's is no orphan
    report = platform.offboard("slugworth")

    assert (report["status"], report["remains"]) == ("complete", [])
    assert inventory(platform.cloud, tenant.account_id) == before
    assert tenant.api.predict_rows("iris", first_row(iris))["version"] == live["version"]


# how fast each way of stopping us works; the process that answers is warm


class PredictionAccess:
    """The role by which we predict, as the customer's cloud team changes it."""

    def __init__(self, tenant: Tenant) -> None:
        self.iam = tenant.platform.cloud.client("iam", tenant.account_id)
        self.name = name_of(tenant.registered.roles.prediction_access)
        self.made = self.iam.get_role(RoleName=self.name)["Role"]
        self.trust = self.made["AssumeRolePolicyDocument"]
        self.policy = self.iam.get_role_policy(RoleName=self.name, PolicyName="invoke")["PolicyDocument"]

    def changes_the_external_id(self) -> None:
        (statement,) = self.trust["Statement"]
        condition = statement["Condition"] | {"StringEquals": {"sts:ExternalId": "another-one-of-their-own"}}
        self._trust({**self.trust, "Statement": [statement | {"Condition": condition}]})

    def denies_the_trust(self) -> None:
        denied = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        self._trust({**self.trust, "Statement": [*self.trust["Statement"], denied]})

    def removes_the_permissions(self) -> None:
        self.iam.delete_role_policy(RoleName=self.name, PolicyName="invoke")

    def deletes_the_role(self) -> None:
        self.removes_the_permissions()
        self.iam.delete_role(RoleName=self.name)

    def restore(self) -> None:
        try:
            self._trust(self.trust)
        except self.iam.exceptions.NoSuchEntityException:
            self.iam.create_role(
                Path=self.made["Path"],
                RoleName=self.name,
                AssumeRolePolicyDocument=json.dumps(self.trust),
                MaxSessionDuration=3600,
            )
        self.iam.put_role_policy(RoleName=self.name, PolicyName="invoke", PolicyDocument=json.dumps(self.policy))

    def _trust(self, document: Document) -> None:
        self.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(document))


@pytest.fixture
def prediction_access(tenant: Tenant, live: Document, iris: Path) -> Iterator[PredictionAccess]:
    tenant.api.predict_rows("iris", first_row(iris))
    role = PredictionAccess(tenant)
    yield role
    role.restore()


@pytest.mark.parametrize("way", ["changes_the_external_id", "denies_the_trust"])
def test_a_change_of_the_trust_stops_new_sessions_and_lets_those_that_run_end(
    tenant: Tenant, live: Document, prediction_access: PredictionAccess, injected: Credentials, iris: Path, way: str
) -> None:
    getattr(prediction_access, way)()
    registered = tenant.registered
    with pytest.raises(ClientError, match=DENIED):
        assumed(tenant.platform, registered.roles.prediction_access, injected, ExternalId=registered.external_id)
    # The function's session is at most 900 seconds old (tests/integration/predict/test_warm_process.py).
    assert tenant.api.predict_rows("iris", first_row(iris))["version"] == live["version"]


@pytest.mark.parametrize("way", ["removes_the_permissions", "deletes_the_role"])
def test_permissions_that_are_removed_stop_predictions_at_once(
    tenant: Tenant, prediction_access: PredictionAccess, iris: Path, way: str
) -> None:
    getattr(prediction_access, way)()
    with pytest.raises(Refused) as refused:
        tenant.api.predict_rows("iris", first_row(iris))
    assert (refused.value.status, refused.value.code) == (403, "CustomerAccessRevoked")
