"""The definitions and the code behind them say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.session import get_session

from tenantml import errors
from tenantml.services import serving
from tenantml.services.registry import live
from tests.functions import REPOSITORY
from tests.integration.pipeline.machine import DEPLOYMENT, Machine
from tools.expressions import main as expressions_that_do_not_parse
from tools.lint import problems
from tools.states import endings

# Step Functions developer guide, "Handling errors in Step Functions workflows", and the Lambda best practices there.
LAMBDA_IS_BUSY = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]
FUNCTION_BROKE_OFF = [
    "Lambda.Unknown",
    "Runtime.ExitError",  # a process that died (Lambda developer guide, "Troubleshoot invocation"): its errorType
    "Sandbox.Timedout",  # as newer runtimes report a time-out (Step Functions developer guide, "Handling errors")
]
# A job that failed stays failed, however often it is looked at.
VERDICTS = {("CheckTraining", "QuotaExceeded"), ("CheckEndpoint", "QuotaExceeded")}

# The two groups of retries: a minute and a half for what time alone rarely fixes, hours for what it does.
SHORT_RETRY = {"IntervalSeconds": 2, "MaxAttempts": 6, "BackoffRate": 2.0, "MaxDelaySeconds": 30}
LONG_RETRY = {
    "IntervalSeconds": 5, "MaxAttempts": 60, "BackoffRate": 1.5, "MaxDelaySeconds": 300, "JitterStrategy": "FULL",
}  # fmt: skip

# The one function that writes the bucket policy, whatever for.
OTHER_VERBS = {"WriteBucketPolicy": ("Grant", "Revoke")}

HISTORY_EVENTS, DEFINITION_BYTES = 25_000, 1024**2

States = dict[str, dict[str, Any]]


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


@pytest.fixture
def raised(definition_path: Path) -> dict[str, list[str]]:
    """Each state and the named errors that may leave its function."""
    return endings(definition_path.name.partition(".")[0])


def function_of(state: dict[str, Any]) -> str:
    """Return the logical name of the function that a state invokes, without `FunctionArn`."""
    found = re.fullmatch(r"\$\{(\w+)FunctionArn\}", state["Arguments"]["FunctionName"])
    assert found, state
    return found[1]


def tasks(states: States) -> States:
    return {name: state for name, state in states.items() if state["Type"] == "Task"}


def named(state: dict[str, Any], field: str) -> list[str]:
    return [name for rule in state.get(field, []) for name in rule["ErrorEquals"]]


def retries(state: str, raised: list[str]) -> list[dict[str, Any]]:
    """Return the retries of a state whose function raises these errors."""
    transient = {name for name in raised if issubclass(getattr(errors, name), errors.TransientError)}
    transient -= {name for name in transient if (state, name) in VERDICTS}
    settling = {name for name in transient if issubclass(getattr(errors, name), errors.SettlingError)}
    return [
        {"ErrorEquals": FUNCTION_BROKE_OFF + sorted(settling), **SHORT_RETRY},
        {"ErrorEquals": LAMBDA_IS_BUSY + sorted(transient - settling), **LONG_RETRY},
    ]


def longest_retries_seconds(states: States) -> float:
    """Return how long all retries of a definition wait when each is used up."""
    return sum(
        min(rule["IntervalSeconds"] * rule["BackoffRate"] ** attempt, rule["MaxDelaySeconds"])
        for state in tasks(states).values()
        for rule in state["Retry"]
        for attempt in range(rule["MaxAttempts"])
    )


def successors(state: dict[str, Any]) -> Iterator[str]:
    for rule in (state, *state.get("Choices", []), *state.get("Catch", [])):
        yield from (rule[field] for field in ("Next", "Default") if field in rule)


def after_failure(states: States) -> set[str]:
    """Return the states that are reached from a Catch that leads off the way to success."""
    found: set[str] = set()
    waiting = [
        rule["Next"]
        for state in states.values()
        for rule in state.get("Catch", [])
        if "failure" in rule.get("Assign", {})
    ]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += successors(states[name])
    return found


def unknown_actions(states: States) -> list[str]:
    """Return the `Resource`s of tasks that are no Lambda invocation and no operation that botocore knows."""
    unknown = []
    for name, state in tasks(states).items():
        if state["Resource"].removesuffix(".waitForTaskToken") == "arn:aws:states:::lambda:invoke":
            continue
        found = re.fullmatch(r"arn:aws:states:::aws-sdk:(\w+):(\w+)(?:\.waitForTaskToken)?", state["Resource"])
        services = {service.replace("-", ""): service for service in Loader().list_available_services("service-2")}
        service = services.get({"sfn": "stepfunctions"}.get(found[1], found[1])) if found else None
        operations = get_session().get_service_model(service).operation_names if service else []
        if not found or found[2][0].upper() + found[2][1:] not in operations:
            unknown.append(f"{name}: {state['Resource']}")
    return unknown


def test_every_error_that_is_caught_is_one_that_its_function_raises(
    states: States, raised: dict[str, list[str]]
) -> None:
    for name, state in tasks(states).items():
        own = {"States.Timeout"} if "TimeoutSeconds" in state else set()
        assert set(named(state, "Catch")) - {"States.ALL"} - own <= set(raised[name]), name


def test_a_catch_names_errors_only_where_they_lead_elsewhere(states: States) -> None:
    for name, state in tasks(states).items():
        *by_name, everything_else = [
            {field: value for field, value in rule.items() if field != "ErrorEquals"} for rule in state["Catch"]
        ]
        assert everything_else not in by_name, name


def test_every_lambda_and_every_transient_error_is_retried_by_its_group_and_nothing_else_is(
    states: States, raised: dict[str, list[str]]
) -> None:
    expected = {name: retries(name, raised[name]) for name in tasks(states)}
    assert {name: state.get("Retry") for name, state in tasks(states).items()} == expected


def test_a_machine_outlives_its_retries(definition: dict[str, Any], states: States) -> None:
    assert longest_retries_seconds(states) < definition["TimeoutSeconds"]


def test_everything_else_is_caught_last_and_alone(states: States) -> None:
    for name, state in tasks(states).items():
        rules = [rule["ErrorEquals"] for rule in state.get("Catch", [])]
        assert rules, name
        assert rules[-1] == ["States.ALL"], name
        assert sum("States.ALL" in rule for rule in rules) == 1, name


def test_no_error_is_caught_twice(states: States) -> None:
    for name, state in tasks(states).items():
        assert len(named(state, "Catch")) == len(set(named(state, "Catch"))), name


def test_every_dataset_error_is_one_that_the_inspection_raises() -> None:
    dataset_errors = {error.__name__ for error in errors.DatasetError.__subclasses__()}
    assert dataset_errors <= set(endings("training")["InspectDataset"])


def test_every_failure_ends_in_failed_and_nowhere_else(training: dict[str, Any]) -> None:
    states = training["States"]
    failing = after_failure(states)
    assert "Failed" in failing
    assert {name for name in failing if not list(successors(states[name]))} == {"Failed"}
    assert "Succeeded" not in failing


def paths(states: States, start: str, end: str, passed: frozenset[str] = frozenset()) -> Iterator[frozenset[str]]:
    """Yield the states of each way from one state to another that passes none twice."""
    if start == end:
        yield passed
    elif start not in passed:
        for name in set(successors(states[start])):
            yield from paths(states, name, end, passed | {start})


def caught_in(states: States, first: str, last: str) -> dict[str, str]:
    """Return where each of the tasks from the first to the last, in the definition's order, goes after any failure."""
    names = list(states)
    between = names[names.index(first) : names.index(last) + 1]
    return {name: states[name]["Catch"][-1]["Next"] for name in between if states[name]["Type"] == "Task"}


