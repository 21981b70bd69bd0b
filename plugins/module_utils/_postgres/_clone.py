# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database's schema, without its rows, in a scratch database: with the history of its migrations. Target; PRIVATE to the collection."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import os
import tempfile
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _archive, _dump
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._clients import Client
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows, sql

#: Where frameworks keep what was applied, Django and Alembic; and what Django's migrate itself fills, so that data steps count on it.
HISTORY = ("django_migrations", "alembic_version", "django_content_type", "auth_permission")
_TABLES = """
SELECT n.nspname, c.relname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relname = ANY (%s) AND n.nspname !~ '^pg_' ORDER BY pg_catalog.array_position(%s, c.relname::text), 1
"""
_SEQUENCES = """
SELECT pg_catalog.format('%I.%I', schemaname, sequencename), last_value FROM pg_catalog.pg_sequences
WHERE last_value IS NOT NULL AND schemaname !~ '^pg_'
"""
_SET = "SELECT pg_catalog.setval(s.name::regclass, s.value) FROM unnest(%s::text[], %s::bigint[]) AS s(name, value)"


@contextlib.contextmanager
def dumping(run: _archive.Run, source: DatabaseConnection, client: Client) -> t.Iterator[concurrent.futures.Future]:
    """The file that the schema of a database is written to, beside the block: what it is to be copied to is made meanwhile.

    Gone when the block ends. Its result raises DeployError.
    """
    with tempfile.TemporaryDirectory(prefix="seamless-rehearsal-") as folder:
        with concurrent.futures.ThreadPoolExecutor(1) as beside:
            yield beside.submit(_dump_schema, run, source, client, os.path.join(folder, "schema"))


def _dump_schema(run: _archive.Run, source: DatabaseConnection, client: Client, path: str) -> str:
    options = ["--format=custom", "--compress=0", "--schema-only", "--no-sync", "--no-password"]
    _call(run, client, ["pg_dump", *options, f"--file={path}"], source, source.database)
    return path


def _call(run: _archive.Run, client: Client, argv: list[str], connection: DatabaseConnection, source: str) -> None:
    rc, out, err = _archive.call(run, [client.program(argv[0]), *argv[1:]], connection, umask=None)
    errors = _dump.messages_of(err).errors
    if rc != 0 or errors:
        said = errors[0] if errors else f"exit code {rc}"
        raise DeployError(
            f"the schema of {source!r} cannot be copied for a rehearsal: {argv[0]} says {said}",
            rc=rc,
            stdout=out,
            stderr=err,
        )


@dataclasses.dataclass(frozen=True)
class Clone:
    """From where to where, as admin. role: who owns everything there where admin is no superuser."""

    source: DatabaseConnection
    target: DatabaseConnection
    client: Client
    superuser: bool
    role: str

    def make(
        self, run: _archive.Run, dumped: concurrent.futures.Future, tables_made: t.Callable[[], None] = lambda: None
    ) -> None:
        """dumped: of dumping(). tables_made: called when tables and history are there; indexes, constraints and triggers follow.

        Raises DeployError.
        """
        # A scratch database need not outlive a power cut: thousands of small commits would each wait for the disk.
        with connected(self.target, "database") as opened:
            name = sql.Identifier(self.target.database)
            rows(opened, sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
        archive = dumped.result()
        self._restore(run, ["--section=pre-data"], archive)
        self._copy_history()
        tables_made()
        # Keys and indexes beside each other.
        self._restore(run, ["--section=post-data", "--jobs=2"], archive)

    def _restore(self, run: _archive.Run, what: list[str], archive: str) -> None:
        # Whoever is no superuser cannot give objects to their owners; the application's role must own them.
        foreign = [] if self.superuser else ["--no-owner", "--no-privileges", "--no-comments", f"--role={self.role}"]
        # A subscription would keep the scratch database from being dropped.
        argv = ["pg_restore", "--exit-on-error", "--no-password", "--no-subscriptions", *what, *foreign]
        argv += [f"--dbname={self.target.database}", archive]
        _call(run, self.client, argv, self.target, self.source.database)

    def _copy_history(self) -> None:
        with connected(self.source, "database") as source, connected(self.target, "database") as target:
            for schema, name in rows(source, _TABLES, (list(HISTORY), list(HISTORY))):
                table = sql.Identifier(schema, name)
                with tempfile.TemporaryFile() as file:
                    with source.cursor() as cursor:
                        cursor.copy_expert(sql.SQL("COPY {} TO STDOUT").format(table), file)
                    file.seek(0)
                    with target.cursor() as cursor:
                        cursor.copy_expert(sql.SQL("COPY {} FROM STDIN").format(table), file)
            found: list[tuple[t.Any, ...]] = rows(source, _SEQUENCES)
            if found:
                rows(target, _SET, ([name for name, _value in found], [value for _name, value in found]))
