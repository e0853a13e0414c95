"""What Autopilot explains reaches the registry, and its reports the tenant, by links that open one object."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tenantml.aws.clients import platform
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training import explanation
from tenantml.errors import ArtefactsGone
from tenantml.services import explanations, registry
from tenantml.services.customer import CustomerSession, assume
from tests.integration.pipeline.faults import call

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer

Pipeline = Callable[..., Iterator[str]]


def version_of(customer: Customer) -> dict[str, Any]:
    run = customer.run
    return registry.find_version(run.tenant, run.model, run.version) or {}


def importance_of(customer: Customer) -> dict[str, Any]:
    return explanations.importance(platform("s3"), customer.run.tenant, version_of(customer))


def analysis_of(customer: Customer) -> str:
    """The key of the report that the customer's training wrote."""
    (key,) = [key for key in keys(customer) if key.endswith("/analysis.json")]
    return key


def keys(customer: Customer) -> list[str]:
    found = customer.client("s3").list_objects_v2(Bucket=customer.tenant.account.bucket)
    return [row["Key"] for row in found["Contents"]]


def live(pipeline: Pipeline, customer: Customer) -> Customer:
    """Execute both machines."""
    assert list(pipeline(customer, call))[-1] == "Live"
    return customer


def explained_again(customer: Customer) -> dict[str, Any]:
    """Repeat the state, and return the importance."""
    payload = {
        "state": "ExplainVersion",
        "run": customer.run.as_document(),
        "candidate": version_of(customer)["candidate"],
        "attempt": 0,
    }
    call("explain_version", payload)
    return importance_of(customer)


