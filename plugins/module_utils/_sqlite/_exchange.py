# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting another file in the place of a SQLite database, while nobody has it open. Target; PRIVATE to the collection.

A process that opens the database in the last moment keeps the old file, and would write where nobody reads. So SQLite's own
lock on the file is held over the exchange, and who has the old file open is asked again after it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import sync
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _users
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._snapshot import BUSY_TIMEOUT, sqlite3

#: Where SQLite keeps its locks in a file, in every journal mode: all of them together keep everybody out.
LOCKS_START, LOCKS_LENGTH = 0x40000000, 512
#: How a rollback journal begins that has something to say.
HOT = bytes.fromhex("d9d505f920a163d7")


class Damaged(DeployError):
    """SQLite cannot read the file, so what is beside it cannot be brought into it."""


def settle(path: str) -> None:
    """Bring what is in -wal or -journal into the file, and remove them. Raises DeployError; Damaged where SQLite cannot.

    Nobody else may have the file open.
    """
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.DatabaseError as exc:
        kind = DeployError if isinstance(exc, sqlite3.OperationalError) else Damaged
        raise kind(f"the SQLite file {path} cannot be read ({exc})") from exc
    for end in _users.BESIDE:
        if _has_content(path + end, end):
            raise DeployError(
                f"{path}{end} still holds what was written to {path}, and must not be left behind; look at it"
            )
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + end)
    sync(os.path.dirname(path))


def _has_content(name: str, end: str) -> bool:
    if end == "-shm" or not os.path.exists(name):
        return False
    if end == "-wal":
        return os.path.getsize(name) > 0
    with open(name, "rb") as file:
        return file.read(len(HOT)) == HOT


@contextlib.contextmanager
def excluded(path: str) -> t.Iterator[None]:
    """Hold all locks of the file, as SQLite sees it. Raises DeployError where somebody holds one.

    This process must not open it in between: closing it would give the locks back.
    """
    handle = os.open(path, os.O_RDWR)
    try:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, LOCKS_LENGTH, LOCKS_START)
        except OSError as exc:
            users = ", ".join(str(user) for user in _users.users_of(path)) or "a process that is not seen from here"
            raise DeployError(
                f"the SQLite file {path} is in use by {users}; stop it, then run again", kind="open"
            ) from exc
        yield
    finally:
        os.close(handle)


def exchange(path: str, new: str, kept: str) -> None:
    """Put the file `new` in the place of the database in one step; the former one is `kept` then.

    Both are in its directory. Raises DeployError, and then nothing has changed.
    """
    with excluded(path):
        _refuse_users(path)
        try:
            os.link(path, kept)
            os.replace(new, path)
        except OSError as exc:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(kept)
            raise DeployError(
                f"the SQLite file {path} cannot be exchanged: {exc.strerror}; nothing was changed"
            ) from exc
        try:
            _refuse_users(kept)
        except DeployError:
            os.replace(kept, path)
            raise
    sync(os.path.dirname(path))


def _refuse_users(path: str) -> None:
    _users.wait_until_closed(path, 0.0)


def like(path: str, model: os.stat_result, mode: t.Optional[int] = None) -> None:
    """Give a file owner and mode of another one, as far as this user may. Raises DeployError where that would lock somebody out."""
    found = os.stat(path)
    if (found.st_uid, found.st_gid) != (model.st_uid, model.st_gid):
        try:
            os.chown(path, model.st_uid, model.st_gid)
        except PermissionError as exc:
            raise DeployError(
                f"{path} cannot be given to user {model.st_uid} and group {model.st_gid}, whose the database is; "
                "run as that user, or as root"
            ) from exc
    os.chmod(path, (model.st_mode if mode is None else mode) & 0o7777)
