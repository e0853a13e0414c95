"""Customers' access roles are proven: before a tenant is active, every hour after it, and by what only looks right."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from local import REGION
from local.onboard import apply_access_stack
from local.platform import Platform
from tenantml.domain.names import PREDICTION, TRAINING, Access
from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import TenantApi
from tests.e2e.conftest import registered_tenant

if TYPE_CHECKING:
    from tenantml.domain.tenancy.tenant import Tenant
    from tests.e2e import conftest

ACCOUNT = "121212121212"
Document = dict[str, Any]


class CustomersRole:
    """An access role of a customer's account, as its own cloud team can change it."""

    def __init__(self, platform: Platform, tenant: Tenant, access: Access) -> None:
        self.path, self.name = re.findall(r":role(/.*/)(.*)$", tenant.roles.access(access))[0]
        self.bucket = tenant.account.bucket
        self.iam = platform.cloud.client("iam", ACCOUNT)
        self.s3 = platform.cloud.client("s3", ACCOUNT)
        self.trust = self.iam.get_role(RoleName=self.name)["Role"]["AssumeRolePolicyDocument"]
        (self.policy_name,) = self.iam.list_role_policies(RoleName=self.name)["PolicyNames"]
        self.policy = self.iam.get_role_policy(RoleName=self.name, PolicyName=self.policy_name)["PolicyDocument"]

    def trusts(self, condition: Document) -> None:
        """Change the conditions under which the role can be assumed."""
        statement = self.trust["Statement"][0] | {"Condition": condition}
        document = json.dumps(self.trust | {"Statement": [statement]})
        self.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=document)

    def lacks(self, *actions: str) -> None:
        """Take actions out of the role's policy."""
        statements = [
            statement | {"Action": left}
            for statement in self.policy["Statement"]
            if (left := [action for action in _listed(statement["Action"]) if action not in actions])
        ]
        nothing = {"Effect": "Deny", "Action": "sts:GetFederationToken", "Resource": "*"}  # a policy has a statement
        self._allow(self.policy | {"Statement": statements or [nothing]})

    def also_allows(self, *actions: str) -> None:
        """Add actions on everything to the role's policy."""
        more = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        self._allow(self.policy | {"Statement": [*self.policy["Statement"], more]})

    def restore(self) -> None:
        """Undo all changes."""
        self.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(self.trust))
        self._allow(self.policy)

    def _allow(self, document: Document) -> None:
        self.iam.put_role_policy(RoleName=self.name, PolicyName=self.policy_name, PolicyDocument=json.dumps(document))

    @property
    def condition(self) -> Document:
        """The conditions as the template makes them."""
        found: Document = json.loads(json.dumps(self.trust["Statement"][0]["Condition"]))
        return found

    @property
    def external_id(self) -> str:
        """The tenant's external ID."""
        return str(self.condition["StringEquals"]["sts:ExternalId"])


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def described(platform: Platform, tenant: str) -> Document:
    """How an operator sees a tenant."""
    found: Document = platform.call("DescribeTenantsFunction", {"tenant": tenant})["tenants"][0]
    return found


@pytest.fixture(scope="module")
def registered(platform: Platform, acme: conftest.Tenant) -> str:
    """A tenant that is registered, its template applied, and not active yet."""
    registration = {"tenant": "initech", "account_id": ACCOUNT, "region": REGION, "contact": "it@initech.example"}
    answer = platform.call("RegisterTenantFunction", registration)
    apply_access_stack(platform.cloud.clients(ACCOUNT), answer["onboarding"]["parameters"])
    return "initech"


@pytest.fixture(scope="module")
def as_applied(platform: Platform, registered: str) -> dict[Access, CustomersRole]:
    tenant = registered_tenant(platform, registered)
    return {access: CustomersRole(platform, tenant, access) for access in (TRAINING, PREDICTION)}


@pytest.fixture
def role(as_applied: dict[Access, CustomersRole]) -> Iterator[CustomersRole]:
    """Training access."""
    yield as_applied[TRAINING]
    as_applied[TRAINING].restore()


