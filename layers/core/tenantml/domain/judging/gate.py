"""The gate: whether a version may go live, judged by its evaluation on the holdout and said in plain sentences.

The deployment's gating state calls `judge`, records the verdict on the version, and raises its refusal; the API and the
demo show its sentences. The questions, in this order; the first that is answered with no ends it:

1. Is there enough to judge by? With under 30 rows, or rows of one class or value, there is no verdict; with under 200
   rows, or 30 of the rarer class, it is undecided (with 100 rows the 95 % interval of an accuracy of 0.9 is 0.83 to
   0.94). Both are left to the setting `undecided`, and thresholds to the values that Autopilot validated the candidate
   with.
2. `thresholds`: the worse end of each metric's interval reaches its threshold.
3. `beats_baseline`: the objective is better than that of always giving the same answer.
4. `promote`: if-not-worse compares with the live version on the rows on which neither was trained, and is undecided
   where that cannot be done; always does not compare; manual asks a person.

A person who asked for the version is not contradicted: it goes live, and what was measured is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tenantml.domain.judging.evaluation_summary import Estimate, Gain, LiveRival, Summary
from tenantml.domain.training.candidates import MAXIMIZED
from tenantml.errors import BelowBaseline, BelowQualityBar, DidNotBeatLive, TrainingError

PROMOTES = IF_NOT_WORSE, ALWAYS, MANUAL = "if-not-worse", "always", "manual"
UNDECIDED_PROMOTES = VALUE, KEEP, PROMOTE, ASK = "value", "keep", "promote", "ask"
RANGES: dict[str, tuple[float, float]] = {"margin": (0, 0.5), "min_gain": (0, 0.5)}
"""What the settings may be, for the model's settings that hold them."""

REGRESSION = "Regression"
ROWS_FOR_A_VERDICT = 30
ROWS_TO_DECIDE, MINORITY_ROWS_TO_DECIDE = 200, 30
UNBOUNDED = frozenset({"LogLoss", "MAE", "MSE", "RMSE"})
"""Metrics whose size depends on the data: a margin of these is a share of what the other version has."""


@dataclass(frozen=True)
class GateSettings:
    """What a model's owner asks of a version before it goes live.

    `thresholds` maps a metric to its least value or, of an error, to its most. `promote` is one of `PROMOTES`. `margin`
    is how much worse than the live version a version may be at most, and `min_gain` how much better it must be, None
    for nothing: in the metric's own unit, or as a share of the live version's value for those in `UNBOUNDED`.
    `undecided` says what happens without a verdict: the `value` on the same rows decides (as good goes live, and so
    does what cannot be compared), `keep` the live version (a first version goes live), `promote`, or `ask` a person.
    `by_hand` says that a person asked for this version to go live.
    """

    thresholds: Mapping[str, float] = field(default_factory=dict)
    promote: str = IF_NOT_WORSE
    margin: float = 0.01
    min_gain: float | None = None
    beats_baseline: bool = True
    undecided: str = VALUE
    by_hand: bool = False


@dataclass(frozen=True)
class Verdict:
    """What happens to the version: `promote`, `ask` (a person decides) or `keep` (the live one stays), and why.

    `decided` is False when the rows were too few to tell. `refusal` is the named error of a version that is kept out.
    """

    decision: str
    sentences: list[str]
    decided: bool = True
    refusal: TrainingError | None = None

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON object, with the refusal's name."""
        refusal = None if self.refusal is None else type(self.refusal).__name__
        return asdict(self) | {"refusal": refusal}

    def raise_refusal(self) -> None:
        """Return when the version may go on.

        Raises:
            DidNotBeatLive, BelowQualityBar, BelowBaseline: why it may not.
        """
        if self.refusal is not None:
            raise self.refusal


def judge(summary: Summary, settings: GateSettings, validated: Mapping[str, float] | None = None) -> Verdict:
    """Return the verdict on an evaluated version; `validated` has the metrics that Autopilot reports of its candidate,
    by which thresholds are judged where the holdout is too small.
    """
    said = list(_measured(summary))
    if settings.by_hand:
        return Verdict(PROMOTE, [*said, "It was asked for by hand, so it goes live."])
    if why := _no_verdict(summary) or _too_few(summary.rows, summary.minority_rows):
        return _by_few_rows(summary, settings, validated or {}, [*said, why])
    refused: TrainingError | None = _below_thresholds(summary, settings) or _below_baseline(summary, settings)
    if refused is None and settings.promote == IF_NOT_WORSE:
        if why := _not_comparable(summary):
            return _undecided(summary, settings, [*said, why])
        refused = _did_not_beat(summary, settings)
    if refused is not None:
        return Verdict(KEEP, [*said, str(refused)], refusal=refused)
    if settings.promote == MANUAL:
        return Verdict(ASK, [*said, "The setting promote is manual, so a person decides."])
    return Verdict(PROMOTE, [*said, _why_promoted(summary, settings)])


