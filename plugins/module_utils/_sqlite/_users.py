# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes have a SQLite file open, told by /proc. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

#: What SQLite keeps beside a database.
BESIDE = ("-wal", "-shm", "-journal")
AGAIN = 0.2

Identity = t.Tuple[int, int]


@dataclasses.dataclass(frozen=True)
class User:
    """A process that has the file open. command: as it was started, shortened."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})"


def users_of(path: str, but: t.Container[int] = ()) -> list[User]:
    """Who has the database or one of its files beside it open. Raises DeployError where that cannot be told."""
    if not os.path.isdir("/proc/self/fd"):
        raise DeployError("who has the SQLite file open cannot be told here, since there is no /proc; mount it")
    wanted = _identities(path)
    pids = {int(name) for name in os.listdir("/proc") if name.isdigit() and _opens(int(name), wanted)}
    pids |= _lockers(wanted)  # tells also of processes of others, whose files only root may list
    return [User(pid, _command(pid)) for pid in sorted(pids) if pid not in (os.getpid(), 0) and pid not in but]


def wait_until_closed(path: str, seconds: float, sleep: t.Callable[[float], None] = time.sleep) -> None:
    """Until nobody has it open. Raises DeployError, which names who still has."""
    until = time.monotonic() + seconds
    while True:
        left = users_of(path)
        if not left:
            return
        if time.monotonic() >= until:
            raise DeployError(
                f"the SQLite file {path} is open in {', '.join(str(user) for user in left)}; "
                "stop what uses it, then run again",
                kind="open",
                processes=[dataclasses.asdict(user) for user in left],
            )
        sleep(AGAIN)


def _identities(path: str) -> set[Identity]:
    found = set()
    for name in (path, *(path + end for end in BESIDE)):
        try:
            state = os.stat(name)
        except FileNotFoundError:
            continue
        found.add((state.st_dev, state.st_ino))
    return found


def _opens(pid: int, wanted: set[Identity]) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:  # it ended, or belongs to somebody else
        return False
    for name in names:
        try:
            state = os.stat(f"{folder}/{name}")
        except OSError:
            continue
        if (state.st_dev, state.st_ino) in wanted:
            return True
    return False


def _lockers(wanted: set[Identity]) -> set[int]:
    """From lines such as "1: POSIX  ADVISORY  WRITE 4711 fd:01:393 0 EOF"; one that waits has "->" before its kind."""
    try:
        with open("/proc/locks", encoding="ascii", errors="replace") as file:
            lines = [line.replace("->", "").split() for line in file]
    except OSError:
        return set()
    inodes = {f"{os.major(device):02x}:{os.minor(device):02x}:{inode}" for device, inode in wanted}
    return {int(words[4]) for words in lines if len(words) > 5 and words[5] in inodes and words[4].isdigit()}


def _command(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
        if not words:
            with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                words = file.read().strip()
    except OSError:
        words = "which has just ended"
    return words if len(words) <= 100 else words[:100] + "…"
