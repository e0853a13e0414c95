"""Each call into a customer's account may do less than the access role: within it, and narrowed to its purpose."""

from __future__ import annotations

import ast
import inspect
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tenantml.domain.access import session_policies
from tenantml.domain.training.run import Run
from tests.tenants import tenant_of
from tools.policy_documents import documents

ACCOUNT = tenant_of(
    "saastenant", "111111111111", "us-east-1", prefix="nameprefix"
).account  # as `documents` fills it in
RUN = Run("acme-churn-0123456789abcdef", "saastenant", "churn", "v20261122-170301-9f3c")
JOB, ENDPOINT = ACCOUNT.job(RUN.execution), ACCOUNT.endpoint(RUN.model, RUN.version)
SOURCES = [
    f"arn:aws:s3:{ACCOUNT.region}:222222222222:accesspoint/tml-0123/object/{RUN.staging_folder}train.csv",
    f"arn:aws:s3:::saasstagingbucket/{RUN.staging_folder}train.csv",
]

# For one execution, version, model or prediction.
NARROW = {
    "deliver": session_policies.deliver(ACCOUNT, RUN.customer_folder, SOURCES),
    "train": session_policies.train(ACCOUNT, JOB),
    "transform": session_policies.transform(ACCOUNT, JOB),
    "list_candidates": session_policies.list_candidates(),
    "deploy": session_policies.deploy(ACCOUNT, ENDPOINT),
    "look_at": session_policies.look_at(ACCOUNT, ENDPOINT),
    "scale": session_policies.scale(ACCOUNT, ENDPOINT),
    "unscale": session_policies.unscale(ACCOUNT, ENDPOINT),
    "measure_artefacts": session_policies.measure_artefacts(ACCOUNT, f"{RUN.customer_folder}output/model.tar.gz"),
    "read_reports": session_policies.read_reports(
        ACCOUNT, RUN.customer_folder, f"{RUN.customer_folder}output/reports/*"
    ),
    "remove_objects": session_policies.remove_objects(ACCOUNT, RUN.customer_folder),
    "write_objects": session_policies.write_objects(ACCOUNT, f"{RUN.model}/handover/"),
    "inventory": session_policies.inventory(ACCOUNT, RUN.model),
    "quotas": session_policies.quotas(),
    "measure_training": session_policies.measure_training(ACCOUNT),
}
# For everything of ours in an account: fewer actions than the role, on the same names.
WHOLE = {
    "sweep": session_policies.sweep(ACCOUNT),
    "inventory of a tenant": session_policies.inventory(ACCOUNT),
}
# The probe asks what the role may do, so its session must not narrow it; `nothing` is for sessions that must not be.
APART = {"probe", "probe_beyond", "nothing"}
# Permissions that cannot be narrowed -> why.
AS_WIDE_AS_THE_ROLE = {
    "iam:PassRole": "a role is passed whole, and a session names the one that it passes",
    **dict.fromkeys(
        ("sagemaker:DescribeTrainingJob", "sagemaker:DescribeProcessingJob", "sagemaker:DescribeTransformJob"),
        "Autopilot names its jobs, and keeps no more of the AutoML job's name than our prefix",
    ),
    "s3:ListBucketMultipartUploads": "has no condition on a prefix (Service Authorization Reference, S3)",
}
# The removal of a model stops its jobs, whose names hold a hash of the upload and not the model's name.
JOBS_OF_A_MODEL = {"sagemaker:DescribeAutoMLJobV2", "sagemaker:StopAutoMLJob"}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="module")
def role(repository: Path) -> dict[str, set[str]]:
    """The actions of training access, each with the patterns of what it reaches."""
    return reach_of(repository, "TrainingAccessRole")


@pytest.fixture(scope="module")
def predicting(repository: Path) -> dict[str, set[str]]:
    """The actions of prediction access, likewise."""
    return reach_of(repository, "PredictionAccessRole")


def reach_of(repository: Path, logical_id: str) -> dict[str, set[str]]:
    template = yaml_parse((repository / "onboarding/customer_access.yaml").read_text())
    reach: dict[str, set[str]] = {}
    for path, document in documents(template):
        for statement in document["Statement"] if path.startswith(f"{logical_id}.Policies") else ():
            for action in listed(statement["Action"]):
                reach.setdefault(action, set()).update(listed(statement["Resource"]))
    return reach


