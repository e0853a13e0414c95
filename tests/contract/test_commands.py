"""Every command that the documentation shows is one that there is, with options that it takes.

Those of `console` blocks are run, too (tests/e2e/test_guides.py). Of the others, those for AWS are compared with
botocore's models of its services: what AWS would answer is not known here.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import click
import pytest
from botocore import xform_name

from tenantml_cli.__main__ import cli
from tests.functions import REPOSITORY

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
GLOBAL_OPTIONS = {"profile", "query", "output", "region", "cli-binary-format", "no-cli-pager"}
# Commands of the AWS CLI that are more than one operation, with their options.
CUSTOMISED = {
    ("cloudformation", "deploy"): {"stack-name", "template-file", "capabilities", "parameter-overrides"},
    ("s3", "rb"): {"force"},
}
METHODS = {"-d": "POST", "--data": "POST", "--data-binary": "POST"}


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of a page's blocks and code in line, without variables set before it."""
    blocks = re.findall(r"^```(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)
    fenced = [block for language, block in blocks if language in {"", "sh", "console"}]
    unfenced = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"(?:^    \S.*\n)(?:^    .*\n)*", unfenced, re.MULTILINE)
    for block in [*fenced, *indented]:
        for line in re.sub(r"\\\n", " ", block).splitlines():
            yield from _words(line.strip().removeprefix("$ "))
    for code in re.findall(r"`((?:make|tenantml|aws) [^`]+)`", text):
        yield from _words(code)


def _words(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();|&")
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError:  # text, or a quotation that goes on in the next line
        return
    command: list[str] = []
    for token in [*tokens, ";"]:
        if inner := re.match(r".*\$\((.*)\)", token):
            yield from _words(inner[1])
        if set(token) <= set("();|&"):
            yield command
            command = []
        elif command or not re.fullmatch(r"\w+=.*", token):
            command.append(token)


def shown(program: str) -> dict[str, list[str]]:
    """Return the arguments of each command of a program that a page shows, by the page and the command."""
    found = {}
    for page in PAGES:
        for words in commands(page.read_text(encoding="utf-8")):
            if words and Path(words[0]).name == program:
                found[f"{page.name}: {' '.join(words)}"] = words[1:]
    return found


def _options(words: list[str]) -> set[str]:
    return {word.removeprefix("--").partition("=")[0] for word in words if re.match("--[a-z]", word)}


@pytest.mark.parametrize("words", shown("aws").values(), ids=shown("aws"))
def test_a_command_for_aws_is_an_operation_that_takes_these_options(words: list[str]) -> None:
    service, name, *rest = words
    options = _options(rest) - GLOBAL_OPTIONS
    if (service, name) in CUSTOMISED:
        assert options <= CUSTOMISED[service, name]
        return
    session = botocore.session.get_session()
    model: Any = session.get_service_model(service)
    if name == "wait":
        waiters = {xform_name(waiter, "-"): waiter for waiter in session.get_waiter_model(service).waiter_names}
        operation = session.get_waiter_model(service).get_waiter(waiters[rest[0]]).operation
    else:
        operation = {xform_name(found, "-"): found for found in model.operation_names}[name]
    members = model.operation_model(operation).input_shape.members
    taken = {xform_name(member, "-") for member in members} | {"max-items", "starting-token", "page-size"}
    assert options <= taken | {f"no-{option}" for option in taken}


@pytest.mark.parametrize("words", shown("tenantml").values(), ids=shown("tenantml"))
def test_a_command_of_ours_takes_these_options(words: list[str]) -> None:
    """What is named in a text may lack its arguments; what it has must be right."""
    context, command = click.Context(cli, info_name="tenantml"), cli
    rest = [word for word in words if word != "…"]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        found = command.get_command(context, name)
        assert found is not None, name
        context, command = click.Context(found, parent=context, info_name=name), found
    taken = {option for found in command.get_params(context) for option in found.opts}
    assert {f"--{option}" for option in _options(rest)} <= taken | {"--json", "--stack", "--version", "--help"}


@pytest.mark.parametrize("words", shown("make").values(), ids=shown("make"))
def test_a_target_of_make_is_one_of_the_makefile(words: list[str]) -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for word in words:
        name, is_variable, _ = word.partition("=")
        if is_variable:
            assert re.search(rf"^{name} \?=", makefile, re.MULTILINE), word
        elif not word.startswith("-"):
            assert re.search(rf"^{re.escape(word)}:", makefile, re.MULTILINE), word


@pytest.mark.parametrize("words", shown("curl").values(), ids=shown("curl"))
def test_a_request_to_the_api_is_of_an_operation_of_its_document(words: list[str]) -> None:
    document = json.loads((REPOSITORY / "docs" / "openapi.json").read_text())
    (path,) = [path[1] for word in words if (path := re.match(r"\$(?:TENANTML_API_URL|API)(/[^?]*)", word))]
    named = [method for option, method in itertools.pairwise(words) if option == "-X"]
    method = (named or [METHODS[word] for word in words if word in METHODS] or ["GET"])[0].lower()
    templates = [template for template in document["paths"] if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)]
    assert any(method in document["paths"][template] for template in templates), (method, path)


@pytest.mark.parametrize("program", ["aws", "tenantml", "make", "curl"])
def test_there_are_commands_to_look_at(program: str) -> None:
    assert len(shown(program)) > 5
