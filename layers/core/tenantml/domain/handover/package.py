"""The two files that stay beside a model that is handed over: a page for people, and a client."""

from __future__ import annotations

import pprint
from collections.abc import Mapping
from typing import Any

from tenantml.domain.names import CustomerAccount, variant_resource
from tenantml.domain.predictions.asking import Deployed
from tenantml.domain.pricing import prices as pricing
from tenantml.domain.pricing.prices import HOSTING, HOUR_SECONDS, Prices

HOURS_A_MONTH = 730
PAGE, CLIENT = "README.md", "client.py"
PLACEHOLDER = "MODEL: dict[str, Any] = {}"

Row = Mapping[str, Any]


def folder(model: str) -> str:
    """Return where the files are in the customer's bucket; no execution has this name."""
    return f"{model}/handover/"


def client(source: str, account: CustomerAccount, version: Deployed) -> str:
    """Return a client's source with the model's schema in it, in the place of an empty one."""
    columns = [
        {"name": column.name, "type": column.type}
        | ({"words": sorted(column.categories)} if column.type == "boolean" and column.categories else {})
        for column in version.schema.columns
    ]
    model = {
        "endpoint": version.endpoint,
        "region": account.region,
        "columns": columns,
        "target": version.schema.target,
        "classes": list(version.classes),
        "output_keys": list(version.output_keys),
    }
    start, end = source.split(PLACEHOLDER)
    return f"{start}{PLACEHOLDER.removesuffix('{}')}{pprint.pformat(model, width=118, sort_dicts=False)}{end}"


def monthly_cost(plan: Row, region: str, prices: Prices) -> str:
    """Return in words what an endpoint costs in a month of 730 hours, by the price table."""
    if plan.get("serverless_memory_mb"):
        return "nothing while nobody calls it: it is serverless, and billed by the time of its calls"
    instance, count = str(plan["instance_type"]), int(plan["instance_count"] or 1)
    most = max(count, int(plan.get("max_instances") or 0))
    price = pricing.find(prices, region, instance, HOSTING)
    if price is None:
        counts = str(count) if most == count else f"{count} to {most}"
        return f"unknown: there is no price of {counts} x {instance} in {region}; see AWS's price list"

    def usd_of(instances: int) -> str:
        return str(pricing.usd(price.cost_micros(HOURS_A_MONTH * HOUR_SECONDS, instances)))[:-4]

    scaled = f", and up to {usd_of(most)} USD with {most} x, to which it scales" if most > count else ""
    return f"{usd_of(count)} USD a month: {count} x {instance}{scaled}; {HOURS_A_MONTH} hours, prices of {price.date}"


def scaling(plan: Row) -> str | None:
    """Return in words how an endpoint that stays scales on; None of one that does not."""
    most = plan.get("max_instances")
    if not most:
        return None
    return f"it scales on, from {plan['instance_count'] or 1} to {most} instances, by Application Auto Scaling"


def page(account: CustomerAccount, model: str, version: Row, deployed: Deployed, cost: str) -> str:
    """Return the page: what stays, what it costs, how it is called and removed. It is Markdown."""
    endpoint, bucket = deployed.endpoint, account.bucket
    scales, row, command = scaling(version["plan"]), "", ""
    if scales:
        row = f"| its scalable target, policy and alarms | {scales}, with AWS's own role and none of ours |\n"
        command = f"""    aws application-autoscaling deregister-scalable-target --region {account.region} \\
      --service-namespace sagemaker --scalable-dimension sagemaker:variant:DesiredInstanceCount \\
      --resource-id {variant_resource(endpoint)}
"""
    names = ", ".join(f"`{name}`" for name in deployed.schema.names)
    return f"""# The model {model}, without TenantML

It predicts `{deployed.schema.target}` from: {names}.
It is version {version["version"]}, and answers on: nothing of it needs TenantML any more.

## What stays in this account, and what it costs

| what | why |
|---|---|
| endpoint, endpoint configuration and model `{endpoint}` | they answer; {cost} |
{row}| the model's files in `s3://{bucket}/{model}/` | SageMaker loads them again whenever it replaces an instance |
| the role `{account.roles.serving_execution}` | SageMaker runs the endpoint as it |
| this page and `client.py` | |

## End our access, and do not delete the stack

The role and the bucket are of the CloudFormation stack with which you let us in. Without the role, the endpoint
cannot replace an instance. Update the stack with the parameter `HandedOver` = `yes` and all others as they are: that
deletes the three roles through which TenantML or its jobs act here, and keeps the role above and the bucket.
TenantML has then no way in.

    aws cloudformation update-stack --region {account.region} --stack-name YOUR-STACK --use-previous-template \\
      --capabilities CAPABILITY_NAMED_IAM --parameters ParameterKey=HandedOver,ParameterValue=yes \\
      ParameterKey=EACH-OTHER,UsePreviousValue=true

A stack of a template without that parameter is updated with the newest template first.

## Call it

`python client.py rows.csv > predictions.csv` with credentials of this account that may `sagemaker:InvokeEndpoint` on
`{account.sagemaker_arn("endpoint", endpoint)}`. Whoever may call it pays nothing to TenantML.

## Remove it, one day

{command}    aws sagemaker delete-endpoint --region {account.region} --endpoint-name {endpoint}
    aws sagemaker delete-endpoint-config --region {account.region} --endpoint-config-name {endpoint}
    aws sagemaker delete-model --region {account.region} --model-name {endpoint}

Once the endpoint is gone, empty the bucket `{bucket}` and delete the stack.
"""
