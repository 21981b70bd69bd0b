# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the other revisions and the models say of a table: who made it, of which feature it is. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import ast
import collections
import os
import typing as t

from . import _revision
from ._graph import Chain
from ._operation import Operation, called, text_of
from ._walk import Direction

#: Files and folders that hold the models of the package around them.
_PLAIN = ("models", "model", "tables", "entities", "schema", "db", "database")


class Tables(t.NamedTuple):
    """makers: table -> the revisions that create it. keys: table -> type of its primary key. features: table -> package of its model."""

    makers: t.Dict[str, t.List[str]]
    keys: t.Dict[str, str]
    features: t.Dict[str, str]

    @property
    def usual_key(self) -> str:
        """The type that most primary keys have, "" when there is none."""
        counted = collections.Counter(self.keys.values()).most_common(2)
        clear = counted and (len(counted) == 1 or counted[0][1] > counted[1][1])
        return counted[0][0] if clear else ""


def survey(chain: Chain, upgrades: t.Mapping[str, Direction], features: t.Dict[str, str]) -> Tables:
    makers: dict[str, list[str]] = {}
    keys: dict[str, str] = {}
    for revision in [*chain.order, *(each for each in upgrades if each not in chain.order)]:
        for each in upgrades[revision].operations if revision in upgrades else ():
            if each.kind == "create_table" and each.table:
                makers.setdefault(each.table, []).append(revision)
                keys.update({each.table: primary_key(each)} if primary_key(each) else {})
            if each.kind == "rename_table" and each.name:
                makers.setdefault(each.name, []).append(revision)
    return Tables(makers, keys, features)


def primary_key(created: Operation) -> str:
    """The type of the primary key of a new table, where it has one column and refers to nothing."""
    keys = [each for each in created.columns if each.primary_key]
    refers = {name for key in created.foreign_keys for name in key.columns}
    return keys[0].type if len(keys) == 1 and keys[0].name not in refers else ""


def features_of(sources: t.Mapping[str, str]) -> dict[str, str]:
    """Table -> the package whose models declare it, by __tablename__ and Table("name", ...)."""
    found: dict[str, str] = {}
    for path, text in sources.items():
        if "__tablename__" not in text and "Table(" not in text:
            continue
        try:
            tree = _revision.parsed(text)
        except (SyntaxError, ValueError, RecursionError):
            continue
        for table in _declared(tree):
            found.setdefault(table, _feature(path))
    return found


def _declared(tree: ast.Module) -> t.Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and [getattr(each, "id", "") for each in node.targets] == ["__tablename__"]:
            yield text_of(node.value, {})
        elif isinstance(node, ast.Call) and called(node) == "Table" and node.args:
            yield text_of(node.args[0], {})


def _feature(path: str) -> str:
    """shop/orders/models.py and shop/orders/models/line.py are of shop.orders."""
    parts = os.path.splitext(path)[0].split(os.sep)
    parts = parts[:-1] if parts[-1] in (*_PLAIN, "__init__") or len(parts) > 1 else parts
    while parts and parts[-1] in _PLAIN:
        parts.pop()
    return ".".join(parts)
