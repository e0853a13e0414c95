"""What the demonstration and `make up` make of their command lines, and the files that they write."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from local import demo
from local.place import write_shell_file
from local.scenario import model_name


@pytest.mark.parametrize(
    ("file_name", "model"),
    [
        ("churn.csv", "churn"),
        ("My Data (2).CSV", "my-data-2"),
        ("2024_prices.csv", "prices"),
        ("日本.csv", "model"),
        (f"{'a' * 29}-b.csv", "a" * 29),
    ],
)
def test_a_model_is_named_after_its_file(file_name: str, model: str) -> None:
    assert model_name(Path(file_name)) == model


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--data", "{data}"], "say which column to predict"),
        (["--target", "y"], "goes with --data"),
        (["--data", "{data}.gone", "--target", "y"], "there is no file"),
    ],
)
def test_a_wrong_command_line_is_refused_before_anything_starts(
    arguments: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.csv"
    data.write_text("x,y\n")
    with pytest.raises(SystemExit) as stopped:
        demo.main([argument.format(data=data) for argument in arguments])
    assert stopped.value.code == 2
    assert reason in capsys.readouterr().err


def test_a_shell_file_is_the_owners_alone_and_can_be_sourced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "env"
    write_shell_file(path, {"KEY": 'it\'s $HOME; "quoted"'})
    write_shell_file(path, {"KEY": 'it\'s $HOME; "quoted"'})
    assert path.stat().st_mode & 0o777 == 0o600
    command = f'AWS_PROFILE=other; . {path}; printf %s "$KEY$AWS_PROFILE"'
    shown = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert shown.stdout == 'it\'s $HOME; "quoted"'
