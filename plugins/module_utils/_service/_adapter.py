# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The five verbs behind which every service manager and every entrance stands. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

VERSION = 1
UNIT_CLASSES = ("web", "worker", "singleton")


@dataclasses.dataclass(frozen=True)
class Unit:
    """One service of one release.

    name: in the service manager. unit_class: web (handed over), worker (drained and restarted),
    singleton (never two at once). socket, entrance: of a web unit, paths. directory: where its processes
    must run. interpreter: the python they must run. definition: the file that makes the manager know it.
    """

    name: str
    unit_class: str
    socket: str = ""
    entrance: str = ""
    directory: str = ""
    interpreter: str = ""
    definition: str = ""

    def to_json(self) -> dict[str, t.Any]:
        return {"version": VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, data: dict[str, t.Any]) -> Unit:
        if data.get("version") != VERSION:
            raise ValueError(f"a unit has version {data.get('version')!r}, expected {VERSION}")
        return cls(**{name: value for name, value in data.items() if name != "version"})


@dataclasses.dataclass(frozen=True)
class UnitStatus:
    """What the manager says of a unit: known at all, running, its main process (0 without one), its own words."""

    known: bool
    running: bool
    pid: int = 0
    detail: str = ""
    starts_at_boot: bool = False


@dataclasses.dataclass
class Measured:
    """What a change of service cost, in seconds; None where it does not apply."""

    ready_seconds: t.Optional[float] = None
    drain_seconds: t.Optional[float] = None
    stop_seconds: t.Optional[float] = None
    unserved_seconds: t.Optional[float] = None

    def to_json(self) -> dict[str, t.Any]:
        return {"version": VERSION, **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True)
class Drained:
    """What the drain of a unit left: connections still open, and those that were closed at the limit."""

    seconds: float
    closed_at_limit: int = 0


if t.TYPE_CHECKING:

    class ServiceManager(t.Protocol):
        """How one service manager starts and stops. Errors are DeployError, with the unit's last log lines."""

        def status(self, unit: Unit) -> UnitStatus: ...

        def start(self, unit: Unit) -> None:
            """The unit's processes exist, and come back after a boot. Returns before they are ready."""

        def stop(self, unit: Unit, timeout: float) -> None:
            """TERM, and KILL after `timeout` seconds; the unit does not come back after a boot."""

        def reload(self, unit: Unit) -> None: ...

        def forget(self, unit: Unit) -> None:
            """The manager no longer knows the unit."""

        def reads(self, definition: str) -> bool:
            """Whether a definition in this place is one that the manager would read."""

        def log_tail(self, unit: Unit, lines: int) -> list[str]: ...

    class Entrance(t.Protocol):
        """How requests reach a web unit."""

        def ready(self, unit: Unit, timeout: float) -> float:
            """Seconds until it answers healthy from the right directory and interpreter; DeployError past the limit."""

        def switch(self, unit: Unit) -> str:
            """Put `unit` behind the entrance atomically; returns what stood there, for the way back."""

        def drain(self, unit: Unit, timeout: float) -> Drained:
            """Wait until nothing is queued for or connected to the unit's socket."""