@pytest.fixture
def predicting(as_applied: dict[Access, CustomersRole]) -> Iterator[CustomersRole]:
    """Prediction access."""
    yield as_applied[PREDICTION]
    as_applied[PREDICTION].restore()


@pytest.fixture(params=[TRAINING, PREDICTION])
def either(request: pytest.FixtureRequest, as_applied: dict[Access, CustomersRole]) -> Iterator[CustomersRole]:
    """One access role after the other."""
    yield as_applied[request.param]
    as_applied[request.param].restore()


def without_external_id(role: CustomersRole, other: str) -> Document:
    return {"ArnLike": role.condition["ArnLike"]}


def of_our_form(role: CustomersRole, other: str) -> Document:
    return role.condition | {"StringEquals": {}, "StringLike": {"sts:ExternalId": "tenantml-*"}}


def anything_given(role: CustomersRole, other: str) -> Document:
    return role.condition | {"StringEquals": {}, "StringLike": {"sts:ExternalId": "*"}}


def anything_after_it(role: CustomersRole, other: str) -> Document:
    return role.condition | {"StringEquals": {}, "StringLike": {"sts:ExternalId": f"{role.external_id}*"}}


def anything_before_it(role: CustomersRole, other: str) -> Document:
    return role.condition | {"StringEquals": {}, "StringLike": {"sts:ExternalId": f"*{role.external_id}"}}


def one_character_after_it(role: CustomersRole, other: str) -> Document:
    return role.condition | {"StringEquals": {}, "StringLike": {"sts:ExternalId": f"{role.external_id}?"}}


def any_last_character(role: CustomersRole, other: str) -> Document:
    return role.condition | {"StringEquals": {}, "StringLike": {"sts:ExternalId": f"{role.external_id[:-1]}?"}}


def any_case(role: CustomersRole, other: str) -> Document:
    return role.condition | {"StringEquals": {}, "StringEqualsIgnoreCase": {"sts:ExternalId": role.external_id}}


def another_tenants_too(role: CustomersRole, other: str) -> Document:
    return role.condition | {"StringEquals": {"sts:ExternalId": [role.external_id, other]}}


def if_it_is_given(role: CustomersRole, other: str) -> Document:
    return role.condition | {"StringEquals": {}, "StringEqualsIfExists": {"sts:ExternalId": role.external_id}}


def the_whole_account(role: CustomersRole, other: str) -> Document:
    return {"StringEquals": role.condition["StringEquals"]}


def any_path_of_the_stack(role: CustomersRole, other: str) -> Document:
    start = role.condition["ArnLike"]["aws:PrincipalArn"].rsplit("/", 2)[0]
    return role.condition | {"ArnLike": {"aws:PrincipalArn": f"{start}/*"}}


@pytest.mark.parametrize(
    ("weakened", "words"),
    [
        (without_external_id, "no external ID"),
        (if_it_is_given, "no external ID"),
        (anything_given, "a random external ID"),
        (of_our_form, "a random external ID of our form"),
        (any_case, "in other letters' case"),
        (anything_after_it, "something after it"),
        (anything_before_it, "something before it"),
        (any_last_character, "another last character"),
        (another_tenants_too, "another tenant's external ID"),
        (the_whole_account, "from outside its path"),
        (any_path_of_the_stack, "from the other access role's path"),
    ],
)
def test_a_trust_policy_that_is_more_open_than_the_templates_keeps_the_tenant_inactive(
    platform: Platform,
    registered: str,
    either: CustomersRole,
    weakened: Callable[[CustomersRole, str], Document],
    words: str,
) -> None:
    others = platform.call("DescribeTenantsFunction", {})["tenants"]
    other = next(row["external_id"] for row in others if row["tenant"] != registered)
    either.trusts({operator: keys for operator, keys in weakened(either, other).items() if keys})
    with pytest.raises(Refused) as refused:
        platform.call("ActivateTenantFunction", {"tenant": registered})
    assert refused.value.code == "TrustTooOpen"
    assert words in str(refused.value)
    assert either.name in str(refused.value)
    found = described(platform, registered)
    assert (found["status"], found["keys"]) == ("registered", [])
    assert found["reason"].startswith("TrustTooOpen: ")


