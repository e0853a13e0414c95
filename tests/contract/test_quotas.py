"""The alarms on AWS's quotas: each is for a quota of docs/capacity.md, and is raised at 70 % of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from benchmarks import capacity
from benchmarks.load_model import BUSIEST, Load
from benchmarks.quotas import QUOTAS, Quota

SUFFIX = "NearQuotaAlarm"
# Metrics that AWS documents for these quotas, with their dimensions; `limit` are those that are the quota itself.
DOCUMENTED = {
    # Lambda developer guide, "Monitoring concurrency": ClaimedAccountConcurrency / SERVICE_QUOTA(ConcurrentExecutions).
    ("AWS/Lambda", "ClaimedAccountConcurrency"): (),
    ("AWS/Lambda", "ConcurrentExecutions"): (),
    # Step Functions developer guide, "Monitoring Step Functions metrics using Amazon CloudWatch".
    ("AWS/States", "ConsumedCapacity"): ("APIName", "ServiceMetric"),
    ("AWS/States", "ProvisionedRefillRate"): ("APIName", "ServiceMetric"),
    ("AWS/States", "OpenExecutionCount"): (),
    ("AWS/States", "OpenExecutionLimit"): (),
    # DynamoDB developer guide, "DynamoDB metrics and dimensions".
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): ("TableName",),
    ("AWS/DynamoDB", "AccountMaxTableLevelWrites"): (),
    # API Gateway developer guide, "Amazon API Gateway dimensions and metrics".
    ("AWS/ApiGateway", "Count"): ("ApiName", "Stage"),
    # SQS developer guide, "Available CloudWatch metrics for Amazon SQS".
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible"): ("QueueName",),
    # CloudWatch user guide, "AWS API usage metrics"; Logs user guide, "Managing your CloudWatch Logs service quotas";
    # KMS developer guide, "Managing quotas".
    ("AWS/Usage", "CallCount"): ("Service", "Type", "Resource", "Class"),
}
LIMITS = {"ProvisionedRefillRate", "OpenExecutionLimit", "AccountMaxTableLevelWrites"}
SUMS = {"Count", "CallCount", "ConsumedWriteCapacityUnits"}  # of a period, where the quota is of a second


@pytest.fixture(scope="module")
def alarms(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The alarms on quotas by the name that the page gives them."""
    found = {name: each for name, each in template["Resources"].items() if name.endswith(SUFFIX)}
    return {name.removesuffix("Alarm"): each for name, each in found.items()}


def _metered() -> list[Quota]:
    return [quota for quota in QUOTAS if quota.alarm and quota.name != "requests"]  # that one's guard has the alarm


def test_every_quota_that_says_so_has_an_alarm_and_every_alarm_a_quota(alarms: dict[str, Any]) -> None:
    assert {quota.alarm for quota in QUOTAS if quota.alarm} == alarms.keys()


def test_alarms_look_at_what_aws_documents(alarms: dict[str, dict[str, Any]]) -> None:
    wrong = []
    for name, alarm in alarms.items():
        for query in alarm["Properties"]["Metrics"]:
            if "MetricStat" in query:
                metric = query["MetricStat"]["Metric"]
                dimensions = {each["Name"] for each in metric.get("Dimensions", [])}
                allowed = DOCUMENTED.get((metric["Namespace"], metric["MetricName"]))
                if allowed is None or not dimensions <= set(allowed) or bool(dimensions) != bool(allowed):
                    wrong.append((name, metric))
    assert wrong == []


@pytest.mark.parametrize("quota", _metered(), ids=lambda quota: quota.alarm)
def test_an_alarm_is_raised_at_seven_tenths_of_its_quota(quota: Quota, alarms: dict[str, dict[str, Any]]) -> None:
    properties = alarms[quota.alarm]["Properties"]
    assert properties["Threshold"] == capacity.USED_WELL * 100
    assert properties["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert properties["AlarmActions"] == [{"Ref": "OperatorTopic"}]
    assert round(_share(properties, quota, used=0.69)) == 69
    assert round(_share(properties, quota, used=0.71)) == 71


def _share(properties: dict[str, Any], quota: Quota, used: float) -> float:
    """What the alarm's expression comes to when this much of the default is used (CloudWatch user guide, "Using metric
    math": PERIOD is in seconds, and SERVICE_QUOTA returns the quota of a usage metric).
    """
    (shown,) = [query for query in properties["Metrics"] if query.get("ReturnData", True)]
    expression = shown["Expression"]
    if isinstance(expression, dict):
        expression = expression["Fn::Sub"].replace("${RequestsPerSecond}", f"{quota.default:.0f}")
    values, quotas = {}, {}
    for query in properties["Metrics"]:
        if query is not shown:
            stat, name = query["MetricStat"], query["Id"]
            seconds = stat["Period"] if stat["Metric"]["MetricName"] in SUMS else 1
            assert (stat["Stat"] == "Sum") == (stat["Metric"]["MetricName"] in SUMS)
            values[name] = quota.default if stat["Metric"]["MetricName"] in LIMITS else quota.default * used * seconds
            quotas[values[name]] = quota.default * seconds
    names = {"PERIOD": lambda _: 60, "SERVICE_QUOTA": quotas.__getitem__, "MAX": max, "__builtins__": {}}
    assert re.fullmatch(r"[\w\s*/()\[\],.]+", expression)
    return float(eval(expression, names, values))


def test_alarms_are_there_when_they_are_wanted(template: dict[str, Any], alarms: dict[str, dict[str, Any]]) -> None:
    assert template["Parameters"]["QuotaAlarms"]["Default"] == "off"
    assert template["Conditions"]["WatchesQuotas"] == {"Fn::Equals": [{"Ref": "QuotaAlarms"}, "on"]}
    assert {each["Condition"] for each in alarms.values()} == {"WatchesQuotas", "WatchesDataKey"}


def test_the_apis_throttle_is_the_parameter(template: dict[str, Any]) -> None:
    guard = next(quota for quota in QUOTAS if "RequestsPerSecond" in quota.name)
    assert template["Parameters"]["RequestsPerSecond"]["Default"] == guard.default
    settings = template["Resources"]["Api"]["Properties"]["MethodSettings"]
    assert [each["ThrottlingRateLimit"] for each in settings] == [{"Ref": "RequestsPerSecond"}]


def test_what_binds_is_where_all_of_a_quota_is_taken() -> None:
    for quota in QUOTAS:
        at = capacity.binds_at(quota, Load(tenants=1), quota.default)
        if at < capacity.MOST:
            assert quota.taken(Load(tenants=at)) == pytest.approx(quota.default, rel=0.01)
            assert capacity.to_ask_for(quota, Load(tenants=at)) == pytest.approx(quota.default / 0.7, rel=0.01)
            assert capacity.to_ask_for(quota, Load(tenants=at / 2)) is None


def test_a_tenant_that_is_asked_without_end_costs_few_sessions_and_many_tenants_cost_one_each() -> None:
    assert BUSIEST.sessions < 1
    assert BUSIEST.usage_writes < 2.5 * BUSIEST.processes
    spread = Load(tenants=1e6, predictions_per_second=0.001)
    assert spread.predictions == BUSIEST.predictions
    assert spread.sessions == pytest.approx(2 * spread.predictions, rel=0.01)


def test_more_tenants_never_take_less() -> None:
    for quota in QUOTAS:
        taken = [quota.taken(Load(tenants=tenants)) for tenants in (1, 10, 100, 1_000, 10_000, 100_000)]
        assert taken == sorted(taken) or "prefix" in quota.name, quota.name  # a tenant's own prefix is its own