def test_the_importance_of_a_version_names_its_columns_wherever_the_report_is_and_else_why_none_is_known(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = live(pipeline, new_customer())
    found = importance_of(customer)
    assert (found["source"], found["reason"]) == ("autopilot", None)
    assert [row["feature"] for row in found["features"]] == ["age", "plan"]
    assert sum(row["share"] for row in found["features"]) == pytest.approx(1)

    # In a folder below the prefix, where AWS's samples find it.
    s3, bucket, key = customer.client("s3"), customer.tenant.account.bucket, analysis_of(customer)
    folder, _, name = key.rpartition("/")
    below = f"{folder}/clarify-1a2b/{name}"
    s3.copy_object(Bucket=bucket, CopySource={"Bucket": bucket, "Key": key}, Key=below)
    s3.delete_object(Bucket=bucket, Key=key)
    assert explained_again(customer) == found

    too_large = b" " * (explanation.MOST_ANALYSIS_BYTES + 1)
    for content in (b'{"explanations": [', b"\xff\xfe\x00", b"[" * 100_000, b"[]", too_large):
        s3.put_object(Bucket=bucket, Key=below, Body=content)
        assert explained_again(customer) == explanation.nothing(explanation.UNREADABLE)
    s3.delete_object(Bucket=bucket, Key=below)
    assert explained_again(customer) == explanation.nothing(explanation.NO_REPORT)


def test_what_autopilot_did_not_explain_is_explained_by_shuffling_the_holdout(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = new_customer()
    for state in pipeline(customer, call):
        if state == "SelectCandidate":
            customer.client("s3").delete_object(Bucket=customer.tenant.account.bucket, Key=analysis_of(customer))
    found = importance_of(customer)
    assert (found["source"], found["reason"], found["rows"]) == ("permutation", None, 100)
    assert [row["feature"] for row in found["features"]] == ["age", "plan"]
    assert found["features"][1]["value"] == 0, "the double answers by the age alone"


def test_a_version_that_is_not_explained_yet_says_so(new_customer: Callable[..., Customer], pipeline: Pipeline) -> None:
    customer = new_customer()
    states = pipeline(customer, call)
    while next(states) != "Trained":
        pass
    assert importance_of(customer)["reason"] == explanation.NOT_READ
    assert explanations.artefacts(customer.tenant, version_of(customer)) == []


def test_a_link_opens_its_report_for_a_quarter_of_an_hour_and_neither_it_nor_its_session_anything_else(
    new_customer: Callable[..., Customer], pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = live(pipeline, new_customer())
    opened: list[CustomerSession] = []

    def remembered(tenant: Tenant, purpose: str, policy: dict[str, Any]) -> CustomerSession:
        opened.append(assume(tenant, purpose, policy))
        return opened[-1]

    monkeypatch.setattr("tenantml.services.explanations.assume", remembered)
    asked = {"tenant": customer.run.tenant, "model": customer.run.model, "version": customer.run.version}
    model = next(key for key in keys(customer) if key.endswith("-L3-FULL-t1/model.tar.gz"))
    answer = call("sign_artefacts", asked)
    found = {row["name"]: row for row in answer["artefacts"]}
    assert {name: row["kind"] for name, row in found.items()} == {
        "analysis.json": "explainability",
        "statistics.json": "model-insights",
        "SageMakerAutopilotDataExplorationNotebook.ipynb": "notebook",
        "output/" + model.partition("/output/")[2]: "model",
    }
    link, analysis = found["analysis.json"]["url"], analysis_of(customer)
    with urllib.request.urlopen(link) as answer:
        assert json.loads(answer.read())["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''analysis.json"
    for part, other in ((analysis, model), ("X-Amz-Expires=900", "X-Amz-Expires=9000")):
        assert part in link
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(link.replace(part, other))
    assert call("sign_artefacts", asked | {"version": "v20260101-000000-0000"}) == {"containers": [], "artefacts": []}
    client, bucket = opened[0].client("s3"), customer.tenant.account.bucket
    assert client.get_object(Bucket=bucket, Key=analysis)["Body"].read()
    for operation, asked in (
        ("get_object", {"Key": model}),
        ("put_object", {"Key": analysis, "Body": b""}),
        ("list_objects_v2", {"Prefix": "other-model/"}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(client, operation)(Bucket=bucket, **asked)


def test_every_candidate_is_kept_with_all_its_metrics_until_the_training_is_pruned(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = live(pipeline, new_customer())
    run, version = customer.run, version_of(customer)
    best, other = explanations.all_candidates(platform("s3"), run.tenant, version)
    assert (best["name"], best["deployed"], other["deployed"]) == ("WeightedEnsemble-L3-FULL-t1", True, False)
    assert other["metrics"] == [
        {"name": name, "value": value, "set": "Validation"}
        for name, value in (("F1", 0.75), ("Accuracy", 0.75), ("LogLoss", 0.25))
    ]
    registry.forget_training(run.tenant, run.model, run.execution)
    for ask in (explanations.importance, explanations.all_candidates):
        with pytest.raises(ArtefactsGone, match="keep_versions"):
            ask(platform("s3"), run.tenant, version)
    with pytest.raises(ArtefactsGone, match="keep_versions"):
        explanations.artefacts(customer.tenant, version)


def test_a_versions_model_is_handed_out_with_the_containers_that_load_it(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = live(pipeline, new_customer())
    run, client = customer.run, customer.client("sagemaker")
    asked = {"tenant": run.tenant, "model": run.model, "version": run.version}
    answer = call("sign_artefacts", asked)
    deployed = client.describe_model(ModelName=customer.tenant.account.endpoint(run.model, run.version))["Containers"]
    assert [(item["image"], item["environment"]) for item in answer["containers"]] == [
        (item["Image"], item.get("Environment", {})) for item in deployed
    ]
    (loaded,) = {item["artefact"] for item in answer["containers"]}
    (file,) = (row for row in answer["artefacts"] if row["kind"] == "model")
    assert file["name"] == loaded
    assert deployed[0]["ModelDataUrl"].endswith(f"{run.customer_folder}{loaded}")
    with urllib.request.urlopen(file["url"]) as download:
        assert len(download.read()) == file["size_bytes"]
    registry.update_version(run.tenant, run.model, run.version, {"candidate": "another"})
    with pytest.raises(ArtefactsGone, match="cannot be found any more"):
        call("sign_artefacts", asked)
