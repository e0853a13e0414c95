"""What is used, and what it costs the customer: before, by a quote, and after."""

from __future__ import annotations

import click

from tenantml_cli import options
from tenantml_cli.context import Context, Document, Result
from tenantml_cli.options import Command
from tenantml_cli.text import listing, moment, money, table

COSTS = ("training", "batch", "endpoint", "saved")


@click.command(cls=Command)
@options.model
@click.pass_obj
def quote(context: Context, model: str) -> Result:
    """Show the most that the next training, a batch and the endpoint of a model can cost.

    With the key in TENANTML_API_KEY. An amount that is not known is a dash, never nothing.

        tenantml quote churn
    """
    found = context.api.quote(model)
    training, batch, endpoint = found["training"], found["batch"], found["endpoint"]
    memory, count, types = endpoint["serverless_memory_mb"], endpoint["count"], endpoint["instance_types"]
    likely = f"{count} requests at once of {memory} MB" if memory else f"{count} x {types[0]}"
    dearest = f"{endpoint['max_count']} x the dearest of {', '.join(types)}"
    if memory:
        dearest = f"{count} requests at once, all the time, of as much memory as it may need"
    rows = [
        ["training", money(training["worst_case_usd"]), _instances(training)],
        ["batch", money(batch["worst_case_usd"]), _instances(batch)],
        ["endpoint, an hour", money(endpoint["usd_per_hour"]), likely],
        ["endpoint, an hour at most", money(endpoint["worst_case_usd_per_hour"]), dearest],
        ["endpoint, a month at most", money(endpoint["worst_case_usd_per_month"]), "31 days of that"],
    ]
    reasons = dict.fromkeys(filter(None, (training["reason"], batch["reason"], endpoint["reason"])))
    prices = f"The oldest of these prices is of {found['prices']['oldest']}." if found["prices"]["oldest"] else None
    bounds = [f"{job['seconds']:,} s are {job['seconds_from']}." for job in (training, batch)]
    notes = [*bounds, *(f"{reason}." for reason in reasons), prices, f"{found['note']}."]
    return Result(found, "\n".join([table(["at worst", "USD", "of"], rows), "", *filter(None, notes)]))


@click.command(cls=Command)
@options.as_operator
@click.pass_obj
def usage(context: Context, tenant: str | None) -> Result:
    """Show what is used of today's quota, and what trainings, batches and endpoints cost this month, in all and by
    model, next to what pauses have saved.

    With the key in TENANTML_API_KEY, or as an operator with --tenant. An amount that is not known is a dash, never
    nothing.

        tenantml usage
        tenantml usage --tenant acme
    """
    if tenant:
        found = context.stack.call("DescribeTenantsFunction", {"tenant": tenant})["tenants"][0]["usage"]
    else:
        found = context.api.usage()
    used = [
        [name, *(f"{found[name][key]:,}" for key in ("used", "limit", "remaining"))] for name in ("requests", "rows")
    ]
    spending = found["spending"]
    costs = [_cost(row["model"], row) for row in spending["models"]]
    today = table([f"on {found['day']}", "used", "limit", "left"], used)
    heads = [f"in {spending['month']}", *(f"{what} USD" for what in COSTS)]
    month = listing("models", heads, [_cost("all", spending), *costs])
    caps = table(["cap", "used", "limit"], _caps(spending))
    notes = [
        "The budget counts the worst case of running trainings and batches, too.",
        spending["reason"] and f"{spending['reason']}.",
        f"{spending['note']}.",
        f"The day ends at {moment(found['resets_at'])} (UTC).",
    ]
    return Result(found, "\n".join([today, "", month, "", caps, "", *filter(None, notes)]))


def _instances(job: Document) -> str:
    return f"{job['instances']} x {job['instance_type']}, {job['seconds']:,} s"


def _cost(name: str, row: Document) -> list[object]:
    return [name, *(money(row[what]["usd"]) for what in COSTS)]


def _caps(spending: Document) -> list[list[object]]:
    used = {
        "trainings_per_day": spending["trainings_today"],
        "max_concurrent_trainings": spending["trainings_running"],
        "monthly_budget_usd": money(spending["committed_usd"]),
    }
    return [[name.replace("_", " "), used[name], limit] for name, limit in spending["caps"].items()]
