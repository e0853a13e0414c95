"""Mends of the pinned emulator, applied from outside when the embedded cloud starts.

`docs/embedded-cloud.md` lists what each does.

Each wraps the emulator's own function and is bound to the source that it was written for (`local.patches.emulator`).
"""

from __future__ import annotations

from typing import Final

# Module of local.patches -> why it exists, in the order of application.
MENDS: Final = {
    "lambda_invocations": "definitions catch a Lambda's errors by class; 50 ms per invocation would hide our own time",
    "iam_conditions": "our trust policy, buckets and tenant-scoped credentials stand on three condition keys",
    "iam_decisions": "whether our policies are least privilege is seen by what was asked of them, and refused",
    "policy_documents": "AWS refuses malformed, overlong and unaddressed policies: the grant ledger must meet that",
    "sts_sessions": "a chained session of more than an hour fails on AWS, as the article's 10,800 s do",
    "sagemaker_iam": "without it every caller may do everything in SageMaker, and pass any role",
    "s3_cross_account": "a grant names the access role, and the copy reads from the SaaS account",
    "s3_events": "the upload's version is pinned from the event to the copy",
    "cloudformation": "the template creates the IAM group of its operators",
    "apigateway": "API Gateway's own refusals have the form of all others, which the template asks for",
    "stepfunctions": "time limits, idempotent starts, limited delays, ends that stay ended",
    "stepfunctions_iam": "the state machine's role would be without meaning: its tasks would be allowed everything",
}


def apply_all() -> None:
    """Apply every mend; raises EmulatorChanged when the emulator is not the one that they were written for."""
    from importlib import import_module

    from local.patches.emulator import require_release

    require_release()
    for name in MENDS:
        import_module(f"local.patches.{name}").apply()
