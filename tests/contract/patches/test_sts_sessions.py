"""How long a session may last, and how long its policy may be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from ministack.services import sts

from local.cloud import EmbeddedCloud
from local.patches import sts_sessions

_ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


@pytest.fixture(scope="module")
def long_role(make_role: Callable[..., Any]) -> Any:
    return make_role(_ASSUME, MaxSessionDuration=10_800)


def assume(cloud: EmbeddedCloud, role: Any, credentials: Any = None, **options: Any) -> Any:
    sts = cloud.client("sts", credentials=credentials)
    return sts.assume_role(RoleArn=role.arn, RoleSessionName="contract", **options)


def test_a_role_that_assumes_a_role_gets_an_hour_and_not_a_second_more(
    cloud: EmbeddedCloud, long_role: Any, code_of: Any
) -> None:
    assert assume(cloud, long_role, long_role.credentials, DurationSeconds=3600)
    assert code_of(assume, cloud, long_role, long_role.credentials, DurationSeconds=3601) == "ValidationError"
    assert "1 hour session limit for roles assumed by role chaining" in code_of.message


def test_the_roles_maximum_holds(cloud: EmbeddedCloud, long_role: Any, code_of: Any) -> None:
    expiration = assume(cloud, long_role, DurationSeconds=10_800)["Credentials"]["Expiration"]
    assert 10_700 < (expiration - datetime.now(UTC)).total_seconds() <= 10_801
    assert code_of(assume, cloud, long_role, DurationSeconds=10_801) == "ValidationError"
    assert "MaxSessionDuration" in code_of.message


def test_no_role_gives_more_than_twelve_hours(cloud: EmbeddedCloud, make_role: Any, code_of: Any) -> None:
    role = make_role(MaxSessionDuration=43_200)
    assert assume(cloud, role, DurationSeconds=43_200)
    assert code_of(assume, cloud, role, DurationSeconds=43_201) == "ValidationError"


def test_a_session_policy_of_more_than_2048_characters_is_refused(
    cloud: EmbeddedCloud, long_role: Any, policy: Callable[..., str], code_of: Any
) -> None:
    text = policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/"})
    fits = text.replace("bucket/", "bucket/" + "k" * (2048 - len(text)))
    assert assume(cloud, long_role, Policy=fits)
    assert code_of(assume, cloud, long_role, Policy=fits + " ") == "ValidationError"


def test_who_may_not_assume_the_role_hears_nothing_of_its_limits(
    cloud: EmbeddedCloud, long_role: Any, make_role: Callable[..., Any], code_of: Any
) -> None:
    stranger = make_role()
    assert code_of(assume, cloud, long_role, stranger.credentials, DurationSeconds=7200) == "AccessDenied"


def test_expired_credentials_are_known_as_such_however_many_sessions_follow(
    cloud: EmbeddedCloud, long_role: Any, code_of: Any
) -> None:
    # https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html: ExpiredTokenException
    credentials = assume(cloud, long_role, DurationSeconds=900)["Credentials"]
    assert cloud.client("sts", credentials=credentials).get_caller_identity()["Arn"].endswith("/contract")
    cloud.expire(credentials)
    assume(cloud, long_role)  # as shipped, this made the emulator forget the one that is over
    assert code_of(cloud.client("sts", credentials=credentials).get_caller_identity) == "ExpiredToken"
    assert code_of(cloud.client("s3", credentials=credentials).list_buckets) == "ExpiredToken"
    assert code_of(cloud.client("dynamodb", credentials=credentials).list_tables) == "ExpiredTokenException"


def test_sessions_are_forgotten_while_other_threads_begin_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As shipped: dictionary changed size during iteration."""
    forgotten = {"Expiration": time.time() - 2 * 86_400}
    monkeypatch.setattr(sts, "_sessions", {f"ASIA{number}": forgotten for number in range(50_000)})
    monkeypatch.setattr(sts_sessions, "_EVERY_SECONDS", 0.0)
    over = threading.Event()

    def begin() -> None:
        number = 0
        while not over.is_set():
            sts._sessions[f"MINE{number}"] = {"Expiration": time.time() + 900}
            number += 1

    thread = threading.Thread(target=begin)
    thread.start()
    try:
        keep = sts_sessions._keep_expired(lambda: None)
        for _ in range(20):
            keep()
    finally:
        over.set()
        thread.join()
    assert {key[:4] for key in sts._sessions} == {"MINE"}