def test_whatever_fails_after_the_grant_takes_it_back_stops_the_job_and_deletes_the_copies(
    training: dict[str, Any],
) -> None:
    states: States = training["States"]
    caught = caught_in(states, "GrantAccess", "SelectCandidate")
    assert len(caught) > 6
    for name, following in caught.items():
        for path in paths(states, following, "Failed"):
            assert {"RevokeAccess", "CleanUpAfterFailure", "RecordFailure"} <= path, name
            assert "StopTraining" in path or name == "GrantAccess", name


def test_a_version_that_does_not_go_live_is_removed_and_one_that_does_never_is() -> None:
    states: States = json.loads((REPOSITORY / "statemachine" / "deployment.asl.json").read_text())["States"]
    before = caught_in(states, "PlanVersion", "PromoteVersion")
    assert set(before.values()) == {"RollBack"}
    after, waiting = set(), ["HadVersionBefore"]
    while waiting:
        name = waiting.pop()
        if name not in after:
            after.add(name)
            waiting += successors(states[name])
    assert {"RetireVersion", "RecordDeployment"} <= after
    assert "RollBack" not in after
    recorded = frozenset({"RollBack", "RecordFailure"})
    assert {*paths(states, "RollBack", "Failed")} == {recorded, recorded | {"HasFailed"}}


