"""Which trainings are kept: whatever happened, nothing that is needed goes, and what is kept is bounded."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.training.kept_trainings import superfluous


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str | None]:
    """Trainings, and the versions that were made of them: some live once, some being deployed, one live."""
    count = draw(st.integers(0, 8))
    trainings = [{"execution": f"e{number}", "trained_at": f"2026-{number:02}"} for number in range(count)]
    versions = []
    for number in range(draw(st.integers(0, 8)) if count else 0):
        version = {"version": f"v{number}", "execution": draw(st.sampled_from(trainings))["execution"]}
        if draw(st.booleans()):
            version["promoted_at"] = f"2027-{number:02}"
            version["status"] = draw(st.sampled_from(["standby", "retired"]))
        if draw(st.booleans()):
            version["ended_at"] = f"2028-{number:02}"
        versions.append(version)
    were_live = [row["version"] for row in versions if "promoted_at" in row]
    return trainings, versions, draw(st.sampled_from(were_live)) if were_live else None


@given(history=histories(), keep=st.integers(1, 4))
def test_what_is_needed_stays_and_what_stays_is_bounded(
    history: tuple[list[dict[str, Any]], list[dict[str, Any]], str | None], keep: int
) -> None:
    trainings, versions, live = history
    gone = set(superfluous(trainings, versions, live, keep))
    left = {row["execution"] for row in trainings} - gone
    assert {row["execution"] for row in trainings[-1:]} <= left
    assert {row["execution"] for row in versions if row["version"] == live or "ended_at" not in row} <= left
    last = sorted((row for row in versions if "promoted_at" in row), key=lambda row: row["promoted_at"])[-keep:]
    assert {row["execution"] for row in last} <= left
    standing = [row for row in versions if row.get("status") == "standby"]
    assert {row["execution"] for row in standing} <= left
    deploying = sum("ended_at" not in row for row in versions)
    assert (
        len(left) <= keep + deploying + len(standing) + 2
    )  # the live one may be an older one, and the last training no version


def test_the_oldest_go_first() -> None:
    trainings = [{"execution": name, "trained_at": at} for name, at in (("b", "2"), ("a", "1"), ("c", "3"))]
    assert superfluous(trainings, [], None, 1) == ["a", "b"]


def test_a_training_whose_version_is_resumed_each_day_takes_one_place() -> None:
    trainings = [{"execution": name, "trained_at": name} for name in ("a", "b", "c")]
    made_of = ["a", "b", "b", "b", "b"]
    versions = [
        {"version": f"v{number}", "execution": name, "promoted_at": str(number), "ended_at": "", "status": "retired"}
        for number, name in enumerate(made_of)
    ]
    assert superfluous(trainings, versions, "v4", 2) == []
    assert superfluous(trainings, versions, "v4", 1) == ["a"]
