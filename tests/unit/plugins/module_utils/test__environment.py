# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment file, read back by Python and by a real sh; runs where pytest runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._environment import (
    format_environment,
    parse_environment,
)
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

VALUES = {
    "EMPTY": "",
    "PLAIN": "value",
    "SPACES": "  two  words ",
    "SINGLE": "it's 'quoted'",
    "DOUBLE": 'say "hi"',
    "BACKSLASH": "C:\\temp\\'x'\\",
    "DOLLAR": "$HOME `id` $(id) !x #y",
    "LINES": "first\nsecond # no comment\nKEY=third\n",
    "TAB_AND_RETURN": "a\tb\rc",
    "UNICODE": "打印店 é",
    "URL": "postgres://shop:p%40ss@127.0.0.1:5432/shop?sslmode=disable&x=1",
}


def test_every_value_comes_back() -> None:
    assert parse_environment(format_environment(VALUES)) == VALUES


@pytest.mark.parametrize("name", sorted(VALUES))
def test_sh_reads_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / "environment"
    path.write_bytes(format_environment({name: VALUES[name]}).encode("utf-8"))
    program = "import os, sys; sys.stdout.buffer.write(os.fsencode(os.environ[sys.argv[1]]))"
    out = subprocess.run(
        ["sh", "-c", 'set -a; . "$1"; exec "$2" -c "$3" "$4"', "sh", str(path), sys.executable, program, name],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    assert out.decode("utf-8") == VALUES[name]


def test_order_and_form_are_stable() -> None:
    assert format_environment({"B": "it's", "A": 1}) == "A='1'\nB='it'\"'\"'s'\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "True"), (False, "False"), (None, ""), (8000, "8000"), (1.5, "1.5")],
)
def test_values_that_are_not_text(value: object, text: str) -> None:
    assert parse_environment(format_environment({"NAME": value})) == {"NAME": text}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# only a comment\n\n", {}),
        ("A=1", {"A": "1"}),
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("export A=one two \n", {"A": "one two"}),
        ('A="x \\"y\\" \\$z \\n"\n', {"A": 'x "y" $z \\n'}),
        ("A=\nB=x", {"A": "", "B": "x"}),
        ("A=a\\ b\n", {"A": "a b"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ],
)
def test_files_that_a_person_wrote(text: str, expected: dict) -> None:
    assert parse_environment(text) == expected


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"1A": "x"}, "'1A'"),
        ({"A-B": "x"}, "'A-B'"),
        ({"A\n": "x"}, "letters, digits"),
        ({"A": {"b": "hidden"}}, "a dict as the value of A"),
        ({"A": "hid\0den"}, "NUL character in the value of A"),
    ],
)
def test_refused_without_showing_the_value(variables: dict, words: str) -> None:
    with pytest.raises(DeployError) as caught:
        format_environment(variables)
    assert words in caught.value.msg
    assert "hid" not in caught.value.msg


@pytest.mark.parametrize(("text", "words"), [("A=1\nnonsense\n", "line 2"), ("A='open\n", "never ends")])
def test_a_broken_file_is_named_by_line(text: str, words: str) -> None:
    with pytest.raises(DeployError, match=words):
        parse_environment(text)
