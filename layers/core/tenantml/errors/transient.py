"""What a retry may fix.

States retry these by name, and there is nothing to do while they do. The tenant is notified in the `error` of the
execution or of the version, and on the event bus, only after the retries of the state machine are used up. An execution
that has candidates keeps its training: the tenant deploys one again. Only one that has none is uploaded again.
"""

from __future__ import annotations

from tenantml.errors.base import CLOUD_TEAM, TenantMLError


class TransientError(TenantMLError):
    """Something that a later attempt may find fixed."""


class PlatformUnavailable(TransientError):
    """AWS did not do now what we asked of it in our own account: we were throttled, it had a fault of its own, or it
    did not answer. States wait for hours by themselves; an app that called the API repeats the request.
    """

    status = 503
    do = (
        "If it lasts, look at the AWS Health Dashboard. The app repeats after `Retry-After`; the tenant deploys again "
        "later, or uploads again if there are no candidates."
    )


class DatasetUnavailable(TransientError):
    """S3 could not return or delete an object that exists."""

    status = 503
    do = "If it lasts, check the AWS Health Dashboard. The tenant uploads again later."


class GrantCapacity(TransientError):
    """Our account has no room for another grant: each is an access point, of which AWS allows 10,000 in a region unless
    asked for more. The execution waits for some hours by itself. Operators are notified, and the tenant if it ends an
    execution.
    """

    do = (
        'Raise the quota "Access Points" of S3 in Service Quotas, or let models use delivery `upload`, which needs no '
        "grant."
    )


class CustomerThrottled(TransientError):
    """AWS did not do now what we asked of it in the customer's account: we were throttled, it had a fault of its own,
    or it did not answer. States wait for hours by themselves.
    """

    status = 503
    turn = CLOUD_TEAM
    do = "If it lasts, ask AWS for a higher rate, or run fewer things at once."


class StillChanging(TransientError):
    """Something in the customer's account is being created, stopped or deleted, and can be removed only after that. The
    state waits by itself. Operators are notified.
    """

    do = "If it ends a removal, repeat the removal."


class QuotaExceeded(TransientError):
    """A service quota of the customer's account is used up (AutoML jobs at once, instances of a type). The execution
    waits for hours, then fails.
    """

    turn = CLOUD_TEAM
    do = (
        "Raise the quota in Service Quotas, or remove what uses it up. The tenant then deploys again, or uploads again "
        "if there are no candidates."
    )


class SettlingError(TransientError):
    """A refusal that AWS may take back: its services learn one after the other of a policy, a role or a key that was
    just written. So a state repeats it for about a minute before it counts.
    """

    turn = CLOUD_TEAM


class DeliveryDenied(SettlingError):
    """S3 refuses to bring the training set to the customer's bucket, or to read it for that. It ends this execution
    alone; the next probe looks whether the access role still is as it must be.
    """

    do = (
        "Find what denies it: training access's policy, a policy of the bucket or of its key, or one of the "
        "organisation. Applying the on-boarding template again, unchanged, restores what is ours. The tenant then "
        "uploads again."
    )


class GrantRefused(SettlingError):
    """S3 refuses a grant for the customer's account: most often the account is closed or suspended. The grant is taken
    back at once, and those of others stand.
    """

    do = "See that the account is active and its number is the registered one. The tenant then uploads again."


class TrainingRefused(SettlingError):
    """SageMaker refuses to start the AutoML job. The message carries its reason."""

    do = (
        "Fix what the reason says: update the on-boarding stack if it is about a role, a key, a subnet or the dataset; "
        "change the model if it is about the target or the job's settings. The tenant then uploads again."
    )


class DeploymentRefused(SettlingError):
    """SageMaker refuses the model, its endpoint configuration or its endpoint. The message carries its reason."""

    do = (
        "Fix what the reason says. If SageMaker may not read the model's artefacts, restore serving execution by "
        "updating the on-boarding stack. The tenant then deploys the candidate again, on another `instance_type` if "
        "the reason is about that one; the training is kept."
    )


class TransformRefused(SettlingError):
    """SageMaker refuses the batch's model or its batch transform. The message carries its reason."""

    do = (
        "Fix what the reason says: update the on-boarding stack if it is about a role, a key, a subnet or the "
        "artefacts; set another `instance_type` if it is about that. The tenant then sends the batch again."
    )
