# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of the bridge each framework has, and each module carries, by what is imported in the text (any interpreter)."""

from __future__ import annotations

import ast
import functools
import pathlib

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _bridge_publish
from ansible_collections.seamless.deploy.plugins.module_utils._bridge import _entry
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts import _common
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._both import PARTS
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO

PLUGINS = pathlib.Path(_bridge_publish.__file__).parents[1]
COLLECTION = "ansible_collections.seamless.deploy.plugins."
#: The modules that call the bridge, and for which frameworks.
CARRIED = {
    "adoption": {"django"},
    "adoption_info": {"django"},
    "alembic_info": {"alembic"},
    "alembic_repair": {"alembic"},
    "alembic_upgrade": {"alembic"},
    "django_collectstatic": {"django"},
    "django_info": {"django"},
    "django_migrate": {"django"},
    "migration_rehearse": {"alembic", "django"},
}
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("[!_]*.py"))


def place(name: str) -> pathlib.Path | None:
    """Give the file of a module below plugins, or nothing where there is none."""
    path = PLUGINS.joinpath(*name.split("."))
    return next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()), None)


@functools.lru_cache(maxsize=None)
def imported(name: str) -> frozenset:
    """Give what is imported anywhere in the text of a module below plugins."""
    path = place(name)
    assert path, f"there is no {name}"
    home, found = list(path.relative_to(PLUGINS).parts[:-1]), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not [each for each in node.names if each.name.startswith("ansible_collections")], path
        if not isinstance(node, ast.ImportFrom):
            continue
        base = home[: len(home) - node.level + 1] if node.level else []
        source = ".".join([*base, *([node.module] if node.module else [])])
        if not node.level and not source.startswith(COLLECTION):
            continue
        source = source if node.level else source[len(COLLECTION) :]
        for each in node.names:
            found.add(f"{source}.{each.name}" if place(f"{source}.{each.name}") else source)
    return frozenset(found)


def reached(*roots: str) -> set:
    """Give these modules, whatever they import, directly or not, and the packages that they are in."""
    seen: set = set()
    rest = list(roots)
    while rest:
        name = rest.pop()
        if name not in seen and place(name):
            seen.add(name)
            rest += [*imported(name), name.rpartition(".")[0]]
    return seen


def below(names: set) -> set:
    """Give these names as they are called below module_utils."""
    return {name.partition(".")[2] for name in names if name.startswith("module_utils.")}


@pytest.mark.parametrize("framework", sorted(PARTS))
def test_parts_are_all_that_the_framework_reaches_and_nothing_else(framework: str) -> None:
    handlers = {value.partition(".")[0] for key, value in _entry.HANDLERS.items() if key[0] == framework}
    wanted = below(reached(*(f"module_utils._bridge.{name}" for name in {"_entry", *handlers})))
    parts = PARTS[framework]
    assert len(parts.names) == len(set(parts.names))
    assert sorted(wanted - set(parts.names)) == [], "the bridge would miss these"
    assert sorted(set(parts.names) - wanted) == [], "the bridge does not need these"


def test_frameworks_share_only_what_is_common_and_leave_nothing_of_the_bridge_out() -> None:
    assert {key[0] for key in _entry.HANDLERS} == set(PARTS) == {"alembic", "django"}
    assert set(DJANGO.names) & set(ALEMBIC.names) == set(_common.COMMON)
    files = {path.stem for path in (PLUGINS / "module_utils" / "_bridge").glob("*.py")} - {"__init__"}
    assert {f"_bridge.{name}" for name in files} <= {*DJANGO.names, *ALEMBIC.names}


@pytest.mark.parametrize("framework", sorted(PARTS))
def test_bridge_imports_only_what_is_published(framework: str) -> None:
    files = _bridge_publish.bridge_files(PARTS[framework])
    assert {"run.py", "seamless_bridge/__init__.py", "seamless_bridge/module_utils/__init__.py"} <= set(files)
    assert len(files) == len(PARTS[framework].names) + 3
    assert not [name for name, text in files.items() if "ansible_collections" in text]


@pytest.mark.parametrize("file", ["_common", *(f"_{framework}" for framework in PARTS)])
def test_parts_that_are_named_are_those_that_are_in_the_payload(file: str) -> None:
    """Ansible sends what it finds imported in the text, and the text names each part a second time."""
    common = set(_common.COMMON)
    own = common if file == "_common" else set(PARTS[file[1:]].names) - common
    sent = below(set(imported(f"module_utils._bridge_parts.{file}"))) - {"_bridge_parts._common"}
    assert sent == own


@pytest.mark.parametrize("module", MODULES)
def test_module_carries_the_bridge_of_its_frameworks_only(module: str) -> None:
    payload = below(reached(f"modules.{module}"))
    carried = {framework for framework in PARTS if f"_bridge_parts._{framework}" in payload}
    assert carried == CARRIED.get(module, set())
    assert (("_bridge_client" in payload) or ("_bridge_publish" in payload)) == bool(carried)
    wanted = {name for framework in carried for name in PARTS[framework].names}
    assert wanted <= payload
    others = {name for parts in PARTS.values() for name in parts.names if name.startswith("_bridge.")} - wanted
    assert sorted(payload & others) == []
