"""What reaches Lambda is enough to run on, and is built for the machine that runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[3]
_AARCH64 = 183  # e_machine of an ELF file

# Isolated from this environment (-I -S): only the standard library, the layer and the function's own folder are there.
_IMPORT_FUNCTIONS = """
import importlib.util, sys
sys.path += sys.argv[1].split(":")
for number, path in enumerate(sys.argv[2:]):
    spec = importlib.util.spec_from_file_location(f"app_{number}", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(len(sys.argv[2:]), "imported")
"""


def _build(folder: Path, target: str, artifacts_dir: Path, build: str) -> None:
    environment = os.environ | {"ARTIFACTS_DIR": str(artifacts_dir), "TENANTML_BUILD": build}
    subprocess.run(["make", "--silent", "--directory", str(folder), target], env=environment, check=True)


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layer")
    _build(_REPOSITORY / "layers" / "core", "build-CoreLayer", folder, "native")
    return folder / "python"


@pytest.fixture(scope="module")
def inspect_function(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inspect")
    _build(_REPOSITORY / "functions" / "inspect_dataset", "build-InspectDatasetFunction", folder, "native")
    return folder


def test_every_function_imports_with_nothing_but_the_layer(layer: Path, inspect_function: Path) -> None:
    apps = [path for path in sorted(_REPOSITORY.glob("functions/*/app.py")) if path.parent.name != "inspect_dataset"]
    for path, functions in ((f"{layer}", apps), (f"{layer}:{inspect_function}", [inspect_function / "app.py"])):
        finished = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _IMPORT_FUNCTIONS, path, *map(str, functions)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.stdout == f"{len(functions)} imported\n", finished.stderr


def test_every_module_of_the_layer_has_bytecode_that_is_never_compared_with_its_source(layer: Path) -> None:
    for module in layer.rglob("*.py"):
        bytecode = module.parent / "__pycache__" / f"{module.stem}.{sys.implementation.cache_tag}.pyc"
        # PEP 552: bit 0 of the flags says hash-based, bit 1 that the source is to be checked.
        assert bytecode.read_bytes()[4:8] == b"\x01\x00\x00\x00", module


def test_numpy_is_in_the_function_that_scans_bytes_and_not_in_the_layer(layer: Path, inspect_function: Path) -> None:
    assert (inspect_function / "numpy").is_dir()
    assert not (layer / "numpy").exists()


def test_compiled_code_for_aws_is_for_arm(tmp_path: Path) -> None:
    _build(_REPOSITORY / "functions" / "inspect_dataset", "build-InspectDatasetFunction", tmp_path, "")
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