def outside(policy: dict[str, Any], role: dict[str, set[str]]) -> list[tuple[str, str]]:
    """What a session may do in vain, since the role may not."""
    return [
        (action, resource)
        for statement in policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
        if not any(fnmatchcase(resource, pattern) for pattern in role.get(action, ()))
    ]


def as_wide(policy: dict[str, Any], role: dict[str, set[str]]) -> list[tuple[str, str]]:
    """What a session may do on all that the role reaches, although IAM could narrow it."""
    return [
        (action, resource)
        for statement in policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
        if resource in role[action] and "Condition" not in statement
        if action not in AS_WIDE_AS_THE_ROLE and action not in session_policies.WITHOUT_RESOURCE
    ]


@pytest.mark.parametrize("policy", [*NARROW.values(), *WHOLE.values()], ids=[*NARROW, *WHOLE])
def test_no_session_asks_for_more_than_the_role_has(policy: dict[str, Any], role: dict[str, set[str]]) -> None:
    assert outside(policy, role) == []


@pytest.mark.parametrize("name", NARROW)
def test_a_session_for_one_thing_reaches_that_thing_only(name: str, role: dict[str, set[str]]) -> None:
    found = {action for action, _ in as_wide(NARROW[name], role)}
    assert found == (JOBS_OF_A_MODEL if name == "inventory" else set())


@pytest.mark.parametrize("policy", WHOLE.values(), ids=WHOLE.keys())
def test_a_session_for_all_of_an_account_creates_reads_and_passes_nothing(policy: dict[str, Any]) -> None:
    actions = {action.split(":")[1] for statement in policy["Statement"] for action in statement["Action"]}
    assert {one for one in actions if one.startswith(("Create", "Put", "Pass", "Invoke", "GetObject"))} == set()


def test_a_prediction_invokes_one_endpoint(predicting: dict[str, set[str]]) -> None:
    policy = session_policies.predict(ACCOUNT, ENDPOINT)
    assert outside(policy, predicting) == as_wide(policy, predicting) == []
    assert predicting == {"sagemaker:InvokeEndpoint": {ACCOUNT.sagemaker_arn("endpoint", "nameprefix-*")}}


def test_a_session_that_is_too_wide_is_found(predicting: dict[str, set[str]]) -> None:
    wide = session_policies.predict(ACCOUNT, "nameprefix-*")
    assert as_wide(wide, predicting) == [
        ("sagemaker:InvokeEndpoint", ACCOUNT.sagemaker_arn("endpoint", "nameprefix-*"))
    ]
    foreign = session_policies.predict(ACCOUNT, "not-ours")
    assert outside(foreign, predicting) == [("sagemaker:InvokeEndpoint", ACCOUNT.sagemaker_arn("endpoint", "not-ours"))]


def test_every_session_policy_is_looked_at() -> None:
    made = {
        name
        for name, made in inspect.getmembers(session_policies, inspect.isfunction)
        if made.__module__ == session_policies.__name__ and not name.startswith("_")
    }
    assert made == {*NARROW, *WHOLE, *APART, "predict"} - {"inventory of a tenant"}


def test_every_session_is_opened_with_one_of_these_policies(repository: Path) -> None:
    """Who opens a session names its policy there, or in the variable of that function that it passes."""
    looked_at = 0
    for path in [*(repository / "layers/core").rglob("*.py"), *(repository / "functions").rglob("*.py")]:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef) or (path.stem, function.name) == ("run_context", "customer"):
                continue
            nodes = list(ast.walk(function))
            assigned = {
                target.id: node.value
                for node in nodes
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for argument in filter(None, map(_policy_argument, nodes)):
                looked_at += 1
                policy = assigned.get(argument.id) if isinstance(argument, ast.Name) else argument
                assert ast.unparse(policy or argument).startswith("session_policies."), f"{path}:{argument.lineno}"
    assert looked_at > 10


def _policy_argument(node: ast.AST) -> ast.expr | None:
    """The policy of `assume(tenant, purpose, policy)` and of a state's `context.customer(policy)`."""
    if not isinstance(node, ast.Call):
        return None
    called = ast.unparse(node.func)
    return node.args[2] if called == "assume" else node.args[0] if called == "context.customer" else None