def _no_verdict(summary: Summary) -> str:
    if summary.rows < ROWS_FOR_A_VERDICT:
        return f"The holdout has {summary.rows:,} rows; without at least {ROWS_FOR_A_VERDICT} there is no verdict."
    if summary.minority_rows == 0:
        return f"All {summary.rows:,} rows of the holdout are of one class, so there is no verdict."
    if summary.problem_type == REGRESSION and "MSE" in summary.metrics and "R2" not in summary.metrics:
        return f"All {summary.rows:,} rows of the holdout have one value, so there is no verdict."
    if summary.objective not in summary.metrics or summary.baseline is None:
        return f"{summary.objective} cannot be computed on the holdout, so there is no verdict."
    return ""


def _too_few(rows: int, minority_rows: int | None, which: str = "") -> str:
    if rows < ROWS_TO_DECIDE:
        return f"Undecided: {rows:,} rows{which} are too few to tell, {ROWS_TO_DECIDE} are needed."
    if minority_rows is not None and minority_rows < MINORITY_ROWS_TO_DECIDE:
        return (
            f"Undecided: {minority_rows:,} rows outside the most frequent class{which} are too few to tell, "
            f"{MINORITY_ROWS_TO_DECIDE} are needed."
        )
    return ""


def _not_comparable(summary: Summary) -> str:
    if summary.not_compared:
        return f"Undecided: the live version could not be compared: {summary.not_compared}."
    live = summary.live
    if live is not None and live.rows_seen is None:
        return "Undecided: the live version may have been trained on rows of this holdout, which would favour it."
    return "" if live is None else _too_few(live.rows, live.minority_rows, " on which neither version was trained")


def _by_few_rows(summary: Summary, settings: GateSettings, validated: Mapping[str, float], said: list[str]) -> Verdict:
    """Judge the thresholds by what Autopilot validated, and let the setting decide about the rest."""
    if refusal := _below_validated(settings, validated):
        return Verdict(KEEP, [*said, str(refusal)], decided=False, refusal=refusal)
    reached = "The thresholds are reached by Autopilot's own validation; the holdout is too small to judge them by."
    return _undecided(summary, settings, [*([reached] if settings.thresholds else []), *said])


def _undecided(summary: Summary, settings: GateSettings, said: list[str]) -> Verdict:
    """Let the setting decide where the numbers do not; the last sentence said is why they do not."""
    word = ASK if settings.promote == MANUAL else PROMOTE if settings.promote == ALWAYS else settings.undecided
    setting = f"promote is {settings.promote}" if settings.promote != IF_NOT_WORSE else f"undecided is {word}"
    live = summary.live
    if word == ASK:
        return Verdict(ASK, [*said, f"The setting {setting}, so a person decides."], decided=False)
    if word != PROMOTE and live is None and not summary.not_compared:
        return Verdict(PROMOTE, [*said, "Nothing is live yet, so it goes live."], decided=False)
    if word == PROMOTE or (word == VALUE and (live is None or live.gain.value >= 0)):
        what = f"The setting {setting}"
        if word == VALUE:
            what += f", and it is {_by(live.gain)}" if live else ", and there are no values to compare"
        return Verdict(PROMOTE, [*said, f"{what}, so it goes live."], decided=False)
    worse = ""
    if word == VALUE and live and summary.objective in summary.metrics:
        worse = (
            f"{summary.objective} is {_number(_compared(summary, live))}, the live version's {_number(live.value)}: "
            f"worse by {_number(-live.gain.value)} on these rows. "
        )
    what_to_do = "compare a batch of each" if summary.not_compared else "upload more rows"
    refusal = DidNotBeatLive(
        f"{said[-1]} {worse}The setting {setting}, so the live version stays; {what_to_do}, set undecided to promote, "
        "or promote the version by hand"
    )
    return Verdict(KEEP, [*said[:-1], str(refusal)], decided=False, refusal=refusal)


def _measured(summary: Summary) -> Iterator[str]:
    """Say what was measured, whatever is made of it."""
    if summary.rows_too_large:
        yield f"Left out: {summary.rows_too_large:,} of the rows held out, each larger than the endpoint takes at once."
    if summary.objective not in summary.metrics:
        return
    name, rows = summary.objective, f"{summary.rows:,} rows of the holdout"
    yield f"On {rows}, {name} is {_with_interval(summary.metrics[name])}."
    if summary.baseline is not None:
        yield f"Always giving the same answer has {_number(summary.baseline.value)}."
    if summary.live is not None:
        live, gain = summary.live, summary.live.gain
        which = f"the {live.rows:,} of them" if live.rows_seen else "the same rows"
        neither = "" if live.rows_seen is None else f"{'' if live.rows_seen else ','} on which neither was trained"
        yield (
            f"The live version has {_number(live.value)} on {which}{neither}: the new one is "
            f"{_by(gain)} (95 % interval of the gain {_number(gain.low)} to {_number(gain.high)})."
        )
    if summary.looks > 1:
        yield (
            f"Versions were judged on this holdout {summary.looks:,} times; the more often, the more a good value may "
            "be luck."
        )


