"""The commands: each makes a result of its arguments, and knows how a person reads it."""

from __future__ import annotations

import csv
import io
import os
import sys
import uuid
import webbrowser
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tenantml.domain.names import execution_name
from tenantml.domain.uploads.upload import destination_of
from tenantml.errors import UploadError
from tenantml_cli.errors import Refused
from tenantml_cli.history import Event, StateEntered
from tenantml_cli.stack import Document, Progress, Stack
from tenantml_cli.tenant_api import URL_VARIABLE, TenantApi

OFFBOARDING = "OffboardingStateMachineArn"


@dataclass(frozen=True)
class Context:
    """What a command works with: its arguments, the stack, and where progress is reported."""

    options: Namespace
    stack: Stack
    tell: Progress

    @property
    def api(self) -> TenantApi:
        """The tenant API with the tenant's key; where the stack's address is not reachable, as on the embedded cloud,
        a variable has it.
        """
        return TenantApi.of_environment(os.environ.get(URL_VARIABLE) or self.stack.outputs["ApiUrl"])

    def follow(self, machine: str, execution: str) -> Document:
        """Tell the states that an execution enters until it is over, and return its output."""
        return self.stack.follow(machine, execution, self.options.timeout_seconds, self.tell_state)

    def tell_state(self, event: Event) -> None:
        """Tell which state is entered."""
        if isinstance(event, StateEntered):
            self.tell(event.name)


@dataclass(frozen=True)
class Result:
    """What a command answers: a document for scripts, lines for people."""

    document: Document
    text: str


Command = Callable[[Context], Result]


def tenant_add(context: Context) -> Result:
    """Register a tenant and print what its cloud team applies.

    That is a link which opens CloudFormation in the customer's account with every parameter filled in, and the same as
    a command line. The external ID in it is generated for this tenant alone.

    A customer that requires its own KMS key, VPC or instance types states them before: every job and endpoint is
    created with them. To change them, off-board the tenant and register it again.

        tenantml tenant add acme --account 222222222222 --region eu-central-1 --contact cloud-team@acme.example
    """
    options = context.options
    request: Document = {name: getattr(options, name) for name in ("tenant", "account_id", "region", "contact")}
    theirs = {
        name: getattr(options, name) for name in ("kms_key_arn", "subnet_ids", "security_group_ids", "instance_types")
    }
    request |= {name: value for name, value in theirs.items() if value}
    found = context.stack.call("RegisterTenantFunction", request)
    onboarding = found["onboarding"]
    lines = [
        f"{found['tenant']} is registered. Its cloud team applies the template in account {options.account_id}, by",
        f"\n{onboarding['link']}\n",
        f"or\n\n{onboarding['cli']}\n",
        f"The template is {onboarding['template_url']}, SHA-256 {onboarding['template_sha256']}.",
        f"Then: tenantml tenant activate {found['tenant']}",
    ]
    return Result(found, "\n".join(lines))


def tenant_activate(context: Context) -> Result:
    """Prove the tenant's two access roles; issue its first API key, or end its suspension.

    The key is shown this once. A tenant whose roles are not as they must be stays inactive, and the command fails with
    the reason. Activating a suspended tenant leaves its keys as they are. What the quotas of its account do not allow,
    and what no probe can see, is said, and keeps nobody from being active.

        tenantml tenant activate acme
    """
    found = context.stack.call("ActivateTenantFunction", {"tenant": context.options.tenant})
    key = found["api_key"]
    warnings = "".join(f"\n\nWarning: {warning}" for warning in found["warnings"])
    unseen = "".join(f"\n- {what}" for what in found["not_proven"])
    text = f"{found['tenant']} is active." + (_shown_once(key) if key else "") + warnings
    return Result(found, f"{text}\n\nWhat the probe cannot see:{unseen}")


def tenant_list(context: Context) -> Result:
    """List the tenants: status, account, region, and the reason of the status.

    The status is registered, active, suspended or offboarded.

        tenantml tenant list
    """
    found = context.stack.call("DescribeTenantsFunction", {})
    rows = [[row[name] for name in ("tenant", "status", "account_id", "region", "reason")] for row in found["tenants"]]
    return Result(found, _table(["tenant", "status", "account", "region", "reason"], rows))


def tenant_show(context: Context) -> Result:
    """Show one tenant: what is registered, its last probe, and the ids of its API keys.

    It never shows a key.

        tenantml tenant show acme
    """
    found = context.stack.call("DescribeTenantsFunction", {"tenant": context.options.tenant})["tenants"][0]
    lines = [f"{name:12} {_shown(value)}" for name, value in found.items() if name != "keys" and value]
    return Result(found, "\n".join([*lines, "", _keys(found)]))


def tenant_add_key(context: Context) -> Result:
    """Issue a further API key, for instance for another app.

    The key is shown this once. The others stay.

        tenantml tenant add-key acme
    """
    found = context.stack.call("IssueKeyFunction", {"tenant": context.options.tenant})
    return Result(found, _shown_once(found["api_key"]).lstrip() + "\n\n" + _keys(found))


