"""What docs/webhooks.md takes from the code: the types of events, the words in them, and the outcomes of attempts."""

from __future__ import annotations

from tenantml.domain.webhooks.webhook_events import EVENT_TYPES
from tenantml.domain.webhooks.webhook_outcomes import OUTCOMES
from tenantml.domain.webhooks.webhook_words import WORDS


def events() -> str:
    """Return the table of the types that a webhook can be told."""
    rows = [
        f"| `{kind.name}` | {kind.description} | {', '.join(f'`{name}`' for name in kind.fields)} |"
        for kind in EVENT_TYPES
    ]
    return "\n".join(["| type | when | `data` |", "|---|---|---|", *rows])


def words() -> str:
    """Return the table of the words that stand in a message, a delivery and a webhook."""
    rows = [f"| {where} | {word} | {meaning} |" for where, found in WORDS.items() for word, meaning in found.items()]
    return "\n".join(["| where | word | what it means |", "|---|---|---|", *rows])


def outcomes() -> str:
    """Return the table of the outcomes of an attempt."""
    return "\n".join(
        ["| outcome | what it means |", "|---|---|", *(f"| {name} | {OUTCOMES[name]} |" for name in OUTCOMES)]
    )
