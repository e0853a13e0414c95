"""On-boarding: the link and the command line fill in the same parameters, and they are those of the template."""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from samtranslator.yaml_helper import yaml_parse

from tenantml.domain.onboarding import Platform, instructions
from tenantml.domain.tenants import Tenant

TEMPLATE = yaml_parse((Path(__file__).parents[3] / "onboarding" / "customer_access.yaml").read_text())
TENANT = Tenant("acme", "222222222222", "eu-central-1", "c", external_id="tenantml-" + "x_-" * 14 + "y")
GIVEN = instructions(
    TENANT, Platform("111111111111", "tenantml", "tenantml-staging", "https://b.s3.amazonaws.com/t.yaml?a=1&b=2")
)


def test_every_parameter_of_the_template_is_given_and_no_other() -> None:
    assert GIVEN["parameters"].keys() == TEMPLATE["Parameters"].keys()


def test_the_link_opens_the_tenants_region_with_the_parameters_filled_in() -> None:
    link = urlsplit(GIVEN["link"])
    assert link.hostname == "eu-central-1.console.aws.amazon.com"
    assert parse_qs(link.query) == {"region": ["eu-central-1"]}
    page, _, query = link.fragment.partition("?")
    assert page == "/stacks/quickcreate"
    filled = {name: values[0] for name, values in parse_qs(query).items()}
    assert filled.pop("templateURL") == "https://b.s3.amazonaws.com/t.yaml?a=1&b=2"
    assert filled.pop("stackName") == "tenantml-access"
    assert filled == {f"param_{name}": value for name, value in GIVEN["parameters"].items()}


def test_the_command_line_gives_the_same_parameters() -> None:
    words = shlex.split(GIVEN["cli"])
    given = words[words.index("--parameter-overrides") + 1 :]
    assert given == [f"{name}={value}" for name, value in GIVEN["parameters"].items()]
    assert words[words.index("--region") + 1] == "eu-central-1"
    assert words[words.index("--capabilities") + 1] == "CAPABILITY_NAMED_IAM"
