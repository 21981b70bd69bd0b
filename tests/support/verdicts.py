# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A case of a verdict on a real PostgreSQL: what its releases really do, and the evidence that a rehearsal would give (control node)."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

import psycopg2
import psycopg2.extensions
from ansible_collections.seamless.deploy.plugins.module_utils._migration import Migration
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import (
    Demands,
    Evidence,
    Lock,
    Statement,
)
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

from tests.cases.verdicts.form import Case, Release, demanded
from tests.cases.verdicts.orm import statements

NOW = "2026-01-02T03:04:05Z"
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
LOCKS = """
SELECT n.nspname || '.' || c.relname, l.mode FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE l.pid = %s AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_'
"""

# What the session has read and not yet reported, earlier transactions included.
SCANS = "SELECT schemaname || '.' || relname, seq_scan FROM pg_stat_xact_user_tables WHERE seq_scan > 0"


@dataclasses.dataclass(frozen=True)
class Truth:
    """What really happened; the errors of those that failed."""

    old_after: str
    new_before: str

    @property
    def word(self) -> str:
        return {
            (True, True): "either",
            (True, False): "expand",
            (False, True): "contract",
            (False, False): "blocking",
        }[not self.old_after, not self.new_before]


class Trial:
    """One database in which one case after the other is run."""

    def __init__(self, migrating: psycopg2.extensions.connection, watching: psycopg2.extensions.connection) -> None:
        self.migrating = migrating
        self.watching = watching

    def run(self, case: Case) -> tuple[Truth, Evidence]:
        """Set up, try both releases on both sides, and migrate between."""
        self._clear()
        self._execute(case.setup)
        self._must_work(case.old, "the old release before the migration")
        new_before = self.fails(case.new)
        evidence = self._migrate(case)
        self._must_work(case.new, "the new release after the migration")
        old_after = self.fails(case.old, case.after_new)
        return Truth(old_after, new_before), evidence

    def fails(self, release: Release, first: t.Sequence[str] = ()) -> str:
        """The error of the first statement of a release that fails, "" when none does; nothing of it stays."""
        try:
            with self.migrating.cursor() as cursor:
                cursor.execute("BEGIN")
                for statement in [*first, *statements(release)]:
                    cursor.execute(statement)
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg2.Error as error:
            return str(error)
        finally:
            self._execute("ROLLBACK")
        return ""

    def _must_work(self, release: Release, which: str) -> None:
        error = self.fails(release)
        assert not error, f"the case is wrong, {which} fails: {error}"

    def _clear(self) -> None:
        with self.migrating.cursor() as cursor:
            cursor.execute(SCHEMAS)
            for (schema,) in cursor.fetchall():
                cursor.execute(f'DROP SCHEMA "{schema}" CASCADE')
            cursor.execute("CREATE SCHEMA public")

    def _execute(self, statement: str) -> None:
        with self.migrating.cursor() as cursor:
            cursor.execute(statement)

    def _rows(self, statement: str) -> list[tuple[t.Any, ...]]:
        with self.migrating.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def snapshot(self) -> Snapshot:
        """The catalog as it is now."""
        return _snapshot.take(self.watching, "cases", NOW)

    def _migrate(self, case: Case) -> Evidence:
        before = self.snapshot()
        there = {table.name for table in before.tables}
        done: list[Statement] = []
        locks: list[Lock] = []
        scanned: set[str] = set()
        for number, part in enumerate(case.migration):
            if isinstance(part, str):
                done.append(self._timed(part, -1))
                continue
            self._execute("BEGIN")
            taken: dict[tuple[str, str], tuple[int, float]] = {}
            read = set(self._rows(SCANS))
            for statement in part:
                done.append(self._timed(statement, number))
                for held in self._locks():
                    taken.setdefault(held, (len(done) - 1, time.monotonic()))
                scanned.update(name for name, _count in set(self._rows(SCANS)) - read)
            ended = time.monotonic()
            self._execute("COMMIT")
            locks += [
                Lock(relation, mode, first, ended - since)
                for (relation, mode), (first, since) in taken.items()
                if relation in there
            ]
        migration = Migration("shop.0002", "shop", "0002", data=case.data)
        return Evidence(
            migration, case.rehearsal, before, self.snapshot(), 0.0, done, locks, scanned=sorted(scanned & there)
        )

    def _timed(self, statement: str, transaction: int) -> Statement:
        started = time.monotonic()
        self._execute(statement)
        return Statement(statement, time.monotonic() - started, transaction)

    def _locks(self) -> list[tuple[str, str]]:
        with self.watching.cursor() as cursor:
            cursor.execute(LOCKS, [self.migrating.info.backend_pid])
            return cursor.fetchall()


@contextlib.contextmanager
def trial(connect: t.Callable[[], psycopg2.extensions.connection]) -> t.Iterator[Trial]:
    """Open the two connections of a trial."""
    with contextlib.closing(connect()) as migrating, contextlib.closing(connect()) as watching:
        yield Trial(migrating, watching)


def demands(release: Release, name: str, framework: str) -> Demands:
    """What the bridge would have recorded of a release of a case."""
    return Demands(
        name, framework, demanded(release.tables), release.known, release.drivers, release.raw, release.deletes
    )


def production(case: Case, before: Snapshot) -> Snapshot:
    """The catalog before the migration with the sizes that the case says."""
    tables = [
        dataclasses.replace(table, bytes=case.sizes[table.name], data_bytes=case.sizes[table.name] * 3 // 4)
        if table.name in case.sizes
        else table
        for table in before.tables
    ]
    return dataclasses.replace(before, tables=tables)
