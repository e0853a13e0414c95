"""What operators, the sweep and a roll-back do, with the permissions that the stack gives them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local import REGION, SAAS_ACCOUNT
from local.inventory import inventory
from tenantml.aws.dynamodb import from_item
from tenantml.aws.sagemaker.automl import EXECUTION_TAG
from tenantml.domain.drift import verdict
from tenantml.domain.drift.watch import Counting, Watch, unpacked
from tenantml.domain.predictions.answers import Predictions
from tests.browser import overflow
from tests.e2e.conftest import asked
from tests.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from local.console.process import Console
    from local.platform import Platform
    from tenantml_cli.tenant_api import Document
    from tests.e2e.conftest import Tenant

QUICK = {"target": "species", "max_candidates": 2}


@pytest.fixture(scope="module")
def tenant(newcomer: Callable[..., Tenant]) -> Tenant:
    return newcomer("cyberdyne")


@pytest.fixture(scope="module")
def live(tenant: Tenant, iris: Path) -> Document:
    """The execution of the version that answers."""
    ended = tenant.train("iris", iris, **QUICK)
    assert ended["error"] is None, ended
    return ended


@pytest.fixture(scope="module")
def operator(platform: Platform, person: Callable[..., dict[str, str]]) -> Callable[[str], Any]:
    """Clients of an operator who may also handle tenants' data."""
    credentials = person("otto", "OperatorGroup", "DataGroup")
    return lambda service: platform.cloud.client(service, credentials=credentials)


def upkeep(platform: Platform, function: str, **asked: str) -> Document:
    """Have one kind of upkeep done, of a tenant if it is of one, as its round does; return the function's answer."""
    named = {"StackName": platform.name, "LogicalResourceId": function}
    found = platform.cloud.client("cloudformation").describe_stack_resource(**named)["StackResourceDetail"]
    answer = platform.cloud.client("lambda").invoke(FunctionName=found["PhysicalResourceId"], Payload=json.dumps(asked))
    done: Document = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, done
    return done


def sweep(platform: Platform, tenant: str) -> Document:
    """Return what the hourly sweep does now for a tenant."""
    return upkeep(platform, "SweepTenantFunction", tenant=tenant)


def test_an_operator_limits_reads_holdouts_and_stops(
    tenant: Tenant, live: Document, operator: Callable[[str], Any], breast_cancer: Path
) -> None:
    outputs, s3, steps = tenant.platform.outputs, operator("s3"), operator("stepfunctions")
    limits = json.dumps({"tenant": "cyberdyne", "requests_per_second": 40}).encode()
    answer = operator("lambda").invoke(FunctionName=outputs["LimitTenantFunction"], Payload=limits)
    assert "FunctionError" not in answer, answer["Payload"].read()

    holdout = {"Bucket": outputs["StagingBucket"], "Key": f"cyberdyne/iris/{live['execution']}/holdout.csv"}
    assert s3.get_object(**holdout)["Body"].read().startswith(b"sepal length")
    large = {"Bucket": outputs["IngestBucket"], "Key": "cyberdyne/iris/large.csv"}
    s3.abort_multipart_upload(**large, UploadId=s3.create_multipart_upload(**large)["UploadId"])

    tenant.api.configure("cancer", {"target": "malignant"})
    key = tenant.api.upload("cancer", breast_cancer)
    found = wait_for(
        lambda: tenant.api.execution_of(key) or {}, lambda row: row.get("state") == "CheckTraining", is_passing=True
    )
    machine = outputs["TrainingStateMachineArn"]
    running = steps.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    (arn,) = [row["executionArn"] for row in running if row["name"] == found["execution"]]
    steps.stop_execution(executionArn=arn)
    assert tenant.outcome(key)["error"]["code"] == "ExecutionStopped"