def test_a_role_that_trusts_another_external_id_is_not_assumable(
    platform: Platform, registered: str, either: CustomersRole
) -> None:
    either.trusts(either.condition | {"StringEquals": {"sts:ExternalId": "tenantml-chosen-by-the-customer"}})
    with pytest.raises(Refused) as refused:
        platform.call("ActivateTenantFunction", {"tenant": registered})
    assert refused.value.code == "RoleNotAssumable"


@pytest.mark.parametrize(
    "missing",
    [
        ["sagemaker:CreateAutoMLJobV2"],
        ["iam:PassRole"],
        ["sagemaker:CreateModel", "sagemaker:CreateEndpointConfig", "s3:DeleteObject"],
        ["s3:ListBucketVersions", "sagemaker:ListEndpoints", "sagemaker:AddTags"],
    ],
)
def test_each_missing_permission_is_named(
    platform: Platform, registered: str, role: CustomersRole, missing: list[str]
) -> None:
    role.lacks(*missing)
    with pytest.raises(Refused) as refused:
        platform.call("ActivateTenantFunction", {"tenant": registered})
    assert refused.value.code == "PermissionMissing"
    named = str(refused.value).partition(" may not ")[2].split(";")[0].split(", ")
    assert sorted(named) == sorted(missing)


def test_prediction_access_that_may_not_invoke_is_refused(
    platform: Platform, registered: str, predicting: CustomersRole
) -> None:
    predicting.lacks("sagemaker:InvokeEndpoint")
    with pytest.raises(Refused, match="prediction-access may not sagemaker:InvokeEndpoint") as refused:
        platform.call("ActivateTenantFunction", {"tenant": registered})
    assert refused.value.code == "PermissionMissing"


EXCESSIVE = [
    "iam:ListRoles",
    "iam:CreateUser",
    "iam:PutRolePolicy",
    "s3:ListAllMyBuckets",
    "sagemaker:DescribeModel",
    "dynamodb:ListTables",
    "secretsmanager:GetSecretValue",
    "secretsmanager:ListSecrets",
    "kms:ListKeys",
    "ec2:DescribeInstances",
    "ec2:CreateKeyPair",
    "lambda:InvokeFunction",
    "cloudformation:ListStacks",
    "cloudformation:UpdateStack",
    "logs:DescribeLogGroups",
    "logs:GetLogEvents",
]


def test_whatever_a_role_may_beyond_what_it_is_for_is_named(
    platform: Platform, registered: str, either: CustomersRole
) -> None:
    either.also_allows(*EXCESSIVE)
    with pytest.raises(Refused) as refused:
        platform.call("ActivateTenantFunction", {"tenant": registered})
    assert refused.value.code == "PermissionExcessive"
    assert sorted(str(refused.value).partition(" may ")[2].split(" beyond ")[0].split(", ")) == sorted(EXCESSIVE)


@pytest.mark.parametrize("everything", ["ec2:*", "sagemaker:*"])
def test_a_role_that_may_everything_of_a_service_is_refused(
    platform: Platform, registered: str, role: CustomersRole, everything: str
) -> None:
    role.also_allows(everything)
    with pytest.raises(Refused, match=everything.removesuffix("*")) as refused:
        platform.call("ActivateTenantFunction", {"tenant": registered})
    assert refused.value.code == "PermissionExcessive"


def test_a_role_that_may_pass_any_role_is_refused(platform: Platform, registered: str, role: CustomersRole) -> None:
    role.also_allows("iam:PassRole")
    with pytest.raises(Refused, match="may iam:PassRole beyond"):
        platform.call("ActivateTenantFunction", {"tenant": registered})


