# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the relay, closes it, and removes what killed ones have left. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import socket
import stat
import tempfile
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._apart import apart
from ansible_collections.seamless.deploy.plugins.module_utils._connection import LENT
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._relay import Loan, Relay, is_gone

#: Where everybody may make a directory; an environment's TMPDIR is often one user's own.
EVERYBODYS = "/tmp"
#: A path of a unix socket has at most so many bytes.
LONGEST_PATH = 107
#: Seconds for which a login is kept that nobody uses, where its user cannot see whether the deploy goes on.
UNSEEN = 6 * 3600.0
#: Seconds after which a directory without a socket is one that was left, and not one that is being made.
MAKING = 60.0


def lock_of(journal: str) -> str:
    """The lock of the deploy, "" where this user may not look there. Raises DeployError where nobody holds it."""
    lock = os.path.join(os.path.dirname(journal), "lock")
    if is_gone(lock):
        raise DeployError(f"no deploy holds the lock beside journal {journal}; begin one first, or leave journal out")
    return lock if os.path.exists(lock) else ""


def lend(server: str, password: str, users: t.Iterable[int], lock: str, idle: float) -> str:
    """The directory of a new socket that leads to `server`, and goes on when this process has ended. Raises DeployError."""
    where = _directory(server)
    sweep(where)
    directory = ""
    try:
        directory = tempfile.mkdtemp(prefix=LENT, dir=where)
        os.chmod(directory, 0o711)  # to be passed through, not read
        path = os.path.join(directory, os.path.basename(server))
        if len(path) > LONGEST_PATH:
            raise OSError(0, f"the path {path} is too long for a socket")
        _start(Relay(Loan(server, path, password, tuple({0, os.geteuid(), *users}), lock, idle)))
    except OSError as exc:
        shutil.rmtree(directory, ignore_errors=True)
        raise DeployError(
            f"no socket can be made in {where}: {exc.strerror}; make it writable, or make room there"
        ) from exc
    return directory


def _start(relay: Relay) -> None:
    listening = relay.listen()

    def serve() -> None:
        os.chdir("/")
        relay.run(listening)

    apart(serve)
    listening.close()


def _directory(server: str) -> str:
    """Beside the server's own socket, where others pass too; else where everybody does."""
    beside = os.path.dirname(os.path.realpath(server))
    passable = os.stat(beside).st_mode & stat.S_IXOTH
    return beside if passable and os.access(beside, os.W_OK) else EVERYBODYS


def sweep(where: str) -> None:
    """Remove what this user's earlier ones have left that were killed: a socket at which nobody listens."""
    for directory in glob.glob(os.path.join(where, f"{LENT}*")):
        with contextlib.suppress(OSError):
            found = os.lstat(directory)
            if found.st_uid == os.geteuid() and time.time() - found.st_mtime > MAKING and not _is_used(directory):
                shutil.rmtree(directory, ignore_errors=True)


def _is_used(directory: str) -> bool:
    for path in glob.glob(os.path.join(directory, ".s.PGSQL.*")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1)
            if probe.connect_ex(path) == 0:
                return True
    return False


def close(directory: str) -> bool:
    """Whether there was one. It ends as soon as it sees that its socket is gone. Raises DeployError."""
    if not os.path.basename(directory.rstrip("/")).startswith(LENT) or os.path.islink(directory):
        raise DeployError(f"path is {directory}, which is no directory that this module has made")
    found = os.path.isdir(directory)
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        pass
    except OSError as exc:
        raise DeployError(f"{directory} cannot be removed: {exc.strerror}; become the user that opened it") from exc
    return found
