# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the migrating session from a connection of its own while one of its statements takes long.

Application's interpreter, PostgreSQL only; PRIVATE to the collection.
"""

from __future__ import annotations

import threading
import time
import typing as t

from ._blockers import BLOCKERS, VACUUMED, Ending, blocker_of
from ._session import Session

#: Seconds after the end of a budget, for lock_timeout itself to end the statement; then between two looks.
_GRACE = 0.01
_STEP = 0.02

# lock_timeout begins anew with every lock that a statement waits for.
_CUT = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"


class Busy(t.NamedTuple):
    """The statement under way: its session, its begin, and when it must not wait for a lock any longer."""

    pid: int
    since: float
    deadline: t.Optional[float]


class Watcher(threading.Thread):
    """Remembers who blocks, ends whom it may, and cancels a statement that has waited for locks too long altogether."""

    def __init__(self, session: Session, interval: float, ending: Ending) -> None:
        super().__init__(name="seamless-watcher", daemon=True)
        self._migrating = session
        self._interval = interval
        self._ended = threading.Event()
        self._turn = threading.Lock()
        self._busy: t.Optional[Busy] = None
        self.ending = ending
        self.cut = False
        self.blockers: list[dict[str, t.Any]] = []
        self.vacuumed: set[str] = set()

    def begin(self, pid: int, deadline: t.Optional[float] = None) -> None:
        self.cut = False
        self._busy = Busy(pid, time.monotonic(), deadline)

    def end(self) -> None:
        with self._turn:  # a cancel under way must not meet the next statement
            self._busy = None

    def forget(self) -> None:
        self.blockers = []
        self.vacuumed = set()

    def stop(self) -> None:
        self._ended.set()
        self.join(timeout=5)

    def run(self) -> None:
        session = self._migrating.beside("seamless.deploy watcher")
        looked = 0.0
        try:
            while not self._ended.wait(self._pause()):
                busy, now = self._busy, time.monotonic()
                if busy and now - max(busy.since, looked) >= self._interval:
                    looked = now
                    self._look(session.rows, busy.pid)
                if busy and busy.deadline and time.monotonic() >= busy.deadline + _GRACE:
                    self._cut_short(session.rows, busy)
        except Exception:  # without it a failure names no blockers; that must not fail a migration
            pass
        finally:
            session.close()

    def _pause(self) -> float:
        busy = self._busy
        if not busy or not busy.deadline:
            return self._interval
        return min(self._interval, max(_STEP, busy.deadline + _GRACE - time.monotonic()))

    def _look(self, query: t.Callable[..., t.Any], pid: int) -> None:
        rows = query(BLOCKERS, [pid, pid])
        if rows:
            self.blockers = [blocker_of(row) for row in rows]
            self.vacuumed.update(row[0] for row in query(VACUUMED, [pid]))
            self.ending.look(query, pid)

    def _cut_short(self, query: t.Callable[..., t.Any], busy: Busy) -> None:
        with self._turn:
            if self._busy is busy and any(row[0] for row in query(_CUT, [busy.pid])):
                self.cut = True
