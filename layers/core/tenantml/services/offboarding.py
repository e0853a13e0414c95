"""The steps of off-boarding, each repeatable: what is done is noted in the report, what is not done yet is raised.

Names come from listing the customer's account, page by page, and not from our memory; what we only remember is what a
report falls back on when the account lets us in no more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from tenantml.aws import stepfunctions
from tenantml.aws.s3 import objects
from tenantml.aws.sagemaker import automl, endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.names import CustomerAccount
from tenantml.domain.tenancy import removal_report
from tenantml.domain.tenancy.removal_report import (
    ARTEFACTS,
    IMPOSSIBLE,
    KEPT,
    NO_OPERATION,
    NO_OPERATION_OF_TRANSFORMS,
    REMAINS,
    REMOVED,
    Offboarding,
)
from tenantml.domain.tenancy.tenant import OFFBOARDED, Tenant
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import NotFound, StillChanging, TenantNotFound
from tenantml.services import grants, handover, receipts, registry, reports, rescue, scaling, spending
from tenantml.services.customer import CustomerSession, assume
from tenantml.services.registry import keys
from tenantml.settings import setting

RUNNING = {"InProgress", "Stopping"}


def begin(wanted: Offboarding) -> dict[str, Any]:
    """Stop serving and accepting, and open the report; return `{offboarding, report}`.

    A tenant is off-boarded and its keys are revoked; of a model the row goes, so that it neither answers nor trains.
    `report` is that of an earlier removal when there is nothing left to remove, else None.

    Raises:
        TenantNotFound: there is no such tenant, and there never was one that was off-boarded.
        NotFound: the tenant has no such model.
        InvalidOperation: its models are to be kept, and none has an endpoint that answers.
    """
    tenant = registry.find_tenant(wanted.tenant)
    open_one, ended = (reports.latest(wanted, tenant, ended=is_over) for is_over in (False, True))
    known = registry.rows_of(wanted.tenant, wanted.model)
    if not open_one and ended and (tenant is None or not known):
        return {"offboarding": wanted.as_document(), "report": reports.read(wanted.tenant, ended["removal"])}
    if tenant is None:
        raise TenantNotFound(f"there is no tenant {wanted.tenant!r}; describing the tenants lists them")
    if wanted.model and not known and not open_one:
        raise NotFound(f"the tenant has no model {wanted.model!r}")
    if open_one:
        wanted = wanted.resuming(open_one)
    else:
        handover.require_one(wanted)
    removal = reports.begin(wanted, tenant)
    if wanted.model:
        registry.remove_model(wanted.tenant, wanted.model)
    else:
        registry.set_tenant_status(wanted.tenant, OFFBOARDED, "off-boarding", held=True)
        for key_hash in registry.list_keys(wanted.tenant):
            registry.remove_key(key_hash, wanted.tenant)
    return {"offboarding": wanted.as_document() | {"removal": removal}, "report": None}


def stop_executions(wanted: Offboarding) -> int:
    """Stop what still runs and do what its failure path would have done; return how many there were.

    Raises:
        StillChanging: something that one of them made is still changing.
    """
    changing: list[str] = []
    running = [row for row in _rows(wanted, keys.EXECUTION) if "ended_at" not in row]
    for row in running:
        if "batch" in row:
            status = stepfunctions.stop(setting("BATCH_STATE_MACHINE"), row["execution"])
            with _noting(changing):
                rescue.rescue_batch(Upload(**row["upload"]), _as_ended(status))
            continue
        status = stepfunctions.stop(setting("TRAINING_STATE_MACHINE"), row["execution"])
        with _noting(changing):
            rescue.rescue_training(Upload(**row["upload"]), _as_ended(status))
    deployments = [row for row in _rows(wanted, keys.VERSION) if "ended_at" not in row]
    for row in deployments:
        run = Run.of_row(row | {"tenant": wanted.tenant})
        status = stepfunctions.stop(setting("DEPLOYMENT_STATE_MACHINE"), run.deployment)
        with _noting(changing):
            rescue.rescue_deployment(run, [], _as_ended(status))
    if changing:
        raise StillChanging("; ".join(changing))
    return len(running) + len(deployments)


def _as_ended(status: str) -> str:
    return "TIMED_OUT" if status == "TIMED_OUT" else "ABORTED"


@contextmanager
def _noting(changing: list[str]) -> Iterator[None]:
    """Note what is still changing, and go on with the others."""
    try:
        yield
    except StillChanging as error:
        changing.append(str(error))


def stop_jobs(wanted: Offboarding) -> None:
    """Stop the AutoML jobs that run.

    Raises:
        StillChanging: one has not stopped yet, and may still write.
        CustomerAccessRevoked: the account lets us in no more.
    """
    tenant, session = _enter(wanted)
    client = session.client("sagemaker")
    running = [
        row["AutoMLJobName"] for row in _jobs(client, wanted, tenant.account) if row["AutoMLJobStatus"] in RUNNING
    ]
    statuses = {job: automl.stop(client, job) for job in running}
    still = [tenant.account.sagemaker_arn("automl-job", job) for job, found in statuses.items() if found in RUNNING]
    if still:
        raise StillChanging(f"{', '.join(still)}: stopping")


def hand_over(wanted: Offboarding) -> None:
    """Leave what the customer needs to go on without us with the models that it keeps, if it does.

    Raises:
        CustomerAccessRevoked: the account lets us in no more.
    """
    tenant, session = _enter(wanted)
    handover.hand_over(wanted, tenant, session.client("sagemaker"))


def remove_resources(wanted: Offboarding, kind: str) -> None:
    """Delete all endpoints, configurations or models (`endpoint`, `endpoint-config`, `model`), and list them again.

    Raises:
        StillChanging: some are not gone yet.
        CustomerAccessRevoked: the account lets us in no more.
    """
    tenant, session = _enter(wanted)
    client = session.client("sagemaker")
    stays = handover.kept(wanted, client, tenant.account).names
    changing: list[str] = []
    for name in _names(client, kind, wanted, tenant.account, stays):
        arn = tenant.account.sagemaker_arn(kind, name)
        reports.note_found(wanted, arn)
        if kind == "endpoint":
            scaling.end(tenant, wanted.purpose, name)
        try:
            if endpoints.remove_one(client, kind, name):
                reports.note(wanted, REMOVED, arn)
        except StillChanging as error:
            changing.append(str(error))
    if changing:
        raise StillChanging("; ".join(changing))
    if left := _names(client, kind, wanted, tenant.account, stays):
        raise StillChanging(f"{len(left)} are being deleted, {tenant.account.sagemaker_arn(kind, left[0])} among them")


def remove_objects(wanted: Offboarding) -> None:
    """Delete artefacts and dataset copies from the customer's bucket, or note that they are kept on their wish.

    Raises:
        CustomerAccessRevoked: the account lets us in no more.
    """
    tenant, session = _enter(wanted)
    arn = f"{tenant.account.bucket_arn}/{wanted.customer_folder}*"
    if ARTEFACTS in wanted.keep:
        reports.note(wanted, KEPT, arn, "the customer wants to keep the artefacts")
        return
    client, bucket = session.client("s3"), tenant.account.bucket
    stay = handover.kept(wanted, session.client("sagemaker"), tenant.account).objects
    if objects.count_left(client, bucket, wanted.customer_folder, stay):
        reports.note_found(wanted, arn)
    removed = objects.remove_folder(client, bucket, wanted.customer_folder, stay)
    if removed:
        reports.note(wanted, REMOVED, arn, objects=len(removed))


def count_left(wanted: Offboarding) -> int:
    """List everything once more and return how much is left; note what AWS cannot delete.

    Raises:
        CustomerAccessRevoked: the account lets us in no more.
    """
    tenant, session = _enter(wanted)
    client, left = session.client("sagemaker"), 0
    for row in _jobs(client, wanted, tenant.account):
        left += row["AutoMLJobStatus"] in RUNNING
        reports.note(wanted, IMPOSSIBLE, row["AutoMLJobArn"], NO_OPERATION)
    _note_transforms(wanted, tenant.account)
    stays = handover.kept(wanted, client, tenant.account)
    left += sum(len(_names(client, kind, wanted, tenant.account, stays.names)) for kind in endpoints.KINDS)
    if ARTEFACTS not in wanted.keep:
        left += objects.count_left(session.client("s3"), tenant.account.bucket, wanted.customer_folder, stays.objects)
    if not left:
        reports.settle(wanted)
    return left


def note_remains(wanted: Offboarding) -> None:
    """Note what the registry knows to be in an account that lets us in no more."""
    tenant = registry.get_tenant(wanted.tenant)
    versions, executions = _rows(wanted, keys.VERSION), _rows(wanted, keys.EXECUTION)
    trained = {row["execution"] for row in _rows(wanted, keys.TRAINING)}
    for arn, reason in removal_report.remaining(tenant.account, versions, executions, trained).items():
        reports.note(wanted, REMAINS, arn, reason)
    for job in removal_report.job_names(executions):
        reports.note(wanted, IMPOSSIBLE, tenant.account.sagemaker_arn("automl-job", job), NO_OPERATION)
    _note_transforms(wanted, tenant.account)


def _note_transforms(wanted: Offboarding, account: CustomerAccount) -> None:
    for job in removal_report.transform_names(_rows(wanted, keys.EXECUTION)):
        reports.note(wanted, IMPOSSIBLE, account.sagemaker_arn("transform-job", job), NO_OPERATION_OF_TRANSFORMS)


def revoke_grants(wanted: Offboarding) -> None:
    """Revoke the grants of what is being removed."""
    for grant_id in grants.ids_under(wanted.our_folder):
        reports.note_found(wanted, f"grant {grant_id}")
        grants.revoke(grant_id)
    reports.settle(wanted, "grant ")


def remove_ours(wanted: Offboarding) -> None:
    """Delete uploads and what is staged, from our own buckets."""
    folders = {
        bucket: f"{objects.arn_of(bucket)}/{wanted.our_folder}*"
        for bucket in (setting("STAGING_BUCKET"), setting("INGEST_BUCKET"))
    }
    for bucket, arn in folders.items():
        if objects.count_ours_left(bucket, wanted.our_folder):
            reports.note_found(wanted, arn)
        removed = objects.remove_ours(bucket, wanted.our_folder)
        if removed:
            reports.note(wanted, REMOVED, arn, objects=len(removed))
    reports.settle(wanted, *folders.values())


def forget_rows(wanted: Offboarding) -> None:
    """Delete the registry's rows, or leave tombstones if the deployment says so; receipts' ends are kept first."""
    for row in _rows(wanted, keys.EXECUTION):
        if head := receipts.read_head(wanted.tenant, row["execution"]):
            receipts.keep_head(wanted.tenant, row["execution"], head)
    if wanted.model:
        spending.close_endpoint(wanted.tenant, wanted.model)
    tombstones = setting("OFFBOARDED_RECORDS") == "tombstone"
    count = registry.forget(wanted.tenant, wanted.model, tombstones=tombstones)
    reports.note(
        wanted, REMOVED, f"registry rows of {wanted.our_folder}", "tombstones stay" if tombstones else "", count
    )


def conclude(wanted: Offboarding, *, complete: bool) -> dict[str, Any]:
    """Close the report, or leave it open to be resumed, and return it."""
    return reports.conclude(wanted, "complete" if complete else "incomplete")


def _rows(wanted: Offboarding, kind: str) -> list[dict[str, Any]]:
    return [row for row in registry.rows_of(wanted.tenant, wanted.model) if keys.kind_of(row) == kind]


def _enter(wanted: Offboarding) -> tuple[Tenant, CustomerSession]:
    tenant = registry.get_tenant(wanted.tenant)
    return tenant, assume(tenant, wanted.purpose, session_policies.inventory(tenant.account, wanted.model))


def _jobs(client: Any, wanted: Offboarding, account: CustomerAccount) -> Iterator[dict[str, Any]]:
    """Yield the summaries of the jobs with the tenant's prefix, of a model those that its executions started."""
    prefix = f"{account.prefix}-"
    ours = removal_report.job_names(_rows(wanted, keys.EXECUTION)) if wanted.model else None
    for row in endpoints.listed(client, "list_auto_ml_jobs", "AutoMLJobSummaries", prefix):
        if row["AutoMLJobName"] in ours if ours is not None else row["AutoMLJobName"].startswith(prefix):
            yield row


def _names(client: Any, kind: str, wanted: Offboarding, account: CustomerAccount, stay: Collection[str]) -> list[str]:
    found = endpoints.names(client, kind, wanted.name_filter(account))
    return [name for name in found if wanted.owns(account, name) and name not in stay]