def test_prediction_access_that_may_what_training_access_may_is_refused(
    platform: Platform, registered: str, predicting: CustomersRole
) -> None:
    of_training = ["s3:GetObject", "s3:ListBucket", "s3:DeleteObject", "sagemaker:ListEndpoints"]
    predicting.also_allows(*of_training)
    with pytest.raises(Refused) as refused:
        platform.call("ActivateTenantFunction", {"tenant": registered})
    named = str(refused.value).partition("prediction-access may ")[2].split(" beyond ")[0].split(", ")
    assert sorted(named) == sorted(of_training)


def test_training_access_that_may_invoke_is_refused(platform: Platform, registered: str, role: CustomersRole) -> None:
    role.also_allows("sagemaker:InvokeEndpoint")
    with pytest.raises(Refused, match="training-access may sagemaker:InvokeEndpoint beyond"):
        platform.call("ActivateTenantFunction", {"tenant": registered})


def test_an_account_without_the_regions_bucket_is_in_the_wrong_region(
    platform: Platform, registered: str, role: CustomersRole
) -> None:
    bucket = role.bucket
    policy = role.s3.get_bucket_policy(Bucket=bucket)["Policy"]
    role.s3.delete_bucket(Bucket=bucket)
    try:
        with pytest.raises(Refused) as refused:
            platform.call("ActivateTenantFunction", {"tenant": registered})
    finally:
        role.s3.create_bucket(Bucket=bucket)
        role.s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert refused.value.code == "WrongRegion"


@pytest.fixture(scope="module")
def activated(platform: Platform, registered: str, as_applied: dict[Access, CustomersRole]) -> TenantApi:
    """The same tenant's API, once it is active; the probe has left nothing in its account."""
    answer = platform.call("ActivateTenantFunction", {"tenant": registered})
    assert answer["status"] == "active"
    assert "Contents" not in as_applied[TRAINING].s3.list_objects_v2(Bucket=as_applied[TRAINING].bucket)
    jobs = platform.cloud.client("sagemaker", ACCOUNT).list_auto_ml_jobs()["AutoMLJobSummaries"]
    assert jobs == []
    return TenantApi(platform.api_url, answer["api_key"])


@pytest.fixture
def active(platform: Platform, registered: str, activated: TenantApi) -> TenantApi:
    """The same API; the tenant is active, however the test before has ended."""
    if described(platform, registered)["status"] != "active":
        platform.call("ActivateTenantFunction", {"tenant": registered})
    return activated


def probe(platform: Platform, tenant: str) -> Document:
    """What is done for a tenant each hour."""
    return platform.call("ProbeTenantFunction", {"tenant": tenant})


@pytest.fixture(scope="module")
def published(platform: Platform) -> Callable[[], list[Document]]:
    """The tenants' events on the stack's bus, as an operator's queue receives them."""
    sqs, events = platform.cloud.client("sqs"), platform.cloud.client("events")
    url = sqs.create_queue(QueueName="standing")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus, rule = platform.outputs["EventBus"], "standing"
    pattern = json.dumps({"source": ["tenantml"], "detail-type": [{"prefix": "Tenant "}]})
    events.put_rule(Name=rule, EventBusName=bus, EventPattern=pattern)
    events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])

    def receive() -> list[Document]:
        deadline, found = time.monotonic() + 10, []
        while not found and time.monotonic() < deadline:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
                "Messages", []
            ):
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return receive


def test_a_weakened_trust_policy_suspends_tells_and_recovers_by_itself(
    platform: Platform, registered: str, active: TenantApi, role: CustomersRole, published: Callable[[], list[Document]]
) -> None:
    role.trusts(without_external_id(role, ""))
    assert probe(platform, registered) == {"status": "suspended", "was": "active"}
    with pytest.raises(Refused) as refused:
        active.call("GET", "/models")
    assert (refused.value.status, refused.value.code) == (403, "TenantSuspended")
    assert "TrustTooOpen" in str(refused.value)
    (event,) = published()
    assert (event["detail-type"], event["detail"]["tenant"]) == ("Tenant Suspended", registered)
    assert event["detail"]["reason"].startswith("TrustTooOpen")
    role.restore()
    assert probe(platform, registered) == {"status": "active", "was": "suspended"}
    assert active.call("GET", "/models")["models"] == []
    (event,) = published()
    assert event["detail-type"] == "Tenant Active"


