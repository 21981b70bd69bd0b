# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal may not do: outlive its caller, or reach anything but the database. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import ctypes
import os
import select
import threading
import typing as t

_NEW_NETWORK = 0x40000000  # Linux's CLONE_NEWNET


def end_with(go: int, seconds: t.Optional[float]) -> None:
    """End this process when its caller is gone or the time is up, also where a migration waits for something else than the database."""

    def wait() -> None:
        caller = select.poll()
        caller.register(go, 0)  # nothing but that the other end was closed
        caller.poll(None if seconds is None else int(seconds * 1000))
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def without_network(host: str) -> str:
    """Leave no way out but the database: a data migration may send mail. "network" where that was possible, else "none".

    Needs root, and a database at a unix socket: that is reached from any network. Threads of the application would keep theirs.
    """
    if not host.startswith("/") or threading.active_count() > 2:  # this one and that of end_with
        return "none"
    try:
        return "none" if ctypes.CDLL(None).unshare(_NEW_NETWORK) else "network"
    except (OSError, AttributeError):
        return "none"
