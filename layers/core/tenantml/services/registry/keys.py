"""The keys of our rows, in the registry and in the evidence table; each docstring says what the row holds.

What is a tenant's is under partition keys of its own, so that credentials can be scoped to them
(`dynamodb:LeadingKeys`). A partition is the least that IAM tells apart, so there are five: the account, which few
functions write; what the API counts, which the predict function writes; webhooks and their deliveries; what signs for
them, which one function reads; and everything else.
Where the last name is empty, a key is the beginning of all keys of its kind: `execution("acme", "")`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

NOBODY = "-"  # the tenant of uploads that belong to none
EXECUTION, KEY, MODEL, TRAINING, UPLOAD, VERSION = "EXECUTION", "KEY", "MODEL", "TRAINING", "UPLOAD", "VERSION"
DRIFT, LEFTOVER, RECEIPT_END, RESULT = "DRIFT", "LEFTOVER", "RECEIPT_END", "RESULT"
WEBHOOK = "WEBHOOK"


class Key(NamedTuple):
    """The two keys of a row."""

    pk: str
    sk: str


def of_tenant(tenant: str, sk: str = "") -> Key:
    """Return the key of one of the tenant's rows, or the beginning of all of them."""
    return Key(f"TENANT#{tenant}", sk)


def tenant(tenant: str) -> Key:
    """Account, region, external ID, status and its reason."""
    return Key(f"ACCOUNT#{tenant}", "ACCOUNT")


def probe(tenant: str) -> Key:
    """When the tenant's access roles were last probed; empty before the first time."""
    return of_tenant(tenant, "PROBE")


def model(tenant: str, model: str) -> Key:
    """A model's settings, `live_version`, `previous_version`, `newest_word` by which promotions are ordered, `paused`
    since when and by whom, what was done by hand and is `untold` yet, `newest_upload`, `holdout_salt`, and whose `turn`
    it is to be trained.
    """
    return of_tenant(tenant, f"{MODEL}#{model}")


def execution(tenant: str, execution: str) -> Key:
    """One upload: progress, advice, outcome; in the index `uploads` by `uploaded_at`. Uploads that belong to nobody are
    those of the tenant `-`.
    """
    return of_tenant(tenant, f"{EXECUTION}#{execution}")


def end_of_receipt(tenant: str, execution: str) -> Key:
    """Where the receipt of an execution ends; apart from its row, which is large, because each call moves it."""
    return of_tenant(tenant, f"{RECEIPT_END}#{execution}")


def version(tenant: str, model: str, version: str) -> Key:
    """One deployed candidate: its execution, endpoint, output keys, place of its profile, how its deployment ended,
    since when it answers or no longer does, its `approval` and the task token that waits for it.
    """
    return of_tenant(tenant, f"{VERSION}#{model}#{version}")


def training(tenant: str, model: str, execution: str) -> Key:
    """One completed training whose artefacts, holdout and profile are kept; with `given_up_at`, one that is being
    deleted.
    """
    return of_tenant(tenant, f"{TRAINING}#{model}#{execution}")


def leftover(tenant: str, execution: str) -> Key:
    """Which folder of an execution the customer's account did not let us delete yet."""
    return of_tenant(tenant, f"{LEFTOVER}#{execution}")


def key_of_tenant(tenant: str, sha256: str) -> Key:
    """One of the tenant's API keys, to be listed."""
    return of_tenant(tenant, f"{KEY}#{sha256}")


def limits(tenant: str) -> Key:
    """The operator's limits for what the tenant uses of the API."""
    return of_tenant(tenant, "LIMITS")


def spending(tenant: str) -> Key:
    """What the tenant's trainings and endpoints cost the customer, by month and model, and what they still may."""
    return of_tenant(tenant, "SPENDING")


def usage(tenant: str, day: str) -> Key:
    """What the tenant used of the API on a day: `requests`, `rows`, and `window_requests` since `window` began."""
    return Key(f"USAGE#{tenant}", day)


def served(tenant: str, model: str, version: str) -> Key:
    """What a version answered, while it was live: `requests`, `failures`, `latency_ms`, and apart those of its last
    two hours with calls, under `window_…` and `before_…`.
    """
    return Key(f"USAGE#{tenant}", f"SERVED#{model}#{version}")


