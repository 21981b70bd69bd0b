# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One migration run at a time: an advisory lock on a connection of its own; and who stands in the way of a lock.

Application's interpreter, PostgreSQL only; PRIVATE to the collection.
"""

from __future__ import annotations

import threading
import time
import typing as t

from . import _django_errors as errors
from ._protocol import BridgeError

#: One key for all: PostgreSQL keeps advisory locks of different databases apart by the database's oid,
#: and unlike a key made from the name it stays the same when a fence renames the database.
LOCK_KEY = 0x5EA41E55DE910001 - (1 << 63)

_HOLDER = """
SELECT a.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''),
       coalesce(host(a.client_addr), ''), coalesce(to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ'), '')
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid::bigint = %s AND l.objid::bigint = %s
"""

# The query's text is left out: it may hold data. Of other roles' sessions an ordinary role sees only the pid.
_BLOCKERS = """
SELECT b.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''),
       coalesce(host(a.client_addr), ''),
       coalesce(a.state, ''), extract(epoch FROM clock_timestamp() - a.query_start)::float,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float,
       coalesce((SELECT string_agg(DISTINCT w.relation::regclass::text, ', ')
                 FROM pg_locks w WHERE w.pid = %s AND NOT w.granted AND w.relation IS NOT NULL), '')
FROM (SELECT DISTINCT unnest(pg_blocking_pids(%s)) AS pid) b LEFT JOIN pg_stat_activity a ON a.pid = b.pid
"""
_BLOCKER_NAMES = ("pid", "application_name", "user", "client", "state", "query_age", "transaction_age", "relation")


def side_connection(connection: t.Any, name: str) -> t.Any:
    """A second connection to the same database, in autocommit. Belongs to the thread that makes it."""
    other = connection.copy(connection.alias)
    options = {key: value for key, value in other.settings_dict["OPTIONS"].items() if key != "pool"}
    other.settings_dict.update(OPTIONS={**options, "application_name": name}, AUTOCOMMIT=True, ATOMIC_REQUESTS=False)
    return other


class MigrationLock:
    """Held around a whole run. Polled, since waiting inside pg_advisory_lock() can deadlock unseen."""

    def __init__(self, connection: t.Any, wait: float, interval: float = 0.5) -> None:
        self._connection = side_connection(connection, "seamless.deploy migration lock")
        self._wait = wait
        self._interval = interval

    def __enter__(self) -> MigrationLock:
        deadline = time.monotonic() + self._wait
        try:
            self._keep_open()
            while not self._query("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])[0][0]:
                if time.monotonic() >= deadline:
                    raise BridgeError("locked", self._refusal())
                time.sleep(min(self._interval, max(0.01, deadline - time.monotonic())))
            if not self.is_held():
                raise BridgeError(
                    "pooler",
                    "the migration lock did not stay with its connection, as happens behind a pooler in transaction "
                    "mode; give the migration a direct connection to the server",
                )
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._query("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])
        except Exception:  # the connection is gone, and the lock with it
            pass
        self._connection.close()

    def is_held(self) -> bool:
        try:
            rows = self._query(_HOLDER, self._key_parts())
            return self._query("SELECT pg_backend_pid()")[0][0] in [row[0] for row in rows]
        except Exception:
            return False

    def _keep_open(self) -> None:
        try:
            if self._query("SELECT current_setting('server_version_num')::int")[0][0] >= 140000:
                self._query("SET idle_session_timeout = 0")
        except Exception as exc:
            reason = errors.connecting(self._connection.alias, self._connection.settings_dict, exc)
            raise BridgeError("unreachable", f"no second connection for the migration lock: {reason}") from None

    def _query(self, sql: str, arguments: t.Any = None) -> list[t.Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, arguments)
            return list(cursor.fetchall()) if cursor.description else []

    @staticmethod
    def _key_parts() -> list[int]:
        unsigned = LOCK_KEY & (2**64 - 1)
        return [unsigned >> 32, unsigned & (2**32 - 1)]

    def _refusal(self) -> str:
        rows = self._query(_HOLDER, self._key_parts())
        holder = "; ".join(
            f"session {pid} ({_who(application, user, client)}{', since ' + since if since else ''})"
            for pid, application, user, client, since in rows
        )
        return (
            f"another migration run holds the lock of this database after {self._wait:g} s: {holder or 'it ended just now'}. "
            "Wait for it and run again, or raise `advisory_lock_wait`"
        )


class Watcher(threading.Thread):
    """Looks, on a connection of its own, who blocks the migrating session while one of its statements takes long."""

    def __init__(self, connection: t.Any, interval: float) -> None:
        super().__init__(name="seamless-watcher", daemon=True)
        self._template = connection
        self._interval = interval
        self._ended = threading.Event()
        self._busy: t.Optional[tuple[int, float]] = None
        self.blockers: list[dict[str, t.Any]] = []

    def begin(self, pid: int) -> None:
        self._busy = (pid, time.monotonic())

    def end(self) -> None:
        self._busy = None

    def forget(self) -> None:
        self.blockers = []

    def stop(self) -> None:
        self._ended.set()
        self.join(timeout=5)

    def run(self) -> None:
        connection = side_connection(self._template, "seamless.deploy watcher")
        try:
            while not self._ended.wait(self._interval):
                busy = self._busy
                if busy and time.monotonic() - busy[1] >= self._interval:
                    self._sample(connection, busy[0])
        except Exception:  # without it a failure names no blockers; that must not fail a migration
            pass
        finally:
            connection.close()

    def _sample(self, connection: t.Any, pid: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_BLOCKERS, [pid, pid])
            rows = cursor.fetchall()
        if rows:
            self.blockers = [_blocker(row) for row in rows]


def _blocker(row: t.Sequence[t.Any]) -> dict[str, t.Any]:
    found = dict(zip(_BLOCKER_NAMES, row))
    for name in ("query_age", "transaction_age"):
        found[name] = None if found[name] is None else round(found[name], 1)
    if not found["pid"]:
        found["application_name"] = "a prepared transaction"
    return found


def blocker_sentence(blocker: dict[str, t.Any]) -> str:
    """For messages: session 4711 (psql, shop from 10.0.0.5, idle in transaction for 12.3 s) on shop_order."""
    if not blocker["pid"]:
        return "a prepared transaction (see pg_prepared_xacts)"
    facts = [_who(blocker["application_name"], blocker["user"], blocker["client"])]
    if blocker["state"]:
        age = blocker["transaction_age"] if blocker["state"].startswith("idle") else blocker["query_age"]
        facts.append(blocker["state"] + ("" if age is None else f" for {age:g} s"))
    relation = f" on {blocker['relation']}" if blocker["relation"] else ""
    return f"session {blocker['pid']} ({', '.join(facts)}){relation}"


def _who(application: str, user: str, client: str) -> str:
    """A session on the local socket, or one of another role, has no address to show."""
    return f"{application or 'no application name'}, {user or 'another role'}{' from ' + client if client else ''}"
