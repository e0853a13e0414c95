"""The probe asks for exactly what the on-boarding template allows, by calls that there are."""

from __future__ import annotations

from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator
from samtranslator.yaml_helper import yaml_parse

from tenantml.domain.access import probe_questions
from tenantml.domain.access.probe_questions import Question
from tenantml.domain.names import CustomerAccount

_TEMPLATE = Path(__file__).resolve().parents[2] / "onboarding" / "customer_access.yaml"
_ACCOUNT = CustomerAccount("222222222222", "ap-southeast-3")
_QUESTIONS = [*probe_questions.needed(_ACCOUNT), *probe_questions.dangerous()]
_NUMBERED = list(enumerate(_QUESTIONS))


def _allowed() -> set[str]:
    resources = yaml_parse(_TEMPLATE.read_text())["Resources"]
    policies = resources["AccessRole"]["Properties"]["Policies"] + [
        found["Properties"]
        for found in resources.values()
        if found["Type"] == "AWS::IAM::Policy" and {"Ref": "AccessRole"} in found["Properties"]["Roles"]
    ]
    statements = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    actions = [statement["Action"] for statement in statements]
    return {action for found in actions for action in ([found] if isinstance(found, str) else found)}


def test_each_permission_of_the_template_is_probed_or_has_a_reason_not_to_be() -> None:
    asked = {question.permission for question in probe_questions.needed(_ACCOUNT)}
    assert asked | probe_questions.NOT_PROBED.keys() == _allowed()
    assert not asked & probe_questions.NOT_PROBED.keys()


@pytest.mark.parametrize("question", _QUESTIONS, ids=[f"{number} {asked.permission}" for number, asked in _NUMBERED])
def test_each_question_is_a_call_that_botocore_knows(question: Question) -> None:
    model = botocore.session.get_session().get_service_model(question.service)
    operation = model.operation_model(question.operation)
    shape = operation.input_shape
    if shape is None:
        assert question.request == {}
    else:
        assert ParamValidator().validate(question.request, shape).generate_report() == ""
