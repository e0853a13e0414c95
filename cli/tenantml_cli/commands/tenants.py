"""Tenants, their keys, and their limits."""

from __future__ import annotations

import click

from tenantml_cli.context import Context, Document, Result
from tenantml_cli.options import HOUR, Amount, Group, Listed
from tenantml_cli.text import listing, moment, table

_tenant = click.argument("tenant", metavar="TENANT", help="the tenant's id")


@click.group("tenant", cls=Group, help="Who the tenants are, and their keys.")
def group() -> None:
    """Hold the commands about tenants."""


@group.command("add")
@_tenant
@click.option("--account", "account_id", required=True, metavar="ID", help="the customer's AWS account, 12 digits")
@click.option("--region", required=True, metavar="REGION", help="where its models are trained and served")
@click.option("--contact", required=True, metavar="ADDRESS", help="an address to write to")
@click.option("--kms-key", "kms_key_arn", metavar="ARN", help="the ARN of the customer's own key")
@click.option(
    "--instance-types",
    type=Listed(),
    metavar="TYPES",
    help="the only instance types that endpoints may use, separated by commas",
)
@click.option(
    "--subnets",
    "subnet_ids",
    type=Listed(),
    metavar="IDS",
    help="ids of the customer's own subnets, separated by commas",
)
@click.option(
    "--security-groups",
    "security_group_ids",
    type=Listed(),
    metavar="IDS",
    help="ids of security groups in that VPC",
)
@click.pass_obj
def add(context: Context, /, **asked: object) -> Result:
    """Register a tenant and print what its cloud team applies.

    That is a link which opens CloudFormation in the customer's account with every parameter filled in, and the same as
    a command line. The external ID in it is generated for this tenant alone.

    A customer that requires its own KMS key, VPC or instance types states them before: every job and endpoint is
    created with them. To change them, off-board the tenant and register it again.

        tenantml tenant add acme --account 222222222222 --region eu-central-1 --contact cloud-team@acme.example
    """
    optional = {"kms_key_arn", "instance_types", "subnet_ids", "security_group_ids"}
    request = {name: value for name, value in asked.items() if value or name not in optional}
    found = context.stack.call("RegisterTenantFunction", request)
    onboarding = found["onboarding"]
    lines = [
        f"{found['tenant']} is registered. Its cloud team applies the template in account {asked['account_id']}, by",
        f"\n{onboarding['link']}\n",
        f"or\n\n{onboarding['cli']}\n",
        f"The template is {onboarding['template_url']}, SHA-256 {onboarding['template_sha256']}.",
        f"Then: tenantml tenant activate {found['tenant']}",
    ]
    return Result(found, "\n".join(lines))


@group.command("activate")
@_tenant
@click.pass_obj
def activate(context: Context, tenant: str) -> Result:
    """Prove the tenant's two access roles; issue its first API key, or end its suspension.

    The key is shown this once. A tenant whose roles are not as they must be stays inactive, and the command fails with
    the reason. Activating a suspended tenant leaves its keys as they are. What the quotas of its account do not allow,
    and what no probe can see, is said, and keeps nobody from being active.

        tenantml tenant activate acme
    """
    found = context.stack.call("ActivateTenantFunction", {"tenant": tenant})
    key = found["api_key"]
    warnings = "".join(f"\n\nWarning: {warning}" for warning in found["warnings"])
    unseen = "".join(f"\n- {what}" for what in found["not_proven"])
    text = f"{found['tenant']} is active." + (f"\n\n{_shown_once(key)}" if key else "") + warnings
    return Result(found, f"{text}\n\nWhat the probe cannot see:{unseen}")


@group.command("list")
@click.pass_obj
def list_tenants(context: Context) -> Result:
    """List the tenants: status, account, region, and the reason of the status.

    The status is registered, active, suspended or offboarded.

        tenantml tenant list
    """
    found = {"tenants": context.stack.all_pages("DescribeTenantsFunction", "tenants", {})}
    rows = [[row[name] for name in ("tenant", "status", "account_id", "region", "reason")] for row in found["tenants"]]
    return Result(found, listing("tenants", ["tenant", "status", "account", "region", "reason"], rows))


@group.command("show")
@_tenant
@click.pass_obj
def show(context: Context, tenant: str) -> Result:
    """Show one tenant: what is registered, its last probe, and the ids of its API keys.

    It never shows a key.

        tenantml tenant show acme
    """
    found = context.stack.call("DescribeTenantsFunction", {"tenant": tenant})["tenants"][0]
    lines = [f"{name:12} {_shown(value)}" for name, value in found.items() if name not in {"keys", "usage"} and value]
    return Result(found, "\n".join([*lines, "", _keys(found)]))


