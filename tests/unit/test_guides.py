"""What follows the guides finds what is not as they say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.guides import Step, compared, files, follow, steps

PAGE = """\
# A page

```console
$ echo one |
    tr o 0
0ne
$ cat told.txt
told
…
```

```text told.txt
told
and more
```

```sh
aws sts get-caller-identity
```
"""


def test_commands_and_files_are_read_in_order() -> None:
    assert steps(PAGE) == [Step(4, "echo one |\n    tr o 0", "0ne"), Step(7, "cat told.txt", "told\n…")]
    assert files(PAGE) == {"told.txt": "told\nand more\n"}
    with pytest.raises(ValueError, match="line 2: a console block begins with a command"):
        steps("```console\nno command\n```\n")


@pytest.mark.parametrize(
    ("shown", "printed", "is_same"),
    [
        ("", "", True),
        ("", "something", False),
        ("a\n…\nz", "a\nb\nc\nz\n", True),
        ("a\n…\nz", "a\nb\nc\n", False),
        ("F1 0.826 …", "F1   0.9101 of 984 rows", True),
        ("984 rows", "985 rows", False),
        ("v20261122-170301-9f3c live", "v20270101-000000-0000 live", True),
        ("v20261122-170301-9f3c live", "v20270101-000000-0000 retired", False),
        ("ended 2026-11-22T17:03:01Z", "ended 2027-01-01T00:00:00.123Z", True),
        ("demo-churn-9f3c0123456789ab", "demo-churn-1111111111111111", True),
        ("demo-churn-9f3c0123456789ab", "demo-other-1111111111111111", False),
    ],
)
def test_the_form_of_what_is_of_the_day_is_compared_and_the_rest_is_as_it_is(
    shown: str, printed: str, is_same: bool
) -> None:
    assert (compared(shown, printed) is not None) == is_same


def test_a_page_is_followed_in_one_shell_and_each_difference_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE + "```console\n$ x=1; false\n$ echo $x; cat\n2\n$ exit 3\n```\n")
    assert [finding.split("\n", 2) for finding in follow(page, tmp_path, os.environ)] == [
        ["page.md, line 21: $ x=1; false", "ended with 1 and printed", ""],
        ["page.md, line 22: $ echo $x; cat", "ended with 0 and printed", "1\n"],
        ["page.md, line 24: $ exit 3", "ended with  and printed", ""],
    ]


def test_an_id_that_a_page_shows_is_the_one_that_came_in_later_commands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    shown, came = "demo-churn-9f3c0123456789ab", "demo-churn-1111111111111111"
    page.write_text(f"```console\n$ cat id\n{shown}\n$ test {shown} = {came}\n```\n")
    (tmp_path / "id").write_text(came)
    assert follow(page, tmp_path, os.environ) == []
