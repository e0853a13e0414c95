"""What SageMaker refuses over its quotas, and what Service Quotas says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local import CUSTOMER_ACCOUNT, SAAS_ACCOUNT

SMALL = "ml.t2.medium"


@pytest.fixture(scope="module")
def limited(new_cloud: Any, furnish: Any) -> Iterator[Any]:
    """An account as new as AWS makes them: one AutoML job at once, two instances of one type, none of the others."""
    settings = {
        "TENANTML_LOCAL_MAX_AUTOML_JOBS": "1",
        "TENANTML_LOCAL_ENDPOINT_INSTANCES": f"0,{SMALL}=2",
    }
    with new_cloud(settings=settings) as cloud:
        yield furnish(cloud)


def test_service_quotas_says_what_is_enforced(limited: Any) -> None:
    client = limited.cloud.client("service-quotas", CUSTOMER_ACCOUNT)
    pages = list(client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"))
    values = {quota["QuotaName"]: quota["Value"] for page in pages for quota in page["Quotas"]}
    assert len(pages) > 1
    assert values["Maximum number of concurrent AutoML Jobs"] == 1
    assert (values[f"{SMALL} for endpoint usage"], values["ml.m5.large for endpoint usage"]) == (2, 0)
    assert limited.refusal(client.list_service_quotas, ServiceCode="ec2")[0] == "NoSuchResourceException"


def test_reading_quotas_needs_its_permission(limited: Any) -> None:
    role = limited.iam.create_role(
        RoleName="quotas",
        AssumeRolePolicyDocument=limited.policy(
            {"Effect": "Allow", "Principal": {"AWS": CUSTOMER_ACCOUNT}, "Action": "sts:AssumeRole"}
        ),
    )["Role"]
    session = limited.cloud.client("sts", CUSTOMER_ACCOUNT).assume_role(RoleArn=role["Arn"], RoleSessionName="quotas")
    client = limited.cloud.client("service-quotas", CUSTOMER_ACCOUNT, credentials=session["Credentials"])
    assert limited.refusal(client.list_service_quotas, ServiceCode="sagemaker")[0] == "AccessDeniedException"
    allow = limited.policy({"Effect": "Allow", "Action": "servicequotas:ListServiceQuotas", "Resource": "*"})
    limited.iam.put_role_policy(RoleName="quotas", PolicyName="read", PolicyDocument=allow)
    assert client.list_service_quotas(ServiceCode="sagemaker")["Quotas"]


def test_an_instance_over_the_quota_is_refused_until_another_is_gone(limited: Any) -> None:
    model = limited.model()
    create = limited.sagemaker.create_endpoint
    none_at_all = {"EndpointName": "none", "EndpointConfigName": limited.config(model)}
    code, message = limited.refusal(create, **none_at_all)
    assert code == "ResourceLimitExceeded"
    assert message.startswith(
        "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances, with current utilization of "
        "0 Instances and a request delta of 1 Instances."
    )
    config = limited.config(model, InstanceType=SMALL, InitialInstanceCount=1)
    first, _ = limited.endpoint(config), limited.endpoint(config)
    third = {"EndpointName": limited.name("endpoint"), "EndpointConfigName": config}
    assert "current utilization of 2 Instances" in limited.refusal(create, **third)[1]
    update = {"EndpointName": first, "EndpointConfigName": limited.config(model, InstanceType=SMALL)}
    assert limited.refusal(limited.sagemaker.update_endpoint, **update)[0] == "ResourceLimitExceeded"
    limited.sagemaker.delete_endpoint(EndpointName=first)
    limited.until(limited.sagemaker.list_endpoints, lambda page: len(page["Endpoints"]) == 1)
    create(**third)


def test_autopilots_container_does_not_come_up_in_less_than_three_gigabytes(limited: Any) -> None:
    best = limited.finished(limited.start())["BestCandidate"]
    name = limited.name("model")
    limited.sagemaker.create_model(
        ModelName=name, Containers=best["InferenceContainers"], ExecutionRoleArn=limited.role_arn
    )

    def status(memory_mb: int) -> tuple[str, str]:
        serverless = {"MemorySizeInMB": memory_mb, "MaxConcurrency": 1}
        endpoint = limited.endpoint(limited.config(name, ServerlessConfig=serverless))
        found = limited.sagemaker.describe_endpoint(EndpointName=endpoint)
        return found["EndpointStatus"], found.get("FailureReason", "")

    lean, reason = status(2048)
    assert (lean, status(3072)) == ("Failed", ("InService", ""))
    assert "did not pass the ping health check" in reason


def test_quotas_are_an_accounts_own(limited: Any) -> None:
    limited.start("wait")
    assert limited.refusal(limited.sagemaker.create_auto_ml_job_v2, **limited.request())[0] == "ResourceLimitExceeded"
    theirs = limited.cloud.client("sagemaker", SAAS_ACCOUNT)
    foreign = limited.request(RoleArn=limited.role_arn)
    assert limited.refusal(theirs.create_auto_ml_job_v2, **foreign)[0] == "ValidationException"