def test_a_stopped_training_that_is_redriven_ends_as_its_tenant_was_told_and_leaves_nothing(
    tenant: Tenant, breast_cancer: Path
) -> None:
    cloud, steps = tenant.platform.cloud, tenant.platform.cloud.client("stepfunctions")  # an administrator's
    tenant.api.configure("redriven", {"target": "malignant", "max_candidates": 2})
    key = tenant.api.upload("redriven", breast_cancer)
    execution = wait_for(
        lambda: tenant.api.execution_of(key) or {}, lambda row: row.get("state") == "CheckTraining", is_passing=True
    )["execution"]
    tenant.stop(execution)
    told = tenant.outcome(key)
    assert told["error"]["code"] == "ExecutionStopped"

    machine = tenant.platform.outputs["TrainingStateMachineArn"].replace(":stateMachine:", ":execution:")
    arn = f"{machine}:{execution}"
    rescued = tenant.platform.outputs["RescueStateMachineArn"]
    wait_for(
        lambda: steps.list_executions(stateMachineArn=rescued, statusFilter="RUNNING")["executions"], lambda r: not r
    )
    steps.redrive_execution(executionArn=arn)
    ended = wait_for(lambda: steps.describe_execution(executionArn=arn), lambda found: found["status"] != "RUNNING")
    assert (ended["status"], ended["redriveCount"]) == ("FAILED", 1)
    now, same = tenant.api.execution(execution), ("status", "error", "left_behind", "ended_at")
    assert [now[name] for name in same] == [told[name] for name in same]
    assert tenant.api.call("GET", "/models/redriven")["live_version"] is None
    left = [arn for arn in inventory(cloud, tenant.account_id) if told["version"] in arn or execution in arn]
    assert not [arn for arn in left if "-job" not in arn], "SageMaker deletes no jobs"


