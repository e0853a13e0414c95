"""The probe asks for exactly what the on-boarding template allows, by calls that there are."""

from __future__ import annotations

from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator
from samtranslator.yaml_helper import yaml_parse

from tenantml.domain.access import probe_questions
from tenantml.domain.access.probe_questions import Question
from tenantml.domain.names import PREDICTION, TRAINING, Access
from tests.tenants import account_of

_TEMPLATE = Path(__file__).resolve().parents[2] / "onboarding" / "customer_access.yaml"
_ACCOUNT = account_of("222222222222", "ap-southeast-3")
_ROLES: dict[Access, str] = {TRAINING: "TrainingAccessRole", PREDICTION: "PredictionAccessRole"}
_QUESTIONS = [
    question
    for access in _ROLES
    for question in (
        *probe_questions.needed(_ACCOUNT, access),
        *probe_questions.dangerous(_ACCOUNT, access, thorough=True),
    )
]
_NUMBERED = list(enumerate(_QUESTIONS))


def _allowed(role: str) -> set[str]:
    resources = yaml_parse(_TEMPLATE.read_text())["Resources"]
    policies = resources[role]["Properties"]["Policies"] + [
        found["Properties"]
        for found in resources.values()
        if found["Type"] == "AWS::IAM::Policy" and {"Ref": role} in found["Properties"]["Roles"]
    ]
    statements = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    actions = [statement["Action"] for statement in statements]
    return {action for found in actions for action in ([found] if isinstance(found, str) else found)}


def test_each_permission_of_training_access_is_probed_or_has_a_reason_not_to_be() -> None:
    asked = set(probe_questions.permissions(probe_questions.needed(_ACCOUNT, TRAINING)))
    assert asked | probe_questions.NOT_PROBED.keys() == _allowed(_ROLES[TRAINING])
    assert not asked & probe_questions.NOT_PROBED.keys()


def test_prediction_access_may_invoke_and_nothing_else() -> None:
    asked = set(probe_questions.permissions(probe_questions.needed(_ACCOUNT, PREDICTION)))
    assert asked == _allowed(_ROLES[PREDICTION]) == {"sagemaker:InvokeEndpoint"}


@pytest.mark.parametrize("access", _ROLES)
def test_few_questions_are_asked_every_hour_and_those_that_raise_alarms_at_activation_only(access: Access) -> None:
    hourly = {question.operation for question in probe_questions.dangerous(_ACCOUNT, access, thorough=False)}
    activation = {question.operation for question in probe_questions.dangerous(_ACCOUNT, access, thorough=True)}
    assert hourly < activation
    assert len(hourly) <= 10
    assert {"CreateUser", "PutRolePolicy", "GetSecretValue", "CreateKeyPair"} <= activation - hourly


def test_what_the_probe_cannot_see_is_told_to_the_customer(repository: Path) -> None:
    text = " ".join((repository / "docs/onboarding.md").read_text(encoding="utf-8").split())
    assert [what for what, reason in probe_questions.CANNOT_SEE.items() if f"| {what} | {reason} |" not in text] == []


@pytest.mark.parametrize("question", _QUESTIONS, ids=[f"{number} {asked.permission}" for number, asked in _NUMBERED])
def test_each_question_is_a_call_that_botocore_knows(question: Question) -> None:
    model = botocore.session.get_session().get_service_model(question.service)
    operation = model.operation_model(question.operation)
    shape = operation.input_shape
    if shape is None:
        assert question.request == {}
    else:
        assert ParamValidator().validate(question.request, shape).generate_report() == ""