def test_a_deleted_role_suspends_the_tenant_and_its_return_ends_that(
    platform: Platform, registered: str, active: TenantApi, role: CustomersRole
) -> None:
    made = role.iam.get_role(RoleName=role.name)["Role"]
    role.iam.delete_role_policy(RoleName=role.name, PolicyName=role.policy_name)
    role.iam.delete_role(RoleName=role.name)
    try:
        assert probe(platform, registered)["status"] == "suspended"
        assert described(platform, registered)["reason"].startswith("RoleNotAssumable: ")
    finally:
        role.iam.create_role(
            Path=role.path,
            RoleName=role.name,
            AssumeRolePolicyDocument=json.dumps(role.trust),
            MaxSessionDuration=made.get("MaxSessionDuration", 3600),
        )
        role.restore()
    assert probe(platform, registered)["status"] == "active"


def test_no_probe_lifts_an_operators_suspension_and_activation_does_without_a_new_key(
    platform: Platform, registered: str, active: TenantApi
) -> None:
    platform.call("SuspendTenantFunction", {"tenant": registered, "reason": "the invoice of May is open"})
    assert probe(platform, registered) == {"status": "suspended", "was": "suspended"}
    with pytest.raises(Refused, match="the invoice of May is open"):
        active.call("GET", "/models")
    with pytest.raises(Refused) as refused:
        platform.call("IssueKeyFunction", {"tenant": registered})
    assert refused.value.code == "TenantNotActive"
    assert platform.call("ActivateTenantFunction", {"tenant": registered})["api_key"] is None
    assert active.call("GET", "/models")["models"] == []


def test_a_rotated_key_overlaps_and_ends_and_a_revoked_one_ends_at_once(
    platform: Platform, registered: str, active: TenantApi
) -> None:
    def issue(**overlap: int) -> TenantApi:
        answer = platform.call("IssueKeyFunction", {"tenant": registered, **overlap})
        return TenantApi(platform.api_url, answer["api_key"])

    def opens(api: TenantApi) -> bool:
        try:
            api.call("GET", "/models")
        except Refused as error:
            if error.status != 401:
                raise
            return False
        return True

    second = issue()
    replaced, rotated = second, issue(overlap_seconds=3600)
    keys = described(platform, registered)["keys"]
    assert [bool(key["expires_at"]) for key in keys].count(True) == 2
    assert opens(replaced)
    assert opens(rotated)
    # A key's answer is kept by API Gateway for 30 s, so what follows asks with keys that were not used before.
    unused, last = issue(), issue(overlap_seconds=0)
    assert not opens(unused)
    assert opens(last)
    revoked = issue()
    (last_id,) = [
        key["key_id"] for key in described(platform, registered)["keys"] if key["key_id"] in _id_of(revoked.api_key)
    ]
    platform.call("RevokeKeyFunction", {"tenant": registered, "key_id": last_id})
    assert not opens(revoked)
    with pytest.raises(Refused) as refused:
        platform.call("RevokeKeyFunction", {"tenant": registered, "key_id": last_id})
    assert refused.value.code == "KeyNotFound"


def _id_of(key: str) -> str:
    from tenantml.services.api_keys import digest

    return digest(key)


def test_no_key_is_in_the_registry(platform: Platform, active: TenantApi) -> None:
    pages = (
        platform.cloud.client("dynamodb").get_paginator("scan").paginate(TableName=platform.outputs["RegistryTable"])
    )
    text = json.dumps([page["Items"] for page in pages], default=str)
    assert "TENANT#initech" in text
    assert active.api_key not in text
    assert active.api_key.removeprefix("tml_") not in text