def test_the_version_before_stands_until_nobody_can_ask_it_any_more() -> None:
    """A process keeps for some seconds which version is live, and API Gateway waits 29 s for an answer (API Gateway
    quotas, "Integration timeout").
    """
    states: States = json.loads((REPOSITORY / "statemachine" / "deployment.asl.json").read_text())["States"]
    assert serving.LIVE_SECONDS + 29 < live.DRAIN_SECONDS < states["Drain"]["Seconds"]


def test_every_failed_end_has_a_name_and_a_cause(states: States) -> None:
    ends = [state for state in states.values() if state["Type"] == "Fail"]
    assert ends
    assert all({"Error", "Cause"} <= end.keys() for end in ends)


def test_every_failure_is_recorded_before_it_ends(training: dict[str, Any]) -> None:
    states = training["States"]
    lead_to_failed = {name for name, state in states.items() if "Failed" in successors(state)}
    assert lead_to_failed <= {"RecordFailure", "RecordOutcome"}


@pytest.mark.parametrize(
    ("error", "ends"), [(None, "Live"), ({"code": "RolledBack", "message": "it failed"}, "Failed")]
)
def test_a_deployment_ends_as_its_record_says_whatever_failed_before(error: dict[str, str] | None, ends: str) -> None:
    answers: dict[str, Any] = {
        "plan_version": {"plan": {}},
        "check_endpoint": {"in_service": True, "larger": None},
        "promote_version": {"previous": "v1", "bake_minutes": 10, "batches_only": False},
        "retire_version": {"removed": 3, "left_behind": []},
        "record_deployment": {"error": error},
    }

    def invoke(function: str, payload: Any) -> Any:
        if function == "check_bake":
            raise errors.RolledBack("it failed")
        return answers.get(function, {})

    given = {"task": "resume", "run": {"version": "v2"}, "candidate": "c", "left_behind": []}
    *_, recorded, has_failed, end = Machine(DEPLOYMENT, invoke, lambda: None).execute(given)
    assert (recorded, has_failed, end) == ("RecordFailure", "HasFailed", ends)


