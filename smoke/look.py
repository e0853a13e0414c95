"""What a run asks once everything stands still, with the operator's and the customer's own credentials.

The calls of the Lambda functions cannot be recorded from outside. So everything that they created is described and
listed here, the endpoint is asked directly, and the receipt says which calls they made. Every answer counts, refusals
too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from local.scenario import Scenario
from tenantml.domain.names import digest_of
from tenantml.domain.tenancy.onboarding import access_stack
from tenantml_cli.errors import Refused

ABSENT = "tenantml-absent"
_ROWS = 5


def look(scenario: Scenario) -> None:
    """Ask for all that a run made; after a failure, for as much as it has come to."""
    execution = scenario.execution
    if not execution:
        return
    _look_at_both_stacks(scenario, execution["execution"])
    sagemaker = scenario.customer.client("sagemaker")
    # An execution that ended before its first look at the job does not know the job's name; its own name says it.
    training = execution["training"] or {"job_name": f"{scenario.prefix}-{digest_of(execution['execution'])}-1"}
    _look_at_job(sagemaker, training["job_name"])
    _look_at_absent(sagemaker)
    if execution["endpoint"]:
        _look_at_endpoint(scenario, sagemaker, execution["endpoint"]["name"])
    _look_at_account(scenario, f"{execution['model']}/{execution['execution']}/")


def _look_at_both_stacks(scenario: Scenario, execution: str) -> None:
    stack, customer = scenario.stack, scenario.customer
    machine = stack.outputs["TrainingStateMachineArn"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{execution}"
    steps = stack.client("stepfunctions")
    _ask(steps.describe_execution, executionArn=arn)
    for page in steps.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=False):
        del page  # it is kept
    _ask(stack.client("cloudformation").describe_stacks, StackName=stack.name)
    _ask(customer.client("cloudformation").describe_stacks, StackName=access_stack(scenario.prefix))
    for call in (scenario.api.execution, scenario.api.receipt):
        with suppress(Refused):
            call(execution)


def _look_at_job(sagemaker: Any, job: str) -> None:
    _ask(sagemaker.describe_auto_ml_job_v2, AutoMLJobName=job)
    _ask(sagemaker.list_candidates_for_auto_ml_job, AutoMLJobName=job)
    _ask(sagemaker.list_auto_ml_jobs, NameContains=job)


def _look_at_absent(sagemaker: Any) -> None:
    _ask(sagemaker.describe_auto_ml_job_v2, AutoMLJobName=ABSENT)
    _ask(sagemaker.list_candidates_for_auto_ml_job, AutoMLJobName=ABSENT)
    _ask(sagemaker.describe_endpoint, EndpointName=ABSENT)
    _ask(sagemaker.describe_endpoint_config, EndpointConfigName=ABSENT)
    _ask(sagemaker.describe_model, ModelName=ABSENT)


def _look_at_endpoint(scenario: Scenario, sagemaker: Any, name: str) -> None:
    with suppress(ClientError):
        described = sagemaker.describe_endpoint(EndpointName=name)
        sagemaker.list_tags(ResourceArn=described["EndpointArn"])
    _ask(sagemaker.describe_endpoint_config, EndpointConfigName=name)
    _ask(sagemaker.describe_model, ModelName=name)
    _ask(sagemaker.list_endpoints, NameContains=name)
    _ask(sagemaker.list_endpoint_configs, NameContains=name)
    _ask(sagemaker.list_models, NameContains=name)
    runtime = scenario.customer.client("sagemaker-runtime")
    _, _, rows = scenario.rows.csv_text(0, _ROWS).partition("\n")  # an endpoint takes no header
    for endpoint, body in ((name, rows), (name, "one cell"), (ABSENT, rows)):
        _ask(runtime.invoke_endpoint, EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=body)


def _look_at_account(scenario: Scenario, prefix: str) -> None:
    customer = scenario.customer
    bucket = f"{scenario.prefix}-{customer.account_id}-{customer.region}"
    _ask(customer.client("s3").list_objects_v2, Bucket=bucket, Prefix=prefix)
    _ask(customer.client("service-quotas").list_service_quotas, ServiceCode="sagemaker")
    _ask(customer.client("sts").get_caller_identity)
    _ask(scenario.stack.client("sts").get_caller_identity)


def _ask(call: Callable[..., Any], **arguments: Any) -> None:
    """Call AWS; the recorder keeps the answer, whatever it is."""
    with suppress(ClientError):
        call(**arguments)
