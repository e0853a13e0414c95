"""The verdict of the bake: refused when it fails more, and by chance almost never."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.judging.baking import LEAST_REQUESTS, Served, why_refused

COUNTS = st.integers(0, 5000).flatmap(lambda requests: st.tuples(st.just(requests), st.integers(0, requests)))


@given(version=COUNTS, before=COUNTS)
def test_a_version_that_fails_no_more_often_is_never_refused(version: tuple[int, int], before: tuple[int, int]) -> None:
    refused = why_refused(Served(*version), Served(*before))
    if refused:
        assert version[0] >= LEAST_REQUESTS
        assert before[0] == 0 or version[1] / version[0] > before[1] / before[0]


@given(version=COUNTS.filter(lambda count: count[1] < count[0]), before=COUNTS)
def test_a_failure_more_never_saves_a_version(version: tuple[int, int], before: tuple[int, int]) -> None:
    requests, failures = version
    if why_refused(Served(requests, failures), Served(*before)):
        assert why_refused(Served(requests, failures + 1), Served(*before))


def test_of_two_equal_versions_fewer_than_one_in_a_hundred_is_refused_in_ten_looks() -> None:
    chance, refused = random.Random(14), 0
    for _ in range(1000):
        rate = chance.choice([0.0, 0.01, 0.1, 0.5])
        before = Served(2000, sum(chance.random() < rate for _ in range(2000)))
        failures = 0
        for look in range(1, 11):
            failures += sum(chance.random() < rate for _ in range(30))
            if why_refused(Served(30 * look, failures), before):
                refused += 1
                break
    assert refused < 10


def test_what_is_known_of_the_one_before_decides_how_much_failing_is_too_much() -> None:
    assert why_refused(Served(29, 29), Served(1000, 0)) is None
    assert why_refused(Served(30, 3, 600), Served(1000, 0, 9000)) == (
        "it failed 3 of 30 calls of its endpoint (mean 20 ms), the version before 0 of 1,000 calls of its endpoint "
        "(mean 9 ms) in its last hours: at least 2.0% against at most 0.9%, each with a confidence of 99.9 %"
    )
    assert why_refused(Served(30, 30), Served(4, 0))
    assert why_refused(Served(30, 30), Served(0, 0)) is None
    assert why_refused(Served(30, 30), Served(1000, 1000)) is None