def test_a_version_that_cannot_be_deployed_is_rolled_back(
    tenant: Tenant, live: Document, iris: Path, tmp_path: Path
) -> None:
    """The customer's serving execution role trusts SageMaker for models, and for endpoints no more."""
    cloud = tenant.platform.cloud
    iam = cloud.client("iam", tenant.account_id)
    role = tenant.registered.roles.serving_execution.rsplit("/", 1)[-1]
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    denied = {
        "Effect": "Deny",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:*:*:endpoint/*"}},
    }
    weaker = json.dumps(trust | {"Statement": [*trust["Statement"], denied]})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=weaker)
    try:
        ended = tenant.outcome(tenant.api.upload("iris", shutil.copy(iris, tmp_path / "again.csv")))
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))

    assert (ended["error"] or {}).get("code") == "DeploymentFailed", ended
    left = inventory(cloud, tenant.account_id)
    assert not [arn for arn in left if ":sagemaker:" in arn and ended["version"] in arn]
    assert len([arn for arn in left if ":sagemaker:" in arn and live["version"] in arn]) == 3


def test_a_round_of_upkeep_reaches_every_tenant_through_the_queue_and_ends_what_was_lost(
    tenant: Tenant, live: Document
) -> None:
    platform, sqs = tenant.platform, tenant.platform.cloud.client("sqs")

    def probed_at() -> dict[str, str]:
        return {row["tenant"]: row["probed_at"] for row in platform.call("DescribeTenantsFunction", {})["tenants"]}

    before, counts = probed_at(), platform.call("DispatchUpkeepFunction", {})
    assert counts["probe"] >= counts["sweep"] >= 1
    wait_for(probed_at, lambda now: now["cyberdyne"] > before["cyberdyne"])
    (url,) = [url for url in sqs.list_queues()["QueueUrls"] if "UpkeepQueue" in url]

    def left() -> set[str]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())

    wait_for(left, lambda counts: counts == {"0"})
    dead = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    name = json.loads(dead)["deadLetterTargetArn"].rsplit(":", 1)[-1]
    dead_url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=dead_url)
    assert inventory(platform.cloud, tenant.account_id)
    assert upkeep(platform, "RescueLostFunction") == {"executions": []}


def test_the_sweep_removes_what_no_version_needs_and_nothing_else(tenant: Tenant, live: Document) -> None:
    before = inventory(tenant.platform.cloud, tenant.account_id)
    name = tenant.registered.account.endpoint("iris", "v20200102-030405-abcd")
    sagemaker = tenant.platform.cloud.client("sagemaker", tenant.account_id)
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=tenant.registered.roles.serving_execution,
        Containers=sagemaker.describe_model(ModelName=live["endpoint"]["name"])["Containers"],
        Tags=[{"Key": EXECUTION_TAG, "Value": live["execution"]}],
    )

    swept = sweep(tenant.platform, "cyberdyne")

    assert f"arn:aws:sagemaker:{REGION}:{tenant.account_id}:model/{name}" in swept["orphans"]["removed"]
    assert inventory(tenant.platform.cloud, tenant.account_id) == before


def test_the_hourly_sweep_of_grants_removes_the_access_points_that_no_grant_has(tenant: Tenant) -> None:
    control, staging = tenant.platform.cloud.client("s3control"), tenant.platform.outputs["StagingBucket"]
    for name in ("tml-nobodys", "auditors"):
        control.create_access_point(AccountId=SAAS_ACCOUNT, Name=name, Bucket=staging)
    upkeep(tenant.platform, "WriteBucketPolicyFunction")
    left = control.list_access_points(AccountId=SAAS_ACCOUNT, Bucket=staging)["AccessPointList"]
    control.delete_access_point(AccountId=SAAS_ACCOUNT, Name="auditors")
    assert {row["Name"] for row in left} & {"tml-nobodys", "auditors"} == {"auditors"}


def test_a_version_that_is_asked_otherwise_than_in_training_drifts_in_words_after_two_windows(
    tenant: Tenant, live: Document
) -> None:
    cloud, outputs, version = tenant.platform.cloud, tenant.platform.outputs, live["version"]
    names = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
    rows = [dict.fromkeys(names, 1.5)] * 8
    assert tenant.api.predict_rows("iris", rows)["version"] == version
    dynamodb, key = cloud.client("dynamodb"), {"pk": {"S": "TENANT#cyberdyne"}, "sk": {"S": f"VERSION#iris#{version}"}}
    row = from_item(dynamodb.get_item(TableName=outputs["RegistryTable"], Key=key)["Item"])
    profile = json.load(
        cloud.client("s3").get_object(Bucket=row["profile"]["bucket"], Key=row["profile"]["key"])["Body"]
    )
    watch = Watch.of(row, profile)
    counts = {"pk": {"S": "USAGE#cyberdyne"}, "sk": {"S": f"BINS#iris#{version}"}}
    counted = unpacked(from_item(dynamodb.get_item(TableName=outputs["RegistryTable"], Key=counts)["Item"]), watch.size)
    assert {sum(counts) for _, _, counts in watch.parts(counted)} == {8}, (
        "the first call of a process is counted at once"
    )

    counting = Counting(watch)
    for _ in range(100):  # as other processes do
        counting.add([["9.9"] * 8] * 4, Predictions(("a", "b", "c"), [0] * 8, [("1", "0", "0")] * 8))
    for statuses in (verdict.SUSPECTED, verdict.DRIFTED):
        for name, number in counting.numbers().items():
            dynamodb.update_item(
                TableName=outputs["RegistryTable"], Key=counts, UpdateExpression=f"ADD {name} :number",
                ExpressionAttributeValues={":number": {"N": str(number)}},
            )  # fmt: skip
        assert upkeep(tenant.platform, "CheckDriftFunction", tenant="cyberdyne")["drifted"] in ([], ["iris"])
        found = tenant.api.call("GET", f"/models/iris/versions/{version}/drift")
        assert found["status"] == statuses
    assert {column["column"] for column in found["columns"] if column["windows"] == 2} == set(names)
    assert "has drifted in 2 windows" in found["sentences"][0]


# ---- the operators' page, on what the tests above left: none of them waits for a training of its own ----


def test_the_page_knows_of_an_execution_what_step_functions_knows(
    console: Console, tenant: Tenant, live: Document
) -> None:
    listed = asked(console, "executions", tenant="cyberdyne", model="iris", machine="training")
    (training,) = (row for row in listed if row["name"] == live["execution"])
    assert (training["machine"], training["status"]) == ("training", "SUCCEEDED")
    shown = asked(console, "execution", arn=training["arn"])
    steps = tenant.platform.cloud.client("stepfunctions")
    described = steps.describe_execution(executionArn=training["arn"])
    assert (shown["input"], shown["output"]) == (described["input"], described["output"])
    pages = steps.get_paginator("get_execution_history").paginate(executionArn=training["arn"])
    entered = [event for event in pages.search("events") if event["type"].endswith("StateEntered")]
    assert [visit["state"] for visit in shown["visits"]] == [
        event["stateEnteredEventDetails"]["name"] for event in entered
    ]
    planned = json.loads(steps.describe_state_machine(stateMachineArn=described["stateMachineArn"])["definition"])
    assert [state["name"] for state in shown["states"]] == list(planned["States"])
    reached = {state["name"]: state["status"] for state in shown["states"] if state["visits"]}
    assert set(reached.values()) == {"succeeded"}
    assert {"AcceptUpload", "Trained"} < reached.keys() < planned["States"].keys()

    (relative,) = shown["relatives"]
    deployment = asked(console, "execution", arn=relative["arn"])
    assert (relative["relation"], deployment["tenant"], deployment["model"]) == (
        "started the deployment",
        "cyberdyne",
        "iris",
    )
    assert [each["name"] for each in deployment["relatives"]] == [live["execution"]]
    assert deployment["logged_as"] == [live["execution"], live["version"]]
    assert asked(console, "executions", tenant="cyberdyne", model="iris", status="TIMED_OUT") == []


def test_the_page_knows_tenants_versions_endpoints_and_receipts(
    console: Console, tenant: Tenant, live: Document
) -> None:
    (shown,) = (each for each in asked(console, "tenants") if each["tenant"] == "cyberdyne")
    assert (shown["status"], shown["account_id"]) == ("active", tenant.account_id)
    assert tenant.registered.external_id not in json.dumps(shown)
    (model,) = (each for each in shown["models"] if each["model"] == "iris")
    (version,) = (each for each in model["versions"] if each["live"])
    assert (version["version"], version["endpoint"]) == (live["version"], live["endpoint"]["name"])
    endpoints = asked(console, "endpoints")
    assert {"InService"} == {
        each["status"]
        for each in endpoints
        if (each["account_id"], each["endpoint"]) == (tenant.account_id, version["endpoint"])
    }
    assert SAAS_ACCOUNT not in {each["account_id"] for each in endpoints}
    assert [each for each in asked(console, "grants") if each["execution"] == live["execution"]] == []
    (head,) = (each for each in asked(console, "receipts", tenant="cyberdyne") if each["chain"] == live["execution"])
    receipt = asked(console, "receipt", tenant="cyberdyne", chain=live["execution"])
    assert (receipt["faults"], len(receipt["entries"])) == ([], head["count"])


def test_an_operator_clicks_from_a_refused_upload_to_its_reason(
    console: Console,
    tenant: Tenant,
    live: Document,
    page: Page,
    tmp_path: Path,
    axe_violations: Callable[[Page], list[str]],
    keep_screenshot: Callable[..., Path],
) -> None:
    page.goto(console.url)
    page.get_by_label("Tenant", exact=True).select_option("cyberdyne")
    page.get_by_label("State machine").select_option("training")
    row = page.get_by_role("row").filter(has_text=live["execution"])
    row.get_by_text("succeeded").wait_for()
    assert axe_violations(page) == []
    keep_screenshot(page, "operators-executions")

    bad = tmp_path / "bad.csv"
    bad.write_text("<b>bold</b>,b\n1,2\n")
    page.get_by_label("Status", exact=True).select_option("FAILED")
    refused = page.get_by_role("row").filter(has_text="TargetMissing")
    for number in range(2):  # a line that is logged late comes with the next invocation, here as on AWS
        tenant.api.upload("iris", bad)
        refused.nth(number).wait_for(timeout=60_000)  # nobody reloads: the page looks again by itself
    refused.last.get_by_role("link").click()

    page.get_by_role("link", name="Show the state that failed: InspectDataset").wait_for()
    assert page.get_by_text("'<b>bold</b>'").count() >= 1
    assert page.locator("b").count() == 0, "text of a file is never markup"
    states = json.loads(Path("statemachine/training.asl.json").read_text())["States"]
    graph = page.get_by_role("group", name="States")
    assert graph.get_by_role("button").count() == len(states)
    failed = graph.get_by_role("button", name="InspectDataset, Task: failed, TargetMissing")
    assert failed.get_attribute("aria-pressed") == "true"
    assert graph.get_by_role("button", name="StartTraining, Task: not reached").count() == 1

    accepted = graph.get_by_role("button", name="AcceptUpload, Task: succeeded")
    accepted.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="The chosen state")
    panel.get_by_role("heading", name="AcceptUpload").wait_for()
    assert "cyberdyne/iris/bad.csv" in panel.get_by_role("region", name="Input of AcceptUpload").inner_text()

    page.get_by_text("The graph as a table").click()
    table = page.get_by_role("region", name="Every state of this machine")
    assert table.get_by_role("row").count() == len(states) + 1
    page.get_by_text("Logs that name").click()
    page.get_by_role("cell", name="named failure TargetMissing").wait_for()
    for dark in (False, True):
        keep_screenshot(page, f"operators-failed-{'dark' if dark else 'light'}", dark=dark)
        assert axe_violations(page) == []
    assert overflow(page) == 0
    keep_screenshot(page, "operators-failed-narrow", narrow=True)


def test_the_state_that_an_execution_is_in_is_lit_until_it_is_stopped(
    console: Console, tenant: Tenant, breast_cancer: Path, page: Page
) -> None:
    tenant.api.configure("cancer", {"target": "malignant"})
    upload = tenant.api.upload("cancer", breast_cancer)
    execution = tenant.execution(upload, lambda document: document["status"] == "running")["execution"]
    page.goto(f"{console.url}#/executions?tenant=cyberdyne&status=RUNNING")
    page.get_by_role("link", name=execution).click()
    lit = page.get_by_role("group", name="States").get_by_role("button", name=": in progress")
    lit.wait_for()
    tenant.stop(execution)
    page.get_by_role("group", name="States").get_by_role("button", name=": stopped").wait_for()
    assert lit.count() == 0
    page.goto(f"{console.url}#/executions?tenant=cyberdyne&machine=rescue")
    page.get_by_role("link", name="cyberdyne").or_(page.get_by_role("row").nth(1).get_by_role("link")).first.click()
    page.get_by_text("cleans up after").first.wait_for()


@pytest.mark.parametrize("place", ["tenants", "endpoints", "grants", "uploads", "receipts"])
def test_every_part_of_the_page_is_accessible_and_fits_a_phone(
    console: Console,
    live: Document,
    page: Page,
    place: str,
    axe_violations: Callable[[Page], list[str]],
    keep_screenshot: Callable[..., Path],
) -> None:
    page.goto(f"{console.url}#/{place}")
    page.locator("main table, main .quiet").first.wait_for()
    assert axe_violations(page) == []
    assert overflow(page) == 0
    keep_screenshot(page, f"operators-{place}")
