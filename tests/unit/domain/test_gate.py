"""The verdict: which version goes live, which error keeps it out, and what the sentences say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.judging.evaluation_summary import Estimate, Gain, LiveRival, Rival, Summary
from tenantml.domain.judging.gate import (
    ALWAYS,
    ASK,
    IF_NOT_WORSE,
    KEEP,
    MANUAL,
    PROMOTE,
    PROMOTES,
    UNDECIDED_PROMOTES,
    VALUE,
    GateSettings,
    judge,
)
from tenantml.errors import BelowBaseline, BelowQualityBar, DidNotBeatLive


def gain_of(value: float, spread: float = 0.008) -> Gain:
    return Gain(value, value - spread, value + spread, value - 0.84 * spread)


def live_of(value: float, gain: float, spread: float = 0.008, rows_seen: int | None = 0, rare: int = 900) -> LiveRival:
    return LiveRival(value, gain_of(gain, spread), "v20261122-170301-9f3c", 4012 - (rows_seen or 0), rare, rows_seen)


SUMMARY = Summary(
    problem_type="BinaryClassification",
    objective="F1",
    rows=4012,
    minority_rows=900,
    resamples=2000,
    metrics={"F1": Estimate(0.857, 0.839, 0.874), "LogLoss": Estimate(0.4, 0.38, 0.42)},
    baseline=Rival(0.0, gain_of(0.857)),
)
REGRESSION = Summary(
    problem_type="Regression",
    objective="MSE",
    rows=4012,
    minority_rows=None,
    resamples=2000,
    metrics={"MSE": Estimate(2500, 2400, 2600), "R2": Estimate(0.72, 0.7, 0.74)},
    baseline=Rival(9000, gain_of(6500, 100)),
)


def test_the_first_version_goes_live_and_its_numbers_are_said() -> None:
    verdict = judge(SUMMARY, GateSettings())
    assert (verdict.decision, verdict.decided, verdict.refusal) == (PROMOTE, True, None)
    assert verdict.sentences == [
        "On 4,012 rows of the holdout, F1 is 0.857 (95 % interval 0.839 to 0.874).",
        "Always giving the same answer has 0.000.",
        "Nothing is live yet, so it goes live.",
    ]
    verdict.raise_refusal()


def test_a_version_that_is_worse_than_the_live_one_does_not_replace_it() -> None:
    verdict = judge(replace(SUMMARY, live=live_of(0.877, -0.02)), GateSettings())
    assert verdict.decision == KEEP
    with pytest.raises(DidNotBeatLive) as refused:
        verdict.raise_refusal()
    assert str(refused.value) == (
        "on 4,012 rows of the holdout F1 is 0.857, the live version's 0.877: the new one is worse by 0.020; with 95 % "
        "confidence it is worse by at most 0.027, which is more than the margin of 0.010. The live version stays; "
        "train on more or newer rows, raise margin, or promote the version by hand"
    )


@pytest.mark.parametrize(
    ("gain", "spread", "promoted"),
    [
        (0.02, 0.008, True),
        (0.0, 0.008, True),
        (-0.002, 0.008, True),
        (-0.004, 0.008, False),
        (0.0, 0.03, False),  # as good, and too uncertain to say that it is not worse
        (0.0, 0.0, True),
    ],
)
def test_the_lower_bound_of_the_gain_is_above_minus_the_margin(gain: float, spread: float, promoted: bool) -> None:
    verdict = judge(replace(SUMMARY, live=live_of(0.85, gain, spread)), GateSettings())
    assert (verdict.decision == PROMOTE) is promoted


def test_a_version_as_good_as_the_live_one_goes_live_without_any_margin() -> None:
    assert judge(replace(SUMMARY, live=live_of(0.857, 0, 0)), GateSettings(margin=0)).decision == PROMOTE
    assert judge(replace(SUMMARY, live=live_of(0.857, 0, 0.001)), GateSettings(margin=0)).decision == KEEP


@pytest.mark.parametrize(("gain", "promoted"), [(-40, True), (-60, False)])
def test_the_margin_of_an_error_is_a_share_of_the_live_versions(gain: float, promoted: bool) -> None:
    verdict = judge(replace(REGRESSION, live=live_of(2500, gain, 0)), GateSettings(margin=0.02))
    assert (verdict.decision == PROMOTE) is promoted
    assert promoted or "the margin of 50" in str(verdict.refusal)


def test_a_holdout_of_one_value_gives_no_verdict_on_a_regression() -> None:
    alike = replace(REGRESSION, metrics={"MSE": Estimate(2, 1, 3)}, baseline=Rival(0, gain_of(-2)))
    verdict = judge(alike, GateSettings())
    assert (verdict.decision, verdict.decided) == (PROMOTE, False), "always the same answer is right here by chance"
    assert "All 4,012 rows of the holdout have one value, so there is no verdict." in verdict.sentences
    assert judge(alike, GateSettings(thresholds={"MSE": 1}), {"MSE": 2}).decision == KEEP


def test_a_gain_may_be_asked_for() -> None:
    summary = replace(SUMMARY, live=live_of(0.852, 0.005, 0.004))
    assert judge(summary, GateSettings(min_gain=0.005)).decision == PROMOTE
    verdict = judge(summary, GateSettings(min_gain=0.01))
    assert isinstance(verdict.refusal, DidNotBeatLive)
    assert "better by 0.005; min_gain asks for a gain of 0.010" in str(verdict.refusal)


@pytest.mark.parametrize(
    ("thresholds", "missed"),
    [
        ({"F1": 0.83}, []),
        (
            {"F1": 0.85},
            ["F1 at least 0.850 (it is 0.857 (95 % interval 0.839 to 0.874), of which the worse end counts)"],
        ),
        ({"LogLoss": 0.42}, []),
        ({"LogLoss": 0.41}, ["LogLoss at most 0.410"]),
        ({"F1": 0.9, "LogLoss": 0.1}, ["F1 at least 0.900", "LogLoss at most 0.100"]),
        ({"AUC": 0.5}, ["AUC at least 0.500 (it cannot be computed on this holdout)"]),
    ],
)
@pytest.mark.parametrize("promote", PROMOTES)
def test_the_worse_end_of_an_interval_reaches_the_threshold(
    thresholds: dict[str, float], missed: list[str], promote: str
) -> None:
    verdict = judge(SUMMARY, GateSettings(thresholds=thresholds, promote=promote))
    if not missed:
        assert verdict.refusal is None
        return
    assert isinstance(verdict.refusal, BelowQualityBar)
    assert [words for words in missed if words not in str(verdict.refusal)] == []
    assert "4,012 rows" in str(verdict.refusal)


def test_a_version_beats_the_answer_that_is_always_the_same() -> None:
    useless = replace(SUMMARY, baseline=Rival(0.86, gain_of(-0.003)))
    verdict = judge(useless, GateSettings())
    assert isinstance(verdict.refusal, BelowBaseline)
    assert "F1 is 0.857 (95 % interval 0.839 to 0.874), no better than 0.860 of always giving the same answer" in str(
        verdict.refusal
    )
    assert judge(useless, GateSettings(beats_baseline=False)).decision == PROMOTE


def test_always_does_not_compare_and_manual_asks_a_person() -> None:
    worse = replace(SUMMARY, live=live_of(0.9, -0.1))
    assert judge(worse, GateSettings(promote=ALWAYS)).decision == PROMOTE
    asked = judge(worse, GateSettings(promote=MANUAL))
    assert (asked.decision, asked.refusal) == (ASK, None)
    assert any("the new one is worse by 0.100" in sentence for sentence in asked.sentences)


FEW = {
    "few rows": {"rows": 199},
    "few of the rarer class": {"minority_rows": 29},
    "no verdict": {"rows": 29},
    "one class": {"minority_rows": 0},
    "no rows": {"rows": 0, "minority_rows": None, "metrics": {}, "baseline": None},
    "no objective": {"metrics": {}},
}
UNCOMPARED: dict[str, dict[str, Any]] = {
    "no answer": {"live": None, "not_compared": "its endpoint is gone"},
    "unknown overlap": {"live": live_of(0.8, 0.05, rows_seen=None)},
    "few rows that it did not see": {"live": live_of(0.8, 0.05, rows_seen=3813)},
    "few of the rarer class that it did not see": {"live": live_of(0.8, 0.05, rows_seen=300, rare=29)},
}


@pytest.mark.parametrize("why", [*FEW, *UNCOMPARED])
def test_without_enough_to_judge_by_the_setting_decides(why: str) -> None:
    summary = replace(SUMMARY, **{"live": live_of(0.8, 0.05)} | (FEW | UNCOMPARED)[why])
    kept = judge(summary, GateSettings(undecided=KEEP))
    assert (kept.decision, kept.decided) == (KEEP, False)
    assert isinstance(kept.refusal, DidNotBeatLive)
    what_to_do = "compare a batch of each" if summary.not_compared else "upload more rows"
    assert f"The setting undecided is keep, so the live version stays; {what_to_do}" in str(kept.refusal)
    for word in (PROMOTE, ASK):
        verdict = judge(summary, GateSettings(undecided=word))
        assert (verdict.decision, verdict.decided, verdict.refusal) == (word, False, None)
        assert f"undecided is {word}" in verdict.sentences[-1]


@pytest.mark.parametrize("why", [*FEW, *(why for why in UNCOMPARED if why != "no answer")])
@pytest.mark.parametrize(("gain", "decision"), [(0.001, PROMOTE), (0, PROMOTE), (-0.001, KEEP)])
def test_by_default_the_value_on_the_same_rows_decides_what_is_undecided(why: str, gain: float, decision: str) -> None:
    summary = replace(SUMMARY, **(FEW | UNCOMPARED)[why])
    live = replace(summary.live or live_of(0.8, 0), gain=gain_of(gain))
    verdict = judge(replace(summary, live=live), GateSettings())
    assert (verdict.decision, verdict.decided) == (decision, False)
    assert "The setting undecided is value" in verdict.sentences[-1]
    if decision == KEEP:
        assert isinstance(verdict.refusal, DidNotBeatLive)
        value = "0.799" if live.rows_seen else "0.857"
        values = f"F1 is {value}, the live version's 0.800: worse by 0.001 on these rows"
        assert why in {"no objective", "no rows"} or values in str(verdict.refusal)


def test_a_live_version_that_cannot_answer_freezes_nothing() -> None:
    verdict = judge(replace(SUMMARY, not_compared="its endpoint is gone"), GateSettings())
    assert (verdict.decision, verdict.decided) == (PROMOTE, False)
    assert verdict.sentences[-2:] == [
        "Undecided: the live version could not be compared: its endpoint is gone.",
        "The setting undecided is value, and there are no values to compare, so it goes live.",
    ]


@pytest.mark.parametrize("why", FEW)
def test_thresholds_are_judged_by_autopilots_validation_where_the_holdout_is_too_small(why: str) -> None:
    summary, settings = replace(SUMMARY, **FEW[why]), GateSettings(thresholds={"F1": 0.8, "LogLoss": 0.3})
    reached = judge(summary, settings, {"F1": 0.8, "LogLoss": 0.3})
    assert (reached.decision, reached.decided) == (PROMOTE, False)
    assert reached.sentences[0].startswith("The thresholds are reached by Autopilot's own validation")
    for validated, words in (({"F1": 0.79, "LogLoss": 0.2}, "F1 at least 0.800 (it is 0.790)"), ({}, "not reported")):
        missed = judge(summary, settings, validated)
        assert isinstance(missed.refusal, BelowQualityBar)
        assert words in str(missed.refusal)
        assert "the holdout is too small" in str(missed.refusal)


def test_a_person_who_asked_for_a_version_is_not_contradicted() -> None:
    bad = replace(SUMMARY, live=live_of(0.95, -0.1), baseline=Rival(0.9, gain_of(-0.1)))
    for summary in (bad, replace(bad, rows=10), replace(bad, metrics={})):
        verdict = judge(summary, GateSettings(thresholds={"F1": 0.99}, undecided=KEEP, by_hand=True))
        assert (verdict.decision, verdict.refusal) == (PROMOTE, None)
        assert verdict.sentences[-1] == "It was asked for by hand, so it goes live."


@pytest.mark.parametrize("why", FEW)
def test_a_first_version_goes_live_whatever_its_holdout(why: str) -> None:
    verdict = judge(replace(SUMMARY, **FEW[why]), GateSettings())
    assert (verdict.decision, verdict.decided) == (PROMOTE, False)
    assert verdict.sentences[-1] == "Nothing is live yet, so it goes live."
    assert judge(replace(SUMMARY, **FEW[why]), GateSettings(promote=MANUAL)).decision == ASK
    assert judge(replace(SUMMARY, **FEW[why]), GateSettings(promote=ALWAYS)).decision == PROMOTE


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rows": 29}, "The holdout has 29 rows; without at least 30 there is no verdict."),
        ({"minority_rows": 0}, "All 4,012 rows of the holdout are of one class, so there is no verdict."),
        ({"metrics": {}}, "F1 cannot be computed on the holdout, so there is no verdict."),
        ({"rows": 199}, "Undecided: 199 rows are too few to tell, 200 are needed."),
        (
            {"minority_rows": 29},
            "Undecided: 29 rows outside the most frequent class are too few to tell, 30 are needed.",
        ),
        (
            {"not_compared": "its endpoint is gone"},
            "Undecided: the live version could not be compared: its endpoint is gone.",
        ),
    ],
)
def test_why_there_is_no_verdict_is_said(change: dict[str, Any], sentence: str) -> None:
    assert sentence in judge(replace(SUMMARY, **change), GateSettings(undecided=PROMOTE)).sentences


def test_a_bar_that_is_missed_counts_before_a_comparison_that_cannot_be_made() -> None:
    summary = replace(SUMMARY, not_compared="its endpoint is gone")
    verdict = judge(summary, GateSettings(thresholds={"F1": 0.9}, undecided=PROMOTE))
    assert isinstance(verdict.refusal, BelowQualityBar)


@pytest.mark.parametrize(
    ("rows_seen", "rows"),
    [
        (0, "the same rows, on which neither was trained"),
        (3000, "the 1,012 of them on which neither was trained"),
        (None, "the same rows"),
    ],
)
def test_on_which_rows_both_were_compared_is_said(rows_seen: int | None, rows: str) -> None:
    verdict = judge(replace(SUMMARY, live=live_of(0.8, 0.05, rows_seen=rows_seen)), GateSettings())
    assert (
        f"The live version has 0.800 on {rows}: the new one is better by 0.050 "
        "(95 % interval of the gain 0.042 to 0.058)."
    ) in verdict.sentences
    assert verdict.decided is (rows_seen is not None)


def test_a_refusal_has_the_values_of_the_rows_that_were_compared() -> None:
    verdict = judge(replace(SUMMARY, live=live_of(0.8, -0.05, rows_seen=3000)), GateSettings())
    assert "on 1,012 rows of the holdout F1 is 0.750, the live version's 0.800: the new one is worse by 0.050" in str(
        verdict.refusal
    )
    assert "On 4,012 rows of the holdout, F1 is 0.857" in verdict.sentences[0]
    error = judge(replace(REGRESSION, live=live_of(2000, -100, rows_seen=3000)), GateSettings())
    assert "MSE is 2,100, the live version's 2,000: the new one is worse by 100" in str(error.refusal)


def test_rows_that_are_too_large_to_be_asked_are_said_even_without_a_verdict() -> None:
    for summary in (SUMMARY, replace(SUMMARY, rows=0, metrics={}, baseline=None, live=None)):
        sentences = judge(replace(summary, rows_too_large=3), GateSettings()).sentences
        assert sentences[0] == "Left out: 3 of the rows held out, each larger than the endpoint takes at once."


def test_many_looks_are_said() -> None:
    sentences = judge(replace(SUMMARY, live=live_of(0.8, 0.05), looks=7), GateSettings()).sentences
    assert any(sentence.startswith("Versions were judged on this holdout 7 times;") for sentence in sentences)
    assert sentences[-1] == "It is better with 95 % confidence, so it goes live."


numbers = st.floats(-1e9, 1e9)
gains = st.tuples(numbers, numbers, numbers, numbers).map(lambda four: Gain(*four))
summaries = st.builds(
    Summary,
    problem_type=st.just("Regression"),
    objective=st.just("MSE"),
    rows=st.integers(0, 10**6),
    minority_rows=st.none() | st.integers(0, 1000),
    resamples=st.just(2000),
    metrics=st.just({}) | st.builds(lambda four: {"MSE": Estimate(*four)}, st.tuples(numbers, numbers, numbers)),
    baseline=st.none() | st.builds(Rival, numbers, gains),
    live=st.none()
    | st.builds(
        LiveRival,
        numbers,
        gains,
        st.just("v1"),
        st.integers(0, 10**6),
        st.none() | st.integers(0, 1000),
        st.none() | st.integers(0, 10**6),
    ),
    not_compared=st.sampled_from(["", "its endpoint is gone"]),
    looks=st.integers(1, 99),
    rows_too_large=st.integers(0, 99),
)
asked = st.builds(
    GateSettings,
    thresholds=st.dictionaries(st.sampled_from(["MSE", "R2"]), numbers, max_size=2),
    promote=st.sampled_from(PROMOTES),
    margin=st.floats(0, 0.5),
    min_gain=st.none() | st.floats(0, 0.5),
    beats_baseline=st.booleans(),
    undecided=st.sampled_from(UNDECIDED_PROMOTES),
    by_hand=st.booleans(),
)


@given(summary=summaries, settings=asked)
def test_every_evaluation_has_one_verdict_in_sentences(summary: Summary, settings: GateSettings) -> None:
    verdict = judge(summary, settings)
    assert (verdict.decision == KEEP) is (verdict.refusal is not None)
    assert verdict.sentences
    assert all(sentence and "None" not in sentence for sentence in verdict.sentences)
    document = json.loads(json.dumps(verdict.as_document()))
    assert document["refusal"] in {None, "DidNotBeatLive", "BelowQualityBar", "BelowBaseline"}
    if (
        not settings.by_hand
        and settings.promote == IF_NOT_WORSE
        and verdict.decided
        and verdict.decision == PROMOTE
        and summary.live
    ):
        unit = abs(summary.live.value)
        assert summary.live.gain.lower_bound > -settings.margin * unit or summary.live.gain.lower_bound >= 0
        assert settings.min_gain is None or summary.live.gain.value >= settings.min_gain * unit
    if not settings.by_hand and settings.promote == IF_NOT_WORSE and settings.undecided == VALUE and summary.live:
        assert verdict.decision == KEEP or verdict.decided or summary.live.gain.value >= 0, "I9"
    if summary.live is None and not summary.not_compared:
        assert not isinstance(verdict.refusal, DidNotBeatLive)


@given(summary=summaries)
def test_a_summary_survives_its_document(summary: Summary) -> None:
    assert Summary.from_document(json.loads(json.dumps(summary.as_document()))) == summary
