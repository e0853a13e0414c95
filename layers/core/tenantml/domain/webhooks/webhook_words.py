"""The words that a message says how something ended in, and who did it; docs/webhooks.md lists them from here."""

from __future__ import annotations

from tenantml.domain.judging.approval import OPERATOR
from tenantml.domain.tenancy.tenant import ACTIVE, SUSPENDED
from tenantml.domain.training.model_settings import ON_REQUEST
from tenantml.domain.webhooks.webhook import DELIVERED, DISABLED, ENABLED, FAILED, PENDING, RETRYING

IDLE = "idle"
"""Who pauses a model that nobody calls."""

ENDINGS = {
    "succeeded": "The version answers; of a batch, its predictions are there. `error` is null.",
    "failed": "It came to nothing; `error` says why.",
    "superseded": "Something newer counts instead: a newer upload, a version that somebody chose, or a pause.",
    "duplicate": "The same upload came twice; the first one is trained from.",
}
STANDINGS = {
    ACTIVE: "The tenant trains and predicts.",
    SUSPENDED: "Nothing of the tenant is trained or predicted.",
}
DOERS = {
    OPERATOR: "The operator, in the tenant's place.",
    IDLE: "We, for nobody called the model for its `idle_hours`.",
    ON_REQUEST: "A prediction that was asked for resumed the model, whose `resume` says so.",
}
"""Who does something by hand; anybody else is the id of an API key."""

DELIVERIES = {
    PENDING: "Not tried yet.",
    RETRYING: "Tried in vain, and to be tried again at `next_attempt_at`.",
    DELIVERED: "Answered with a 2xx.",
    FAILED: "Given up.",
}
WEBHOOKS = {
    ENABLED: "It is told what happens.",
    DISABLED: "Nothing is sent to it; `reason` says why: PUT it again to enable it.",
}
GONE = "the receiver answered 410 Gone"
UNDELIVERED = "nothing was delivered for a day"
REASONS = {
    GONE: "It does not want to be told any more.",
    UNDELIVERED: "A message was given up, and no other was delivered meanwhile.",
}

WORDS: dict[str, dict[str, str]] = {
    "`status` of an upload, a deployment, a batch": ENDINGS,
    "`status` of a tenant": STANDINGS,
    "`by`": DOERS | {"the id of an API key": "Somebody of the tenant's, with this key."},
    "`status` of a delivery": DELIVERIES,
    "`status` of a webhook": WEBHOOKS,
    "`reason` of a webhook": REASONS,
}
"""Every word by where it stands."""
