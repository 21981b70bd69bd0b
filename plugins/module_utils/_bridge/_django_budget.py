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

from . import _django_errors as errors
from ._django_cursor import rows_of
from ._protocol import BridgeError

_DDL = re.compile(
    r"(?:^|;)\s*(?:--[^\n]*\n\s*)*"
    r"(ALTER|CREATE|DROP|TRUNCATE|LOCK|REINDEX|CLUSTER|COMMENT|VACUUM|REFRESH|DO|SECURITY|IMPORT|GRANT|REVOKE)\b",
    re.I,
)
_CONCURRENTLY = re.compile(r"^\s*(CREATE|DROP|REINDEX|REFRESH|ALTER)\b.*\bCONCURRENTLY\b", re.I | re.S)
_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_CREATE_INDEX = re.compile(
    rf"^\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?({_NAME})\s+ON\s+"
    rf"(?:ONLY\s+)?((?:{_NAME}\.)?{_NAME})",
    re.I,
)

# Only an index of that very name on that very table, never finished, that nobody is building at this moment.
_INVALID = """
SELECT i.indexrelid::regclass::text,
       (SELECT max(p.pid) FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid),
       (SELECT max(l.pid) FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.relation = i.indrelid AND l.granted AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid <> pg_backend_pid()
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND coalesce(a.backend_type, 'client backend') = 'client backend')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND i.indrelid = to_regclass(%s) AND c.relname = %s
"""


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


class LockBudget:
    """An execute_wrapper of the migrating connection. All times in milliseconds; 0 is no limit.

    each: every statement may wait for all of it, whatever the transaction holds.
    """

    def __init__(self, connection: t.Any, limit: int, concurrent: int, watcher: t.Any, each: bool = False) -> None:
        self._connection = connection
        self._limit = limit
        self._concurrent = concurrent
        self._each = each
        self._watcher = watcher
        self._pid = 0
        self._proven = False
        self._session: t.Optional[int] = None
        self._local: t.Optional[int] = None
        self._first_ddl: t.Optional[float] = None
        self._active = False
        self.retries = Retries(0, 0)
        self.repaired: list[str] = []

    @contextlib.contextmanager
    def following_transactions(self) -> t.Iterator[None]:
        """Notice every BEGIN: Django's outermost atomic() leaves autocommit just then."""
        original = self._connection.set_autocommit

        def followed(autocommit: bool, *args: t.Any, **kwargs: t.Any) -> None:
            if not autocommit:
                self._proven, self._local, self._first_ddl = False, None, None
            original(autocommit, *args, **kwargs)

        self._connection.set_autocommit = followed
        try:
            yield
        finally:
            del self._connection.set_autocommit

    def begin(self) -> None:
        """A new attempt at a migration."""
        self._active = True
        self._watcher.forget()
        self._pid = self._raw("SELECT pg_backend_pid()")[0][0]

    def end(self) -> None:
        """Between migrations there is no limit; the session gets its own settings back."""
        self._active = False
        session, self._session = self._session, None
        if session is not None and self._connection.connection is not None and self._connection.is_usable():
            self._raw("RESET lock_timeout")

    def __call__(self, execute: t.Any, sql: t.Any, params: t.Any, many: bool, context: t.Any) -> t.Any:
        if not self._active:
            return execute(sql, params, many, context)
        text = sql if isinstance(sql, str) else str(sql)
        if self._connection.in_atomic_block:
            if text.startswith(("ROLLBACK TO", "RELEASE")):
                self._local = None  # a savepoint takes its settings back with it
                return execute(sql, params, many, context)
            self._limit_transaction(text)
            return self._watched(execute, sql, params, many, context)
        return self._alone(text, execute, sql, params, many, context)

    def _alone(self, text: str, execute: t.Any, sql: t.Any, params: t.Any, many: bool, context: t.Any) -> t.Any:
        """A statement that is its own transaction: it leaves nothing when it fails and can be repeated by itself."""
        concurrent = bool(_CONCURRENTLY.match(text))
        while True:
            if concurrent:
                self._drop_invalid_index(text)
            self._limit_session(self._concurrent if concurrent else self._limit)
            try:
                return self._watched(execute, sql, params, many, context)
            except Exception as exc:
                if concurrent:
                    self._try_drop_invalid_index(text)
                if not self.retries.again(exc):
                    raise

    def _watched(self, execute: t.Any, sql: t.Any, params: t.Any, many: bool, context: t.Any) -> t.Any:
        self._watcher.begin(self._pid)
        try:
            return execute(sql, params, many, context)
        finally:
            self._watcher.end()

    def _limit_transaction(self, text: str) -> None:
        now = time.monotonic()
        wanted = remaining(self._limit, self._first_ddl, now)
        if wanted != self._local:
            self._raw(f"SET LOCAL lock_timeout = {wanted}")
            self._local = wanted
            self._prove(wanted)
        if self._first_ddl is None and not self._each and _DDL.search(text):
            self._first_ddl = now

    def _limit_session(self, wanted: int) -> None:
        if wanted != self._session:
            self._raw(f"SET lock_timeout = {wanted}")
            self._session = wanted
            self._proven = False
            self._prove(wanted)

    def _prove(self, wanted: int) -> None:
        """Once per transaction: a pooler may have dropped or misdirected the setting."""
        if self._proven:
            return
        found = int(self._raw("SELECT setting FROM pg_settings WHERE name = 'lock_timeout'")[0][0])
        if found != wanted:
            raise BridgeError(
                "pooler",
                f"lock_timeout was set to {wanted} ms but the server reports {found} ms, as happens behind a pooler; "
                "give the migration a direct connection to the server",
            )
        self._proven = True

    def _try_drop_invalid_index(self, text: str) -> None:
        try:
            self._drop_invalid_index(text)
        except Exception:  # the failure that led here is the one to report; the next run looks again
            pass

    def _drop_invalid_index(self, text: str) -> None:
        match = _CREATE_INDEX.match(text)
        if not match:
            return
        name = match.group(1)
        plain = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
        for index, builder, other in self._raw(_INVALID, [match.group(2), plain]):
            if builder or other:
                raise BridgeError(
                    "index_busy",
                    f"the index {index} is being built by session {builder or other}; wait for it, or end it, and run again",
                )
            self._limit_session(self._concurrent)
            self._raw(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")
            self.repaired.append(index)

    def _raw(self, sql: str, arguments: t.Any = None) -> list[t.Any]:
        return rows_of(self._connection, sql, arguments)


def remaining(limit: int, first_ddl: t.Optional[float], now: float) -> int:
    """What a statement may wait: all of it before the first DDL, then what is left, never 0 (which is no limit)."""
    if not limit or first_ddl is None:
        return limit
    return max(1, limit - int((now - first_ddl) * 1000))
