"""What a warm process of the predict function keeps, for how long, and for whom."""

from __future__ import annotations

import gc
import random
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from tenantml.aws import sagemaker_runtime
from tenantml.aws.clients import Caller, platform, shared_session, unbound_client
from tenantml.aws.dynamodb import from_item
from tenantml.services import expiring_cache, receipts, serving, tenant_scope
from tests.integration.predict.conftest import EVIDENCE, REGION, VERSION, Process

BUSY = (503, "ServiceUnavailable", b'{"Message": "busy"}')


def test_no_tenants_call_is_ever_made_with_anothers_keys(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve tenants, eight requests at once through one client, retries and dropped connections on the way.

    Lambda gives a process one request at a time; this holds even if it did not. Every account has an endpoint of the
    same name, so that only the keys decide who answers.
    """
    tenants = [process.add_tenant(number) for number in range(1, 13)]
    live = {}
    for tenant in tenants:
        with tenant_scope.scoped_to(tenant.tenant):
            live[tenant.tenant] = serving.live_version(tenant.tenant, "churn")
            serving._caller(live[tenant.tenant])
    monkeypatch.setattr(receipts, "FLUSH_SECONDS", float("inf"))  # moto's tables take one thread at a time
    process.accounts.next_answers = [random.Random(7).choice((BUSY, None)) for _ in range(30)]
    turns = tenants * 15
    random.Random(8).shuffle(turns)

    def call(number: int) -> str:
        try:
            return serving.invoke(live[turns[number].tenant], b"41,pro\n").decode()
        except serving.EndpointUnavailable:
            return "unavailable"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(len(turns))))
    assert process.accounts.strangers == []
    answered = [(answer, tenant) for answer, tenant in zip(answers, turns, strict=True) if answer != "unavailable"]
    assert len(answered) >= len(turns) - 30
    assert all(answer == f"{int(tenant.account_id)}\n" for answer, tenant in answered)


def test_a_call_without_keys_ends_before_anything_is_sent(process: Process) -> None:
    client = unbound_client("sagemaker-runtime", REGION)
    for arguments in ({}, {"Caller": None}, {"Caller": Credentials("ASIA0", "s", "t")}):
        with pytest.raises(TypeError, match="none"):
            client.invoke_endpoint(EndpointName=f"tenantml-churn-{VERSION}", Body=b"1\n", **arguments)
    assert process.accounts.calls == []
    assert process.accounts.strangers == []


def test_keys_of_one_call_are_not_there_for_the_next(process: Process) -> None:
    tenant = process.add_tenant(1)
    process.predict(tenant)
    client = unbound_client("sagemaker-runtime", REGION, sagemaker_runtime.CONFIG)
    with pytest.raises(TypeError, match="none"):
        client.invoke_endpoint(EndpointName=f"tenantml-churn-{VERSION}", Body=b"1\n")
    assert len(process.accounts.calls) == 1


def test_keys_of_a_session_open_that_accounts_endpoint_only(process: Process) -> None:
    """The double refuses what AWS refuses: without this, the tests above would prove nothing."""
    client = unbound_client("sagemaker-runtime", REGION, sagemaker_runtime.CONFIG)
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.invoke_endpoint(
            EndpointName=f"tenantml-churn-{VERSION}", Body=b"1\n", Caller=Caller(Credentials("ASIA0", "s", "t"))
        )
    assert process.accounts.strangers == [f"ASIA0 called tenantml-churn-{VERSION}"]


def test_a_hundred_requests_read_the_registry_and_assume_the_role_once(process: Process) -> None:
    tenant = process.add_tenant(1)
    for _ in range(100):
        assert process.predict(tenant)[0] == 200
    assert process.registry_reads == {"ACCOUNT": 1, "MODEL": 1, "VERSION": 1}
    assert process.profile_reads == 1
    assert len([form for form in process.accounts.assumed if "ExternalId" in form]) == 1


def test_after_its_time_what_may_have_changed_is_read_again_and_the_rest_is_not(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "LIVE_SECONDS", 0)
    tenant = process.add_tenant(1)
    process.predict(tenant)
    process.predict(tenant)
    assert process.registry_reads == {"ACCOUNT": 2, "MODEL": 2, "VERSION": 1}  # a version never changes
    assert process.profile_reads == 1


def test_asking_for_what_is_not_there_reads_the_registry_once(process: Process) -> None:
    tenant = process.add_tenant(1)
    answers = {process.predict(tenant, model="unknown")[0] for _ in range(50)}
    assert answers == {404}
    assert process.registry_reads == {"ACCOUNT": 1, "MODEL": 1}


def test_a_role_that_was_taken_away_is_not_tried_by_every_request(process: Process) -> None:
    tenant = process.add_tenant(1)
    process.accounts.revoked.add(tenant.account_id)
    answers = {process.predict(tenant)[0] for _ in range(50)}
    assert answers == {403}
    assert len([form for form in process.accounts.assumed if "ExternalId" in form]) == 1


def test_a_role_that_was_given_back_works_again_after_a_second(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiring_cache, "HASTY_SECONDS", 0)
    tenant = process.add_tenant(1)
    process.accounts.revoked.add(tenant.account_id)
    assert process.predict(tenant)[0] == 403
    process.accounts.revoked.clear()
    assert process.predict(tenant)[0] == 200


def test_refused_keys_are_replaced(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring_cache, "HASTY_SECONDS", 0)
    tenant = process.add_tenant(1)
    process.accounts.next_answers = [(403, "ExpiredTokenException", b'{"Message": "expired"}')]
    assert process.predict(tenant)[0] == 403
    assert process.predict(tenant)[0] == 200
    assert len([form for form in process.accounts.assumed if "ExternalId" in form]) == 2


def test_names_tried_out_displace_nobodys_version(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring_cache, "KEPT", 5)
    good, curious = process.add_tenant(1), process.add_tenant(2)
    process.predict(good)
    for number in range(20):
        assert process.predict(curious, model=f"guess{number}")[0] == 404
    before = process.registry_reads["VERSION"]
    process.predict(good)
    assert process.registry_reads["VERSION"] == before


def test_a_session_lasts_no_longer_than_a_quarter_of_an_hour_and_is_of_prediction_access(process: Process) -> None:
    tenant = process.add_tenant(1)
    process.predict(tenant)
    (form,) = [form for form in process.accounts.assumed if "ExternalId" in form]
    assert (form["DurationSeconds"], form["RoleArn"]) == ("900", tenant.roles.prediction_access)


@pytest.mark.parametrize(("session_seconds", "sessions"), [(900, 1), (50, 3)])
def test_keys_are_replaced_a_minute_before_their_end(process: Process, session_seconds: int, sessions: int) -> None:
    process.accounts.session_seconds = session_seconds
    tenant = process.add_tenant(1)
    for _ in range(3):
        assert process.predict(tenant)[0] == 200
    assert len([form for form in process.accounts.assumed if "ExternalId" in form]) == sessions


def test_a_tenant_more_leaves_nothing_in_the_client(process: Process) -> None:
    """A boto3 client for each would keep 136 KB, and a session for each 8 MB."""
    process.add_tenant(1)
    client = unbound_client("sagemaker-runtime", REGION, sagemaker_runtime.CONFIG)

    def call(number: int) -> None:
        caller = Caller(Credentials(f"ASIA{number}", "secret", "token" * 100))
        with pytest.raises(client.exceptions.ClientError):
            client.invoke_endpoint(EndpointName=f"tenantml-m{number}", Body=b"1\n", Caller=caller)

    for number in range(100):
        call(number)
    before = _resident_kilobytes()
    for number in range(100, 400):
        call(number)
    assert _resident_kilobytes() - before < 300 * 10


def _resident_kilobytes() -> int:
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def test_more_than_is_kept_is_forgotten_from_its_oldest_end(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring_cache, "KEPT", 3)
    tenants = [process.add_tenant(number) for number in range(1, 6)]
    for tenant in tenants:
        process.predict(tenant)
    before = len(process.accounts.assumed)
    process.predict(tenants[-1])
    assert len(process.accounts.assumed) == before
    process.predict(tenants[0])
    assert len([form for form in process.accounts.assumed if "ExternalId" in form]) == 6


def test_rows_and_profiles_are_read_with_credentials_of_the_tenant_alone(process: Process) -> None:
    signed: set[str] = set()

    def note(request: Any, **_: Any) -> None:
        header = request.headers["Authorization"]
        signed.add(re.findall(r"Credential=(\w+)/", header if isinstance(header, str) else header.decode())[0])

    tenants, events = [process.add_tenant(1), process.add_tenant(2)], shared_session().get_component("event_emitter")
    for service in ("dynamodb", "s3"):
        for emitter in (events, platform(service).meta.events):  # of clients to come, and of the one that there is
            emitter.register_first(f"before-send.{service}", note)
    for tenant in tenants:
        signed.clear()
        assert process.predict(tenant)[0] == 200
        tags = [form.get("Tags.member.1.Value") for form in process.accounts.assumed]
        assert process.accounts.assumed[tags.index(tenant.tenant)]["Tags.member.1.Key"] == "tenant"
        assert signed == {f"ASIA{tags.index(tenant.tenant) + 1:012}"}


def test_a_prediction_is_on_the_receipt_of_its_tenant(process: Process) -> None:
    tenant = process.add_tenant(1)
    assert process.predict(tenant)[0] == 200
    rows = [from_item(row) for row in platform("dynamodb").scan(TableName=EVIDENCE)["Items"]]
    of_tenant = {
        (row["action"], row["outcome"]) for row in rows if row["pk"].endswith(tenant.tenant) and "action" in row
    }
    assert of_tenant == {("sts:AssumeRole", "OK"), ("sagemaker:InvokeEndpoint", "OK")}
