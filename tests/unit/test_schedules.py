"""A seed says which faults meet whom; what violates something is shrunk to what nothing can be left out of."""

from __future__ import annotations

from tests.integration.pipeline.schedules import OURS, RUN, THEIRS, Call, Planned, Schedule, draw, kinds_of, shrink

CALLS = [
    Call(RUN, "dynamodb", "PutItem", OURS, 12),
    Call(RUN, "s3", "CopyObject", THEIRS, 1),
    Call(RUN, "sagemaker", "CreateAutoMLJobV2", THEIRS, 2),
]


def test_a_seed_and_a_number_draw_the_same_schedule_and_another_number_another() -> None:
    drawn = [draw(7, number, CALLS) for number in range(50)]
    assert drawn == [draw(7, number, CALLS) for number in range(50)]
    assert len(set(drawn)) > 40
    assert {schedule.uploads for schedule in drawn} == {1, 2}
    assert {len(schedule.faults) for schedule in drawn} == {1, 2, 3, 4}
    for schedule in drawn:
        assert Schedule.parse(str(schedule), schedule.uploads) == schedule
        for fault in schedule.faults:
            assert fault.of("111111111111", "222222222222").kind == fault.kind


def test_access_is_revoked_and_sessions_end_in_customers_accounts_alone_and_quotas_are_where_aws_has_them() -> None:
    assert [{"revoked", "expired", "quota"} & {*kinds_of(call)} for call in CALLS] == [
        set(), {"revoked", "expired"}, {"revoked", "expired", "quota"},
    ]  # fmt: skip


def test_a_violation_is_shrunk_to_what_nothing_can_be_left_out_of() -> None:
    faults = tuple(Planned(RUN, "throttled", "s3", "CopyObject", THEIRS, first, 1) for first in range(1, 5))
    two = {faults[1], faults[3]}
    assert shrink(Schedule(faults, 2), lambda tried: two <= {*tried.faults}) == Schedule((faults[1], faults[3]), 1)
    assert shrink(Schedule(faults, 2), lambda tried: tried.uploads == 2) == Schedule((), 2)
