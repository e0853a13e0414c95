"""Faults that a test switches on in the embedded cloud: of one call, of a service's calls, or of an event's delivery.

`EmbeddedCloud(faulty=True)` starts a cloud that takes them, and `cloud.inject(Fault(…))` switches them. A cloud that
was started without has none of this code in the way of its requests. One that has takes faults from its parent alone:
they come with a word that is drawn at the start and given to no process that the cloud starts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

SETTING: Final = "TENANTML_LOCAL_FAULTS"
"""The environment variable of the cloud's process with the word that switches faults."""
PATH: Final = "/_tenantml/faults"
HEADER: Final = "x-tenantml-faults"

OF_CALLS: Final = {
    "throttled": "AWS answers that it is asked too often",
    "failing": "AWS answers that it failed (500)",
    "unavailable": "AWS answers that it cannot answer now (503)",
    "quota": "AWS answers that a quota is used up, where the operation has such an error",
    "expired": "AWS answers that the session is over",
    "revoked": "AWS answers that the caller may not do this",
    "request lost": "the connection ends, and nothing was done",
    "reply lost": "the connection ends, and all was done",
    "slow": "the answer comes `seconds` later",
}
OF_EVENTS: Final = {
    "delayed": "EventBridge delivers the event `seconds` later",
    "duplicated": "EventBridge delivers the event twice",
    "reordered": "EventBridge delivers the event after the next one, or `seconds` later if none comes",
}


@dataclass(frozen=True)
class Fault:
    """What happens to calls: to the `first`th that matches, and to as many as `times` from there; None is to all.

    `service` and `operation` are named as boto3 and the API reference do, `caller` is a pattern of the caller's ARN;
    `*` matches any. Of an event, `operation` is the detail type, and the rest does not matter.

    Raises:
        ValueError: there is no such kind.
    """

    kind: str
    service: str = "*"
    operation: str = "*"
    caller: str = "*"
    first: int = 1
    times: int | None = 1
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in OF_CALLS | OF_EVENTS:
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(OF_CALLS | OF_EVENTS)}")

    def as_document(self) -> dict[str, Any]:
        """Return the fault as JSON."""
        return asdict(self)

    def hits(self, number: int) -> bool:
        """Whether it happens to the `number`th call that matches."""
        return number >= self.first and (self.times is None or number < self.first + self.times)
