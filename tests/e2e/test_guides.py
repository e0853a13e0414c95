"""The guides, typed as their readers type them, on the cloud that `make up` would keep."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local import sample
from local.onboard import OnboardedTenant, onboard
from local.place import platform_variables, write_shell_file
from tests import guides

if TYPE_CHECKING:
    from local.platform import Platform

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDES = ["quickstart.md", "developers.md", "tenants.md", "operations.md"]  # later ones ask what earlier ones train
ROWS = 1_200
TYPESCRIPT = ["openapi-fetch@0.17.0", "openapi-typescript@7.13.0", "typescript@5.9.3", "@types/node@20"]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """A shell of somebody who has nothing set: the guides say how to find what `make setup` installs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TENANTML_", "PYTHON"))}
    ours = str(Path(sys.executable).parent)
    return kept | {"PATH": ":".join(path for path in kept["PATH"].split(":") if path != ours)}


@pytest.fixture(scope="module")
def folder(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what `make setup` and `make up` leave in one: programs, variables, and a table."""
    folder = tmp_path_factory.mktemp("guides")
    (folder / ".venv").symlink_to(sys.prefix)
    out = folder / "build" / "local"
    tenant: OnboardedTenant = onboard(platform, "demo", "818181818181", "cloud-team@demo.example")
    write_shell_file(out / "env", platform_variables(platform, tenant))
    sample.write(out / "churn.csv", count=ROWS)
    return folder


@pytest.fixture(scope="module")
def followed(folder: Path, environment: dict[str, str]) -> dict[str, list[str]]:
    """What does not come as each guide says, in the order in which they build on each other."""
    return {name: guides.follow(DOCS / name, folder, environment) for name in GUIDES}


@pytest.mark.parametrize("name", GUIDES)
def test_what_a_guide_says_to_type_prints_what_it_shows(followed: dict[str, list[str]], name: str) -> None:
    assert guides.steps((DOCS / name).read_text(encoding="utf-8"))
    assert not followed[name], "\n\n".join(followed[name])


@pytest.mark.usefixtures("followed")
def test_a_client_as_its_generator_shows_it_is_refused(folder: Path, environment: dict[str, str]) -> None:
    text = (folder / "predict.py").read_text().replace('    auth_header_name="x-api-key",\n    prefix="",\n', "")
    assert "auth_header_name" not in text
    (folder / "as_generated.py").write_text(text)
    shell = ["bash", "-c", ". build/local/env; .venv/bin/python as_generated.py"]
    ran = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "Unauthorized: send a valid API key in the header x-api-key\n"


@pytest.mark.explore
@pytest.mark.usefixtures("followed")
def test_the_typescript_client_is_generated_type_checked_and_predicts(
    folder: Path, environment: dict[str, str]
) -> None:
    commands = [
        "npm init --yes && npm pkg set type=module",
        f"npm install --no-audit --no-fund {' '.join(TYPESCRIPT)}",
        "npx openapi-typescript leaving.json --output leaving.ts",
        "npx tsc --strict --target es2022 --module nodenext predict.ts",
        ". build/local/env; node predict.js",
    ]
    for command in commands:
        ran = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
    assert guides.compared("v20261129-001638-66bd False. 0.9921", ran.stdout) is not None