def _below_thresholds(summary: Summary, settings: GateSettings) -> BelowQualityBar | None:
    missed = []
    for metric, bar in settings.thresholds.items():
        estimate = summary.metrics.get(metric)
        if estimate is None:
            missed.append(f"{_asked(metric, bar)} (it cannot be computed on this holdout)")
        elif (estimate.low < bar) if metric in MAXIMIZED else (estimate.high > bar):
            missed.append(f"{_asked(metric, bar)} (it is {_with_interval(estimate)}, of which the worse end counts)")
    if not missed:
        return None
    return BelowQualityBar(
        f"on {summary.rows:,} rows of the holdout the version does not reach {' and '.join(missed)}; train on more or "
        "better rows, change the thresholds of the model's settings, or promote the version by hand"
    )


def _below_validated(settings: GateSettings, validated: Mapping[str, float]) -> BelowQualityBar | None:
    missed = []
    for metric, bar in settings.thresholds.items():
        value = validated.get(metric)
        if value is None:
            missed.append(f"{_asked(metric, bar)} (not reported)")
        elif (value < bar) if metric in MAXIMIZED else (value > bar):
            missed.append(f"{_asked(metric, bar)} (it is {_number(value)})")
    if not missed:
        return None
    return BelowQualityBar(
        "the holdout is too small to judge the thresholds by, and by Autopilot's own validation the version does not "
        f"reach {' and '.join(missed)}; train on more or better rows, change the thresholds of the model's settings, "
        "or promote the version by hand"
    )


def _asked(metric: str, bar: float) -> str:
    return f"{metric} {'at least' if metric in MAXIMIZED else 'at most'} {_number(bar)}"


def _below_baseline(summary: Summary, settings: GateSettings) -> BelowBaseline | None:
    baseline = summary.baseline
    if not settings.beats_baseline or baseline is None or baseline.gain.value > 0:
        return None
    return BelowBaseline(
        f"on {summary.rows:,} rows of the holdout {summary.objective} is "
        f"{_with_interval(summary.metrics[summary.objective])}, no better than {_number(baseline.value)} of always "
        "giving the same answer; add columns that tell the rows apart, choose another objective, set beats_baseline to "
        "false, or promote the version by hand"
    )


def _did_not_beat(summary: Summary, settings: GateSettings) -> DidNotBeatLive | None:
    live = summary.live
    if live is None:
        return None
    name, gain = summary.objective, live.gain
    unit = abs(live.value) if name in UNBOUNDED else 1.0
    margin, least = settings.margin * unit, (settings.min_gain or 0) * unit
    if gain.lower_bound <= -margin and gain.lower_bound < 0:
        failed = (
            f"with 95 % confidence it is worse by at most {_number(-gain.lower_bound)}, which is more than the margin "
            f"of {_number(margin)}"
        )
        advice = "train on more or newer rows, raise margin"
    elif settings.min_gain is not None and gain.value < least:
        failed = f"min_gain asks for a gain of {_number(least)}"
        advice = "train on more or better rows, lower min_gain"
    else:
        return None
    return DidNotBeatLive(
        f"on {live.rows:,} rows of the holdout {name} is {_number(_compared(summary, live))}, the live version's "
        f"{_number(live.value)}: the new one is {_by(gain)}; {failed}. The live version stays; {advice}, or promote "
        "the version by hand"
    )


def _why_promoted(summary: Summary, settings: GateSettings) -> str:
    if settings.promote == ALWAYS:
        return "The setting promote is always, so it goes live whatever the live version has."
    if summary.live is None:
        return "Nothing is live yet, so it goes live."
    if summary.live.gain.lower_bound > 0:
        return "It is better with 95 % confidence, so it goes live."
    return f"It is not worse by more than the margin of {settings.margin:g}, so it goes live."


def _compared(summary: Summary, live: LiveRival) -> float:
    """Return the new version's value on the rows that it was compared on."""
    if not live.rows_seen:
        return summary.metrics[summary.objective].value
    return live.value + (live.gain.value if summary.objective in MAXIMIZED else -live.gain.value)


def _by(gain: Gain) -> str:
    if gain.value == 0:
        return "as good"
    return f"{'better' if gain.value > 0 else 'worse'} by {_number(abs(gain.value))}"


def _with_interval(estimate: Estimate) -> str:
    return f"{_number(estimate.value)} (95 % interval {_number(estimate.low)} to {_number(estimate.high)})"


def _number(value: float) -> str:
    """Write a number with three digits that count, and three places where it is small."""
    size = abs(value)
    if size == 0 or 0.001 <= size < 10:
        return f"{value:.3f}"
    return f"{value:,.0f}" if 1000 <= size < 1e12 else f"{value:.3g}"
