# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog of a SQLite database as a value. Target; PRIVATE to the collection.

SQLite tells no size of a table without reading it, and keeps no number that outlives a rename: `bytes` of a table is 0,
and what was renamed looks removed and added. `filenode` is the first page, which is another one once a table was made anew.
"""

from __future__ import annotations

import collections
import contextlib
import os
import sys
import typing as t
import urllib.parse

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import (
    Column,
    Sequence,
    Snapshot,
    Table,
    Trigger,
    View,
)
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._constraints import Keys, constraints, indexes
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._declared import (
    DeclaredTable,
    declared_table,
    virtual_table,
)

try:
    import sqlite3
except ImportError:
    sqlite3 = None  # type: ignore[assignment]

#: Seconds to wait for a writer that keeps the whole file locked.
BUSY_TIMEOUT = 10

#: pragma table_xinfo, on which all of this stands.
OLDEST = (3, 26, 0)

LARGEST_ROWID = 9223372036854775807

_OBJECTS = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
_COLUMNS = 'SELECT name, type, "notnull", dflt_value, pk, hidden, cid FROM pragma_table_xinfo(?) ORDER BY cid'
_OF_ALL_TABLES = """
SELECT m.name, x.* FROM sqlite_master AS m, {pragma}(m.name) AS x
WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL %'
"""
#: By way of the tables: the key of one WITHOUT ROWID is no entry of sqlite_master.
_INDEX_COLUMNS = """
SELECT l.name, x.cid, x.name, x."desc", x.coll
FROM sqlite_master AS m, pragma_index_list(m.name) AS l, pragma_index_xinfo(l.name) AS x
WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL %' AND x.key = 1 ORDER BY l.name, x.seqno
"""


@contextlib.contextmanager
def opened(path: str, option: str = "path") -> t.Iterator[sqlite3.Connection]:
    """The file, to be read only. `option` is what a message calls it. Raises DeployError."""
    found = sqlite3.sqlite_version if sqlite3 else "none"
    if not sqlite3 or sqlite3.sqlite_version_info < OLDEST:
        raise DeployError(
            f"the SQLite of {sys.executable} is {found}; set ansible_python_interpreter to a Python with 3.26 or newer"
        )
    if not os.path.isfile(path):
        raise DeployError(f"{option} {path!r} is no file; correct {option}")
    uri = f"file:{urllib.parse.quote(os.path.abspath(path))}?mode=ro"
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
    except sqlite3.Error as exc:
        raise DeployError(f"{option} {path!r} cannot be opened ({exc}); let this user read it") from exc
    with contextlib.closing(connection):
        yield connection


def take(connection: sqlite3.Connection, database: str, now: str) -> Snapshot:
    """The catalog of the main database of a connection, as of one moment. Raises DeployError."""
    outermost = not connection.in_transaction
    try:
        connection.execute("BEGIN" if outermost else "SAVEPOINT seamless_snapshot")
        try:
            return _read(connection, database, now)
        finally:
            connection.execute("ROLLBACK" if outermost else "RELEASE seamless_snapshot")
    except sqlite3.Error as exc:
        raise DeployError(
            f"the SQLite database {database!r} cannot be read ({exc}); it must be a SQLite file that no writer keeps locked, "
            "in a directory that this user may enter"
        ) from exc


def _read(connection: sqlite3.Connection, database: str, now: str) -> Snapshot:
    objects = connection.execute(_OBJECTS).fetchall()
    keys = _keys(connection)
    triggers: dict[str, list[Trigger]] = collections.defaultdict(list)
    for kind, name, table, page, statement in objects:
        if kind == "trigger" and not page:
            triggers[table].append(Trigger(name, statement.strip()))
    estimates = _estimates(connection)
    shadows = _shadows(connection, objects)
    tables = [
        _table(connection, keys, name, page, statement, triggers[name], estimates.get(name, -1))
        for kind, name, dummy, page, statement in objects
        if kind == "table" and name not in shadows
    ]
    views = [
        View(
            name,
            statement.strip(),
            columns=_columns(_tolerant(connection, name), DeclaredTable(), ""),
            triggers=triggers[name],
        )
        for kind, name, dummy, dummy2, statement in objects
        if kind == "view"
    ]
    pages = connection.execute("PRAGMA page_count").fetchone()[0] * connection.execute("PRAGMA page_size").fetchone()[0]
    return Snapshot(
        "sqlite",
        tables=tables,
        views=views,
        sequences=_sequences(connection, tables),
        server=sqlite3.sqlite_version,
        database=database,
        taken_at=now,
        bytes=pages,
    )


def _keys(connection: sqlite3.Connection) -> Keys:
    """What pragmas tell of all tables, by table or index."""

    def grouped(statement: str) -> dict[str, list[t.Any]]:
        found = collections.defaultdict(list)
        for name, *rest in connection.execute(statement):
            found[name].append(tuple(rest))
        return found

    statements = dict(
        connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    )
    return Keys(
        columns=grouped(_OF_ALL_TABLES.format(pragma="pragma_table_xinfo")),
        foreign=grouped(_OF_ALL_TABLES.format(pragma="pragma_foreign_key_list")),
        indexes=grouped(_OF_ALL_TABLES.format(pragma="pragma_index_list")),
        index_columns=grouped(_INDEX_COLUMNS),
        statements=statements,
    )


def _table(
    connection: sqlite3.Connection,
    keys: Keys,
    name: str,
    page: int,
    statement: str,
    triggers: list[Trigger],
    estimate: float,
) -> Table:
    if statement.upper().startswith("CREATE VIRTUAL"):
        columns = _columns(_tolerant(connection, name), DeclaredTable(), "")
        return Table(name, "virtual", columns, triggers=triggers, options=[virtual_table(statement)])
    declared = declared_table(statement)
    found = constraints(name, declared, keys)
    rows = [(row[1], row[2], row[3], row[4], row[5], row[6], row[0]) for row in keys.columns[name]]
    return Table(
        name,
        columns=_columns(rows, declared, _numbered(declared, rows)),
        constraints=found,
        indexes=indexes(name, found, keys),
        triggers=triggers,
        options=declared.options,
        filenode=page,
        rows=estimate,
    )


def _numbered(declared: DeclaredTable, rows: list[tuple[t.Any, ...]]) -> str:
    """How SQLite fills a primary key that an INSERT leaves out: an INTEGER one is the number of the row."""
    if declared.autoincrement:
        return "autoincrement"
    kinds = [str(kind).upper() for _name, kind, _not_null, _default, key, *_rest in rows if key]
    return "rowid" if kinds == ["INTEGER"] and "without rowid" not in declared.options else ""


def _columns(rows: t.Iterable[tuple[t.Any, ...]], declared: DeclaredTable, key_identity: str) -> list[Column]:
    columns = []
    for name, kind, not_null, default, key, hidden, number in rows:
        if hidden == 1:
            continue
        columns.append(
            Column(
                name,
                kind.lower(),
                bool(not_null),
                default or "",
                declared.generated.get(name.lower(), ""),
                {2: "virtual", 3: "stored"}.get(hidden, ""),
                key_identity if key else "",
                declared.collations.get(name.lower(), ""),
                number + 1,
            )
        )
    return columns


def _tolerant(connection: sqlite3.Connection, name: str) -> list[tuple[t.Any, ...]]:
    """Columns of a view that may be broken, or of a virtual table whose module may not be there."""
    try:
        return connection.execute(_COLUMNS, [name]).fetchall()
    except sqlite3.OperationalError:
        return []


def _shadows(connection: sqlite3.Connection, objects: list[tuple[t.Any, ...]]) -> set[str]:
    """Tables in which virtual tables keep their content."""
    if sqlite3.sqlite_version_info >= (3, 37, 0):
        return {row[0] for row in connection.execute("SELECT name FROM pragma_table_list WHERE type = 'shadow'")}
    virtual = [row[1] for row in objects if row[4] and row[4].upper().startswith("CREATE VIRTUAL")]
    return {row[1] for row in objects for name in virtual if row[1].startswith(f"{name}_")}


def _estimates(connection: sqlite3.Connection) -> dict[str, float]:
    """Rows of each table, as ANALYZE left them."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone():
        return {}
    found = connection.execute("SELECT tbl, stat FROM sqlite_stat1 WHERE stat IS NOT NULL")
    return {table: float(str(stat).split()[0]) for table, stat in found}


def _sequences(connection: sqlite3.Connection, tables: list[Table]) -> list[Sequence]:
    """One for each AUTOINCREMENT, called as its table."""
    made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone()
    last = dict(connection.execute("SELECT name, seq FROM sqlite_sequence")) if made else {}
    return [
        Sequence(
            table.name,
            "integer",
            maximum=LARGEST_ROWID,
            owned_by=f"{table.name}.{column.name}",
            last_value=last.get(table.name),
        )
        for table in tables
        for column in table.columns
        if column.identity == "autoincrement"
    ]
