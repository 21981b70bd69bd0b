# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role is documented, and its argument specs say what its defaults do; runs where pytest runs."""

from __future__ import annotations

from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="reads the collection's YAML, not code for targets")

ROOT = Path(__file__).resolve().parents[3]
ROLES = sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())
TYPES = {
    "str": str,
    "path": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "dict": dict,
    "raw": object,
}

pytestmark = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def load(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def options(role: Path) -> list:
    """(entry point, name, option) of all entry points."""
    specs = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    return [
        (entry, name, option)
        for entry, spec in sorted(specs.items())
        for name, option in (spec.get("options") or {}).items()
    ]


def has_type(value: object, name: str) -> bool:
    if isinstance(value, str) and "{{" in value:
        return True  # Known only when it is used; the argument spec checks it then.
    if isinstance(value, bool):
        return name in ("bool", "raw")
    return isinstance(value, TYPES[name])


def same(left: object, right: object) -> bool:
    """Equal in value and in type: 1 is not true, and "30" is not 30."""
    return type(left) is type(right) and left == right


@pytest.mark.parametrize("name", ["README.md", "defaults/main.yml", "meta/argument_specs.yml"])
def test_role_has_the_file(role: Path, name: str) -> None:
    assert (role / name).is_file(), f"roles/{role.name}/{name} is missing"


def test_defaults_and_specs_name_the_same_variables(role: Path) -> None:
    defaults = set(load(role / "defaults" / "main.yml"))
    specified = {name for _entry, name, _option in options(role)}
    required = {name for _entry, name, option in options(role) if option.get("required")}

    assert defaults - specified == set(), "in defaults/main.yml but not in meta/argument_specs.yml"
    assert specified - required - defaults == set(), "in meta/argument_specs.yml but not in defaults/main.yml"
    assert all(name.startswith(f"{role.name}_") or name == "rollback_to" for name in specified | defaults)


def test_specs_say_the_types_and_values_of_the_defaults(role: Path) -> None:
    defaults = load(role / "defaults" / "main.yml")
    wrong = []
    for entry, name, option in options(role):
        declared = option.get("type", "str")
        if name not in defaults:
            continue
        if not has_type(defaults[name], declared):
            wrong.append(f"{entry}: {name} is a {declared}, but its default is {defaults[name]!r}")
        if "default" not in option:
            wrong.append(f"{entry}: {name} has no default, but defaults/main.yml says {defaults[name]!r}")
        elif not same(option["default"], defaults[name]):
            wrong.append(f"{entry}: {name} has {option['default']!r}, but defaults/main.yml says {defaults[name]!r}")
    assert wrong == []


def test_every_option_is_described(role: Path) -> None:
    undescribed = [f"{entry}: {name}" for entry, name, option in options(role) if not option.get("description")]
    assert undescribed == []
