# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a SQLite database that a migration failed on, from what SQLite said. Target; PRIVATE to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Violation
from ansible_collections.seamless.deploy.plugins.module_utils._schema._violations import SAMPLES

_SAID = re.compile(r"(NOT NULL|UNIQUE|FOREIGN KEY|CHECK) constraint failed:?\s*([^()]*)")
_FOREIGN = re.compile(r"has an invalid foreign key|foreign key mismatch|FOREIGN KEY constraint failed")
#: What frameworks call the table that is to take the place of another one.
_NEW = re.compile(r"^(?:new__|_alembic_tmp_)")


def blamed(connection: t.Any, error: str) -> list[Violation]:
    """The rows as they are without the migration. None where SQLite's words do not tell."""
    if _FOREIGN.search(error):
        return _orphans(connection)
    said = _SAID.search(error)
    if not said or said.group(1) == "CHECK":
        return []
    names = [part.strip().rpartition(".") for part in said.group(2).split(",") if "." in part]
    table = _NEW.sub("", names[0][0]) if names else ""
    there = [row[1] for row in connection.execute(f"PRAGMA table_info({_quoted(table)})")] if table else []
    columns = [column for _table, _dot, column in names]
    if not there:
        return []
    if said.group(1) == "UNIQUE":
        return _duplicates(connection, table, columns) if set(columns) <= set(there) else []
    # A column that is only to come has no value in any row.
    where = f"{_quoted(columns[0])} IS NULL" if columns[0] in there else "1"
    return _found(connection, f"{table}.{columns[0]}", "null", table, where)


def _duplicates(connection: t.Any, table: str, columns: list[str]) -> list[Violation]:
    listed = ", ".join(_quoted(column) for column in columns)
    twice = f"SELECT {listed} FROM {_quoted(table)} GROUP BY {listed} HAVING count(*) > 1"
    given = " AND ".join(f"{_quoted(column)} IS NOT NULL" for column in columns)
    where = f"({listed}) IN ({twice}) AND {given}"
    shown = f"{table}.{columns[0]}" if len(columns) == 1 else f"{table} ({', '.join(columns)})"
    return _found(connection, shown, "duplicate", table, where)


def _orphans(connection: t.Any) -> list[Violation]:
    found: dict[tuple[str, int], list[str]] = {}
    for table, rowid, _parent, key in connection.execute("PRAGMA foreign_key_check"):
        found.setdefault((table, key), []).append(str(rowid))
    return [
        Violation(f"{table}.{_column(connection, table, key)}", "orphan", len(rows), rows[:SAMPLES])
        for (table, key), rows in sorted(found.items())
    ]


def _column(connection: t.Any, table: str, key: int) -> str:
    rows = connection.execute(f"PRAGMA foreign_key_list({_quoted(table)})").fetchall()
    return ", ".join(row[3] for row in rows if row[0] == key)


def _found(connection: t.Any, shown: str, kind: str, table: str, where: str) -> list[Violation]:
    count = int(connection.execute(f"SELECT count(*) FROM {_quoted(table)} WHERE {where}").fetchone()[0])
    keys = [row[1] for row in connection.execute(f"PRAGMA table_info({_quoted(table)})") if row[5]]
    samples = []
    if count and len(keys) == 1:
        statement = f"SELECT {_quoted(keys[0])} FROM {_quoted(table)} WHERE {where} ORDER BY 1 LIMIT {SAMPLES}"
        samples = [str(row[0]) for row in connection.execute(statement)]
    return [Violation(shown, kind, count, samples)] if count else []


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
