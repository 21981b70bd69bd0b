# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real database and scratch databases beside it, the same for PostgreSQL and SQLite. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _borrowed, _scratch
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot as _postgres_snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import (
    StatementFailed,
    connected,
    rows,
    server_major,
    sql,
)
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._snapshot_following import Following
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _snapshot as _sqlite_snapshot

Take = t.Callable[[], Snapshot]

_OWNER = "SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database WHERE datname = %s"
_EXTENSIONS = """
SELECT e.extname, n.nspname FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql' ORDER BY e.oid
"""
_SCHEMAS = """
SELECT n.nspname, pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace AS n
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public')
"""


class Place:
    """One database. Methods raise DeployError."""

    #: Of a catalog: postgresql or sqlite.
    dialect = ""
    #: What a message calls it.
    name = ""

    def surroundings(self) -> t.List[str]:
        """What decides, beside the files, what a revision makes."""
        raise NotImplementedError

    def look(self) -> Snapshot:
        """The catalog as it is."""
        raise NotImplementedError

    def can_furnish(self) -> bool:
        """Whether a scratch database can have more than an empty one."""
        return False

    def scratch(self, furnished: bool = False) -> t.ContextManager[t.Tuple[str, Take]]:
        """(name of an empty database, what reads its catalog), gone at the end."""
        raise NotImplementedError


class PostgresPlace(Place):
    """source: the real database, as admin. role: whom the application connects as. scratch_database: one that was lent, or ""."""

    dialect = "postgresql"

    def __init__(self, source: DatabaseConnection, role: str, now: str, scratch_database: str = "") -> None:
        self.source, self._role, self.now, self._lent = source, role, now, scratch_database
        self.name = source.database

    def surroundings(self) -> t.List[str]:
        with connected(self.source, "login_url") as opened:
            return [f"postgresql {server_major(opened)}"]

    def look(self) -> Snapshot:
        with connected(self.source, "login_url") as opened:
            return _postgres_snapshot.take(opened, self.name, self.now)

    def role(self) -> str:
        """Whom the application connects as, or who owns the database where that is not known."""
        with connected(self.source, "login_url") as opened:
            return self._role or str(rows(opened, _OWNER, (self.name,))[0][0])

    def can_furnish(self) -> bool:
        with connected(self.source, "login_url") as opened:
            return bool(rows(opened, _EXTENSIONS) or rows(opened, _SCHEMAS))

    @contextlib.contextmanager
    def scratch(self, furnished: bool = False) -> t.Iterator[t.Tuple[str, Take]]:
        with connected(self.source, "login_url") as opened:
            extensions = rows(opened, _EXTENSIONS) if furnished else []
            schemas = rows(opened, _SCHEMAS) if furnished else []
        if self._lent:
            made = _borrowed.borrowed(self.source, self._lent, self.name, self.role())
        else:
            made = _scratch.scratch(self.source, self.name, self.role())
        with made as (name, _superuser):
            with connected(self.source.to_database(name), "login_url") as opened:
                # It need not outlive a power cut: hundreds of small commits would each wait for the disk.
                rows(opened, sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
                _furnish(opened, extensions, schemas)
                yield name, Following(opened, name, self.now).take


def _furnish(opened: t.Any, extensions: t.List[t.Any], schemas: t.List[t.Any]) -> None:
    """What cannot be made is left out: then the replay says what it misses."""
    statements = [
        sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(name), sql.Identifier(owner))
        for name, owner in schemas
    ]
    statements += [
        sql.SQL("CREATE EXTENSION {} SCHEMA {} CASCADE").format(sql.Identifier(name), sql.Identifier(schema))
        for name, schema in extensions
    ]
    for statement in statements:
        with contextlib.suppress(StatementFailed):
            rows(opened, statement)


class SqlitePlace(Place):
    """The file of the application."""

    dialect = "sqlite"

    def __init__(self, path: str, now: str) -> None:
        self.path, self._now = path, now
        self.name = path

    def surroundings(self) -> t.List[str]:
        return ["sqlite"]

    def look(self) -> Snapshot:
        with _sqlite_snapshot.opened(self.path) as connection:
            return _sqlite_snapshot.take(connection, os.path.basename(self.path), self._now)

    @contextlib.contextmanager
    def scratch(self, furnished: bool = False) -> t.Iterator[t.Tuple[str, Take]]:
        with tempfile.TemporaryDirectory(prefix="seamless-replay-") as folder:
            path = os.path.join(folder, "scratch.sqlite")
            with open(path, "wb"):
                """An empty file is an empty database."""
            yield path, SqlitePlace(path, self._now).look  # a connection each time: another thread may ask
