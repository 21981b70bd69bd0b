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
    keys_by_name: dict[str, str] = {}
    for revision in [*chain.order, *(each for each in upgrades if each not in chain.order)]:
        for each in upgrades[revision].operations if revision in upgrades else ():
            if each.kind == "create_table" and each.table:
                makers.setdefault(each.table, []).append(revision)
                keys.update({each.table: primary_key(each)} if primary_key(each) else {})
                for column in (column for column in each.columns if column.primary_key):
                    keys_by_name[each.table] = column.name
            if each.kind == "rename_table" and each.name:
                makers.setdefault(each.name, []).append(revision)
            if _changes_key(each, keys_by_name):
                keys.pop(each.table, None)
    return Tables(makers, keys, features)


def _changes_key(each: Operation, names: t.Mapping[str, str]) -> bool:
    """Whether the key of a table is another one afterwards: what it was made with says nothing then."""
    if each.kind == "create_primary_key":
        return True
    changed = each.kind == "drop_column" or (each.kind == "alter_column" and "type_" in each.options)
    return changed and each.name == names.get(each.table)


def primary_key(created: Operation) -> str:
    """The type of the primary key of a new table, where it has one column and refers to nothing."""
    keys = [each for each in created.columns if each.primary_key]
    refers = {name for key in created.foreign_keys for name in key.columns}
    return keys[0].type if len(keys) == 1 and keys[0].name not in refers else ""


class Models(t.NamedTuple):
    """features: table -> the package whose models declare it. named: what a class calls its table, as it is written in code."""

    features: t.Dict[str, str]
    named: t.Dict[str, str]


def models_of(sources: t.Mapping[str, str]) -> Models:
    """By __tablename__ and Table("name", ...)."""
    found = Models({}, {})
    for path, text in sources.items():
        if "__tablename__" not in text and "Table(" not in text:
            continue
        try:
            tree = _revision.parsed(text)
        except (SyntaxError, ValueError, RecursionError):
            continue
        for owner, table in _declared(tree):
            found.features.setdefault(table, _feature(path))
            found.named.update({f"{owner}.__tablename__": table} if owner else {})
    return found


def _declared(tree: ast.Module) -> t.Iterator[tuple[str, str]]:
    """(class, table)."""
    for node in ast.walk(tree):
        name, value = "", None
        if isinstance(node, ast.ClassDef):
            assigned = [each for each in node.body if isinstance(each, ast.Assign)]
            tables = [
                each.value
                for each in assigned
                if [getattr(part, "id", "") for part in each.targets] == ["__tablename__"]
            ]
            name, value = node.name, tables[0] if tables else None
        elif isinstance(node, ast.Call) and called(node) == "Table" and node.args:
            value = node.args[0]
        table = text_of(value, {}) if value is not None else ""
        if table:
            yield name, table


def _feature(path: str) -> str:
    """shop/orders/models.py and shop/orders/models/line.py are of shop.orders."""
    parts = os.path.splitext(path)[0].split(os.sep)
    parts = parts[:-1] if parts[-1] in (*_PLAIN, "__init__") or len(parts) > 1 else parts
    while parts and parts[-1] in _PLAIN:
        parts.pop()
    return ".".join(parts)