def tenant_rotate_key(context: Context) -> Result:
    """Issue a new API key and let the others end after an overlap.

    The key is shown this once.

        tenantml tenant rotate-key acme --overlap-hours 48
    """
    seconds = round(context.options.overlap_hours * 3600)
    found = context.stack.call("IssueKeyFunction", {"tenant": context.options.tenant, "overlap_seconds": seconds})
    return Result(found, _shown_once(found["api_key"]).lstrip() + "\n\n" + _keys(found))


def tenant_revoke_key(context: Context) -> Result:
    """End one API key at once.

    API Gateway may keep its answer for 30 s more.

        tenantml tenant revoke-key acme 7fad4936bac8
    """
    request = {"tenant": context.options.tenant, "key_id": context.options.key_id}
    found = context.stack.call("RevokeKeyFunction", request)
    return Result(found, f"{context.options.key_id} is revoked.\n\n{_keys(found)}")


def tenant_suspend(context: Context) -> Result:
    """Suspend a tenant until it is activated again.

    Its requests and uploads are refused, whatever the hourly probe finds.

        tenantml tenant suspend acme --reason "the invoice of May is open"
    """
    request = {"tenant": context.options.tenant, "reason": context.options.reason}
    found = context.stack.call("SuspendTenantFunction", request)
    return Result(found, f"{found['tenant']} is suspended. To end that: tenantml tenant activate {found['tenant']}")


def tenant_offboard(context: Context) -> Result:
    """Remove all that was made for a tenant, or for one of its models, and print the report.

    The report lists what was removed, what was kept, and what AWS cannot remove. After a failure, repeat the command:
    the removal resumes where it stopped. A tenant that never applied the template, or has deleted its stack, is removed
    with --abandon: its account does not let us in.

        tenantml tenant offboard acme --yes
    """
    options = context.options
    what = f"{options.tenant}/{options.model}" if options.model else options.tenant
    if not options.yes:
        raise Refused("NotConfirmed", f"this removes all of {what}, for good; repeat it with --yes")
    request: Document = {"tenant": options.tenant}
    request |= {"model": options.model} if options.model else {}
    request |= {"keep": ["artefacts"]} if options.keep_artefacts else {}
    request |= {"abandon": True} if options.abandon else {}
    name = f"{options.tenant}-{uuid.uuid4().hex[:16]}"
    context.stack.start(OFFBOARDING, name, request)
    report = context.follow(OFFBOARDING, name)
    return Result({"offboarding": name, "report": report}, f"{what} is removed.\n\n{_report(report)}")


def upload(context: Context) -> Result:
    """Send a dataset, which starts a training.

    TENANT/MODEL uploads with the operator's own credentials and prints the name of the execution. MODEL alone uploads
    as the tenant does, with the key in TENANTML_API_KEY: by a form, or in parts, each sent again when the network
    fails.

        tenantml upload acme/churn churn.csv
        tenantml upload churn churn.csv
    """
    options = context.options
    path = _readable(options.file)
    if "/" not in options.destination:
        key = context.api.upload(options.destination, path, multipart=options.multipart, tell=context.tell)
        return Result({"key": key}, f"{key} is uploaded.\n\nTo see what comes of it: GET /executions?upload_key={key}")
    key = f"{options.destination}/{path.name}"
    try:
        destination_of(key)
    except UploadError as error:
        raise Refused(type(error).__name__, str(error)) from error
    version_id = context.stack.put(path, key, context.tell)
    execution = execution_name(context.stack.outputs["IngestBucket"], key, version_id)
    found = {"key": key, "version_id": version_id, "execution": execution}
    return Result(found, f"{key} is uploaded.\n\nTo see what comes of it: tenantml watch {execution}")


def watch(context: Context) -> Result:
    """Print the states that an execution enters, those of its deployment included, until it is over.

    An execution that an upload is about to start may be named at once. The exit code is 4, under the name of the
    failure, when the execution fails, and 5 when it outlives the wait.

        tenantml watch acme-churn-0f3c9a8b7d6e5f41
    """
    execution = context.options.execution
    output = context.stack.follow_upload(execution, context.options.timeout_seconds, context.tell_state)
    return Result({"execution": execution, "status": "succeeded", "output": output}, f"{execution} succeeded.")


def deploy(context: Context) -> Result:
    """Deploy a candidate of a training that is kept.

    With the key in TENANTML_API_KEY, or as an operator with --tenant. Another candidate than the one that was
    chosen, the same again, or on another instance. It becomes a version of its own, next to the live one, and is
    promoted when the holdout says that it may be, or always.

        tenantml deploy churn acme-churn-0f3c9a8b7d6e5f41 --candidate LightGBM-L1-FULL-t1
        tenantml deploy churn acme-churn-0f3c9a8b7d6e5f41 --promote always --tenant acme
    """
    options = context.options
    asked = {name: getattr(options, name) for name in ("execution", "candidate", "instance_type", "promote")}
    request = {name: value for name, value in asked.items() if value}
    if options.tenant:
        whose = {"tenant": options.tenant, "model": options.model}
        found = context.stack.call("DeployVersionFunction", whose | request)
    else:
        found = context.api.deploy(options.model, request)
    text = f"{found['version']} is being deployed.\n\nTo see how it goes: GET /models/{options.model}/versions"
    return Result(found, text)


