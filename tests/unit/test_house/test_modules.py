# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module is registered, documented and tested; runs where pytest runs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="reads the collection's YAML, not code for targets")

ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted(path for path in (ROOT / "plugins" / "modules").glob("*.py"))
ACTIONS = sorted(path for path in (ROOT / "plugins" / "action").glob("*.py"))


def constant(path: Path, name: str) -> str:
    """The value of a string constant of a module, without importing it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == [name]:
            return str(ast.literal_eval(node.value))
    return ""


def test_action_group_names_only_what_can_exist() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    group = runtime["action_groups"]["deploy"]

    assert group == sorted(set(group))
    assert {path.stem for path in MODULES} - set(group) == set(), "missing in meta/runtime.yml"
    assert set(group) - {path.stem for path in MODULES} == set(), (
        "named in meta/runtime.yml, but there is no such module"
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_has_a_test_of_its_own(path: Path) -> None:
    unit = ROOT / "tests" / "unit" / "plugins" / "modules" / f"test_{path.stem}.py"
    integration = list((ROOT / "tests" / "integration").glob(f"test_{path.stem}*.py"))
    assert unit.is_file() or integration, f"neither {unit.relative_to(ROOT)} nor tests/integration/test_{path.stem}*.py"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_documents_itself(path: Path) -> None:
    documentation = yaml.safe_load(constant(path, "DOCUMENTATION"))
    examples = yaml.safe_load(constant(path, "EXAMPLES"))

    assert documentation["module"] == path.stem
    assert documentation["version_added"]
    reads_only = any(
        name.lower().endswith("_attributes.info") for name in documentation["extends_documentation_fragment"]
    )
    assert reads_only == path.stem.endswith("_info")
    assert reads_only or {"check_mode", "diff_mode", "idempotent"} <= set(documentation["attributes"])
    assert any(f"seamless.deploy.{path.stem}" in task for task in examples), "no example calls it by its full name"
    assert yaml.safe_load(constant(path, "RETURN")), "RETURN is empty"


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.stem)
def test_action_plugin_stands_before_a_module(path: Path) -> None:
    assert (ROOT / "plugins" / "modules" / path.name).is_file()
