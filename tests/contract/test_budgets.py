"""What reaches Lambda is enough to run on, is built for the machine that runs it, and weighs and imports no more than
numbers that may only be raised on purpose. What an import takes is measured in benchmarks/, not here.

One file, so that each layer is built once for AWS and once for this machine.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.functions import PATHS, template

_REPOSITORY = Path(__file__).resolve().parents[2]
_MEGABYTE = 1_000_000
_AARCH64 = 183  # e_machine of an ELF file
_LAMBDA_MEGABYTES = 250  # a function and its layers, unzipped (Lambda quotas)
_LAYER_MEGABYTES = 42
_FUNCTIONS_KILOBYTES = 120
_ANALYSIS_MEGABYTES = 55
_PAGES_KILOBYTES = 1000
# Source of what a function imports on top of botocore, as a share of botocore's own: bytes do not depend on how busy a
# machine is. What is caught is one more library.
_OF_DATA = ("inspect_dataset", "evaluate_version", "check_batch", "deliver_batch", "join_batch")
_SHARE_OF_BOTOCORE = dict.fromkeys(_OF_DATA, 0.8) | {"predict": 0.23, "tenant_api": 0.31, "start_execution": 0.36}
_SHARE_OF_BOTOCORE_ELSEWHERE = 0.28
_FORBIDDEN_EVERYWHERE = {"aws_xray_sdk", "boto3", "pandas", "pydantic", "requests", "sagemaker", "sklearn", "xgboost"}
_FORBIDDEN = dict.fromkeys(_OF_DATA, _FORBIDDEN_EVERYWHERE)
_FORBIDDEN_ELSEWHERE = _FORBIDDEN_EVERYWHERE | {"numpy"}
_NOT_ON_THE_PREDICT_PATH = {
    "fastjsonschema",
    "jsonschema",
    "sqlite3",
    "tenantml.aws.sagemaker.automl",
    "tenantml.aws.stepfunctions",
    "tenantml.services.grants",
    "tenantml.services.probe",
    "tenantml.services.removal",
    "tenantml.services.reports",
    "tenantml.domain.training.automl_job.inference_containers",
    "tenantml_analysis.inspection",
    "tenantml.domain.tenancy.onboarding",
    "unittest",
}

# One process imports botocore, then forks for each function: what the child imports is what the function adds to it.
_MEASURE = """
import importlib, json, os, sys
sys.path += json.loads(sys.argv[1])

def sources():
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return {file for file in files if file and file.endswith(".py")}

def measured(name, before):
    size = sum(map(os.path.getsize, sources() - before))
    print(json.dumps({"name": name, "bytes": size, "modules": sorted(sys.modules)}), flush=True)

before = sources()
import botocore.session
measured("botocore", before)
before = sources()
for module in sys.argv[2:]:
    child = os.fork()
    if not child:
        importlib.import_module(module)
        measured(module.rpartition(".")[2], before)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, module
"""


# Isolated from this environment (-I -S): only the standard library, the layers and the functions' folder are there.
_IMPORT_FUNCTIONS = """
import importlib, sys
sys.path += sys.argv[1].split(":")
for module in sys.argv[2:]:
    importlib.import_module(module)
print(len(sys.argv[2:]), "imported")
"""


def _build(layer: str, artifacts_dir: Path, build: str) -> str:
    environment = os.environ | {"ARTIFACTS_DIR": str(artifacts_dir), "TENANTML_BUILD": build}
    command = ["make", "--silent", "--directory", str(_REPOSITORY / "layers" / layer), f"build-{layer.title()}Layer"]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """The two layers as `make build` makes them for AWS, and what the build said."""
    core, analysis = tmp_path_factory.mktemp("core"), tmp_path_factory.mktemp("analysis")
    said = _build("core", core, "")
    _build("analysis", analysis, "")
    return core, analysis, said


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The folders that the three layers add to `sys.path`, built for this machine."""
    core, analysis, pages = (tmp_path_factory.mktemp(layer) for layer in ("core", "analysis", "pages"))
    for layer, folder in (("core", core), ("analysis", analysis), ("pages", pages)):
        _build(layer, folder, "native")
    return core / "python", analysis / "python", pages / "python"


@pytest.fixture(scope="module")
def imports(native: tuple[Path, Path, Path]) -> dict[str, dict[str, Any]]:
    """What each function imports on top of botocore, from nothing but its layers."""
    path = json.dumps([*map(str, native), str(_REPOSITORY / "functions")])
    modules = [f"{file.parent.name}.{name}" for name, file in PATHS.items()]
    command = [sys.executable, "-I", "-S", "-B", "-c", _MEASURE, path, *modules]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return {found["name"]: found for found in map(json.loads, finished.stdout.splitlines())}


def test_the_layers_and_the_functions_are_far_below_lambdas_limit(deployed: tuple[Path, Path, str]) -> None:
    core, analysis, _ = deployed
    core_bytes, analysis_bytes = (
        sum(path.stat().st_size for path in layer.rglob("*") if path.is_file()) for layer in (core, analysis)
    )
    assert core_bytes + analysis_bytes < _LAMBDA_MEGABYTES / 2 * _MEGABYTE
    assert core_bytes < _LAYER_MEGABYTES * _MEGABYTE
    assert analysis_bytes < _ANALYSIS_MEGABYTES * _MEGABYTE
    assert _bytes_of(_REPOSITORY / "layers" / "pages") < _PAGES_KILOBYTES * 1000


