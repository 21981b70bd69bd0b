# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a repair out: in one transaction that is rolled back unless the catalog at its end is proven. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, atoms
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._place import Place, PostgresPlace, SqlitePlace
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._repair import Repair
from ansible_collections.seamless.deploy.plugins.module_utils._bridge._locks import LOCK_KEY
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot as _postgres_snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import (
    StatementFailed,
    connected,
    rows,
    sql,
)
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _snapshot as _sqlite_snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._snapshot import BUSY_TIMEOUT, sqlite3

#: What the server says of a lock that was not to be had.
LOCK_NOT_AVAILABLE = "55P03"

Clean = t.Callable[[Atoms], Atoms]


def carry_out(place: Place, repair: Repair, clean: Clean, lock_timeout: int) -> None:
    """clean: leaves out the table of versions. lock_timeout: milliseconds. Raises DeployError."""
    if isinstance(place, PostgresPlace):
        _on_postgres(place, repair, clean, lock_timeout)
    elif isinstance(place, SqlitePlace):
        _on_sqlite(place, repair, clean)


def _on_postgres(place: PostgresPlace, repair: Repair, clean: Clean, lock_timeout: int) -> None:
    with connected(place.source, "login_url") as opened:
        if not rows(opened, "SELECT pg_catalog.pg_try_advisory_lock(%s)", (LOCK_KEY,))[0][0]:
            raise DeployError(
                f"the database {place.name!r} is being migrated by another run; wait until that has ended, and run again",
                kind="locked",
            )
        try:
            rows(opened, "SELECT pg_catalog.set_config('lock_timeout', %s, false)", (f"{lock_timeout}ms",))
            for statement in repair.alone:
                rows(opened, statement)
            with _transaction(opened):
                rows(opened, sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(place.role())))
                rows(opened, "SET LOCAL search_path = ''")
                for table in repair.empty:
                    rows(opened, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                    _refuse_rows(table, rows(opened, f"SELECT 1 FROM {table} LIMIT 1"))
                for statement in repair.statements:
                    rows(opened, statement)
                rows(opened, "RESET ROLE")
                repair.prove(clean(atoms(_postgres_snapshot.take(opened, place.name, place.now))))
        except StatementFailed as exc:
            advice = (
                f"a lock was not to be had within lock_timeout, {lock_timeout} ms; run again when the database is less busy"
                if exc.pgcode == LOCK_NOT_AVAILABLE
                else "correct what it names, and run again"
            )
            raise DeployError(
                f"the repair was rolled back, the server refused a statement: {exc.said}; {advice}", kind="refused"
            ) from exc


def _refuse_rows(table: str, found: t.Sequence[t.Any]) -> None:
    if found:
        raise DeployError(
            f"the repair was rolled back: {table} is of a revision that is applied halfway, and would be removed, but it has rows; "
            "look whose they are, and remove or keep the table by hand",
            kind="rows_there",
        )


@contextlib.contextmanager
def _transaction(opened: t.Any) -> t.Iterator[None]:
    rows(opened, "BEGIN")
    try:
        yield
    except BaseException:
        with contextlib.suppress(StatementFailed):
            rows(opened, "ROLLBACK")
        raise
    rows(opened, "COMMIT")


def _on_sqlite(place: SqlitePlace, repair: Repair, clean: Clean) -> None:
    try:
        with contextlib.closing(
            sqlite3.connect(place.path, timeout=BUSY_TIMEOUT, isolation_level=None)
        ) as opened:  # foreign keys are not enforced on it: nothing follows from a table that gets another name
            opened.execute("PRAGMA legacy_alter_table = ON")
            opened.execute("BEGIN IMMEDIATE")
            try:
                for table in repair.empty:
                    _refuse_rows(table, opened.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())
                for statement in repair.statements:
                    opened.execute(statement)
                repair.prove(clean(atoms(_sqlite_snapshot.take(opened, "main", ""))))
            except BaseException:
                opened.execute("ROLLBACK")
                raise
            opened.execute("COMMIT")
    except sqlite3.Error as exc:
        raise DeployError(
            f"the repair was rolled back, SQLite refused a statement: {exc}; correct what it names, or end who keeps "
            f"{place.path} locked, and run again",
            kind="refused",
        ) from exc
