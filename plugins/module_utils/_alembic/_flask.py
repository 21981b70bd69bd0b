# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the code of an application tells Flask-Migrate to keep its revisions. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import ast
import contextlib
import re
import typing as t

from ._operation import called
from ._revision import Unknown, parsed, value_of

_CALLS = re.compile(r"\bMigrate\(|migrate\w*\.init_app\(", re.IGNORECASE)
#: Migrate(app, db, directory)
_POSITION = 2


def directories(sources: t.Mapping[str, str]) -> t.List[str]:
    """Those that are literals, as they are written. sources: path -> text."""
    found: t.List[str] = []
    for _path, text in sorted(sources.items()):
        if _CALLS.search(text):
            with contextlib.suppress(SyntaxError, ValueError, RecursionError):
                found += _of_tree(parsed(text))
    return list(dict.fromkeys(found))


def _of_tree(tree: ast.Module) -> t.Iterator[str]:
    known: t.Dict[str, t.Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with contextlib.suppress(Unknown):
                known[node.targets[0].id] = value_of(node.value, known)
    for call in (each for each in ast.walk(tree) if isinstance(each, ast.Call) and _is_migrate(each)):
        named = [each.value for each in call.keywords if each.arg == "directory"]
        for given in [*call.args[_POSITION : _POSITION + 1], *named]:
            with contextlib.suppress(Unknown):
                value = value_of(given, known)
                if value and isinstance(value, str):
                    yield value


def _is_migrate(call: ast.Call) -> bool:
    """Migrate(...), or migrate.init_app(...)."""
    name = called(call)
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return name == "Migrate" or (name == "init_app" and owner is not None and "migrate" in called(owner).lower())
