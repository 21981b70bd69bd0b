# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Constraints and indexes of a SQLite table, from pragmas and from its text. Pure; target; PRIVATE to the collection.

A constraint without a name is called after what it says, such as "unique (a, b)".
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Constraint, Index
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._declared import (
    DeclaredConstraint,
    DeclaredTable,
    declared_index,
)

Rows = t.Dict[str, t.List[t.Tuple[t.Any, ...]]]


@dataclasses.dataclass(frozen=True)
class Keys:
    """Rows of pragmas by name: table_xinfo, foreign_key_list, index_list by table, index_xinfo by index; CREATE INDEX by index."""

    columns: Rows
    foreign: Rows
    indexes: Rows
    index_columns: Rows
    statements: t.Dict[str, str]

    def table(self, name: str) -> str:
        """As it is written where it was made: SQLite does not tell capital letters from small ones."""
        return next((table for table in self.columns if table.lower() == name.lower()), name)

    def primary_key(self, table: str) -> list[str]:
        return [row[1] for row in sorted(self.columns.get(table, []), key=lambda row: row[5]) if row[5]]


def constraints(table: str, declared: DeclaredTable, keys: Keys) -> list[Constraint]:
    """Sorted by name."""
    found = []
    foreign = _foreign_keys(table, keys)
    for one in declared.constraints:
        if one.kind == "foreign":
            rows = foreign.pop(0) if foreign else []
            found += [_foreign(one, keys.table(rows[0][2]), rows)] if rows else []
        elif one.kind == "check":
            found.append(_named(one, f"CHECK ({one.check})"))
        else:
            words = "PRIMARY KEY" if one.kind == "primary" else "UNIQUE"
            found.append(_named(one, f"{words} ({', '.join(one.columns)})"))
    return sorted(_with_own_names(found), key=lambda constraint: constraint.name)


def _named(declared: DeclaredConstraint, definition: str) -> Constraint:
    return Constraint(declared.name or _called(definition), declared.kind, definition, declared.columns)


def _called(definition: str) -> str:
    words, dummy, rest = definition.partition(" (")
    return f"{words.lower()} ({rest}"


def _foreign_keys(table: str, keys: Keys) -> list[list[tuple[t.Any, ...]]]:
    """In the order of their declaration, which is not that of the pragma."""
    by_number: dict[int, list[tuple[t.Any, ...]]] = {}
    for row in sorted(keys.foreign.get(table, []), key=lambda row: (-row[0], row[1])):
        by_number.setdefault(row[0], []).append((*row, keys.primary_key(keys.table(row[2]))))
    return list(by_number.values())


def _foreign(declared: DeclaredConstraint, target: str, rows: list[tuple[t.Any, ...]]) -> Constraint:
    columns = [row[3] for row in rows]
    on_update, on_delete, primary = rows[0][5], rows[0][6], rows[0][-1]
    referenced = [row[4] for row in rows] if rows[0][4] is not None else primary
    definition = f"FOREIGN KEY ({', '.join(columns)}) REFERENCES {target} ({', '.join(referenced)})"
    definition += f" ON DELETE {on_delete}" if on_delete != "NO ACTION" else ""
    definition += f" ON UPDATE {on_update}" if on_update != "NO ACTION" else ""
    definition += " DEFERRABLE" if declared.deferrable else ""
    definition += " INITIALLY DEFERRED" if declared.deferred else ""
    return Constraint(
        declared.name or f"foreign key ({', '.join(columns)})",
        "foreign",
        definition,
        columns,
        target,
        referenced,
        on_delete.lower(),
        on_update.lower(),
        deferrable=declared.deferrable,
        deferred=declared.deferred,
    )


def _with_own_names(found: list[Constraint]) -> list[Constraint]:
    """SQLite lets two constraints have one name."""
    seen: dict[str, int] = {}
    named = []
    for constraint in found:
        seen[constraint.name] = seen.get(constraint.name, 0) + 1
        number = seen[constraint.name]
        named.append(constraint if number == 1 else dataclasses.replace(constraint, name=f"{constraint.name} {number}"))
    return named


def indexes(table: str, found: list[Constraint], keys: Keys) -> list[Index]:
    """Sorted by name. One that SQLite made itself is called as its constraint."""
    made = [_index(table, row, found, keys) for row in keys.indexes.get(table, [])]
    return sorted(made, key=lambda index: index.name)


def _index(table: str, row: tuple[t.Any, ...], found: list[Constraint], keys: Keys) -> Index:
    dummy, name, unique, origin, dummy2 = row
    parts = keys.index_columns.get(name, [])
    columns = [part[1] or "" for part in parts]
    kind = {"u": "unique", "pk": "primary"}.get(origin, "")
    lowered = [column.lower() for column in columns]
    of_kind = [one for one in found if one.kind == kind]
    constraint = next((one.name for one in of_kind if [name.lower() for name in one.columns] == lowered), "")
    texts, predicate = declared_index(keys.statements.get(name, ""))
    texts = texts or columns
    shown = constraint or name
    unique_word = "UNIQUE " if unique else ""
    definition = f"CREATE {unique_word}INDEX {shown} ON {table} ({', '.join(texts)})"
    definition += f" WHERE {predicate}" if predicate else ""
    return Index(shown, definition, "btree", columns, bool(unique), predicate=predicate, constraint=constraint)