def test_every_state_can_be_reached(definition: dict[str, Any], states: States) -> None:
    reached, waiting = set(), [definition["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += successors(states[name])
    assert reached == states.keys()


def test_every_function_belongs_to_states_that_begin_with_its_verb(training: dict[str, Any]) -> None:
    states: States = training["States"]
    for function in {function_of(state) for state in tasks(states).values()}:
        users = [name for name, state in tasks(states).items() if function_of(state) == function]
        verbs = OTHER_VERBS.get(function, (re.findall("[A-Z][a-z]+", function)[0],))
        assert function in users or all(name.startswith(verbs) for name in users), function


def machine_of(path: Path, template: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of the state machine that has this definition."""
    (found,) = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource.get("Properties", {}).get("DefinitionUri") == f"statemachine/{path.name}"
    ]
    return found  # type: ignore[no-any-return]


def test_every_substitution_is_used_and_supplied_and_stands_in_a_string(
    definition_path: Path, definition: dict[str, Any], template: dict[str, Any]
) -> None:
    supplied = machine_of(definition_path, template)["DefinitionSubstitutions"]
    # The file parses as JSON before anything is substituted, so each stands in a string.
    assert set(re.findall(r"\$\{(\w+)\}", json.dumps(definition))) == supplied.keys()
    for name, value in supplied.items():
        assert value == {"Fn::GetAtt": [name.removesuffix("Arn"), "Arn"]}


def test_a_machine_may_invoke_exactly_what_its_states_invoke(
    definition_path: Path, states: States, template: dict[str, Any]
) -> None:
    role, attribute = machine_of(definition_path, template)["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    allowed = [
        arn["Fn::GetAtt"][0]
        for policy in template["Resources"][role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
        for arn in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
    ]
    assert sorted(allowed) == sorted({f"{function_of(state)}Function" for state in tasks(states).values()})


def test_every_action_exists(states: States) -> None:
    assert unknown_actions(states) == []


@pytest.mark.parametrize(
    "resource", ["aws-sdk:sagemaker:createAutoMLJobV3", "aws-sdk:sagemakker:createModel", "lambda"]
)
def test_an_action_that_does_not_exist_is_found(resource: str) -> None:
    good = {"Good": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:stopExecution"}}
    bad = {"Bad": {"Type": "Task", "Resource": f"arn:aws:states:::{resource}"}}
    assert unknown_actions(good) == []
    assert len(unknown_actions({**good, **bad})) == 1


def test_every_expression_parses(definition_path: Path) -> None:
    assert expressions_that_do_not_parse([str(definition_path)]) == 0


def test_statelint_finds_nothing_but_what_is_wrong(definition: dict[str, Any]) -> None:
    assert problems(json.loads(json.dumps(definition))) == []
    wrong = json.loads(json.dumps(definition))
    task = next(state for state in wrong["States"].values() if state["Type"] == "Task")
    task["TimeoutSeconds"] = "soon"
    assert ["TimeoutSeconds" in found for found in problems(wrong)] == [True]


def test_every_variable_that_is_read_is_assigned_somewhere(states: States) -> None:
    text = json.dumps(states)
    assigned = {
        name
        for state in states.values()
        for rule in (state, *state.get("Choices", []), *state.get("Catch", []))
        for name in rule.get("Assign", {})
    }
    read = {
        name
        for expression in re.findall(r"\{%(.*?)%\}", text)
        for name in re.findall(r"\$([a-z_]\w*)\b(?!\()", expression)
    }
    assert read - {"states"} == assigned


def test_every_state_says_why_it_is_there(definition: dict[str, Any], states: States) -> None:
    assert definition["Comment"]
    assert [name for name, state in states.items() if not state.get("Comment")] == []


def test_a_definition_fits_into_its_limit(definition_path: Path) -> None:
    assert definition_path.stat().st_size < DEFINITION_BYTES


def test_the_longest_training_and_deployment_fit_into_a_history(
    apps: dict[str, Path], training: dict[str, Any]
) -> None:
    from tenantml.domain.training.automl_job import FIRST_WAIT_SECONDS, GRACE_SECONDS, next_wait_seconds
    from tenantml.domain.training.model_settings import ModelSettings

    longest_seconds = 30 * 24 * 3600
    ModelSettings.from_document({"target": "y", "max_runtime_seconds": longest_seconds})
    elapsed, wait, looks = 0, FIRST_WAIT_SECONDS, 0
    while elapsed < longest_seconds + GRACE_SECONDS:
        elapsed, wait, looks = elapsed + wait, next_wait_seconds(wait), looks + 1
    polls = int(re.search(r"^POLLS = (\d+)", apps["check_endpoint"].read_text(), re.MULTILINE)[1])  # type: ignore[index]
    attempts = sum(rule["MaxAttempts"] for state in tasks(training["States"]).values() for rule in state["Retry"])
    a_look, an_attempt, a_state = 9, 3, 10  # an attempt is scheduled, started and fails
    events = (looks + polls) * a_look + attempts * an_attempt + len(training["States"]) * a_state
    assert events < HISTORY_EVENTS


def test_the_machine_outlives_the_longest_training_and_its_retries(training: dict[str, Any]) -> None:
    assert training["TimeoutSeconds"] > 30 * 24 * 3600 + 3600 + longest_retries_seconds(training["States"])
