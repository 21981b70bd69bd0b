# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsing a plan on a copy of a SQLite file, which has all rows. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _round_trip
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge, Outcome
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _dump, _files
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._limits import DataLimits
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._rehearse import rehearsed_of
from ansible_collections.seamless.deploy.plugins.module_utils._rehearsal import Rehearsed
from ansible_collections.seamless.deploy.plugins.module_utils._runs import process_started
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import (
    _backup,
    _copy,
    _snapshot,
    _users,
    _violations,
)

#: Bytes to have free for each byte of the database: the copy, and what a table that is made anew takes in it and in its journal.
ROOM = 3.0
_SCRATCH = re.compile(r"\.rehearsal-(\d+)-(\d+)$")


@dataclasses.dataclass(frozen=True)
class SqliteRehearsal:
    """Where and with what to rehearse. path: the production file. now: UTC, ISO 8601. alias: the framework's name of the database.

    round_trip: whether the plan is also taken back there, and applied again.
    """

    path: str
    bridge: Bridge
    now: str
    limits: DataLimits
    alias: str = "default"
    round_trip: bool = False

    def production(self) -> Snapshot:
        """The catalog as it is. Raises DeployError."""
        return self._catalog(self.path)

    def on_schema(self, begun: t.Callable[[], t.Any] = lambda: None) -> tuple[Rehearsed, dict[str, t.Any]]:
        """Run the plan on a copy of the file; what the bridge answered, and `data`: seconds and bytes of the copy. Raises DeployError."""
        begun()
        until = time.monotonic() + self.limits.seconds
        with self._scratch() as (copy, data):
            catalogs: list[Snapshot] = []

            def watch(event: dict[str, t.Any]) -> None:
                catalogs.append(self._catalog(copy))

            left = max(0.1, until - time.monotonic())
            outcome = self.bridge.attempt(
                "apply", watch=watch, about="rehearsal", alias=self.alias, database_name=copy, seconds=left
            )
            if outcome.error and time.monotonic() >= until:
                raise _too_long(self.limits) from outcome.error
            rehearsed = dataclasses.replace(rehearsed_of(outcome, catalogs), kind="data")
            data["bytes_after"] = os.path.getsize(copy)
            returned: list[_round_trip.Returned] = []
            if self.round_trip and not outcome.error:
                request = {"alias": self.alias, "database_name": copy, "seconds": max(0.1, until - time.monotonic())}
                returned = _round_trip.drive(self.bridge, request, rehearsed, lambda: self._catalog(copy))
            return _asked(rehearsed, copy), {**_answer(outcome), "data": data, "round_trip": returned}

    def on_data(self, backup: str, limits: DataLimits, expected: t.Sequence[Snapshot] = ()) -> t.Any:
        """The same: a copy of the file has its rows."""
        return self.on_schema()

    def _catalog(self, path: str) -> Snapshot:
        with _copy.in_use(path, "database_name") as connection:
            return _snapshot.take(connection, self.path, self.now)

    @contextlib.contextmanager
    def _scratch(self) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
        """A copy, and what it took. It is removed whatever happens; what a killed rehearsal left goes first."""
        folder, name = os.path.split(os.path.realpath(self.path))
        remove_stale(folder, name)
        self._check_room(folder)
        scratch = os.path.join(folder, f".{name}.rehearsal-{os.getpid()}-{process_started(os.getpid())}")
        began = time.monotonic()
        try:
            copied = _copy.copy(os.path.realpath(self.path), scratch, "database_name", self.limits.seconds)
            yield scratch, {"seconds": round(time.monotonic() - began, 3), "bytes": copied["bytes"]}
        except OSError as exc:
            raise DeployError(f"no copy of {self.path} can be made beside it: {exc.strerror}") from exc
        except DeployError as exc:
            # Without a copy nothing is proven, which is no failure of a migration.
            raise _too_long(self.limits) if exc.result.get("kind") == "limits" else exc from exc
        finally:
            _remove(scratch)

    def _check_room(self, folder: str) -> None:
        size = _backup.size_of(self.path, "database_name")
        if size > self.limits.bytes:
            raise DeployError(
                f"data_bytes allows a copy of {_dump.human(self.limits.bytes)}, and {self.path} has {_dump.human(size)}; allow more"
            )
        free = _files.free_bytes(folder)
        if free < size * ROOM:
            raise DeployError(
                f"{folder} has {_dump.human(free)} free, and a rehearsal on a copy of {self.path} needs {_dump.human(int(size * ROOM))}; "
                "free some space"
            )


def remove_stale(folder: str, name: str) -> list[str]:
    """Remove copies of this database whose process has ended; their names."""
    removed = []
    for each in os.listdir(folder):
        match = _SCRATCH.search(each) if each.startswith(f".{name}.rehearsal-") else None
        if match and str(process_started(int(match.group(1)))) != match.group(2):
            _remove(os.path.join(folder, each))
            removed.append(each)
    return sorted(removed)


def _remove(scratch: str) -> None:
    for end in ("", *_users.BESIDE):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(scratch + end)


def _too_long(limits: DataLimits) -> DeployError:
    return DeployError(
        f"the rehearsal on a copy did not end within the {limits.seconds} seconds of data_seconds; allow more time"
    )


def _answer(outcome: Outcome) -> dict[str, t.Any]:
    """What the release demands is known also where a migration failed."""
    begun = next(event for event in outcome.progress if event["what"] == "begin")
    return {"sandbox": begun["sandbox"], **begun["release"], **outcome.result}


def _asked(rehearsed: Rehearsed, copy: str) -> Rehearsed:
    """With the rows that the migration which failed cannot stand: it was rolled back, so they are still there."""
    failure = rehearsed.told[-1].get("failure") if rehearsed.told else None
    if not failure:
        return rehearsed
    with _copy.in_use(copy, "database_name") as connection:
        found = _violations.blamed(connection, str(failure["error"]))
    event = {**rehearsed.told[-1], "violations": [dataclasses.asdict(one) for one in found]}
    return dataclasses.replace(rehearsed, told=[*rehearsed.told[:-1], event])
