"""What docs/webhooks.md takes from the code: the types of events, and the outcomes of attempts."""

from __future__ import annotations

from tenantml.domain.webhooks.webhook_events import EVENT_TYPES
from tenantml.domain.webhooks.webhook_outcomes import OUTCOMES


def events() -> str:
    """Return the table of the types that a webhook can be told."""
    rows = [
        f"| `{kind.name}` | {kind.description} | {', '.join(f'`{name}`' for name in kind.fields)} |"
        for kind in EVENT_TYPES
    ]
    return "\n".join(["| type | when | `data` |", "|---|---|---|", *rows])


def outcomes() -> str:
    """Return the table of the outcomes of an attempt."""
    return "\n".join(
        ["| outcome | what it means |", "|---|---|", *(f"| {name} | {OUTCOMES[name]} |" for name in OUTCOMES)]
    )
