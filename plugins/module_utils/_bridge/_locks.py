# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One migration run at a time: an advisory lock on a connection of its own.

Application's interpreter, PostgreSQL only; PRIVATE to the collection.
"""

from __future__ import annotations

import time

from ._blockers import who
from ._pooler import refuse_shared_sessions
from ._protocol import BridgeError
from ._session import Session

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


class MigrationLock:
    """Held around a whole run. Polled, since waiting inside pg_advisory_lock() can deadlock unseen."""

    def __init__(self, session: Session, wait: float, interval: float = 0.5) -> None:
        self._migrating = session
        self._beside = session.beside("seamless.deploy migration lock")
        self._wait = wait
        self._interval = interval

    def __enter__(self) -> MigrationLock:
        deadline = time.monotonic() + self._wait
        try:
            self._keep_open()
            refuse_shared_sessions(self._migrating, self._beside)  # before it is taken: it could not be given back
            while not self._beside.rows("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])[0][0]:
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
            self._beside.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._beside.rows("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])
        except Exception:  # the connection is gone, and the lock with it
            pass
        self._beside.close()

    def is_held(self) -> bool:
        try:
            rows = self._beside.rows(_HOLDER, self._key_parts())
            return self._beside.rows("SELECT pg_backend_pid()")[0][0] in [row[0] for row in rows]
        except Exception:
            return False

    def _keep_open(self) -> None:
        try:
            if self._beside.rows("SELECT current_setting('server_version_num')::int")[0][0] >= 140000:
                self._beside.rows("SET idle_session_timeout = 0")
        except Exception as exc:
            reason = self._beside.refusal(exc)
            raise BridgeError("unreachable", f"no second connection for the migration lock: {reason}") from None

    @staticmethod
    def _key_parts() -> list[int]:
        unsigned = LOCK_KEY & (2**64 - 1)
        return [unsigned >> 32, unsigned & (2**32 - 1)]

    def _refusal(self) -> str:
        rows = self._beside.rows(_HOLDER, self._key_parts())
        holder = "; ".join(
            f"session {pid} ({who(application, user, client)}{', since ' + since if since else ''})"
            for pid, application, user, client, since in rows
        )
        return (
            f"another migration run holds the lock of this database after {self._wait:g} s: {holder or 'it ended just now'}. "
            "Wait for it and run again, or raise `advisory_lock_wait`"
        )
