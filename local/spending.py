"""What a demonstration would have cost on AWS, in a line before and a line after; here nothing is asked for."""

from __future__ import annotations

from tenantml_cli.tenant_api import Document

AWS_WOULD_ASK = "the price that AWS would ask of the customer"


def quoted(quote: Document) -> str:
    """Return the worst case of a training and an endpoint, as one line."""
    training, endpoint, prices = quote["training"], quote["endpoint"], quote["prices"]
    age = "" if prices["age_days"] is None else f", by prices up to {prices['age_days']} days old"
    return (
        f"quote: at most {dollars(training['worst_case_usd'])} for the training, "
        f"{dollars(endpoint['usd_per_hour'])} an hour for the endpoint{age} ({AWS_WOULD_ASK})"
    )


def spent(cost: Document | None, spending: Document) -> str:
    """Return what the training and the endpoint cost until now, as one line."""
    training = "unknown"
    if cost is not None and cost["training_usd"] is not None:
        training = f"at least {dollars(cost['training_usd'])} for {cost['training_seconds']:,} s"
    endpoint = spending["endpoint"]
    return (
        f"until now: {training} of training, {dollars(endpoint['usd'])} for {endpoint['seconds']:,} s of the endpoint"
    )


def dollars(usd: str | None) -> str:
    """Return an amount in dollars, with as many decimals as say something."""
    return "unknown" if usd is None else f"${float(usd):,.4f}"
