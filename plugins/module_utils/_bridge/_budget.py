# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a migration may wait for locks, and when it may try again.

One transaction has one budget: every statement after its first DDL gets what is left of it, since each lock that
it already holds keeps others waiting meanwhile. Application's interpreter, PostgreSQL only; PRIVATE to the collection.
"""

from __future__ import annotations

import contextlib
import random
import re
import time
import typing as t

from . import _exceptions as errors
from ._indexes import finished_index, invalid_indexes
from ._protocol import BridgeError
from ._session import Session
from ._vacuums import Vacuums

_DDL = re.compile(
    r"(?:^|;)\s*(?:--[^\n]*\n\s*)*"
    r"(ALTER|CREATE|DROP|TRUNCATE|LOCK|REINDEX|CLUSTER|COMMENT|VACUUM|REFRESH|DO|SECURITY|IMPORT|GRANT|REVOKE)\b",
    re.I,
)
_CONCURRENTLY = re.compile(r"^\s*(CREATE|DROP|REINDEX|REFRESH|ALTER)\b.*\bCONCURRENTLY\b", re.I | re.S)

_SETTINGS = ("lock_timeout", "statement_timeout")
_CANCELLED = "57014"


class Retries:
    """How often and how long one migration may be tried again."""

    def __init__(self, count: int, seconds: float, sleep: t.Callable[[float], None] = time.sleep) -> None:
        self.count = count
        self.used = 0
        self._seconds = seconds
        self._sleep = sleep
        self._started = time.monotonic()

    def again(self, exc: BaseException) -> bool:
        """Whether to try again after this error; has waited a jittered moment then."""
        if not errors.is_retryable(exc) or self.used >= self.count:
            return False
        pause = pause_before(self.used, random.random())
        if time.monotonic() - self._started + pause > self._seconds:
            return False
        self.used += 1
        self._sleep(pause)
        return True


def pause_before(attempt: int, chance: float) -> float:
    """Seconds: doubling from 0.1 to 5, half of it by chance, so that two do not meet again and again."""
    longest = min(5.0, 0.1 * 2 ** min(attempt, 10))
    return longest * (0.5 + 0.5 * chance)


class Limits(t.NamedTuple):
    """All in milliseconds; 0 is no limit. each: every statement may wait for all of `lock`, whatever the transaction holds."""

    lock: int
    concurrent: int = 0
    statement: int = 0
    each: bool = False


class LockBudget:
    """Around every statement of the migrating connection: an execute_wrapper, as Django calls it."""

    def __init__(self, session: Session, limits: Limits, watcher: t.Any) -> None:
        self._session = session
        self._limits = limits
        self._watcher = watcher
        self._vacuums = Vacuums(session)
        self._pid = 0
        self._proven = False
        self._set: t.Optional[int] = None
        self._local: t.Optional[int] = None
        self._first_ddl: t.Optional[float] = None
        self._timed = False  # whether this transaction has its statement_timeout
        self._active = False
        self.retries = Retries(0, 0)
        self.repaired: list[str] = []
        self.kept: list[str] = []

    def new_transaction(self) -> None:
        """A transaction of the migration begins."""
        self._proven, self._local, self._first_ddl, self._timed = False, None, None, False

    def begin(self) -> None:
        """A new attempt at a migration."""
        self._active = True
        self._make_way()
        self._pid = self._raw("SELECT pg_backend_pid()")[0][0]

    def _make_way(self) -> None:
        """Before an attempt: what kept the last one waiting."""
        relations = set(self._watcher.vacuumed)
        self._watcher.forget()
        if not self._session.inside():
            self._vacuums.end(relations)

    def end(self) -> None:
        """Between migrations there is no limit; the session gets its own settings back."""
        self._active = False
        set_before, self._set = self._set, None
        if set_before is not None and self._session.usable():
            self._raw("RESET lock_timeout")
            if self._limits.statement:
                self._raw("RESET statement_timeout")

    def __call__(self, execute: t.Any, sql: t.Any, params: t.Any, many: bool, context: t.Any) -> t.Any:
        if not self._active:
            return execute(sql, params, many, context)
        text = sql if isinstance(sql, str) else str(sql)
        if self._session.inside():
            if text.startswith(("ROLLBACK TO", "RELEASE")):
                self._local = None  # a savepoint takes its settings back with it
                return execute(sql, params, many, context)
            self._limit_transaction(text)
            deadline = None if self._first_ddl is None else self._first_ddl + self._limits.lock / 1000
            return self._watched(deadline, execute, sql, params, many, context)
        return self._alone(text, execute, sql, params, many, context)

    def _alone(self, text: str, execute: t.Any, sql: t.Any, params: t.Any, many: bool, context: t.Any) -> t.Any:
        """A statement that is its own transaction: it leaves nothing when it fails and can be repeated by itself."""
        concurrent = bool(_CONCURRENTLY.match(text))
        limit = self._limits.concurrent if concurrent else self._limits.lock
        bounded = limit and not concurrent and not self._limits.each and _DDL.search(text)
        while True:
            self._limit_session(limit)
            try:
                with self._untimed() if concurrent else contextlib.nullcontext():
                    if concurrent and self._is_there(text, params):
                        return None
                    deadline = time.monotonic() + limit / 1000 if bounded else None
                    return self._watched(deadline, execute, sql, params, many, context)
            except Exception as exc:
                if concurrent:
                    self._try_repair(text)
                if not self.retries.again(exc):
                    raise
                self._make_way()

    def _watched(
        self, deadline: t.Optional[float], execute: t.Any, sql: t.Any, params: t.Any, many: bool, context: t.Any
    ) -> t.Any:
        """deadline: when it must not wait for a lock any longer, however many it has waited for."""
        self._watcher.begin(self._pid, deadline)
        try:
            return execute(sql, params, many, context)
        except Exception as exc:
            self._watcher.end()
            if self._watcher.cut and errors.sqlstate_of(exc) == _CANCELLED:
                raise self._session.lock_not_available(self._limits.lock) from exc
            raise
        finally:
            self._watcher.end()

    @contextlib.contextmanager
    def _untimed(self) -> t.Iterator[None]:
        """Without statement_timeout, whoever set it: it would leave an invalid index."""
        found = int(self._raw("SELECT setting FROM pg_settings WHERE name = 'statement_timeout'")[0][0])
        if found:
            self._raw("SET statement_timeout = 0")
        try:
            yield
        finally:
            if found and self._session.usable():
                self._raw(f"SET statement_timeout = {found}")

    def _limit_transaction(self, text: str) -> None:
        now = time.monotonic()
        wanted = remaining(self._limits.lock, self._first_ddl, now)
        if self._limits.statement and not self._timed:
            self._raw(f"SET LOCAL statement_timeout = {self._limits.statement}")
            self._timed = True
        if wanted != self._local:
            self._raw(f"SET LOCAL lock_timeout = {wanted}")
            self._local = wanted
            self._prove(wanted)
        if self._first_ddl is None and self._limits.lock and not self._limits.each and _DDL.search(text):
            self._first_ddl = now

    def _limit_session(self, wanted: int) -> None:
        if wanted != self._set:
            self._raw(f"SET lock_timeout = {wanted}")
            self._set = wanted
            self._proven = False
            if self._limits.statement:
                self._raw(f"SET statement_timeout = {self._limits.statement}")
            self._prove(wanted)

    def _prove(self, lock: int) -> None:
        """Once per transaction: a pooler may have dropped or misdirected the settings."""
        if self._proven:
            return
        found = dict(self._raw("SELECT name, setting::int FROM pg_settings WHERE name IN (%s, %s)", list(_SETTINGS)))
        for name, wanted in zip(_SETTINGS, (lock, self._limits.statement)):
            if found[name] != wanted and (wanted or name == "lock_timeout"):
                raise BridgeError(
                    "pooler",
                    f"{name} was set to {wanted} ms but the server reports {found[name]} ms, as happens behind a pooler; "
                    "give the migration a direct connection to the server",
                )
        self._proven = True

    def _is_there(self, text: str, params: t.Any) -> bool:
        """Whether an earlier attempt finished this very index. What it did not finish is dropped."""
        self._repair(text)
        index = finished_index(self._session, text, params)
        self.kept += [index] if index else []
        return bool(index)

    def _try_repair(self, text: str) -> None:
        try:
            with self._untimed():
                self._repair(text)
        except Exception:  # the failure that led here is the one to report; the next run looks again
            pass

    def _repair(self, text: str) -> None:
        """Drop what an earlier attempt at this very index left."""
        for index in invalid_indexes(self._session, text):
            self._raw(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")
            self.repaired.append(index)

    def _raw(self, sql: str, arguments: t.Any = None) -> list[t.Any]:
        return self._session.rows(sql, arguments)


def remaining(limit: int, first_ddl: t.Optional[float], now: float) -> int:
    """What a statement may wait: all of it before the first DDL, then what is left, never 0 (which is no limit)."""
    if not limit or first_ddl is None:
        return limit
    return max(1, limit - int((now - first_ddl) * 1000))
