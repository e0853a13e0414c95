"""What `aws cloudformation package` does for the embedded cloud, without the SAM CLI.

Layers and functions that `sam build` builds with a Makefile are built with the same Makefile, for the interpreter that
runs the embedded cloud: see `layers/python.mk`.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The property of each resource type that names a local path.
_PATH_PROPERTIES = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
    "AWS::Serverless::Api": "DefinitionUri",
}
_NOT_SHIPPED = frozenset({"__pycache__", "Makefile"})


class BuildFailed(Exception):
    """A Makefile of a layer or function failed; the message is its output."""


def package(template_path: Path, build_dir: Path, s3: S3Client, bucket: str) -> str:
    """The template as JSON text, its local paths replaced by the `s3://` addresses that they were uploaded to.

    Zips are kept in `build_dir` under the digest of their content, which is also their key in `bucket`: what did
    not change is neither rebuilt nor updated by a deployment.

    Raises:
        BuildFailed: a layer or function could not be built.
        FileNotFoundError: a path of the template does not exist.
    """
    template: dict[str, Any] = yaml_parse(template_path.read_text())

    def upload(name: str, properties: dict[str, Any], path_property: str, method: str | None = None) -> None:
        location = properties.get(path_property)
        if not isinstance(location, str) or location.startswith("s3://"):
            return
        source = (template_path.parent / location).resolve(strict=True)
        if source.is_file():
            built = source
        elif method in {None, "makefile"}:
            built = _archive(name, source, build_dir, by_makefile=method is not None)
        else:
            raise BuildFailed(f"{name} has BuildMethod {method}; only `makefile` is supported here")
        key = f"{name}/{_digest(built)}{built.suffix}"
        s3.put_object(Bucket=bucket, Key=key, Body=built.read_bytes())
        properties[path_property] = f"s3://{bucket}/{key}"

    upload("functions", template.get("Globals", {}).get("Function", {}), "CodeUri")
    for logical_id, resource in template["Resources"].items():
        path_property = _PATH_PROPERTIES.get(resource["Type"], "")
        method = resource.get("Metadata", {}).get("BuildMethod")
        upload(logical_id, resource.get("Properties", {}), path_property, method)
    return json.dumps(template, default=str)  # the format version is a date to YAML


def _archive(logical_id: str, source: Path, build_dir: Path, *, by_makefile: bool) -> Path:
    """The zip of a layer or function, built unless `build_dir` holds one of the same sources."""
    sources = [source]
    if by_makefile:
        sources.append(Path(__file__).resolve().parent.parent / "layers" / "python.mk")
    fingerprint = hashlib.sha256(sys.version.encode())
    for path in sources:
        fingerprint.update(_digest(path).encode())
    archive = build_dir / logical_id / f"{fingerprint.hexdigest()[:16]}.zip"
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as work:
        content = source
        if by_makefile:
            content = Path(work) / "content"
            content.mkdir()
            _make(source, f"build-{logical_id}", content)
        # Two deployments at once may build the same zip: each builds its own, and they are identical.
        unfinished = Path(work) / "archive.zip"
        _zip(content, unfinished, with_bytecode=by_makefile)
        unfinished.replace(archive)
    return archive


def _make(source: Path, target: str, artifacts_dir: Path) -> None:
    finished = subprocess.run(
        ["make", "--makefile", str(source / "Makefile"), target],  # noqa: S607 - the same `make` that started us
        cwd=source,
        env=os.environ | {"ARTIFACTS_DIR": str(artifacts_dir), "TENANTML_BUILD": "embedded", "MAKEFLAGS": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise BuildFailed(f"make {target} in {source}:\n{finished.stdout}{finished.stderr}")


def _zip(folder: Path, archive: Path, *, with_bytecode: bool) -> None:
    """Zip a folder: same content, same bytes. Stored: it stays on this machine."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as zipped:
        for path in _files(folder, frozenset() if with_bytecode else _NOT_SHIPPED):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, path.read_bytes())


def _digest(path: Path) -> str:
    """A digest of a file's bytes, or of the names and bytes of the files in a folder."""
    digest = hashlib.sha256()
    for file in _files(path, frozenset({"__pycache__"})) if path.is_dir() else [path]:
        digest.update(str(file.relative_to(path)).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(folder: Path, excluded: frozenset[str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not excluded.intersection(path.relative_to(folder).parts):
            yield path
