"""Webhooks: where a tenant is told what happens, with its key, or where the operators are; and how that went."""

from __future__ import annotations

import click

from tenantml.errors import NotFound
from tenantml_cli.context import Context, Document, Result
from tenantml_cli.errors import Refused
from tenantml_cli.options import Group
from tenantml_cli.text import listing, moment

_operators = click.option("--operators", is_flag=True, help="the operators' own, which are told of every tenant")
_name = click.argument("name", metavar="NAME", help="the webhook's name")


@click.group("webhooks", cls=Group, help="Where you are told what happens.")
def group() -> None:
    """Hold the commands about webhooks."""


@group.command("list")
@_operators
@click.pass_obj
def list_webhooks(context: Context, operators: bool) -> Result:
    """List the webhooks: status, events, address, and when something was delivered last.

    With the key in TENANTML_API_KEY the tenant's; with --operators those of the operators. It never shows a secret.

        tenantml webhooks list
        tenantml webhooks list --operators
    """
    found = _of_operators(context)["webhooks"] if operators else context.api.all_pages("/webhooks", "webhooks")
    names = ("name", "status", "events", "url", "delivered")
    rows = [
        [row["name"], row["status"], ",".join(row["events"]), row["url"], moment(row["delivered_at"])] for row in found
    ]
    return Result({"webhooks": found}, listing("webhooks", names, rows))


@group.command("put")
@_name
@click.argument("url", metavar="URL", help="an https address of the public internet")
@click.option(
    "--event", "events", multiple=True, required=True, metavar="TYPE", help="such as execution.ended; may be repeated"
)
@_operators
@click.pass_obj
def put(context: Context, name: str, url: str, events: tuple[str, ...], operators: bool) -> Result:
    """Create a webhook, or change one and enable it again.

    With the key in TENANTML_API_KEY, or with --operators one that is told of every tenant. The secret of a new one,
    with which its receiver verifies signatures, is shown this once.

        tenantml webhooks put ops https://hooks.acme.example/tenantml --event execution.ended --event version.promoted
        tenantml webhooks put pager https://pager.example/in --event tenant.suspended --operators
    """
    wanted = {"url": url, "events": list(events)}
    if operators:
        answer = _of_operators(context, name=name, **wanted)
        found = next(row for row in answer["webhooks"] if row["name"] == name) | {"secret": answer["secret"]}
    else:
        found = context.api.put_webhook(name, wanted)
    secret = found.get("secret")
    made = f"{name} is created.\n\nSecret, shown this once: {secret}" if secret else f"{name} is changed."
    return Result(found, made)


@group.command("show")
@_name
@_operators
@click.pass_obj
def show(context: Context, name: str, operators: bool) -> Result:
    """Show one webhook.

    With the key in TENANTML_API_KEY, or with --operators one of theirs. It never shows the secret.

        tenantml webhooks show ops
    """
    found = _find_of_operators(context, name) if operators else context.api.webhook(name)
    return Result(
        found, "\n".join(f"{key.replace('_', ' '):14} {_shown(value)}" for key, value in found.items() if value)
    )


@group.command("new-secret")
@_name
@_operators
@click.pass_obj
def new_secret(context: Context, name: str, operators: bool) -> Result:
    """Replace the secret of a webhook.

    With the key in TENANTML_API_KEY, or with --operators that of one of theirs. The new one is shown this once. The one
    before it signs beside it for a day, so that receivers can change over.

        tenantml webhooks new-secret ops
        tenantml webhooks new-secret pager --operators
    """
    if operators:
        answer = _of_operators(context, renew=name)
        found = {part: answer[part] for part in ("secret", "previous_until")}
    else:
        found = context.api.renew_secret(name)
    until = moment(found["previous_until"])
    return Result(
        found, f"Secret, shown this once: {found['secret']}\n\nThe one before it signs beside it until {until} (UTC)."
    )


@group.command("test")
@_name
@_operators
@click.pass_obj
def test(context: Context, name: str, operators: bool) -> Result:
    """Have a message of the type webhook.test delivered, in one attempt.

    With the key in TENANTML_API_KEY, or with --operators to one of theirs. While one is under way, it is that one.

        tenantml webhooks test ops
        tenantml webhooks test pager --operators
    """
    found = _of_operators(context, test=name)["delivery"] if operators else context.api.test_webhook(name)
    then = f"tenantml webhooks deliveries {name}{' --operators' if operators else ''}"
    return Result(found, f"{found['message']} is being delivered.\n\nTo see how it went: {then}")


@group.command("delete")
@_name
@_operators
@click.pass_obj
def delete(context: Context, name: str, operators: bool) -> Result:
    """Delete a webhook.

    With the key in TENANTML_API_KEY, or with --operators one of theirs. What is not delivered yet never is.

        tenantml webhooks delete ops
        tenantml webhooks delete pager --operators
    """
    found = _of_operators(context, remove=name) if operators else context.api.delete_webhook(name)
    return Result(found, f"{name} is deleted.")


@group.command("deliveries")
@_name
@_operators
@click.pass_obj
def deliveries(context: Context, name: str, operators: bool) -> Result:
    """List what was sent to a webhook, the newest first, and how it went.

    With the key in TENANTML_API_KEY, or with --operators to one of theirs. What failed is sent again, with growing
    pauses, for a day.

        tenantml webhooks deliveries ops
    """
    found = _of_operators(context, deliveries=name)["deliveries"] if operators else context.api.deliveries(name)
    names = ("created", "type", "status", "attempts", "outcome", "next attempt", "message")
    return Result({"deliveries": found}, listing("deliveries", names, [_delivery(row) for row in found]))


def _of_operators(context: Context, **asked: object) -> Document:
    return context.stack.call("OperatorWebhooksFunction", asked)


def _find_of_operators(context: Context, name: str) -> Document:
    found: list[Document] = [row for row in _of_operators(context)["webhooks"] if row["name"] == name]
    if not found:
        raise Refused(
            NotFound.__name__, "there is no webhook of this name here; list them: tenantml webhooks list --operators"
        )
    return found[0]


def _delivery(row: Document) -> list[object]:
    outcome = " ".join(str(part) for part in (row["outcome"], row["http_status"]) if part)
    when = (moment(row["created_at"]), moment(row["next_attempt_at"]))
    return [when[0], row["type"], row["status"], row["attempts"], outcome, when[1], row["message"]]


def _shown(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
