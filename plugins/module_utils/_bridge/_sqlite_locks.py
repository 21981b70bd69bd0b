# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SQLite needs where PostgreSQL has locks and their limits. Application's interpreter; PRIVATE to the collection.

SQLite has one lock for writing, on the whole file. Who waits for it keeps nobody else waiting.
"""

from __future__ import annotations

import typing as t

from ._observer import Observer

#: Milliseconds, where the caller does not say.
BUSY_TIMEOUT = 10000

Rows = t.Callable[[str], t.List[t.Any]]


def wait_for_writers(rows: Rows, arguments: t.Dict[str, t.Any]) -> None:
    """Have this connection wait as long as was asked for. rows: runs a statement."""
    rows(f"PRAGMA busy_timeout = {int(arguments.get('busy_timeout', BUSY_TIMEOUT))}")


def write_from_the_first(connection: t.Any) -> None:
    """Have Django's transactions take the lock for writing when they begin.

    One that reads first is refused at once, however long it may wait, when somebody has written since.
    """
    connection._start_transaction_under_autocommit = lambda: connection.cursor().execute("BEGIN IMMEDIATE")


class SqliteObserver(Observer):
    """Statements and their time. A transaction locks everything, and some statements do nothing inside of one."""

    def run(self, sql: str, inside: bool, code: bool, execute: t.Callable[[], t.Any]) -> t.Any:
        return self._timed(sql, self._transaction if inside else -1, code, execute)


def observer_for(engine: str, query: Rows) -> Observer:
    return SqliteObserver(query) if engine == "sqlite" else Observer(query)
