"""Names: the same cause always gives the same name, and every name keeps AWS's limits."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain import names
from tests.tenants import account_of, tenant_of

ACCOUNT = account_of("222222222222", "eu-central-1")
TENANTS = st.from_regex(names.TENANT_PATTERN, fullmatch=True)
MODELS = st.from_regex(names.MODEL_PATTERN, fullmatch=True)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat)  # noqa: DTZ001 - hypothesis wants naive bounds


@pytest.mark.parametrize("text", ["ab", "acme", "a-b", "a1", "a" * 20])
def test_a_tenant_is_two_to_twenty_letters_digits_and_inner_hyphens(text: str) -> None:
    assert names.is_tenant(text)


@pytest.mark.parametrize("text", ["", "a", "A1", "1a", "-ab", "ab-", "a_b", "a.b", "ab\n", "a" * 21, "ä1", None, 12])
def test_anything_else_is_no_tenant(text: object) -> None:
    assert not names.is_tenant(text)


@pytest.mark.parametrize("text", ["a", "churn", "churn-2", "a" * 30])
def test_a_model_is_one_to_thirty_letters_digits_and_inner_hyphens(text: str) -> None:
    assert names.is_model(text)


@pytest.mark.parametrize("text", ["", "A", "2churn", "churn-", "churn_2", "a/b", "churn\n", "a" * 31, None, ["a"]])
def test_anything_else_is_no_model(text: object) -> None:
    assert not names.is_model(text)


@given(bucket=st.text(min_size=1), key=st.text(min_size=1, max_size=200), version_id=st.text())
def test_every_key_gives_an_execution_name_that_step_functions_takes(bucket: str, key: str, version_id: str) -> None:
    name = names.execution_name(bucket, key, version_id)
    assert re.fullmatch(r"[a-z0-9-]{1,80}", name)
    assert name == names.execution_name(bucket, key, version_id)
    assert names.digest_of(name) == names.upload_digest(bucket, key, version_id)


def test_an_execution_is_named_after_the_folders_of_its_key() -> None:
    assert names.execution_name("b", "acme/churn/a.csv", "1").startswith("acme-churn-")
    assert names.execution_name("b", "churn.csv", "1").startswith("upload-")
    assert names.execution_name("b", "É/É/a.csv", "1").startswith("upload-")


@pytest.mark.parametrize(
    "other", [("b", "acme/churn/a.csv", "2"), ("b", "acme/churn/b.csv", "1"), ("c", "acme/churn/a.csv", "1")]
)
def test_another_object_or_version_is_another_execution(other: tuple[str, str, str]) -> None:
    assert names.execution_name(*other) != names.execution_name("b", "acme/churn/a.csv", "1")


@given(tenant=TENANTS, model=MODELS, uploaded_at=MOMENTS, attempt=st.integers(1, 9))
def test_names_fit_into_sagemakers_limits(tenant: str, model: str, uploaded_at: str, attempt: int) -> None:
    execution = names.execution_name("bucket", f"{tenant}/{model}/f.csv", "v")
    version = names.version_name(uploaded_at, execution)
    job, endpoint = ACCOUNT.job(execution, attempt), ACCOUNT.endpoint(model, version)
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", job)  # AutoMLJobName in botocore's model
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", endpoint)  # EndpointName
    assert job.startswith(f"{ACCOUNT.prefix}-")
    assert endpoint.startswith(f"{ACCOUNT.prefix}-{model}-v")
    assert ACCOUNT.version_of(endpoint) == (model, version)
    assert tenant_of(prefix="tml-zzzzzz").account.version_of(endpoint) is None


@given(tenant=TENANTS, region=st.sampled_from(boto3.session.Session().get_available_regions("sagemaker")))
def test_names_fit_into_the_limits_of_iam_and_s3(tenant: str, region: str) -> None:
    prefix = names.new_account_prefix()
    assert names.ACCOUNT_PREFIX_PATTERN.fullmatch(prefix)
    assert len(prefix) == 10  # Autopilot begins the names of what it makes with so many characters of its job's
    account = tenant_of(tenant, region=region, prefix=prefix).account
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", account.bucket)
    for arn in asdict(account.roles).values():
        *path, name = arn.partition(":role")[2].split("/")
        assert re.fullmatch(r"[\w+=,.@-]{1,64}", name)  # RoleName
        assert path == ["", "tenantml", tenant]
        assert region in name


@given(one=MOMENTS, other=MOMENTS)
def test_versions_sort_by_the_time_of_their_upload(one: str, other: str) -> None:
    digests = ["x-0000000000000000", "x-ffffffffffffffff"]
    seconds = [datetime.fromisoformat(moment).replace(microsecond=0) for moment in (one, other)]
    versions = [names.version_name(moment, digest) for moment, digest in zip((one, other), digests, strict=True)]
    assert (versions[0] < versions[1]) == (seconds[0] <= seconds[1])


def test_a_version_names_its_time_and_four_digits_of_its_upload() -> None:
    assert names.version_name("2026-11-22T17:03:01Z", "acme-churn-9f3c000000000000") == "v20261122-170301-9f3c"


def test_everything_in_a_customers_account_is_named_by_tenant_and_region() -> None:
    start = "arn:aws:iam::222222222222:role/tenantml/acme/tml-abc234-eu-central-1-"
    assert asdict(ACCOUNT.roles) == {
        "training_access": f"{start}training-access",
        "prediction_access": f"{start}prediction-access",
        "training_execution": f"{start}training-execution",
        "serving_execution": f"{start}serving-execution",
    }
    assert ACCOUNT.roles.access(names.TRAINING) == ACCOUNT.roles.training_access
    assert ACCOUNT.roles.access(names.PREDICTION) == ACCOUNT.roles.prediction_access
    assert ACCOUNT.bucket == "tml-abc234-222222222222-eu-central-1"
    assert ACCOUNT.sagemaker_arn("model", "m") == "arn:aws:sagemaker:eu-central-1:222222222222:model/m"


def test_a_repeat_has_the_name_of_its_first_attempt() -> None:
    execution = names.execution_name("ingest", "acme/churn/a.csv", "v1")
    digest = names.upload_digest("ingest", "acme/churn/a.csv", "v1")
    assert execution == f"acme-churn-{digest}"
    assert ACCOUNT.job(execution) == f"tml-abc234-{digest}-1"
    assert ACCOUNT.endpoint("churn", "v20261122-170301-9f3c") == "tml-abc234-churn-v20261122-170301-9f3c"
    assert names.requested_version_name(datetime(2026, 11, 22, tzinfo=UTC), "r") == "v20261122-000000-4543"


def test_folders_end_in_a_slash_and_hold_one_execution() -> None:
    assert ACCOUNT.folder("churn", "e") == "churn/e/"
    assert names.staging_folder("acme", "churn", "e") == "acme/churn/e/"


@given(ours=st.tuples(TENANTS, MODELS), others=st.tuples(TENANTS, MODELS))
def test_no_two_tenants_share_the_name_of_a_deployment(ours: tuple[str, str], others: tuple[str, str]) -> None:
    found = [
        names.deployment_name(*whose, "v20261122-170301-55c3") for whose in (ours, others, ("a-b", "c"), ("a", "b-c"))
    ]
    assert len(set(found)) == 4 - (ours == others) - len({("a-b", "c"), ("a", "b-c")} & {ours, others})
    assert all(re.fullmatch(r"[0-9A-Za-z_-]{1,80}", name) for name in found)
