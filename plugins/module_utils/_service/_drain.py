# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many connections a unix socket still has, and when it counts as drained. Target; PRIVATE to the collection.

/proc/net/unix (Linux) lists every socket with the path it was bound to: the listener (flag 00010000), what was accepted
from it (state 03) and what waits in its accept queue (state 02). A client's end carries no path, so nothing counts twice.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Drained

TABLE = "/proc/net/unix"
LISTENING = 0x00010000
CONNECTING = 2
CONNECTED = 3
INTERVAL = 0.1
#: Where connections cannot be counted, old requests get this long. Measured: no request was lost after 5 s.
UNSEEN_SECONDS = 5.0


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the table of unix sockets."""

    listening: bool
    state: int
    path: str


@dataclasses.dataclass(frozen=True)
class Connections:
    """What hangs on one listening socket."""

    listening: bool
    queued: int
    established: int

    @property
    def open(self) -> int:
        return self.queued + self.established


@dataclasses.dataclass(frozen=True)
class DrainReport(Drained):
    """A drain with what was seen of it; `seen` is false where connections could not be counted."""

    open_connections: int = 0
    seen: bool = True


def parse_table(text: str) -> list[Entry]:
    """The sockets of /proc/net/unix that have a path in the file system."""
    entries = []
    for line in text.splitlines()[1:]:
        fields = line.split(None, 7)
        if len(fields) == 8 and fields[7].startswith("/"):
            entries.append(Entry(bool(int(fields[3], 16) & LISTENING), int(fields[5], 16), fields[7]))
    return entries


def count(entries: t.Iterable[Entry], paths: t.Collection[str]) -> Connections:
    """What hangs on the socket that was bound under one of the names `paths`."""
    own = [entry for entry in entries if entry.path in paths]
    return Connections(
        any(entry.listening for entry in own),
        sum(1 for entry in own if not entry.listening and entry.state == CONNECTING),
        sum(1 for entry in own if not entry.listening and entry.state == CONNECTED),
    )


def is_drained(looks: t.Sequence[int]) -> bool:
    """Nothing open in two looks in a row: between accept queue and worker one look may miss a connection."""
    return len(looks) >= 2 and looks[-1] == 0 and looks[-2] == 0


def look(path: str) -> t.Optional[Connections]:
    """The connections of a socket; None where the system does not show them."""
    try:
        with open(TABLE, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    seen = count(parse_table(text), {path, os.path.realpath(path)})
    if not seen.listening and not seen.open and accepts(path):
        return None  # it listens in another network namespace
    return seen


def accepts(path: str) -> bool:
    """Whether somebody listens on a unix socket."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.setblocking(False)
    try:
        probe.connect(path)
    except BlockingIOError:
        return True  # its accept queue is full
    except OSError:
        return False
    finally:
        probe.close()
    return True


def drain(path: str, timeout: float) -> DrainReport:
    """Wait until a socket has no connection left, at most `timeout` seconds."""
    begin = time.monotonic()
    seen = look(path)
    if seen is None:
        time.sleep(min(UNSEEN_SECONDS, timeout))
        return DrainReport(time.monotonic() - begin, 0, 0, False)
    first, looks = seen.open, [seen.open]
    while not is_drained(looks) and time.monotonic() - begin < timeout:
        time.sleep(INTERVAL)
        seen = look(path)
        looks.append(seen.open if seen else 0)
    left = 0 if is_drained(looks) else looks[-1]
    return DrainReport(time.monotonic() - begin, left, first, True)
