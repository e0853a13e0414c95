"""Candidates that answer: in this process, and as the process of an endpoint."""

import csv
import http.client
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.sagemaker.serving.__main__ import main
from local.sagemaker.serving.containers import BrokenChain, Chain
from tests.waiting import PATIENCE_SECONDS

ALL = {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,probability,probabilities,labels"}
LEAVES, STAYS = "basic,280.0,1,\n", "gold,100.0,1,paid\n"


def answers(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def post(port: int, body: str, content_type: str = "text/csv") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/invocations", body.encode(), {"Content-Type": content_type})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_an_ensembling_container_gives_the_keys_in_the_order_asked(churn_job: Any) -> None:
    chain = churn_job.chain("WeightedEnsemble", {"SAGEMAKER_INFERENCE_OUTPUT": "labels,probabilities,predicted_label"})
    ((labels, probabilities, label),) = answers(chain.invoke(LEAVES))
    assert labels == "['True.', 'False.']"  # descending, as an ensemble of Autopilot answered
    leaves, stays = map(float, probabilities.strip("[]").split(", "))
    assert leaves > 0.5
    assert stays + leaves == pytest.approx(1)
    assert label == "True."


def test_without_the_variable_only_the_label_comes_back(churn_job: Any) -> None:
    description = churn_job.description("LightGBM")
    del description["containers"][0]["environment"]["SAGEMAKER_INFERENCE_OUTPUT"]
    assert Chain.load(description).invoke(LEAVES + STAYS) == "True.\nFalse.\n"


def test_probability_is_the_predicted_labels_in_ensembling(churn_job: Any) -> None:
    ((label, probability, *_),) = answers(churn_job.chain("LightGBM", ALL).invoke(STAYS))
    assert label == "False."
    assert float(probability) > 0.5


def hpo_environments(keys: str, algorithm_keys: str) -> list[dict[str, str]]:
    return [
        {},
        {"SAGEMAKER_INFERENCE_OUTPUT": algorithm_keys},
        {"SAGEMAKER_INFERENCE_INPUT": algorithm_keys, "SAGEMAKER_INFERENCE_OUTPUT": keys},
    ]


def test_an_hpo_candidate_is_three_containers_of_which_the_last_two_choose(churn_hpo_job: Any) -> None:
    containers = churn_hpo_job.candidates["LightGBM"]["containers"]
    assert [container["supported"] for container in containers] == [
        None,
        ["predicted_label", "probability", "probabilities"],
        ["predicted_label", "probability", "probabilities", "labels"],
    ]


def test_an_hpo_chain_answers_what_its_environment_asks(churn_hpo_job: Any) -> None:
    three = "predicted_label,probability,probabilities"
    chain = churn_hpo_job.chain("LightGBM", *hpo_environments(f"{three},labels", three))
    ((label, probability, probabilities, labels),) = answers(chain.invoke(STAYS))
    assert (label, labels) == ("False.", "['False.', 'True.']")
    assert float(probability) < 0.5  # of the positive class, whatever was predicted
    assert float(probability) == float(probabilities.strip("[]").split(", ")[1])
    assert churn_hpo_job.chain("LightGBM").invoke(LEAVES + STAYS) == "True.\nFalse.\n"


@pytest.mark.parametrize(
    ("environments", "reason"),
    [
        (hpo_environments("labels,probability", "predicted_label"), "cannot give probability"),
        (hpo_environments("labels", "labels"), "cannot give labels"),
        ([{}, {"SAGEMAKER_INFERENCE_OUTPUT": "probability"}, {}], "expects"),
    ],
)
def test_a_chain_that_cannot_do_as_configured_does_not_start(
    churn_hpo_job: Any, environments: list[dict[str, str]], reason: str
) -> None:
    with pytest.raises(BrokenChain, match=reason):
        churn_hpo_job.chain("LightGBM", *environments)


def test_an_hpo_regression_is_two_containers_without_keys(train_here: Callable[..., Any]) -> None:
    rows: list[list[object]] = [["a", "b", "y"], *([n % 37, n % 5, n % 37 * 2.5] for n in range(200))]
    job = train_here(rows, "y", mode="HYPERPARAMETER_TUNING", max_candidates=1)
    containers = job.candidates["LightGBM"]["containers"]
    assert [container["supported"] for container in containers] == [None, None]
    assert float(job.chain("LightGBM").invoke("20,1\n")) == pytest.approx(50, abs=10)


def test_an_endpoint_process_keeps_the_container_contract(churn_job: Any, serve: Callable[..., Any]) -> None:
    served = serve(churn_job.description("WeightedEnsemble", ALL))
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request("GET", "/ping")
    ping = connection.getresponse()
    assert (ping.status, ping.read()) == (200, b"")
    socket = connection.sock
    connection.request("POST", "/invocations", LEAVES.encode(), {"Content-Type": "text/csv; charset=utf-8"})
    response = connection.getresponse()
    assert response.getheader("Content-Type") == "text/csv; charset=utf-8"
    assert response.read().decode().startswith("True.,")
    assert connection.sock is socket  # kept alive
    connection.close()

    assert post(served.port, LEAVES + "basic,1\n") == (
        400,
        "row 2 has 2 columns, the model was trained on 4 features",
    )
    assert post(served.port, "")[0] == 400
    assert post(served.port, "{}", "application/json")[0] == 415
    status, text = post(served.port, "platinum,,many,never seen\n,,,\n")
    assert (status, len(answers(text))) == (200, 2)

    served.process.terminate()
    assert served.process.wait(timeout=PATIENCE_SECONDS) == 0


def test_an_endpoint_that_cannot_start_says_why(
    churn_job: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    description = churn_job.description("LightGBM", {"SAGEMAKER_INFERENCE_OUTPUT": "odds"})
    (tmp_path / "model.json").write_text(json.dumps(description))
    assert main([str(tmp_path)]) == 1
    assert "cannot give odds" in capsys.readouterr().err
    assert not (tmp_path / "ready.json").exists()


def test_a_process_ends_with_its_parent(tmp_path: Path) -> None:
    child = (
        "from local.sagemaker.serving.lifeline import exit_with_parent; import time; "
        "exit_with_parent(0.05); print(1, flush=True); time.sleep(60)"
    )
    parent = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=subprocess.PIPE); "
        "p.stdout.read(1); print(p.pid, flush=True)"
    )
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        [sys.executable, "-c", parent, child], cwd=root, capture_output=True, check=True, timeout=PATIENCE_SECONDS
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while running(int(ended.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan that has ended stays in the table until its new parent has looked.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
