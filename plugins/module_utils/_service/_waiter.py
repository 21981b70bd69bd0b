# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until a unit is ready, or will never be. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import http.client
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _process, _ready
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit
from ansible_collections.seamless.deploy.plugins.module_utils._user import user_name

if t.TYPE_CHECKING:
    from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import ServiceManager

INTERVAL = 0.05
#: Every look at a unit costs the host something: less often where only time must pass.
STEADY_INTERVAL = 0.25
#: A unit without a socket counts as up when the same process has lived this long.
STEADY_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class Sight:
    """One look at a unit that comes up: its main process (0 without one), and the manager's own words.

    failure: why it will never be ready, "" while it may. settled: whether the manager itself counts it as up.
    """

    pid: int
    settled: bool
    failure: str = ""
    detail: str = ""


if t.TYPE_CHECKING:

    class WatchedManager(ServiceManager, t.Protocol):
        """A service manager that also says when a unit is up, and when it never will be."""

        warnings: list[str]

        def together(self) -> t.ContextManager[None]:
            """Within it many units are changed, and the manager reads its files as seldom as possible."""

        def read_definitions(self) -> None:
            """Take in what was defined. DeployError when that cannot be read."""

        def look(self, unit: Unit) -> Sight:
            """The unit as it comes up, seen at one moment."""

        def last_end(self, unit: Unit) -> str:
            """How a process of the unit ended last: "exit status 3", or "" when that is not known."""


class Waiter:
    """Waits for a unit of one service manager."""

    def __init__(self, manager: WatchedManager, health: _ready.Health) -> None:
        self._manager = manager
        self._health = health

    def wait(self, unit: Unit, path: str, timeout: float, patience: t.Optional[float] = None) -> float:
        """Seconds until the right release answers healthy on `path`, asked for `patience` at a time. Raises DeployError."""
        begin = time.monotonic()
        first_pid = 0
        while True:
            first_pid = self._refuse_dead(unit, first_pid).pid
            left = timeout - (time.monotonic() - begin)
            why, weak = self._look(unit, path, min(max(left, 1.0), patience or timeout))
            if not why:
                self._note(unit, weak)
                return time.monotonic() - begin
            if time.monotonic() - begin >= timeout:
                raise DeployError(f"{unit.name} is not ready after {timeout:g} s (ready_timeout): {why}")
            time.sleep(INTERVAL)

    def steady(self, unit: Unit, timeout: float) -> float:
        """Seconds until a unit without a socket has run for a while as the right release. Raises DeployError."""
        begin = since = time.monotonic()
        first_pid = 0
        while True:
            seen = self._refuse_dead(unit, first_pid)
            first_pid = seen.pid
            now = time.monotonic()
            if not first_pid:
                since = now
            missing = STEADY_SECONDS - max(now - since, _process.age(first_pid))
            if first_pid and missing <= 0 and seen.settled:
                proof = _ready.prove(first_pid, unit.directory, unit.interpreter)
                if proof.problem:
                    raise DeployError(f"{unit.name} runs, but {proof.problem}")
                self._note(unit, proof.weak)
                return now - begin
            if now - begin >= timeout:
                raise DeployError(
                    f"{unit.name} does not run steadily after {timeout:g} s (ready_timeout): {seen.detail}"
                )
            time.sleep(min(max(missing, INTERVAL), STEADY_INTERVAL) if first_pid else INTERVAL)

    def _refuse_dead(self, unit: Unit, first_pid: int) -> Sight:
        """The unit with its first process, as long as it lives. Raises DeployError at its first end."""
        seen = self._manager.look(unit)
        if seen.failure:
            raise DeployError(f"{unit.name} does not come up: {seen.failure}")
        if first_pid and seen.pid != first_pid:
            how = self._manager.last_end(unit)
            ended = f"its process {first_pid} ended" + (f" ({how})" if how else "")
            other = ", and another was started" if seen.pid else ""
            raise DeployError(f"{unit.name} does not come up: {ended}{other}")
        return seen

    def _note(self, unit: Unit, weak: str) -> None:
        if weak:
            self._manager.warnings.append(f"{unit.name}: {weak}")

    def _look(self, unit: Unit, path: str, timeout: float) -> tuple[str, str]:
        """Why the unit is not ready yet ("" when it is), and what of the proof is weak."""
        try:
            answer = _ready.ask(path, self._health, timeout)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            return _ready.explain_error(exc, path, user_name()), ""
        if answer.status != self._health.status:
            return _ready.explain_status(answer, self._health), ""
        # Under socket activation systemd itself has called listen().
        pid = answer.pid if answer.pid > 1 else self._manager.status(unit).pid
        proof = _ready.prove(pid, unit.directory, unit.interpreter)
        why = f"GET {self._health.path} answered {answer.status}, but {proof.problem}" if proof.problem else ""
        return why, proof.weak