def test_the_functions_hold_their_own_few_lines_and_no_library() -> None:
    assert _bytes_of(_REPOSITORY / "functions") < _FUNCTIONS_KILOBYTES * 1000


def test_the_layer_for_aws_has_bytecode_of_the_templates_runtime(deployed: tuple[Path, Path, str]) -> None:
    """Without a python3.13 the build says so, and the zip has none; this is how it may be green without bytecode."""
    core, analysis, said = deployed
    modules = [path for folder in (core, analysis) for path in folder.rglob("*.py")]
    assert len(modules) > 500
    compiled = [path for path in modules if (path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc").exists()]
    assert compiled == ([] if "no python3.13 here" in said else modules)


def test_a_python_of_the_runtime_is_found_where_one_is(deployed: tuple[Path, Path, str]) -> None:
    """As uv sees it or not: a shim of pyenv stands before the interpreter on some machines."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    there = any(pyenv.glob("versions/3.13.*/bin/python")) or Path("/usr/bin/python3.13").exists()
    assert not (there and "no python3.13 here" in deployed[2])


def test_no_function_imports_what_it_should_not(imports: dict[str, dict[str, Any]]) -> None:
    functions = {name: set(found["modules"]) for name, found in imports.items() if name != "botocore"}
    assert functions.keys() == PATHS.keys()
    wrong = {name: found & _FORBIDDEN.get(name, _FORBIDDEN_ELSEWHERE) for name, found in functions.items()}
    assert {name: found for name, found in wrong.items() if found} == {}
    assert "numpy" in functions["inspect_dataset"]  # the look is real
    assert "botocore.session" in functions["predict"]


def test_a_prediction_loads_nothing_of_training_or_on_boarding(imports: dict[str, dict[str, Any]]) -> None:
    assert set(imports["predict"]["modules"]) & _NOT_ON_THE_PREDICT_PATH == set()


def test_no_function_imports_much_more_than_botocore(imports: dict[str, dict[str, Any]]) -> None:
    botocore = imports["botocore"]["bytes"]
    shares = {name: found["bytes"] / botocore for name, found in imports.items() if name != "botocore"}
    large = {
        name: f"{share:.2f} of botocore's {botocore:,} bytes of source"
        for name, share in shares.items()
        if share > _SHARE_OF_BOTOCORE.get(name, _SHARE_OF_BOTOCORE_ELSEWHERE)
    }
    assert large == {}


def _layers_of(function: str, native: tuple[Path, Path, Path]) -> list[Path]:
    """The layers that the template gives a function, in the order of `sys.path`."""
    name = f"{function.title().replace('_', '')}Function"
    more = template()["Resources"][name]["Properties"].get("Layers", [])
    built = dict(zip(("CoreLayer", "AnalysisLayer", "PagesLayer"), native, strict=True))
    return [built[layer["Ref"]] for layer in [*template()["Globals"]["Function"]["Layers"], *more]]


def test_every_function_imports_with_nothing_but_its_layers(native: tuple[Path, Path, Path]) -> None:
    by_layers: dict[tuple[Path, ...], list[str]] = {}
    for name, path in PATHS.items():
        by_layers.setdefault(tuple(_layers_of(name, native)), []).append(f"{path.parent.name}.{name}")
    core, analysis, pages = native
    assert set(by_layers) == {(core,), (core, analysis), (core, pages)}
    for layers, modules in by_layers.items():
        search_path = ":".join(map(str, [_REPOSITORY / "functions", *layers]))
        finished = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", _IMPORT_FUNCTIONS, search_path, *modules],
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.stdout == f"{len(modules)} imported\n", finished.stderr


def test_every_module_of_the_layer_has_bytecode_that_is_never_compared_with_its_source(
    native: tuple[Path, Path, Path],
) -> None:
    for module in native[0].rglob("*.py"):
        bytecode = module.parent / "__pycache__" / f"{module.stem}.{sys.implementation.cache_tag}.pyc"
        # PEP 552: bit 0 of the flags says hash-based, bit 1 that the source is to be checked.
        assert bytecode.read_bytes()[4:8] == b"\x01\x00\x00\x00", module


def test_numpy_is_in_the_analysis_layer_alone(native: tuple[Path, Path, Path]) -> None:
    core, analysis, pages = native
    assert (analysis / "numpy").is_dir()
    assert not (core / "numpy").exists()
    assert [path.name for path in pages.iterdir()] == ["tenantml_pages"]


def test_compiled_code_for_aws_is_for_arm(deployed: tuple[Path, Path, str]) -> None:
    compiled = list(deployed[1].rglob("*.so"))
    assert compiled
    assert {int.from_bytes(path.read_bytes()[18:20], "little") for path in compiled} == {_AARCH64}


def test_the_runtime_of_the_template_is_what_the_layer_is_built_for() -> None:
    rules = (_REPOSITORY / "layers" / "python.mk").read_text()
    template = (_REPOSITORY / "template.yaml").read_text()
    version = re.search(r"--python-version (\S+)", rules)
    assert version is not None
    assert set(re.findall(r"\bpython\d\.\d+", template)) == {f"python{version[1]}"}
    assert "--python-platform aarch64" in rules
    assert "arm64" in template
