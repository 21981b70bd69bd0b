# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents, their translations and the code say the same; runs where pytest runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="reads the collection's YAML, not code for targets")

ROOT = Path(__file__).resolve().parents[3]
PAIRS = [(ROOT / "README.md", ROOT / "README.zh-CN.md")] + [
    (path, ROOT / "docs" / "zh-CN" / path.name) for path in sorted((ROOT / "docs").glob("*.md"))
]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")])
# What a reader copies is the same in every language; pictures and sample output are translated.
COPIED = ("yaml", "ini", "sh", "json")


def blocks(text: str) -> list:
    """(language, content) of the fenced code, comments left out."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(language, re.sub(r"\s*#.*", "", content)) for language, content in found]


def headings(text: str) -> list:
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [len(marks) for marks in re.findall(r"^(#+) ", prose, re.MULTILINE)]


def rows(text: str) -> list:
    """The first cell of every row of every table."""
    return re.findall(r"^\| *(`[^|]*`) *\|", text, re.MULTILINE)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)
def test_translation_carries_the_same(pair: tuple) -> None:
    original, translation = [path.read_text(encoding="utf-8") for path in pair]

    assert headings(translation) == headings(original)
    assert [block for block in blocks(translation) if block[0] in COPIED] == [
        block for block in blocks(original) if block[0] in COPIED
    ]
    assert len(blocks(translation)) == len(blocks(original))
    assert rows(translation) == rows(original)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def documented(path: Path) -> dict:
    """Name -> (type, default as it is written) of the table of variables."""
    found = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (.+?) \| ", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: (kind.strip(), default.strip()) for name, kind, default in found}


def written(value: object) -> str:
    """A default as the table writes it."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        # A bar would end the cell of the table: how the value is worked out stands in its meaning.
        return "computed" if "|" in value else f"`{value}`" if value else '`""`'
    return f"`{value}`"


def declared(role: str) -> dict:
    """Name -> (type, default as the table writes it) of the public variables of a role."""
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8"))
    options = specs["argument_specs"]["main"]["options"]
    return {
        name: (
            f"list of {option['elements']}" if "elements" in option else option.get("type", "str"),
            "required" if option.get("required") else written(defaults.get(name)),
        )
        for name, option in options.items()
    }


@pytest.mark.skipif(not (ROOT / "roles" / "deploy").is_dir(), reason="there is no role deploy yet")
def test_every_variable_of_the_deploy_is_documented() -> None:
    table = {
        name: row for name, row in documented(ROOT / "docs" / "variables.md").items() if name.startswith("deploy_")
    }
    code = declared("deploy")

    assert sorted(set(code) - set(table)) == [], "missing in docs/variables.md"
    assert sorted(set(table) - set(code)) == [], "in docs/variables.md, but role deploy has no such variable"
    assert {name: row for name, row in table.items() if row != code[name]} == {}


def test_version_has_its_change_log() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    fragment = ROOT / "changelogs" / "fragments" / f"{version}.yml"
    released = ROOT / "changelogs" / "changelog.yaml"

    assert fragment.is_file() or version in yaml.safe_load(released.read_text(encoding="utf-8"))["releases"]
    assert f"## v{version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