@group.command("add-key")
@_tenant
@click.pass_obj
def add_key(context: Context, tenant: str) -> Result:
    """Issue a further API key, for instance for another app.

    The key is shown this once. The others stay.

        tenantml tenant add-key acme
    """
    found = context.stack.call("IssueKeyFunction", {"tenant": tenant})
    return Result(found, f"{_shown_once(found['api_key'])}\n\n{_keys(found)}")


@group.command("rotate-key")
@_tenant
@click.option(
    "--overlap-hours",
    type=Amount(),
    default=24.0,
    metavar="HOURS",
    help="how long the others stay valid, at most 720; default: 24",
)
@click.pass_obj
def rotate_key(context: Context, tenant: str, overlap_hours: float) -> Result:
    """Issue a new API key and let the others end after an overlap.

    The key is shown this once.

        tenantml tenant rotate-key acme --overlap-hours 48
    """
    request = {"tenant": tenant, "overlap_seconds": round(overlap_hours * HOUR)}
    found = context.stack.call("IssueKeyFunction", request)
    return Result(found, f"{_shown_once(found['api_key'])}\n\n{_keys(found)}")


@group.command("revoke-key")
@_tenant
@click.argument("key_id", metavar="KEY", help="the key's id, as `tenant show` lists it")
@click.pass_obj
def revoke_key(context: Context, tenant: str, key_id: str) -> Result:
    """End one API key at once.

    API Gateway may keep its answer for 30 s more.

        tenantml tenant revoke-key acme 7fad4936bac8
    """
    found = context.stack.call("RevokeKeyFunction", {"tenant": tenant, "key_id": key_id})
    return Result(found, f"{key_id} is revoked.\n\n{_keys(found)}")


@group.command("suspend")
@_tenant
@click.option("--reason", required=True, metavar="TEXT", help="shown to the tenant")
@click.pass_obj
def suspend(context: Context, tenant: str, reason: str) -> Result:
    """Suspend a tenant until it is activated again.

    Its requests and uploads are refused, whatever the hourly probe finds.

        tenantml tenant suspend acme --reason "the invoice of May is open"
    """
    found = context.stack.call("SuspendTenantFunction", {"tenant": tenant, "reason": reason})
    return Result(found, f"{found['tenant']} is suspended. To end that: tenantml tenant activate {found['tenant']}")


@click.command("limit", cls=group.command_class)
@_tenant
@click.option("--requests-per-second", type=int, metavar="N", help="default: 50")
@click.option("--requests-per-day", type=int, metavar="N", help="default: 1000000")
@click.option("--rows-per-day", type=int, metavar="N", help="of predictions; default: 10000000")
@click.option("--trainings-per-day", type=int, metavar="N", help="that may begin; default: no cap")
@click.option("--max-concurrent-trainings", type=int, metavar="N", help="at once; default: no cap")
@click.option(
    "--monthly-budget-usd", type=int, metavar="USD", help="of the customer's money, for all models; default: no cap"
)
@click.pass_obj
def limit(context: Context, /, tenant: str, **limits: int | None) -> Result:
    """Set how much of the API a tenant may use, and how much of the customer's money its trainings and endpoints may.

    All at once: what is not stated goes back to its default. Limits hold within a minute, caps at once: they refuse
    what begins, and stop nothing that runs. 0 refuses everything.

        tenantml limit acme --requests-per-second 20 --rows-per-day 1000000
        tenantml limit acme --trainings-per-day 20 --max-concurrent-trainings 2 --monthly-budget-usd 500
    """
    request = {"tenant": tenant} | {name: value for name, value in limits.items() if value is not None}
    found = context.stack.call("LimitTenantFunction", request)
    rows = [
        [name.replace("_", " "), "none" if value is None else f"{value:,}"]
        for name, value in (found["limits"] | found["caps"]).items()
    ]
    return Result(found, table([tenant, "limit"], rows))


def _shown_once(key: str) -> str:
    return f"API key, shown this once: {key}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return f"\n{'':13}".join(f"{name:18} {part}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _keys(found: Document) -> str:
    rows = [[row["key_id"], moment(row["created_at"]), moment(row["expires_at"])] for row in found["keys"]]
    return listing("keys", ["key", "created", "ends"], rows)
