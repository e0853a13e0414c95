"""What counts as a difference between two recordings, and what depends on the moment alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.comparison import compare
from smoke.recording import Answer

JSON = st.recursive(
    st.none() | st.booleans() | st.sampled_from([0, "<text>", "<time>", "Completed"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


def answer(members: Any, *, timed: bool = False, status: int = 200, call: str = "sagemaker.DescribeX") -> Answer:
    return Answer(call, status, timed, members)


@given(st.lists(st.builds(answer, st.dictionaries(st.sampled_from("abc"), JSON), timed=st.booleans()), max_size=4))
def test_a_recording_does_not_differ_from_itself(answers: list[Answer]) -> None:
    assert compare(answers, answers) == []


@pytest.mark.parametrize(
    ("aws", "emulator", "member", "said"),
    [
        ({"Status": "Odd"}, {"Status": "Fine"}, "Status", ("'Odd'", "'Fine'")),
        ({"Status": 0}, {"Status": "Fine"}, "Status", ("number", "text")),
        ({}, {"Status": "Fine"}, "Status", ("absent", "'Fine'")),
        ({"Status": "Fine"}, {}, "Status", ("'Fine'", "absent")),
        ({"L": [{"A": 0}, {}]}, {"L": [{"A": 0}]}, "L[].A", ("sometimes absent", "always there")),
        ({"L": [{"A": None}]}, {"L": [{"A": 0}]}, "L[].A", ("null", "number")),
        ({"EndpointName": "a-1"}, {"EndpointName": "a1"}, "EndpointName", ("'a-9'", "'a9'")),
    ],
)
def test_a_difference_names_the_member_and_what_either_side_has(
    aws: Any, emulator: Any, member: str, said: tuple[str, str]
) -> None:
    (found,) = compare([answer(aws)], [answer(emulator)])
    assert (found.call, found.member, found.aws, found.emulator) == ("sagemaker.DescribeX", member, *said)
    assert found.do


@pytest.mark.parametrize(
    ("aws", "emulator"),
    [
        ({"EndpointName": "churn-1"}, {"EndpointName": "digits-22"}),
        ({"EndpointName": "a-0f3c9a8b7d"}, {"EndpointName": "b-77aa11bb22"}),
        ({"NextToken": "<text>"}, {}),
    ],
    ids=["names", "hexadecimal", "pages"],
)
def test_which_name_and_how_many_pages_is_no_difference(aws: Any, emulator: Any) -> None:
    assert compare([answer(aws)], [answer(emulator)]) == []


def test_only_the_topmost_missing_member_is_said() -> None:
    (found,) = compare([answer({"A": {"B": {"C": 0}}})], [answer({})])
    assert found.member == "A"


def test_an_error_code_and_a_refusal_that_only_one_side_has_are_differences() -> None:
    refused = answer({"Error": {"Code": "ValidationException"}}, status=400)
    other = answer({"Error": {"Code": "ResourceNotFound"}}, status=404)
    (found,) = compare([refused], [other])
    assert (found.member, found.aws, found.emulator) == ("Error.Code", "'ValidationException'", "'ResourceNotFound'")
    both = compare([refused], [answer({"A": 0})])
    assert [(found.call, found.aws, found.emulator) for found in both] == [
        ("sagemaker.DescribeX", "not seen", "answered"),
        ("sagemaker.DescribeX, refused", "refused", "not seen"),
    ]


def test_what_was_read_while_waiting_differs_by_its_types_alone() -> None:
    early = answer({"Status": "Starting", "Reason": "<text>", "Ended": None}, timed=True)
    late = answer({"Status": "Completed", "Ended": "<time>"}, timed=True)
    assert compare([early], [late]) == []
    (found,) = compare([answer({"Status": 0}, timed=True)], [late])
    assert (found.member, found.aws, found.emulator) == ("Status", "number", "text")
