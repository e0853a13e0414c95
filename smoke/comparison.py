"""Where two recordings differ: calls, members, types, enumerated values and the forms of names; never values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from smoke import scrub
from smoke.recording import Answer

_SHOWN = 4
_REFUSED = 400
_OF_PAGES = {"NextToken", "nextToken"}  # there or not by how much there is to list
_OF_THE_RUN = {"StackStatus", "action"}  # by whether the stack was updated since, and by what our code had to ask


@dataclass(frozen=True)
class Difference:
    """One difference: which call, which member (empty: the call itself), what either side has, what to do about it."""

    call: str
    member: str
    aws: str
    emulator: str
    do: str


@dataclass
class _Member:
    """What was seen of one member of one call's answers; `stable` and `absent` count what no moment decided."""

    types: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    stable: int = 0
    absent: int = 0

    def __str__(self) -> str:
        shown = sorted(self.values)
        texts = [f"{value!r}" for value in shown[:_SHOWN]] + [f"{len(shown) - _SHOWN} more"] * (len(shown) > _SHOWN)
        return ", ".join(texts) or " or ".join(sorted(self.types)) or "null"


_Call = dict[str, _Member]


def compare(aws: Iterable[Answer], emulator: Iterable[Answer]) -> list[Difference]:
    """Return the differences, in the order of calls and members."""
    theirs, ours = _by_call(aws), _by_call(emulator)
    differences: list[Difference] = []
    for call in sorted(theirs.keys() | ours.keys()):
        if call in theirs and call in ours:
            differences += _members(call, theirs[call], ours[call])
        elif any(member.stable for member in (theirs.get(call) or ours[call]).values()):
            differences.append(
                Difference(
                    call,
                    "",
                    _answered(theirs, call),
                    _answered(ours, call),
                    "find out why the same step led to another answer",
                )
            )
    return differences


def _answered(side: dict[str, _Call], call: str) -> str:
    return ("refused" if call.endswith("refused") else "answered") if call in side else "not seen"


def _members(call: str, theirs: _Call, ours: _Call) -> Iterable[Difference]:
    for path in sorted(theirs.keys() | ours.keys()):
        aws, emulator = theirs.get(path), ours.get(path)
        parent = path.rpartition(".")[0] if not path.endswith("[]") else path.removesuffix("[]")
        if parent and not (parent in theirs and parent in ours):
            continue  # the missing parent is said
        if emulator is None:
            assert aws is not None
            if aws.stable:
                yield Difference(call, path, str(aws), "absent", "teach the emulator to answer it")
        elif aws is None:
            if emulator.stable:
                do = "see that nothing in layers/ needs it, then take it from the emulator"
                yield Difference(call, path, "absent", str(emulator), do)
        else:
            yield from _both(call, path, aws, emulator)


def _both(call: str, path: str, aws: _Member, emulator: _Member) -> Iterable[Difference]:
    if aws.types and emulator.types and aws.types != emulator.types:
        do = "read it as AWS writes it, and let the emulator write it so"
        yield Difference(call, path, " or ".join(sorted(aws.types)), " or ".join(sorted(emulator.types)), do)
    elif aws.absent and not emulator.absent and aws.stable and emulator.stable:
        yield Difference(call, path, "sometimes absent", "always there", "see that nothing in layers/ needs it always")
    elif (new := aws.values - emulator.values) and emulator.stable:
        do = "see what our code makes of it, and let the emulator answer it"
        yield Difference(call, path, str(_Member(values=new)), str(emulator), do)


def _by_call(answers: Iterable[Answer]) -> dict[str, _Call]:
    calls: dict[str, _Call] = defaultdict(lambda: defaultdict(_Member))
    parents: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in answers:
        call = f"{answer.call}, refused" if answer.status >= _REFUSED or not answer.status else answer.call
        _note(calls[call], parents[call], "", answer.members, answer.timed)
    for call, members in calls.items():
        for path, member in members.items():
            container = path.rpartition(".")[0]
            member.absent = 0 if path.endswith("[]") else parents[call][container] - member.stable
    return {call: dict(members) for call, members in calls.items()}


def _note(members: _Call, parents: Counter[str], path: str, value: Any, timed: bool) -> None:
    """Note a value and what it holds; `parents` counts the objects at each path that no moment decided."""
    if path and (kind := _type(value, timed)):
        members[path].types.add(kind)
    if path:
        members[path].stable += not timed
    if isinstance(value, dict):
        parents[path] += not timed
        for name in value.keys() - _OF_PAGES:
            kept = value[name]
            _note(members, parents, f"{path}.{name}" if path else name, kept, timed)
    elif isinstance(value, list):
        for item in value:
            _note(members, parents, f"{path}[]", item, timed)
    elif isinstance(value, str) and not timed and value not in {scrub.TEXT, scrub.TIME, scrub.STREAM}:
        name = path.removesuffix("[]").rpartition(".")[2]
        if name not in _OF_THE_RUN:
            members[path].values.add(scrub.form(value) if name in scrub.NAMES else value)


def _type(value: Any, timed: bool) -> str:
    """The JSON type; what is still null while somebody waits says nothing."""
    match value:
        case None:
            return "" if timed else "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return {scrub.TIME: "time", scrub.STREAM: "stream"}.get(value, "text")
        case list():
            return "list"
        case _:
            return "object"
