"""What reaches Lambda is enough to run on, and is built for the machine that runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.functions import PATHS

_REPOSITORY = Path(__file__).resolve().parents[3]
_AARCH64 = 183  # e_machine of an ELF file

# Isolated from this environment (-I -S): only the standard library, the layers and the functions' folder are there.
_IMPORT_FUNCTIONS = """
import importlib, sys
sys.path += sys.argv[1].split(":")
for module in sys.argv[2:]:
    importlib.import_module(module)
print(len(sys.argv[2:]), "imported")
"""


def _build(layer: str, artifacts_dir: Path, build: str) -> None:
    environment = os.environ | {"ARTIFACTS_DIR": str(artifacts_dir), "TENANTML_BUILD": build}
    folder = str(_REPOSITORY / "layers" / layer)
    command = ["make", "--silent", "--directory", folder, f"build-{layer.title()}Layer"]
    subprocess.run(command, env=environment, check=True)


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("core")
    _build("core", folder, "native")
    return folder / "python"


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("analysis")
    _build("analysis", folder, "native")
    return folder / "python"


def _layers_of(function: str, core: Path, analysis: Path) -> list[Path]:
    """The layers that the template gives a function, in the order of `sys.path`."""
    template = yaml_parse((_REPOSITORY / "template.yaml").read_text())
    name = f"{function.title().replace('_', '')}Function"
    more = template["Resources"][name]["Properties"].get("Layers", [])
    built = {"CoreLayer": core, "AnalysisLayer": analysis}
    return [built[layer["Ref"]] for layer in [*template["Globals"]["Function"]["Layers"], *more]]


def test_every_function_imports_with_nothing_but_its_layers(core: Path, analysis: Path) -> None:
    by_layers: dict[tuple[Path, ...], list[str]] = {}
    for name, path in PATHS.items():
        by_layers.setdefault(tuple(_layers_of(name, core, analysis)), []).append(f"{path.parent.name}.{name}")
    assert set(by_layers) == {(core,), (core, analysis)}
    for layers, modules in by_layers.items():
        search_path = ":".join(map(str, [_REPOSITORY / "functions", *layers]))
        finished = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", _IMPORT_FUNCTIONS, search_path, *modules],
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.stdout == f"{len(modules)} imported\n", finished.stderr


def test_every_module_of_the_layer_has_bytecode_that_is_never_compared_with_its_source(core: Path) -> None:
    for module in core.rglob("*.py"):
        bytecode = module.parent / "__pycache__" / f"{module.stem}.{sys.implementation.cache_tag}.pyc"
        # PEP 552: bit 0 of the flags says hash-based, bit 1 that the source is to be checked.
        assert bytecode.read_bytes()[4:8] == b"\x01\x00\x00\x00", module


def test_numpy_is_in_the_analysis_layer_alone(core: Path, analysis: Path) -> None:
    assert (analysis / "numpy").is_dir()
    assert not (core / "numpy").exists()


def test_compiled_code_for_aws_is_for_arm(tmp_path: Path) -> None:
    _build("analysis", tmp_path, "")
    compiled = list(tmp_path.rglob("*.so"))
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
