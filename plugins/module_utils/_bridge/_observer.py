# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the statements of a migration on a scratch copy: their time, their locks, what they read from end to end.

Application's interpreter, PostgreSQL only; PRIVATE to the collection.
"""

from __future__ import annotations

import contextlib
import re
import time
import typing as t

#: What PostgreSQL refuses inside of a transaction.
_ALONE = re.compile(
    r"^\s*((CREATE|DROP|REINDEX|REFRESH|ALTER)\b.*\bCONCURRENTLY\b|VACUUM\b|(CREATE|DROP)\s+(DATABASE|TABLESPACE)\b|ALTER\s+SYSTEM\b)",
    re.I | re.S,
)
_LOCKS = """
SELECT l.relation::bigint, l.mode FROM pg_catalog.pg_locks l
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
"""
_SCANS = "SELECT s.relid::bigint FROM pg_catalog.pg_stat_xact_user_tables s WHERE s.seq_scan > 0"
#: A data migration may run a statement for every row: more than these are counted and not kept.
KEPT = 200

Record = t.Dict[str, t.Any]


class Observer:
    """What the statements of one migration did. Locks and scans name relations by oid: a rename does not hide them.

    query: runs a statement past every wrapper and gives its rows. now: seconds.
    """

    def __init__(self, query: t.Callable[[str], t.List[t.Any]], now: t.Callable[[], float] = time.monotonic) -> None:
        self._query = query
        self._now = now
        self._own = 0.0  # seconds of the watching itself, in none of the figures
        self._held: t.Dict[t.Tuple[int, str], t.Tuple[int, float]] = {}
        self._transaction = -1
        self.count = 0
        self.statements: t.List[Record] = []
        self.locks: t.List[Record] = []
        self.scanned: t.Set[int] = set()

    def _clock(self) -> float:
        return self._now() - self._own

    def begin(self) -> None:
        """A transaction began."""
        self._transaction += 1
        self._held = {}

    def end(self) -> None:
        """The transaction is over, and its locks are gone."""
        moment = self._clock()
        for (relation, mode), (statement, taken) in sorted(self._held.items()):
            self.locks.append(
                {"relation": relation, "mode": mode, "statement": statement, "seconds": round(moment - taken, 4)}
            )
        self._held = {}

    def run(self, sql: str, inside: bool, code: bool, execute: t.Callable[[], t.Any]) -> t.Any:
        """One statement. inside: of a transaction of the migration; otherwise it gets one, where PostgreSQL allows it."""
        if inside:
            return self._watched(sql, self._transaction, code, execute)
        if _ALONE.match(sql):
            return self._timed(sql, -1, code, execute)
        self._query("BEGIN")
        self.begin()
        try:
            result = self._watched(sql, self._transaction, code, execute)
        except BaseException:
            self._query("ROLLBACK")
            self.end()
            raise
        self._query("COMMIT")
        self.end()
        return result

    def _timed(self, sql: str, transaction: int, code: bool, execute: t.Callable[[], t.Any]) -> t.Any:
        began = self._clock()
        try:
            return execute()
        finally:
            self.count += 1
            if len(self.statements) < KEPT:
                seconds = round(self._clock() - began, 4)
                self.statements.append({"sql": sql, "seconds": seconds, "transaction": transaction, "code": code})

    def _watched(self, sql: str, transaction: int, code: bool, execute: t.Callable[[], t.Any]) -> t.Any:
        before = self._clock()
        result = self._timed(sql, transaction, code, execute)
        with self._unseen():
            for relation, mode in self._query(_LOCKS):
                self._held.setdefault((relation, mode), (min(self.count, KEPT) - 1, before))
            self.scanned.update(relation for (relation,) in self._query(_SCANS))
        return result

    @contextlib.contextmanager
    def _unseen(self) -> t.Iterator[None]:
        began = self._now()
        try:
            yield
        finally:
            self._own += self._now() - began

    def told(self) -> Record:
        """Everything, as JSON takes it."""
        return {
            "statements": self.statements,
            "statement_count": self.count,
            "locks": self.locks,
            "scanned": sorted(self.scanned),
        }
