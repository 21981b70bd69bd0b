# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows the answers of a running bridge, and lets it go on where it waits. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import typing as t

Event = t.Dict[str, t.Any]
Watch = t.Callable[[Event], None]

#: Seconds between looks at the answers: small beside the seconds of a migration.
INTERVAL = 0.005


@contextlib.contextmanager
def watching(answer: int, watch: Watch) -> t.Iterator[int]:
    """Call `watch` in a thread for every event that waits; gives the descriptor that the bridge reads its go from.

    What `watch` raises is raised at the end, and the bridge is not let on: its input ends.
    """
    read, write = os.pipe()
    over = threading.Event()
    failures: list[BaseException] = []

    def follow() -> None:
        offset, rest = 0, b""
        try:
            while True:
                last = over.is_set()
                data = os.pread(answer, 1 << 20, offset)
                offset += len(data)
                *lines, rest = (rest + data).split(b"\n")
                for event in filter(None, map(_waiting, lines)):
                    watch(event)
                    os.write(write, b"\n")
                if last and not data:
                    return
                if not data:
                    over.wait(INTERVAL)
        except BaseException as exc:
            failures.append(exc)
        finally:
            os.close(write)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield read
    finally:
        over.set()
        thread.join()
        os.close(read)
    if failures:
        raise failures[0]


def _waiting(line: bytes) -> t.Optional[Event]:
    try:
        event = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return event if event.get("event") == "progress" and event.get("wait") else None
