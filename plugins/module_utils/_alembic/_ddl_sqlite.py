# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements that make what a catalog lacks, on SQLite. Pure; target; PRIVATE to the collection.

SQLite adds no constraint to a table that is there, but that of a column which it adds. What is left says so.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, Path, Value
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._ddl import missing, quoted

#: A default that ADD COLUMN takes as it is; anything else needs brackets, which it refuses.
_PLAIN = re.compile(r"[+-]?[\d.]+|'(?:[^']|'')*'|NULL|TRUE|FALSE", re.IGNORECASE)


def create(expected: Atoms, real: Atoms) -> t.Tuple[t.List[str], t.List[str]]:
    """(statements, what cannot be made from a catalog)."""
    gone = missing(expected, real)
    tables = [path for path in gone if path[0] == "table"]
    whole = {path[2] for path in tables}
    made: t.List[str] = []
    refused: t.List[str] = []
    taken: t.Set[Path] = set()
    for path in tables:
        if expected[path]["kind"] == "virtual":
            refused.append(f"table {path[2]}")
        else:
            made.append(_table(path[2], expected))
    for path in gone:
        if path[0] == "column" and path[1] not in whole:
            statement, of_column = _column_added(path, expected, gone)
            made.append(statement)
            taken |= of_column
    for path in gone:
        kind, owner, name = path
        if kind in ("index", "trigger", "view"):
            made.append(expected[path]["definition"])
        elif kind == "constraint" and owner not in whole and path not in taken:
            refused.append(f"constraint {owner}.{name}")
    return made, refused


def _table(name: str, expected: Atoms) -> str:
    columns = [(path[2], expected[path]) for path in expected if path[0] == "column" and path[1] == name]
    constraints = [(path[2], expected[path]) for path in expected if path[0] == "constraint" and path[1] == name]
    counted = any(value["identity"] == "autoincrement" for _name, value in columns)
    parts = []
    for own, value in columns:
        key = " PRIMARY KEY AUTOINCREMENT" if value["identity"] == "autoincrement" else ""
        parts.append(_column(own, value) + key)
    parts += [_constraint(own, value) for own, value in constraints if not (counted and value["kind"] == "primary")]
    options = ", ".join(expected[("table", "", name)]["options"])
    return f"CREATE TABLE {quoted(name)} ({', '.join(parts)}){' ' + options if options else ''}"


def _column(name: str, value: Value, added: bool = False) -> str:
    words = [quoted(name), value["type"].upper()]
    words += [f"COLLATE {value['collation']}"] if value["collation"] else []
    words += ["NOT NULL"] if value["not_null"] else []
    if value["default"]:
        plain = added and _PLAIN.fullmatch(value["default"])
        words.append(f"DEFAULT {value['default']}" if plain else f"DEFAULT ({value['default']})")
    if value["generation"]:
        words.append(f"GENERATED ALWAYS AS ({value['generated']}) {value['generation'].upper()}")
    return " ".join(words)


def _column_added(path: Path, expected: Atoms, gone: t.Sequence[Path]) -> t.Tuple[str, t.Set[Path]]:
    """The statement, and the constraints that come with it."""
    _kind, owner, name = path
    own = [
        each
        for each in gone
        if each[:2] == ("constraint", owner)
        and expected[each]["columns"] == [name]
        and expected[each]["kind"] == "foreign"
    ]
    words = [f"ALTER TABLE {quoted(owner)} ADD COLUMN {_column(name, expected[path], added=True)}"]
    words += [_name(each[2], expected[each]) + _references(expected[each]) for each in own]
    return " ".join(words), set(own)


def _constraint(name: str, value: Value) -> str:
    columns = ", ".join(map(quoted, value["columns"]))
    words = {
        "primary": f"PRIMARY KEY ({columns})",
        "unique": f"UNIQUE ({columns})",
        "check": value["definition"],
        "foreign": f"FOREIGN KEY ({columns}) {_references(value)}" if value["kind"] == "foreign" else "",
    }
    return _name(name, value) + words[value["kind"]]


def _name(name: str, value: Value) -> str:
    """One without a name is called after what it says."""
    word, _blank, _rest = name.partition(" (")
    made_up = word in ("primary key", "unique", "check", "foreign key")
    return "" if made_up else f"CONSTRAINT {quoted(name)} "


def _references(value: Value) -> str:
    words = [f"REFERENCES {quoted(value['references'])} ({', '.join(map(quoted, value['referenced_columns']))})"]
    words += [f"ON DELETE {value['on_delete'].upper()}"] if value["on_delete"] not in ("", "no action") else []
    words += [f"ON UPDATE {value['on_update'].upper()}"] if value["on_update"] not in ("", "no action") else []
    words += ["DEFERRABLE"] if value["deferrable"] else []
    words += ["INITIALLY DEFERRED"] if value["deferred"] else []
    return " ".join(words)


def drop_table(name: str) -> str:
    return f"DROP TABLE {quoted(name)}"


def rename_table(name: str, wanted: str) -> str:
    return f"ALTER TABLE {quoted(name)} RENAME TO {quoted(wanted)}"