def drift(tenant: str, model: str, version: str) -> Key:
    """What the last check found of how the version's columns and answers are distributed: by column whether it has
    drifted, and the counts of the window's beginning.
    """
    return of_tenant(tenant, f"{DRIFT}#{model}#{version}")


def binned(tenant: str, model: str, version: str) -> Key:
    """How many values fell into each bin, of a version's columns and answers: three counts in each of `d0`, `d1` and so
    on.
    """
    return Key(f"USAGE#{tenant}", f"BINS#{model}#{version}")


def upload(tenant: str, upload: str) -> Key:
    """One requested upload: its key, its parts, and the execution that has it."""
    return of_tenant(tenant, f"{UPLOAD}#{upload}")


def idempotency(tenant: str, sha256: str) -> Key:
    """For a day, the upload that an idempotency key was sent for, and a fingerprint of the request."""
    return of_tenant(tenant, f"IDEMPOTENCY#{sha256}")


def result(tenant: str, expires_at: str, execution: str) -> Key:
    """One batch's result in the customer's bucket, by when it is deleted there."""
    return of_tenant(tenant, f"{RESULT}#{expires_at}#{execution}")


def webhook(tenant: str, name: str) -> Key:
    """One webhook: its address, its events, whether it is enabled, and the random `hook` that its deliveries name. The
    operators' are those of the tenant `-`.
    """
    return Key(f"{WEBHOOK}#{tenant}", f"{WEBHOOK}#{name}")


def webhooks(tenant: str) -> Key:
    """Return the beginning of the keys of a tenant's webhooks and of their deliveries."""
    return Key(f"{WEBHOOK}#{tenant}", "")


def webhook_delivery(tenant: str, hook: str, message: str) -> Key:
    """For a week, one message to one webhook: what is sent, and how its attempts went."""
    return Key(f"{WEBHOOK}#{tenant}", f"DELIVERY#{hook}#{message}")


def webhook_secret(tenant: str, name: str) -> Key:
    """What signs for a webhook, and what signed before until when; only the function that sends reads it."""
    return Key(f"SECRET#{tenant}", name)


def api_key(sha256: str) -> Key:
    """Whose API key this is, and until when."""
    return Key(f"{KEY}#{sha256}", KEY)


def listed_tenant(tenant: str) -> Key:
    """That the tenant exists, for what reads all tenants."""
    return Key("TENANTS", f"TENANT#{tenant}")


def receipt(tenant: str, chain: str, number: int) -> Key:
    """One call in the customer's account."""
    return of_tenant(tenant, f"{receipts(tenant, chain).sk}{number:08}")


def receipts(tenant: str, chain: str) -> Key:
    """Return the beginning of the keys of a chain's calls."""
    return of_tenant(tenant, f"RECEIPT#{chain}#")


def head(tenant: str, chain: str) -> Key:
    """How many calls a chain has, and the hash of the last."""
    return of_tenant(tenant, f"HEAD#{chain}")


def removal(tenant: str, removal: str) -> Key:
    """One removal: when, of what, how it ended."""
    return of_tenant(tenant, f"REMOVAL#{removal}")


def removed(tenant: str, removal: str, arn: str) -> Key:
    """What became of one thing that a removal is about."""
    return of_tenant(tenant, f"REMOVED#{removal}#{arn}")


REGISTRY = (
    tenant,
    probe,
    model,
    execution,
    end_of_receipt,
    version,
    drift,
    training,
    leftover,
    key_of_tenant,
    limits,
    spending,
    usage,
    served,
    binned,
    upload,
    idempotency,
    result,
    webhook,
    webhook_delivery,
    webhook_secret,
    api_key,
    listed_tenant,
)
EVIDENCE = (receipt, head, removal, removed)
"""The kinds of rows of each table, in the order of their documentation."""


def of(row: dict[str, Any]) -> Key:
    """Return the key of a row."""
    return Key(row["pk"], row["sk"])


def tenant_of(row: dict[str, Any]) -> str:
    """Return whose row it is."""
    return str(row["pk"]).partition("#")[2]


def kind_of(row: dict[str, Any]) -> str:
    """Return the kind of one of a tenant's rows, such as `EXECUTION`."""
    return str(row["sk"]).partition("#")[0]


def name_of(row: dict[str, Any]) -> str:
    """Return what the row's sort key has after its kind."""
    return str(row["sk"]).partition("#")[2]
