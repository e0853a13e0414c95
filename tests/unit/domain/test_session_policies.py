"""Session policies: at the longest names they fit into STS's limit, and none reaches beyond what is at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tenantml.domain.access import probe_questions, session_policies
from tenantml.domain.access.grant import access_point_name
from tenantml.domain.names import PREDICTION, TRAINING, Access, CustomerAccount
from tenantml.domain.training.run import Run
from tests.tenants import account_of

ACCOUNT = account_of("222222222222", "ap-southeast-99")
KEY = "arn:aws:kms:ap-southeast-99:222222222222:key/mrk-" + "0" * 32
OUR_KEY = "arn:aws:kms:us-east-1:111111111111:key/" + "1" * 36
WITH_KEY = account_of("222222222222", "ap-southeast-99", KEY)
RUN = Run("t" * 20 + "-" + "m" * 30 + "-" + "f" * 17, "t" * 20, "m" * 30, "v20261122-170301-9f3c")
JOB, ENDPOINT = ACCOUNT.job(RUN.execution), ACCOUNT.endpoint(RUN.model, RUN.version)
POINT = f"arn:aws:s3:ap-southeast-99:111111111111:accesspoint/{access_point_name('b', RUN.execution)}"
SOURCES = [
    f"{POINT}/object/{RUN.staging_folder}train.csv",
    f"arn:aws:s3:::tenantml-staging-111111111111-ap-southeast-99/{RUN.staging_folder}train.csv",
]

REPORTS = [f"{RUN.customer_folder}output/{JOB}/{'r' * 100}{number}/*" for number in range(4)]
MODELS = [f"{RUN.customer_folder}output/{JOB}/{'m' * 130}/{number}/model.tar.gz" for number in range(5)]
BEYOND = {
    f"probe beyond {access}": session_policies.probe_beyond(
        probe_questions.permissions(probe_questions.dangerous(ACCOUNT, access, thorough=True))
    )
    for access in (TRAINING, PREDICTION)
}


def _probe(account: CustomerAccount, access: Access) -> dict[str, Any]:
    asked = probe_questions.permissions(probe_questions.needed(account, access))
    return session_policies.probe(account, asked)


POLICIES = {
    "measure artefacts": session_policies.measure_artefacts(ACCOUNT, *MODELS),
    "read reports": session_policies.read_reports(ACCOUNT, RUN.customer_folder, *REPORTS),
    "deliver by copy": session_policies.deliver(ACCOUNT, RUN.customer_folder, SOURCES),
    "deliver by upload": session_policies.deliver(ACCOUNT, RUN.customer_folder),
    "train": session_policies.train(ACCOUNT, JOB),
    "measure training": session_policies.measure_training(ACCOUNT),
    "deploy": session_policies.deploy(ACCOUNT, ENDPOINT),
    "predict": session_policies.predict(ACCOUNT, ENDPOINT),
    "remove a folder": session_policies.remove_objects(ACCOUNT, RUN.customer_folder),
    "remove everything": session_policies.remove_objects(ACCOUNT, ""),
    "inventory": session_policies.inventory(ACCOUNT),
    "inventory of a model": session_policies.inventory(ACCOUNT, RUN.model),
    **{f"probe of {access}": _probe(ACCOUNT, access) for access in (TRAINING, PREDICTION)},
    "nothing": session_policies.nothing(),
}
WITH_KEYS = {
    "measure artefacts": session_policies.measure_artefacts(WITH_KEY, *MODELS),
    "read reports": session_policies.read_reports(WITH_KEY, RUN.customer_folder, *REPORTS),
    "deliver by copy": session_policies.deliver(WITH_KEY, RUN.customer_folder, SOURCES, OUR_KEY),
    "deliver by upload": session_policies.deliver(WITH_KEY, RUN.customer_folder, [], OUR_KEY),
    "train": session_policies.train(WITH_KEY, JOB),
    "deploy": session_policies.deploy(WITH_KEY, ENDPOINT),
    "predict": session_policies.predict(WITH_KEY, ENDPOINT),
    "remove a folder": session_policies.remove_objects(WITH_KEY, RUN.customer_folder),
    "inventory": session_policies.inventory(WITH_KEY),
    "probe of training": _probe(WITH_KEY, TRAINING),
}


def resources(policy: dict[str, Any]) -> Iterator[str]:
    for statement in policy["Statement"]:
        yield from statement["Resource"]


@pytest.mark.parametrize(
    "policy",
    [*POLICIES.values(), *WITH_KEYS.values(), *BEYOND.values()],
    ids=[*POLICIES, *(f"{name} with a key" for name in WITH_KEYS), *BEYOND],
)
def test_every_policy_fits_into_what_sts_takes(policy: dict[str, Any]) -> None:
    assert len(json.dumps(policy, separators=(",", ":"))) <= 2048


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
def test_a_session_reaches_one_account_only(policy: dict[str, Any]) -> None:
    for arn in resources(policy):
        assert arn in {"*", *SOURCES} or ACCOUNT.account_id in arn


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
def test_everything_that_is_allowed_everywhere_only_looks(policy: dict[str, Any]) -> None:
    for statement in policy["Statement"]:
        if "*" in statement["Resource"]:
            assert all(action.split(":")[1].startswith(("List", "Get")) for action in statement["Action"])


@pytest.mark.parametrize("name", ["train", "deploy", "predict"])
def test_a_session_of_a_run_names_its_own_resources(name: str) -> None:
    passed = {"train": ACCOUNT.roles.training_execution, "deploy": ACCOUNT.roles.serving_execution, "predict": ""}
    found = set(resources(POLICIES[name])) - {passed[name], "*"}
    assert {arn.rsplit("/", 1)[-1] for arn in found} == ({JOB} if name == "train" else {ENDPOINT})
    assert [arn for arn in resources(POLICIES[name]) if ":iam:" in arn] == [passed[name]] * bool(passed[name])


def test_a_probe_names_no_type_by_a_wildcard() -> None:
    for access in (TRAINING, PREDICTION):
        by_name = POLICIES[f"probe of {access}"]["Statement"][0]["Resource"]
        assert by_name == ["arn:aws:sagemaker:ap-southeast-99:222222222222:*tml-abc234-probe*"]


def test_a_copy_reads_its_own_source_and_an_upload_reads_none_of_ours() -> None:
    assert set(SOURCES) <= set(resources(POLICIES["deliver by copy"]))
    assert not set(SOURCES) & set(resources(POLICIES["deliver by upload"]))


def test_removing_a_folder_lists_that_folder_only() -> None:
    listing = POLICIES["remove a folder"]["Statement"][0]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": [f"{RUN.customer_folder}*"]}}
    assert "Condition" not in POLICIES["remove everything"]["Statement"][0]


VIA_S3 = {"StringEquals": {"kms:ViaService": "s3.ap-southeast-99.amazonaws.com"}}
VIA_OUR_S3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
FOR_AWS = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
WRITES = (KEY, ("kms:GenerateDataKey", "kms:Decrypt"), VIA_S3)
USES_OF_KEYS = {
    "deliver by copy": [WRITES, (OUR_KEY, ("kms:Decrypt",), VIA_OUR_S3)],
    "deliver by upload": [WRITES],
    "deploy": [(KEY, ("kms:CreateGrant",), FOR_AWS)],
    "probe of training": [WRITES],
    "read reports": [(KEY, ("kms:Decrypt",), VIA_S3)],
}


def of_keys(policy: dict[str, Any]) -> list[tuple[str, tuple[str, ...], dict[str, Any]]]:
    return [
        (*statement["Resource"], tuple(statement["Action"]), statement["Condition"])
        for statement in policy["Statement"]
        if any(action.startswith("kms:") for action in statement["Action"])
    ]


@pytest.mark.parametrize("name", WITH_KEYS)
def test_a_session_uses_a_registered_key_for_what_it_does_and_no_further(name: str) -> None:
    assert of_keys(WITH_KEYS[name]) == USES_OF_KEYS.get(name, [])


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
def test_without_a_key_no_session_may_use_any(policy: dict[str, Any]) -> None:
    assert of_keys(policy) == []
