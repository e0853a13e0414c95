"""Which faults meet a tenant, drawn from a seed; and the fewest of them that still violate something."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from local.faults import OF_EVENTS, Fault
from local.faults.answers import error_of
from local.faults.calls import model_of

RUN, REMOVAL = "run", "removal"
OURS, THEIRS = "ours", "theirs"
ACCESS_ROLES: Final = "*-access/*"
"""Our own sessions in a customer's account; those of its execution roles are SageMaker's."""
LONGEST_BLIP: Final = 8
"""How often in a row a call fails at most: beyond the five times that botocore asks, and within any state's retries."""
TRANSIENT: Final = ("throttled", "failing", "unavailable", "request lost", "reply lost")
_MOST_FAULTS: Final = 4
_CREATED: Final = "Object Created"


class Call(NamedTuple):
    """A call that the scenario makes without faults, and how often; `who` signs it: our own role, or a customer's."""

    phase: str
    service: str
    operation: str
    who: str
    count: int


@dataclass(frozen=True)
class Planned:
    """One fault of a schedule, in a phase: `str()` and `parse` are how a person repeats it."""

    phase: str
    kind: str
    service: str
    operation: str
    who: str
    first: int
    times: int

    def __str__(self) -> str:
        return "/".join(
            map(str, (self.phase, self.kind, self.service, self.operation, self.who, self.first, self.times))
        )

    @classmethod
    def parse(cls, text: str) -> Planned:
        """Return the fault that `str()` describes."""
        *words, first, times = text.split("/")
        return cls(*words, int(first), int(times))  # type: ignore[misc]

    @property
    def is_transient(self) -> bool:
        """Whether retries must carry an execution through it without a trace."""
        return self.kind != "revoked"

    def of(self, saas_account: str, customer_account: str) -> Fault:
        """Return the fault of this tenant's calls."""
        sessions = {OURS: f"{saas_account}:assumed-role/*", THEIRS: f"{customer_account}:assumed-role/{ACCESS_ROLES}"}
        caller = f"arn:aws:sts::{sessions[self.who]}" if self.who in sessions else "*"
        return Fault(self.kind, self.service, self.operation, caller, self.first, self.times, seconds=0.5)


@dataclass(frozen=True)
class Schedule:
    """The faults that meet one tenant, which uploads once or twice."""

    faults: tuple[Planned, ...]
    uploads: int = 1

    def __str__(self) -> str:
        return ",".join(map(str, self.faults))

    @classmethod
    def parse(cls, text: str, uploads: int) -> Schedule:
        """Return the schedule that `str()` describes."""
        return cls(tuple(map(Planned.parse, text.split(","))) if text else (), uploads)


def draw(seed: int, number: int, calls: Sequence[Call]) -> Schedule:
    """Return the `number`th schedule of a seed: one to four faults of calls that the scenario makes, each operation as
    likely as any other.
    """
    chance = random.Random(f"{seed}/{number}")
    drawn = (_draw_one(chance, calls) for _ in range(chance.randint(1, _MOST_FAULTS)))
    return Schedule(tuple(drawn), uploads=1 + (chance.random() < 0.3))


def _draw_one(chance: random.Random, calls: Sequence[Call]) -> Planned:
    if chance.random() < 0.1:
        return Planned(RUN, chance.choice(sorted(OF_EVENTS)), "events", _CREATED, "any", chance.randint(1, 2), 1)
    call = chance.choice(calls)
    kind, times = chance.choice(kinds_of(call)), chance.choice((1, 1, 2, 5, LONGEST_BLIP))
    return Planned(call.phase, kind, call.service, call.operation, call.who, chance.randint(1, call.count), times)


def kinds_of(call: Call) -> list[str]:
    """Return what may happen to a call: access is revoked and sessions end in customers' accounts alone."""
    found = list(TRANSIENT)
    try:
        error_of(model_of(call.service).operation_model(call.operation), "quota")
    except ValueError:
        pass
    else:
        found += ["quota"] * (call.service == "sagemaker" and call.operation != "CreateModel")
    return found + ["expired", "revoked"] * (call.who == THEIRS)


def shrink(schedule: Schedule, is_violated: Callable[[Schedule], bool]) -> Schedule:
    """Return a schedule of which nothing can be left out, one thing at a time, while it still violates something."""
    smaller = [
        Schedule(schedule.faults[:index] + schedule.faults[index + 1 :], schedule.uploads)
        for index in range(len(schedule.faults))
    ]
    if schedule.uploads > 1:
        smaller.append(Schedule(schedule.faults, 1))
    for candidate in smaller:
        if is_violated(candidate):
            return shrink(candidate, is_violated)
    return schedule
