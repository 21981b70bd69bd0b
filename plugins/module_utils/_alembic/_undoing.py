# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a downgrade() leaves of what upgrade() did. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from . import _sql
from ._operation import Operation
from ._walk import Direction

#: What undoes an operation, other than dropping the table that it is on.
_INVERSE = {
    "create_table": ("drop_table",),
    "drop_table": ("create_table",),
    "add_column": ("drop_column",),
    "drop_column": ("add_column",),
    "create_index": ("drop_index",),
    "drop_index": ("create_index",),
    "create_unique_constraint": ("drop_constraint",),
    "create_check_constraint": ("drop_constraint",),
    "create_primary_key": ("drop_constraint",),
    "create_exclude_constraint": ("drop_constraint",),
    "create_foreign_key": ("drop_constraint",),
    "drop_constraint": (
        "create_unique_constraint", "create_check_constraint", "create_primary_key", "create_exclude_constraint", "create_foreign_key",
    ),
    "alter_column": ("alter_column", "drop_column"),
    "rename_table": ("rename_table",),
}  # fmt: skip
_WORDS = {
    "create_table": "table {0.table}",
    "drop_table": "the dropped table {0.table}",
    "add_column": "column {0.table}.{0.name}",
    "drop_column": "the dropped column {0.table}.{0.name}",
    "alter_column": "the change of {0.table}.{0.name}",
    "create_index": "index {0.name}",
    "drop_index": "the dropped index {0.name}",
    "drop_constraint": "the dropped constraint {0.name}",
    "rename_table": "the new name of {0.table}",
}


def left_behind(upgrade: Direction, downgrade: Direction) -> list[str]:
    """What of the schema is still there, or still missing, after the downgrade; each in a few words."""
    gone = {each.table for each in downgrade.operations if each.kind == "drop_table"}
    gone |= {name for kind, name in (_sql.drops(each.sql) for each in downgrade.operations) if kind == "TABLE"}
    left = [each for each in upgrade.operations if not _undone(each, downgrade.operations, gone)]
    made_and_dropped = {each.table for each in upgrade.operations if each.kind == "drop_table"}
    return list(
        dict.fromkeys(_words(each) for each in left if each.kind == "drop_table" or each.table not in made_and_dropped)
    )


def types_left(upgrade: Direction, downgrade: Direction, known: t.Container[str]) -> list[str]:
    """Enum types that come with a new table and stay when it is dropped. known: types of earlier revisions."""
    made = [column.enum for each in upgrade.operations if each.kind == "create_table" for column in each.columns]
    dropped = [name for kind, name in (_sql.drops(each.sql) for each in downgrade.operations) if kind == "TYPE"]
    if not downgrade.operations or downgrade.drops_itself:
        return []
    return [name for name in dict.fromkeys(made) if name and name not in dropped and name not in known]


def _undone(done: Operation, back: t.Sequence[Operation], gone: t.Set[str]) -> bool:
    if done.kind in ("rows", "create_all"):
        return True  # not a matter of names
    if done.kind == "sql":
        return not _sql.changes_schema(done.sql) or done.table in gone or any(each.kind == "sql" for each in back)
    if done.kind not in ("create_table", "drop_table", "rename_table") and done.table in gone:
        return True
    if done.kind == "create_table" and done.table in gone:
        return True
    return any(each.kind in _INVERSE[done.kind] and _fits(done, each) for each in back)


def _fits(done: Operation, back: Operation) -> bool:
    """Whether an operation of the right kind is about the same object; a name that is not known fits every one."""
    if done.kind == "rename_table":
        return _same(back.table, done.name) and _same(back.name, done.table)
    if done.kind in ("drop_index", "create_index") and not (back.table and done.table):
        return _same(done.name, back.name)
    if not _same(done.table, back.table):
        return False
    if done.kind in ("create_table", "drop_table"):
        return True
    renamed = done.options.get("new_column_name")
    return _same(done.name, back.name) or bool(renamed and back.name == renamed)


def _same(one: str, other: str) -> bool:
    return one == other or not one or not other


def _words(done: Operation) -> str:
    if done.kind == "sql":
        return " ".join(done.sql.split()[:4])
    words = _WORDS.get(done.kind, "constraint {0.name}")
    shown = dataclasses.replace(
        done, table=done.table or "?", name=done.name or "?"
    )  # ? where the name only shows when it runs
    return words.format(shown)
