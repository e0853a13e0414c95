"""Patches of the pinned emulator, applied from outside when the embedded cloud starts.

`docs/embedded-cloud.md` lists what each does.

Each wraps the emulator's own function and is bound to the source that it was written for (`local.patches.emulator`).
"""

from __future__ import annotations

from typing import Final

# Module of local.patches -> why it exists, in the order of application.
PATCHES: Final = {
    "lambda_invocations": "definitions catch a Lambda's errors by class; 50 ms per invocation would hide our own time",
    "lambda_workers": "each function's first invocation would import the libraries anew, for 0.35 s of CPU",
    "lambda_queues": "upkeep goes on in one customer's account while it is at work in another",
    "lambda_payload": "a prediction or a page of a list may exceed the 6 MB of a request or a response",
    "lambda_internet": "webhooks go to public addresses alone, and a receiver of a test is on loopback",
    "lambda_accounts": "grants are made by S3 Control, whose clients put the account before the host",
    "iam_conditions": "our trust policy, buckets and tenant-scoped credentials depend on three condition keys",
    "iam_decisions": "what was requested of our policies, and refused, shows whether they are least privilege",
    "policy_documents": "AWS refuses malformed and overlong policies and unknown principals: grants must respect that",
    "sts_sessions": "a chained session of more than an hour fails on AWS, as the article's 10,800 s do",
    "iam_resources": "restrictive policies, such as the article's, allow IAM's actions on named entities only",
    "managed_policies": "the article attaches AmazonSageMakerFullAccess; a misspelt one must not go unnoticed",
    "sagemaker_iam": "without it every caller may do everything in SageMaker, and pass any role",
    "sqs_iam": "who sends ten messages at once needs the permission to send one",
    "s3_cross_account": "a grant names the access role, and the copy reads from the SaaS account",
    "s3_access_points": "a grant is an access point, through which a role of another account reads",
    "s3_copy_limit": "a training set over 5 GB must be copied in parts",
    "s3_events": "the upload's version is pinned from the event to the copy",
    "s3_object_lock": "an archive that a stack locks must be locked, and stay versioned",
    "eventbridge": "an event that EventBridge refuses is lost unless its sender reads the answer",
    "cloudformation": "the template creates the IAM group of its operators",
    "apigateway": "API Gateway's own refusals have the form of all others, as the template requires",
    "apigateway_limits": "a request may be too large or take too long, and is refused in the API's own form",
    "stepfunctions_definitions": "a definition that AWS refuses must not get as far as its deployment",
    "stepfunctions_executions": "a failed execution is redriven from where it failed",
    "stepfunctions": "time limits, idempotent starts, limited delays, strict conditions, final states that stay final",
    "stepfunctions_tasks": "a person approves with a token, which is worth something only while its task waits",
    "stepfunctions_integrations": "one machine starts another, and catches its failure by the name that AWS gives it",
    "stepfunctions_limits": "a job of 30 days must fit into a history, a report into a payload",
    "stepfunctions_maps": "what is done for many items is a Distributed Map, whose fields would otherwise pass unread",
    "concurrent_reads": "logs are read while functions write them, and a list must not end in a server's error",
    "stepfunctions_iam": "without it the state machine's role has no effect: its tasks may do everything",
}


def apply_all() -> None:
    """Apply every patch; raises EmulatorChanged when they were written for another emulator."""
    from importlib import import_module

    from local.patches.emulator import require_release

    require_release()
    for name in PATCHES:
        import_module(f"local.patches.{name}").apply()
