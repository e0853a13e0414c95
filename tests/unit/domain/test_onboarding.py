"""On-boarding: the link and the command line fill in the same parameters, and they are those of the template."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from samtranslator.yaml_helper import yaml_parse

from tenantml.domain.tenancy.onboarding import Platform, instructions
from tests.tenants import tenant_of

TEMPLATE = yaml_parse((Path(__file__).parents[3] / "onboarding" / "customer_access.yaml").read_text())
TENANT = tenant_of("acme", "222222222222", "eu-central-1", "c", external_id="tenantml-" + "x_-" * 14 + "y")
GIVEN = instructions(
    TENANT,
    Platform("111111111111", "tenantml", "tenantml-staging", "https://b.s3.amazonaws.com/t.yaml?a=1&b=2", "0" * 64),
)


THEIRS = replace(
    TENANT,
    kms_key_arn="arn:aws:kms:eu-central-1:222222222222:key/0a1b",
    subnet_ids=("subnet-0a1b2c3d", "subnet-1a1b2c3d"),
    security_group_ids=("sg-0a1b2c3d",),
    instance_types=("ml.m5.large", "ml.m6gd.2xlarge"),
)
DATA_KEY = "arn:aws:kms:us-east-1:111111111111:key/ours"
ALL_GIVEN = instructions(
    THEIRS, Platform("111111111111", "tenantml", "tenantml-staging", "https://b/t.yaml", "0" * 64, DATA_KEY)
)
# What no registration knows: it is nothing to us.
THEIRS_ALONE = {"PermissionsBoundaryArn", "SourceConditions", "ImageRegistries", "HandedOver"}


def test_every_parameter_of_the_template_is_given_and_no_other() -> None:
    assert ALL_GIVEN["parameters"].keys() | THEIRS_ALONE == TEMPLATE["Parameters"].keys()


def test_what_is_not_given_has_a_default() -> None:
    defaults = {name for name, found in TEMPLATE["Parameters"].items() if found.get("Default") == ""} | {
        "SourceConditions",
        "ImageRegistries",
        "HandedOver",
    }
    assert TEMPLATE["Parameters"].keys() - GIVEN["parameters"].keys() == defaults


def test_what_is_given_is_what_the_template_takes() -> None:
    for name, value in ALL_GIVEN["parameters"].items():
        pattern = TEMPLATE["Parameters"][name].get("AllowedPattern")
        assert pattern is None or re.fullmatch(pattern, value), name
    assert ALL_GIVEN["parameters"]["SubnetIds"] == "subnet-0a1b2c3d,subnet-1a1b2c3d"


def test_the_link_opens_the_tenants_region_with_the_parameters_filled_in() -> None:
    link = urlsplit(GIVEN["link"])
    assert link.hostname == "eu-central-1.console.aws.amazon.com"
    assert parse_qs(link.query) == {"region": ["eu-central-1"]}
    page, _, query = link.fragment.partition("?")
    assert page == "/stacks/quickcreate"
    filled = {name: values[0] for name, values in parse_qs(query).items()}
    assert filled.pop("templateURL") == "https://b.s3.amazonaws.com/t.yaml?a=1&b=2"
    assert filled.pop("stackName") == "tml-abc234-access"
    assert filled == {f"param_{name}": value for name, value in GIVEN["parameters"].items()}


def test_the_command_line_gives_the_same_parameters() -> None:
    fetched, _, command = GIVEN["cli"].partition(" && ")
    words = shlex.split(command)
    *_, file, address = shlex.split(fetched)
    assert (words[words.index("--template-file") + 1], address) == (file, "https://b.s3.amazonaws.com/t.yaml?a=1&b=2")
    given = words[words.index("--parameter-overrides") + 1 :]
    assert given == [f"{name}={value}" for name, value in GIVEN["parameters"].items()]
    assert words[words.index("--region") + 1] == "eu-central-1"
    assert words[words.index("--capabilities") + 1] == "CAPABILITY_NAMED_IAM"
