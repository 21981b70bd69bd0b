# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out a plan for a service, journals it, measures it, and finds the way back. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _drain, _logs, _plan
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Measured, Unit
from ansible_collections.seamless.deploy.plugins.module_utils._service._plan import Action, Observed, Request
from ansible_collections.seamless.deploy.plugins.module_utils._service._records import Records
from ansible_collections.seamless.deploy.plugins.module_utils._service._unserved import Unserved
from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import Waiter

if t.TYPE_CHECKING:
    from ansible_collections.seamless.deploy.plugins.module_utils._service._entrance import AnyEntrance
    from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import WatchedManager

#: How long the new unit may take to answer through the entrance before the link is turned back.
VERIFY_SECONDS = 10.0
#: States in which requests should go on being served, so that a gap is worth measuring.
SERVING = ("restarted", "reloaded", "handed_over")


class Operation:
    """One call of service_restart. `measured` and `drained` tell what it cost, also when it fails."""

    def __init__(
        self,
        request: Request,
        seen: Observed,
        manager: WatchedManager,
        entrance: AnyEntrance,
        waiter: Waiter,
        records: Records,
    ) -> None:
        self._request = request
        self._seen = seen
        self._manager = manager
        self._entrance = entrance
        self._waiter = waiter
        self._records = records
        self._started_at: t.Optional[float] = None
        self._former = entrance.target()
        self.measured = Measured()
        self.drained = _drain.DrainReport(0.0)

    def run(self, actions: t.Sequence[Action]) -> None:
        """Do all of it. Raises DeployError after the way back, which its message tells."""
        unit = self._request.unit
        path = self._entrance.probe if unit.entrance else unit.socket
        path = path if self._request.state in SERVING and unit.unit_class == "web" else ""
        probe = Unserved(path)
        try:
            with probe:
                for action in actions:
                    self._do(action, actions)
        except DeployError as exc:
            self.measured.unserved_seconds = probe.seconds
            exc.result["measured"] = self.measured.to_json()
            raise
        self.measured.unserved_seconds = probe.seconds

    def _do(self, action: Action, actions: t.Sequence[Action]) -> None:
        doers = {
            _plan.START: self._start,
            _plan.READY: self._ready,
            _plan.STOP: self._stop,
            _plan.DRAIN: self._drain,
            _plan.RELOAD: self._reload,
            _plan.SWITCH: self._switch,
            _plan.VERIFY: self._verify,
            _plan.FORGET: self._forget,
            _plan.UNLINK: self._unlink,
        }
        try:
            doers[action.kind](action.unit)
        except DeployError as exc:
            log = self._manager.log_tail(action.unit, _logs.CAUSE_LINES)
            cause = self._cause(action, log)
            told = [*([f"Its log says: {cause.rstrip('.')}"] if cause else []), *self._way_back(action, actions)]
            result = {"log_tail": log[-_logs.LINES :], **exc.result}
            raise DeployError(". ".join([exc.msg.rstrip("."), *told]), **result) from exc

    def _cause(self, action: Action, log: list[str]) -> str:
        """What the log of a unit that does not serve says of it; its last words, when it ended without an exception."""
        if action.kind not in (_plan.START, _plan.READY, _plan.VERIFY):
            return ""
        return _logs.cause(log) or ("" if self._lives(action.unit) or not log else log[-1].strip())

    def _lives(self, unit: Unit) -> bool:
        with contextlib.suppress(DeployError):
            return bool(self._manager.status(unit).pid)
        return False

    def _start(self, unit: Unit) -> None:
        self._started_at = time.monotonic()
        with self._records.step("start", unit, self._records.arguments(unit, "absent"), socket=unit.socket):
            self._manager.start(unit)

    def _ready(self, unit: Unit) -> None:
        begin = self._started_at or time.monotonic()
        self._wait_for(unit)
        self.measured.ready_seconds = round(time.monotonic() - begin, 3)

    def _wait_for(self, unit: Unit) -> None:
        if unit.unit_class == "web" and unit.socket:
            self._entrance.ready(unit, self._request.ready_timeout)
        else:
            self._waiter.steady(unit, self._request.ready_timeout)

    def _stop(self, unit: Unit) -> None:
        begin = time.monotonic()
        undo = self._records.arguments(unit, "started")
        with self._records.step("stop", unit, undo, connections=self.drained.closed_at_limit):
            self._manager.stop(unit, self._request.stop_timeout)
        self.measured.stop_seconds = round(time.monotonic() - begin, 3)

    def _drain(self, unit: Unit) -> None:
        self.drained = self._entrance.drain(unit, self._request.drain_timeout)
        self.measured.drain_seconds = round(self.drained.seconds, 3)
        if not self.drained.seen:
            self._manager.warnings.append(
                f"the connections of {unit.socket} cannot be counted on this host: waited "
                f"{self.drained.seconds:.0f} s before {unit.name} was stopped"
            )

    def _reload(self, unit: Unit) -> None:
        with self._records.step("reload", unit):
            self._manager.reload(unit)

    def _switch(self, unit: Unit) -> None:
        previous = self._request.previous
        undo = self._records.arguments(unit, "absent")
        if previous and self._former:
            undo = self._records.arguments(previous, "handed_over", previous=unit.name, previous_socket=unit.socket)
        undo.update(entrance=unit.entrance, former_target=self._former)
        with self._records.step("switch", unit, undo, entrance=unit.entrance, to=unit.socket, former=self._former):
            self._entrance.switch(unit)

    def _verify(self, unit: Unit) -> None:
        self._entrance.answers(unit, min(VERIFY_SECONDS, self._request.ready_timeout))

    def _forget(self, unit: Unit) -> None:
        with self._records.step("remove", unit, definition=unit.definition):
            if unit.definition:
                try:
                    os.unlink(unit.definition)
                except FileNotFoundError:
                    pass
                except OSError as exc:
                    raise DeployError(f"definition {unit.definition} cannot be removed: {exc.strerror}") from exc
            self._manager.forget(unit)

    def _unlink(self, unit: Unit) -> None:
        with self._records.step("unlink", unit, entrance=unit.entrance, former=self._former):
            self._entrance.point("")

    def _way_back(self, failed: Action, actions: t.Sequence[Action]) -> list[str]:
        """Undo what a failed handover has begun; sentences that say what was done."""
        unit = self._request.unit
        if self._request.state != "handed_over":
            # In a deploy the way back ends it before anybody reads this.
            left = failed.kind in (_plan.READY, _plan.VERIFY) and not self._records.in_deploy
            return [f"{unit.name} still runs, for a look at it"] if left and self._lives(unit) else []
        if unit.unit_class == "web" and not self._request.beside:
            return self._way_back_of_one_at_a_time(actions)
        if unit.unit_class == "web":
            return self._way_back_of_web(failed)
        if failed.kind == _plan.STOP:
            return [f"{unit.name} was not started"]
        told = [self._end(unit)] if Action(_plan.START, unit) in actions else []
        previous = self._request.previous
        if previous and Action(_plan.STOP, previous) in actions:
            told.append(self._start_again(previous, all("could not" not in text for text in told)))
        return told

    def _way_back_of_web(self, failed: Action) -> list[str]:
        unit = self._request.unit
        if failed.kind in (_plan.DRAIN, _plan.STOP):
            return [f"{unit.name} serves behind {unit.entrance}"]
        if self._seen.behind:
            return [f"{unit.name} is behind {unit.entrance} already and was left as it is"]
        told: list[str] = []
        if failed.kind in (_plan.SWITCH, _plan.VERIFY):
            told, back = self._switch_back()
            if not back:
                return told
        told.append(self._end(unit))
        if self._former and not told[1:]:
            told.append(f"{unit.entrance} leads to {self._former} as before, and what serves there was not touched")
        return told

    def _way_back_of_one_at_a_time(self, actions: t.Sequence[Action]) -> list[str]:
        """The entrance first, so that what waits in it does not wake the new release again."""
        unit, previous = self._request.unit, self._request.previous
        if self._seen.behind:
            return [f"{unit.name} is behind {unit.entrance} already and was left as it is"]
        told, back = self._switch_back()
        if not back:
            return told
        told.append(self._end(unit))
        if previous and Action(_plan.STOP, previous) in actions:
            told.append(self._start_again(previous, True))
        return told

    def _switch_back(self) -> tuple[list[str], bool]:
        unit = self._request.unit
        try:
            self._entrance.point(self._former)
            self._records.undone("switch", unit)
        except DeployError as exc:
            left = f"{unit.name} was left running behind it"
            return [f"{unit.entrance} could not be switched back: {exc.msg}", left], False
        return [f"{unit.entrance} was switched back to {self._former or 'nothing'}"], True

    def _end(self, unit: Unit) -> str:
        try:
            self._manager.stop(unit, self._request.stop_timeout)
        except DeployError as exc:
            return f"{unit.name} could not be stopped: {exc.msg}"
        return f"{unit.name} was stopped"

    def _start_again(self, previous: Unit, alone: bool) -> str:
        if not alone and previous.unit_class == "singleton":
            return f"{previous.name} was not started again: of a singleton never two run at once"
        try:
            self._manager.start(previous)
            self._wait_for(previous)
            with contextlib.suppress(DeployError):
                self._records.undone("stop", previous)
        except DeployError as exc:
            return f"{previous.name} could not be started again: {exc.msg}"
        return f"{previous.name} was started again"
