"""A worker that is forked is as one that was started: its own process, folder, variables, modules and streams.

AWS: "Lambda execution environment" (developer guide, lambda-runtime-environment.html): an environment belongs to one
function, and is not used again once it has crashed.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.cloud import EmbeddedCloud
from tests.waiting import wait_for

_CODE = """
import importlib.util, os, random, sys
count, number = 0, random.random()
print("imported")
sys.modules["sentinel"] = os
def handler(event, context):
    global count
    count += 1
    if event == "crash":
        os._exit(3)
    with open(f"/proc/{os.getppid()}/cmdline") as file:
        parent = file.read()
    return {
        "pid": os.getpid(), "parent": parent, "count": count, "number": number, "argv": sys.argv, "path": sys.path,
        "folder": os.getcwd(), "variables": dict(os.environ), "finds": importlib.util.find_spec("local") is not None,
        "main": sys.modules["__main__"].__file__, "sentinel": sys.modules["sentinel"] is os, "event": event,
        "warnings": len([1 for entry in __import__("warnings").filters if entry[1:] == (None, Warning, None, 0)]),
    }
"""
_BRINGS_ITS_OWN = """
import os, botocore
def handler(event, context):
    with open(f"/proc/{os.getppid()}/cmdline") as file:
        return {"botocore": botocore.whose, "parent": file.read()}
"""
_READS_MODELS = """
import os, sys
imported = {"botocore", "aws_lambda_powertools", "numpy"} <= set(sys.modules)
import botocore.session
from botocore.loaders import Loader
def handler(event, context):
    os.environ.update(event)
    loader = botocore.session.get_session().get_component("data_loader")
    has_read = {name for key in loader._cache for name in ("dynamodb", "s3", "sqs") if name in key}
    models = [loader.load_service_model(name, "service-2") == Loader().load_service_model(name, "service-2")
        for name in ("dynamodb", "sqs")]
    return {"imported": imported, "has_read": sorted(has_read), "are_botocores": models}
"""


@pytest.fixture(scope="module")
def invoke(cloud: EmbeddedCloud) -> Callable[..., Any]:
    def call(function: str, event: Any = None) -> Any:
        answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    return call


def test_a_worker_is_forked_and_is_a_process_of_its_own(
    make_function: Callable[[str], str], invoke: Callable[..., Any]
) -> None:
    first, second = (invoke(make_function(_CODE)) for _ in range(2))
    for found in (first, second):
        assert "nursery.py" in found["parent"]
        assert found["folder"] == found["variables"]["LAMBDA_TASK_ROOT"]
        script = str(Path(found["folder"]).with_name("_worker.py"))
        assert (found["argv"], found["main"]) == ([script], script)
        assert Path(found["folder"]) == Path(found["path"][0])
        assert not found["finds"], "a module of this repository"
        assert not found["warnings"], "warnings that nobody sees"
    assert first["number"] != second["number"], "two workers draw the same random numbers"
    assert first["pid"] != second["pid"]
    assert first["parent"] == second["parent"]
    for name in ("AWS_LAMBDA_FUNCTION_NAME", "AWS_ACCESS_KEY_ID", "LAMBDA_TASK_ROOT"):
        assert first["variables"][name] != second["variables"][name]


def test_a_worker_that_ended_is_followed_by_a_new_one(
    make_function: Callable[[str], str], invoke: Callable[..., Any]
) -> None:
    function = make_function(_CODE)
    before = invoke(function)
    assert invoke(function)["count"] == before["count"] + 1
    assert "died" in json.dumps(invoke(function, "crash"))
    after = invoke(function, {"text": "ä" * 100_000})
    assert (after["count"], after["event"]) == (1, {"text": "ä" * 100_000})
    assert after["pid"] != before["pid"]


def test_of_many_workers_those_that_were_idle_for_longest_end(
    make_function: Callable[[str], str], invoke: Callable[..., Any]
) -> None:
    functions = [make_function(_CODE) for _ in range(24)]
    began = {function: invoke(function)["pid"] for function in functions}

    def alive() -> list[str]:
        return [function for function, pid in began.items() if Path(f"/proc/{pid}").exists()]

    assert wait_for(alive, lambda left: len(left) <= 20) == functions[4:]
    again = invoke(functions[0])
    assert (again["count"], again["pid"] != began[functions[0]]) == (1, True)
    assert invoke(functions[-1])["count"] == 2


def test_what_a_worker_prints_is_in_its_log(
    cloud: EmbeddedCloud, make_function: Callable[[str], str], invoke: Callable[..., Any]
) -> None:
    function = make_function(_CODE)
    invoke(function)
    group = f"/aws/lambda/{function.rsplit(':', 1)[-1]}"
    events = cloud.client("logs").filter_log_events(logGroupName=group, filterPattern="imported")["events"]
    assert [event["message"].strip() for event in events] == ["imported"]


def test_a_package_that_brings_a_library_has_its_own(
    cloud: EmbeddedCloud, make_function: Callable[[str], str], invoke: Callable[..., Any]
) -> None:
    function, package = make_function(_BRINGS_ITS_OWN), io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", _BRINGS_ITS_OWN)
        archive.writestr("botocore/__init__.py", "whose = 'mine'")
    cloud.client("lambda").update_function_code(FunctionName=function, ZipFile=package.getvalue())
    found = invoke(function)
    assert found["botocore"] == "mine"
    assert "nursery.py" not in found["parent"]


def test_a_worker_has_the_libraries_and_what_botocore_read_of_its_models(
    make_function: Callable[[str], str], invoke: Callable[..., Any], tmp_path: Path
) -> None:
    found = invoke(make_function(_READS_MODELS), {})
    assert found == {"imported": True, "has_read": ["dynamodb", "s3"], "are_botocores": [True, True]}
    # AWS_DATA_PATH (botocore/configprovider.py, `data_path`): folders of models of the function's own.
    own = invoke(make_function(_READS_MODELS), {"AWS_DATA_PATH": str(tmp_path)})
    assert own == {"imported": True, "has_read": [], "are_botocores": [True, True]}
