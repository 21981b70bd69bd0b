# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a SQLite database that is in use, and whether they are whole. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
import urllib.parse

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import sync
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._snapshot import BUSY_TIMEOUT, opened, sqlite3

#: Pages copied at a time, and seconds that writers get between two such parts where copying keeps them out.
PAGES, PAUSE = 2000, 0.01
#: A writer lets the copy begin again: after so many times all is copied under one lock.
RESTARTS = 5
#: Seconds that the copy waits for a writer that keeps the whole file locked.
PATIENCE = 60
OK, DONE = 0, 101


class Restarted(Exception):
    """Writers are faster than the copy."""


class Locked(Exception):
    """A writer does not let go."""


def copy(path: str, target: str, option: str = "path", limit: t.Optional[float] = None) -> dict[str, t.Any]:
    """Copy the database into the new file `target`, as of one moment, on disk when this returns; its `bytes` and `journal_mode`.

    Writers go on meanwhile: with a write-ahead log they are not in the way at all, else the copy makes pauses for them.
    limit: seconds. Raises DeployError; the target may be there then.
    """
    until = None if limit is None else time.monotonic() + limit
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with in_use(path, option) as source, contextlib.closing(sqlite3.connect(target)) as made:
            mode = str(source.execute("PRAGMA journal_mode").fetchone()[0])
            _copied(source, made, mode == "wal", until)
    except sqlite3.Error as exc:
        raise DeployError(
            f"{option} {path!r} cannot be copied ({exc}); it must be a SQLite file that can be read"
        ) from exc
    except Locked as exc:
        raise DeployError(
            f"{option} {path!r} cannot be copied, since a writer keeps it locked; end it or wait for it, then run again"
        ) from exc
    except TimeoutError as exc:
        raise DeployError(f"copying {path!r} took more than the {limit:g} seconds that it may", kind="limits") from exc
    sync(target)
    return {"bytes": os.path.getsize(target), "journal_mode": mode}


@contextlib.contextmanager
def in_use(path: str, option: str) -> t.Iterator[t.Any]:
    """To be written where that is allowed: then the last one to close leaves no -wal and -shm behind."""
    with opened(path, option):
        pass  # it says in a sentence what cannot be opened
    way = "rw" if os.access(path, os.W_OK) and os.access(os.path.dirname(os.path.abspath(path)), os.W_OK) else "ro"
    with contextlib.closing(_connected(path, f"mode={way}")) as connection:
        yield connection


def _connected(path: str, query: str) -> t.Any:
    uri = f"file:{urllib.parse.quote(os.path.abspath(path))}?{query}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)


def _copied(source: t.Any, made: t.Any, at_once: bool, until: t.Optional[float]) -> None:
    if not at_once:
        try:
            source.backup(made, pages=PAGES, progress=_Progress(until, RESTARTS), sleep=PAUSE)
            return
        except Restarted:
            pass
    source.execute("BEGIN")  # a moment that lasts: what is written after it does not make the copy begin again
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    source.backup(made, pages=PAGES, progress=_Progress(until, None), sleep=PAUSE)


class _Progress:
    """Called after each part of the copy. restarts: how often writers may make it begin again; None where they cannot."""

    def __init__(self, until: t.Optional[float], restarts: t.Optional[int]) -> None:
        self._until = until
        self._restarts = restarts
        self._remaining = -1
        self._moved = time.monotonic()

    def __call__(self, status: int, remaining: int, total: int) -> None:
        now = time.monotonic()
        if self._until is not None and now > self._until:
            raise TimeoutError
        if status not in (OK, DONE):
            if now - self._moved > PATIENCE:
                raise Locked
            return
        self._moved = now
        if self._restarts is None or status == DONE:
            return
        if 0 <= self._remaining <= remaining:
            self._restarts -= 1
            if self._restarts < 0:
                raise Restarted
        self._remaining = remaining
        time.sleep(PAUSE)


def problems(path: str) -> list[str]:
    """What SQLite finds wrong in a file that nobody writes, at most three sentences; none when it is whole."""
    if not sqlite3:
        raise DeployError("this Python has no sqlite3; set ansible_python_interpreter to one that has")
    try:
        with still(path) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
    except sqlite3.Error as exc:
        return [str(exc)]
    return [] if found == ["ok"] else found


@contextlib.contextmanager
def still(path: str) -> t.Iterator[t.Any]:
    """A file that nobody writes, read without making -wal and -shm beside it."""
    with contextlib.closing(_connected(path, "mode=ro&immutable=1")) as connection:
        yield connection
