# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every source file carries; runs where pytest runs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LICENCE = "SPDX-License-Identifier: GPL-3.0-or-later"
PLACES = ("meta", "playbooks", "plugins", "roles", "tests")
SOURCES = sorted(
    path
    for place in PLACES
    for path in (ROOT / place).rglob("*")
    if path.suffix in (".py", ".yml") and "output" not in path.relative_to(ROOT).parts
)
PLUGINS = [path for path in SOURCES if path.suffix == ".py" and "plugins" in path.relative_to(ROOT).parts[:1]]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_source_names_its_licence(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or LICENCE in "\n".join(text.splitlines()[:6])


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_plugin_code_follows_the_rules(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.name == "__init__.py" and len(tree.body) <= 1:
        return  # nothing but, perhaps, its docstring
    imported = [node.names[0].name for node in tree.body if getattr(node, "module", "") == "__future__"]
    asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    star = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"]

    assert imported == ["annotations"], "from __future__ import annotations is missing"
    assert asserts == [], "assert disappears under python -O: raise DeployError"
    assert star == []


@pytest.mark.parametrize("path", [p for p in PLUGINS if "module_utils" in p.parts], ids=name)
def test_private_code_is_private_and_says_where_it_runs(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = path.relative_to(ROOT / "plugins" / "module_utils")

    assert inside.parts[0].startswith("_"), "module_utils of this collection are private: a leading underscore"
    assert not tree.body or ast.get_docstring(tree), "the first sentence says what lives here and where it runs"