def return_to(context: Context) -> Result:
    """Let a version that was live answer again.

    With the key in TENANTML_API_KEY, or as an operator with --tenant. At once while its endpoint stands; else its
    candidate is deployed anew, and the live version answers until then.

        tenantml return churn v20261122-170301-9f3c
        tenantml return churn v20261122-170301-9f3c --tenant acme
    """
    options = context.options
    if options.tenant:
        whose = {"tenant": options.tenant, "model": options.model, "version": options.version}
        found = context.stack.call("ReturnVersionFunction", whose)
    else:
        found = context.api.return_to(options.model, options.version)
    if found["live"]:
        return Result(found, f"{options.version} answers again.")
    text = f"{found['version']} is being deployed, to return to {options.version}.\n\n"
    return Result(found, f"{text}To see how it goes: GET /models/{options.model}/versions")


def approve(context: Context) -> Result:
    """Approve a version that awaits an approval, or refuse it, and let its deployment go on.

    With the key in TENANTML_API_KEY, or as an operator with --tenant. The first decision counts, and a repeat says the
    same. A refused version loses its endpoint, and its candidate can be deployed again.

        tenantml approve churn v20261122-170301-9f3c --reason "the numbers of May are in"
        tenantml approve churn v20261122-170301-9f3c --refuse --tenant acme
    """
    options = context.options
    decision = {"decision": "refuse" if options.refuse else "approve"}
    decision |= {"reason": options.reason} if options.reason else {}
    if options.tenant:
        whose = {"tenant": options.tenant, "model": options.model, "version": options.version}
        found = context.stack.call("DecideApprovalFunction", whose | decision)
    else:
        found = context.api.decide(options.model, options.version, decision)
    return Result(found, f"{options.version} is {'refused' if options.refuse else 'approved'}.")


def predict(context: Context) -> Result:
    """Predict rows, CSV with a header or the API's JSON, with the key in TENANTML_API_KEY.

    Prints CSV, or with --json the API's answer.

        tenantml predict churn rows.csv
    """
    options = context.options
    body = sys.stdin.buffer.read() if options.file == "-" else _readable(options.file).read_bytes()
    content_type = "application/json" if body.lstrip()[:1] == b"{" else "text/csv"
    found = context.api.send_rows(options.model, body, content_type)
    rows = [{**row} for row in found["predictions"]]
    for row in rows:
        row.pop("probabilities", None)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return Result(found, out.getvalue().rstrip("\n"))


def report(context: Context) -> Result:
    """Save the model report of a version as an HTML file, with the key in TENANTML_API_KEY.

    It holds all it needs, so it can be opened, printed and passed on without a network.

        tenantml report churn --open
        tenantml report churn v20261122-170301-9f3c --out churn.html
    """
    options = context.options
    version = options.version or context.api.live_version(options.model)
    path = Path(options.out or f"{options.model}-{version}.html").absolute()
    path.write_text(context.api.report(options.model, version), encoding="utf-8")
    if options.open:
        webbrowser.open(path.as_uri())
    return Result({"version": version, "file": str(path)}, path.as_uri())


def receipt(context: Context) -> Result:
    """Print what an execution did in the customer's account, call by call.

    A tenant sees its own receipts with its API key, an operator those of any tenant.

        tenantml receipt acme-churn-0f3c9a8b7d6e5f41 --tenant acme
    """
    options = context.options
    if options.tenant:
        found = context.stack.receipt(options.tenant, options.execution)
    else:
        found = context.api.receipt(options.execution)
    names = ("number", "time", "action", "outcome", "resource")
    rows = [[str(entry.get(name, "")) for name in names] for entry in found["entries"]]
    return Result(found, _table(list(names), rows))


def _readable(file: str) -> Path:
    """Return a file's path, when it is a file that can be read."""
    path = Path(file)
    if not (path.is_file() and os.access(path, os.R_OK)):
        raise Refused("NoFile", f"{file!r} is not a file that can be read")
    return path


def _shown_once(key: str) -> str:
    return f"\n\nAPI key, shown this once: {key}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return f"\n{'':13}".join(f"{name:18} {part}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _keys(found: Document) -> str:
    rows = [[row["key_id"], row["created_at"], row["expires_at"] or "-"] for row in found["keys"]]
    return _table(["key", "created", "ends"], rows)


def _report(report: Document) -> str:
    lines = []
    for fate in ("removed", "kept", "impossible", "remains"):
        lines += [f"{fate}: {len(report[fate])}", *(f"  {_entry(item)}" for item in report[fate])]
    return "\n".join(lines)


def _entry(item: Document) -> str:
    objects = f" ({item['objects']})" if "objects" in item else ""
    reason = f": {item['reason']}" if "reason" in item else ""
    return f"{item['arn']}{objects}{reason}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    )
