# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the server a rehearsal on data may take: room, checked before, and time, kept to. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import StatementFailed, connected, rows
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._dump import human
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._scratch import LOCK

#: Bytes to have free for each byte of the database: the copy, and what the migrations write.
ROOM = 1.2
#: Seconds between attempts to end what is still at work after the limit.
AGAIN = 0.3
LOCAL = ("", "localhost", "::1")

_SIZE = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database()), pg_catalog.pg_backend_pid()"
_END = """
SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity AS a
WHERE a.datname = %s AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type = 'client backend'
  AND (pg_catalog.pg_has_role(a.usesysid, 'USAGE') OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'))
  AND a.pid NOT IN (SELECT l.pid FROM pg_catalog.pg_locks AS l WHERE l.locktype = 'advisory' AND l.classid = %s)
"""


@dataclasses.dataclass(frozen=True)
class DataLimits:
    """seconds: for restoring the backup and running the migrations. bytes: of the database, at most."""

    seconds: int
    bytes: int


def check_room(opened: t.Any, source: DatabaseConnection, limits: DataLimits) -> int:
    """The size of the database that `opened` is connected to. Raises DeployError when a copy of it is too much."""
    size, pid = rows(opened, _SIZE)[0]
    if size > limits.bytes:
        raise DeployError(
            f"data_bytes allows a copy of {human(limits.bytes)}, and the database {source.database!r} has {human(size)}; "
            "allow more, or rehearse on the schema alone",
            kind="limits",
        )
    free = _free(opened, source, pid)
    if free is not None and free < size * ROOM:
        raise DeployError(
            f"the server has {human(free)} free, and a copy of the database {source.database!r} needs {human(int(size * ROOM))}; "
            "free some space, or rehearse on the schema alone",
            kind="limits",
        )
    return int(size)


def _free(opened: t.Any, source: DatabaseConnection, pid: int) -> t.Optional[int]:
    """Bytes where the server keeps its databases; None where that is another host, or cannot be asked."""
    if not (source.host.startswith(("/", "127.")) or source.host in LOCAL):
        return None
    try:
        # What listens here may be the way into a container or to another host.
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            if not file.read().startswith("postgres"):
                return None
        directory = str(rows(opened, "SHOW data_directory")[0][0])
    except (OSError, StatementFailed):
        return None
    for place in (os.path.join(directory, "base"), directory):
        with contextlib.suppress(OSError):
            state = os.statvfs(place)
            return state.f_bavail * state.f_frsize
    return None


def end_sessions(opened: t.Any, database: str) -> None:
    """All that may be ended but those that hold a scratch database."""
    rows(opened, _END, (database, LOCK))


class Deadline:
    """Around the work in the database `name`: ends what is at work there when the time is up, then raises DeployError."""

    def __init__(self, admin: DatabaseConnection, name: str, seconds: int) -> None:
        self._admin, self._name, self._seconds = admin, name, seconds
        self._over = threading.Event()
        self._reached = False
        self._until = time.monotonic() + seconds
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def left(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def __enter__(self) -> Deadline:
        self._thread.start()
        return self

    def __exit__(self, kind: t.Any, exc: t.Any, _traceback: t.Any) -> None:
        self._over.set()
        self._thread.join()
        # Whoever interrupts the whole module is obeyed.
        if self._reached and (exc is None or isinstance(exc, Exception)):
            raise DeployError(
                f"the rehearsal on data did not end within the {self._seconds} seconds of data_seconds, and was removed; "
                "allow more time, or rehearse on the schema alone",
                kind="limits",
            ) from exc

    def _watch(self) -> None:
        if self._over.wait(self.left()):
            return
        self._reached = True
        while True:
            with contextlib.suppress(DeployError), connected(self._admin) as opened:
                end_sessions(opened, self._name)
            if self._over.wait(AGAIN):
                return
