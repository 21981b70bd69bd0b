# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how long nobody listens behind a path while a service changes. Target; PRIVATE to the collection."""

from __future__ import annotations

import threading
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._service._drain import accepts

INTERVAL = 0.01


def unserved(looks: t.Iterable[tuple[float, bool]]) -> float:
    """Seconds without a listener: from each refused look to the next accepted one, or to the last look. Pure."""
    total = 0.0
    since: t.Optional[float] = None
    last = 0.0
    for at, accepted in looks:
        last = at
        if not accepted and since is None:
            since = at
        elif accepted and since is not None:
            total += at - since
            since = None
    return total if since is None else total + last - since


class Unserved:
    """A context in which `path` is probed; `seconds` is None without a path or when it was never served before."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._looks: list[tuple[float, bool]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._probe, daemon=True)
        self._measures = False

    def __enter__(self) -> Unserved:
        self._measures = bool(self._path) and accepts(self._path)
        if self._measures:
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._measures:
            self._done.set()
            self._thread.join()

    @property
    def seconds(self) -> t.Optional[float]:
        return round(unserved(list(self._looks)), 3) if self._measures else None

    def _probe(self) -> None:
        while not self._done.is_set():
            self._looks.append((time.monotonic(), accepts(self._path)))
            self._done.wait(INTERVAL)
        self._looks.append((time.monotonic(), accepts(self._path)))
