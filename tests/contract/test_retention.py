"""docs/retention.md says of every copy what the template and the code say: where, how long, and who reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tenantml.aws.s3 import presigned
from tenantml.domain.webhooks import webhook
from tenantml.services import grants, quota
from tenantml.services.registry import uploads
from tests.contract.test_policies import DATA_ROLES, Found, listed, may
from tools.policy_documents import documents
from tools.translate import translated

DAY = 24 * 3600
HOLDING = {
    "AWS::S3::Bucket",
    "AWS::DynamoDB::Table",
    "AWS::SQS::Queue",
    "AWS::Logs::LogGroup",
    "AWS::Events::EventBus",
    "AWS::SNS::Topic",
}
WHAT, WHERE, HOW_LONG, READERS, REMOVED_BY = range(5)
Rows = dict[str, list[str]]


def table(page: str) -> Rows:
    """Return the rows of the page's tables by their first cell."""
    lines = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")]
    return {cells[0].strip(): [cell.strip() for cell in cells] for cells in lines if cells[0].strip() != "what"}


@pytest.fixture(scope="module")
def rows(repository: Path) -> Rows:
    return table((repository / "docs" / "retention.md").read_text())


@pytest.fixture(scope="module")
def deployed(repository: Path) -> dict[str, Any]:
    return translated(repository / "template.yaml")


@pytest.fixture(scope="module")
def statements(deployed: dict[str, Any]) -> Found:
    found = documents(deployed)
    return [(path.split(".")[0], one) for path, document in found for one in listed(document["Statement"])]


def named(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


def missing(rows: Rows, deployed: dict[str, Any]) -> list[str]:
    """Return the resources that hold data and are on no row."""
    on_page = {name for cells in rows.values() for name in named(cells[WHERE])}
    resources = deployed["Resources"].items()
    return sorted(name for name, one in resources if one["Type"] in HOLDING and name not in on_page)


def days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"


def rule(deployed: dict[str, Any], bucket: str, rule_id: str) -> dict[str, Any]:
    (found,) = [
        one
        for one in deployed["Resources"][bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
        if one["Id"] == rule_id
    ]
    assert found["Status"] == "Enabled"
    return dict(found)


def test_everything_that_holds_data_is_on_the_page_and_nothing_else(rows: Rows, deployed: dict[str, Any]) -> None:
    assert missing(rows, deployed) == []
    resources = {name.removesuffix("Function") for name in deployed["Resources"]}
    for cells in rows.values():
        assert {name for name in named(cells[WHERE]) if name[0].isupper()} <= resources | {
            *deployed["Parameters"], "MODEL"
        }, cells  # fmt: skip


def test_something_that_is_on_no_row_is_found(rows: Rows, deployed: dict[str, Any]) -> None:
    planted = deployed["Resources"] | {"ForgottenQueue": {"Type": "AWS::SQS::Queue"}}
    assert missing(rows, {"Resources": planted}) == ["ForgottenQueue"]


def test_parameters_in_days_stand_with_their_defaults(rows: Rows, deployed: dict[str, Any]) -> None:
    text = " ".join(cells[HOW_LONG] for cells in rows.values())
    for name, parameter in deployed["Parameters"].items():
        if name.endswith("Days"):
            stated = set(re.findall(rf"`{name}` \(([^)]+)\)", text))
            assert stated == {days(parameter["Default"])}, name


def test_files_are_forgotten_in_the_days_that_the_page_says(rows: Rows, deployed: dict[str, Any]) -> None:
    uploaded = rule(deployed, "IngestBucket", "ForgetUploads")
    assert uploaded["ExpirationInDays"] == {"Ref": "UploadRetentionDays"}
    assert uploaded["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert "then a day as an older version" in rows["uploaded file"][HOW_LONG]
    assert rows["replaced file"][HOW_LONG].startswith(days(1))
    for bucket in ("IngestBucket", "StagingBucket"):
        unfinished = rule(deployed, bucket, "ForgetUnfinishedUploads")["AbortIncompleteMultipartUpload"]
        assert unfinished == {"DaysAfterInitiation": uploads.KEPT_SECONDS // DAY}
    assert rows["parts of a file that was never completed"][HOW_LONG] == days(uploads.KEPT_SECONDS // DAY)
    assert rule(deployed, "StagingBucket", "ForgetReplacedFiles")["NoncurrentVersionExpiration"] == {
        "NoncurrentDays": 1
    }
    copies = rule(deployed, "EvidenceCopyBucket", "ForgetUnlockedCopies")
    assert copies["ExpirationInDays"] == {"Ref": "EvidenceLockDays"}
    assert copies["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_queues_and_logs_keep_what_the_page_says(rows: Rows, deployed: dict[str, Any]) -> None:
    for cells in rows.values():
        for name in named(cells[WHERE]) & deployed["Resources"].keys():
            properties = deployed["Resources"][name].get("Properties", {})
            if "MessageRetentionPeriod" in properties:
                kept = properties["MessageRetentionPeriod"]
                assert cells[HOW_LONG].startswith(days(kept // DAY) if kept >= DAY else f"{kept // 3600} hours"), name
            if "RetentionInDays" in properties:
                assert properties["RetentionInDays"] == {"Ref": "LogRetentionDays"}
                assert "`LogRetentionDays`" in cells[HOW_LONG]


def test_rows_are_forgotten_in_the_days_that_the_page_says(rows: Rows) -> None:
    kept, claimed, keyed = (seconds // DAY for seconds in (uploads.KEPT_SECONDS, uploads.CLAIMED_SECONDS, DAY))
    assert rows["requested uploads, and idempotency keys as hashes"][HOW_LONG] == (
        f"{days(kept)}, {days(claimed)} once trained from; {days(keyed)}"
    )
    assert uploads.DAY_SECONDS == DAY
    assert rows["counts of usage"][HOW_LONG] == days(quota.KEPT_DAYS)
    delivered = rows["deliveries of webhooks: ids, codes of errors, how attempts went"]
    assert delivered[HOW_LONG] == days(webhook.KEPT_SECONDS // DAY)
    hours = {grants.COPY_GRANT_SECONDS // 3600, grants.IN_PLACE_MARGIN_SECONDS // 3600}
    assert hours == {6}
    assert "at most 6 hours for a copy" in rows["which role reads which training set"][HOW_LONG]
    assert presigned.EXPIRES_IN_SECONDS <= uploads.KEPT_SECONDS


@pytest.mark.parametrize(
    ("what", "bucket", "file"),
    [
        ("uploaded file", ":tenantml-ingest-", "*"),
        ("training set", ":tenantml-staging-", "train.csv"),
        ("holdout", ":tenantml-staging-", "holdout.csv"),
        (
            "profile: names and ranges of columns, classes, the values of columns that have few",
            ":tenantml-staging-",
            "profile.json",
        ),
        ("copies of these", ":tenantml-evidence-", "*"),
    ],
)
def test_readers_of_files_are_those_whom_the_policies_let_read(
    rows: Rows, statements: Found, what: str, bucket: str, file: str
) -> None:
    readers = {
        owner.removesuffix("FunctionRole")
        for action in ("s3:GetObject", "s3:GetObjectVersion")
        for owner, found in may(statements, action, bucket).items()
        if any(arn.endswith(("/*", f"/{file}")) for one in found for arn in listed(one["Resource"]))
    }
    through_data_roles = {function for role, function in DATA_ROLES.items() if role in readers}
    assert named(rows[what][READERS]) == readers | through_data_roles


def test_the_customers_guide_leads_here(repository: Path) -> None:
    assert "(retention.md)" in (repository / "docs" / "onboarding.md").read_text()
