# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units as programs of supervisord, one group per unit. Target; PRIVATE to the collection.

`supervisorctl update` is never used: it restarts every other program whose file has changed.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
import signal
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _logs, _process, _supervisor_config
from ansible_collections.seamless.deploy.plugins.module_utils._service import _supervisor_rpc as rpc
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit, UnitStatus
from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import Sight

STARTED = ("STARTING", "RUNNING")
BUSY = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")
DEAD = ("BACKOFF", "FATAL", "EXITED", "UNKNOWN")
INTERVAL = 0.05


def exit_reason(log: t.Iterable[str], process: str) -> str:
    """How a process ended last, from supervisord's own log: "exit status 3". Pure; only for people."""
    pattern = re.compile(r"(?:exited|stopped): " + re.escape(process) + r" \(([^);]+)")
    found = [match.group(1) for match in map(pattern.search, log) if match]
    return found[-1] if found else ""


def explain_dead(info: dict[str, t.Any], reason: str) -> str:
    """Why a process of supervisord will not serve, in words. Pure."""
    state, said = info["statename"], info.get("spawnerr") or info.get("description") or ""
    if state == "EXITED" and not reason:
        reason = f"exit status {info.get('exitstatus')}"
    return f"supervisor says {state}" + (f", {reason}" if reason else "") + (f": {said}" if said else "")


def main_pid(infos: t.Iterable[dict[str, t.Any]]) -> int:
    """The first process of a group that runs, 0 for none. Pure."""
    return next((int(info["pid"]) for info in infos if info["pid"]), 0)


def in_words(infos: t.Iterable[dict[str, t.Any]]) -> str:
    """The states of a group's processes. Pure."""
    return ", ".join(sorted({info["statename"] for info in infos})) or "not known to supervisor"


class SupervisorManager:
    """Implements ServiceManager. `warnings` collects what a person should know."""

    def __init__(self, config: str) -> None:
        self._config = config
        self._server = _supervisor_config.read_config(config)
        self._rpc = rpc.SupervisorRpc(self._server, config)
        self.warnings: list[str] = []

    @contextlib.contextmanager
    def together(self) -> t.Iterator[None]:
        """Nothing to save here: reading the files again touches no program."""
        yield

    def read_definitions(self) -> None:
        self._reread()

    def reads(self, definition: str) -> bool:
        return any(fnmatch.fnmatch(definition, os.path.normpath(pattern)) for pattern in self._server.includes)

    def _infos(self, name: str) -> list[dict[str, t.Any]]:
        return [info for info in self._rpc.call("getAllProcessInfo") if info["group"] == name]

    def status(self, unit: Unit) -> UnitStatus:
        infos = self._infos(unit.name)
        definition = _supervisor_config.find_definition(self._server, unit.name, unit.definition)
        boot = bool(_supervisor_config.autostart_of(_supervisor_config.read_text(definition), unit.name))
        if infos and not definition:
            configs = self._rpc.call("getAllConfigInfo")
            boot = any(config["autostart"] for config in configs if config["group"] == unit.name)
        running = bool(infos) and all(info["statename"] in STARTED for info in infos)
        return UnitStatus(bool(infos), running, main_pid(infos), in_words(infos), boot)

    def look(self, unit: Unit) -> Sight:
        infos = self._infos(unit.name)
        settled = bool(infos) and all(info["statename"] == "RUNNING" for info in infos)
        dead = next((info for info in infos if info["statename"] in DEAD), None)
        failure = explain_dead(dead, exit_reason(self._main_log(), dead["name"])) if dead else ""
        return Sight(main_pid(infos), settled, failure, in_words(infos))

    def last_end(self, unit: Unit) -> str:
        log = self._main_log()
        return next((reason for reason in (exit_reason(log, i["name"]) for i in self._infos(unit.name)) if reason), "")

    def start(self, unit: Unit) -> None:
        self._set_autostart(unit, True)
        changed = self._reread()
        infos = self._infos(unit.name)
        if infos and unit.name in changed and not any(info["statename"] in BUSY for info in infos):
            self._rpc.call("removeProcessGroup", unit.name)
            infos = []
        elif infos and unit.name in changed:
            self.warnings.append(
                f"{unit.name} runs with an older definition than the one on disk; state=restarted takes it"
            )
        if not infos:
            self._add(unit)
            infos = self._infos(unit.name)
        for info in infos:
            self._start_process(unit, f"{info['group']}:{info['name']}")

    def _reread(self) -> list[str]:
        try:
            return list(self._rpc.call("reloadConfig")[0][1])
        except rpc.Fault as exc:
            if exc.code == rpc.CANT_REREAD:
                raise DeployError(
                    f"supervisord cannot read its configuration {self._config} and what it includes: {exc.text}; correct "
                    "that file, the running programs are not affected"
                ) from exc
            raise

    def _add(self, unit: Unit) -> None:
        try:
            self._rpc.call("addProcessGroup", unit.name)
        except rpc.Fault as exc:
            if exc.code == rpc.ALREADY_ADDED:
                return
            if exc.code == rpc.BAD_NAME:
                where = " ".join(self._server.includes) or "nothing"
                raise DeployError(
                    f"supervisor has no program {unit.name}: there is no [program:{unit.name}] in {self._config} and the "
                    f"files it includes ({where}); put its definition there"
                ) from exc
            raise

    def _start_process(self, unit: Unit, process: str) -> None:
        try:
            self._rpc.call("startProcess", process, False)
        except rpc.Fault as exc:
            if exc.code == rpc.ALREADY_STARTED:
                return
            if exc.code in (rpc.NO_FILE, rpc.NOT_EXECUTABLE):
                raise DeployError(
                    f"the program of {unit.name} cannot be run: {exc.text}; correct the command in its definition, or "
                    "install what is missing in the release's environment"
                ) from exc
            if exc.code == rpc.SPAWN_ERROR:
                infos = self._infos(unit.name)
                why = "; ".join(explain_dead(i, exit_reason(self._main_log(), i["name"])) for i in infos)
                raise DeployError(f"{unit.name} does not come up: {why}") from exc
            raise

    def stop(self, unit: Unit, timeout: float) -> None:
        infos = self._infos(unit.name)
        members: dict[int, int] = {}
        for info in infos:
            members.update(_process.family(info["pid"]))
            try:
                if info["statename"] in BUSY:
                    self._rpc.call("stopProcess", f"{info['group']}:{info['name']}", False)
            except rpc.Fault as exc:
                if exc.code != rpc.NOT_RUNNING:
                    raise
        self._wait_gone(unit, members, timeout)
        if self._set_autostart(unit, False) and infos:
            # The group in supervisord's memory must agree, or the next `update` of somebody starts it.
            self._reread()
            self._rpc.call("removeProcessGroup", unit.name)
            self._add(unit)

    def _wait_gone(self, unit: Unit, members: dict[int, int], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        killed = False
        while True:
            left = _process.survivors(members)
            if not left and not self._busy(unit):
                return
            if time.monotonic() >= deadline:
                if killed:
                    raise DeployError(
                        f"{unit.name} does not end, not even by KILL: processes {left} are still there", survivors=left
                    )
                killed, deadline = True, time.monotonic() + 10.0
                self._kill(self._busy(unit), left)
            time.sleep(INTERVAL)

    def _busy(self, unit: Unit) -> list[dict[str, t.Any]]:
        return [info for info in self._infos(unit.name) if info["statename"] in BUSY]

    def _kill(self, busy: list[dict[str, t.Any]], left: list[int]) -> None:
        for info in busy:
            with contextlib.suppress(rpc.Fault):
                self._rpc.call("signalProcess", f"{info['group']}:{info['name']}", "KILL")
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def reload(self, unit: Unit) -> None:
        for info in self._infos(unit.name):
            self._rpc.call("signalProcess", f"{info['group']}:{info['name']}", "HUP")

    def forget(self, unit: Unit) -> None:
        if self._infos(unit.name):
            self._rpc.call("removeProcessGroup", unit.name)
        self._reread()

    def log_tail(self, unit: Unit, lines: int) -> list[str]:
        with contextlib.suppress(DeployError):
            for info in self._infos(unit.name):
                for path in (info.get("stderr_logfile"), info.get("stdout_logfile")):
                    tail = _logs.tail_of_file(path, lines) if path else []
                    if tail:
                        return tail
        return []

    def _main_log(self) -> list[str]:
        with contextlib.suppress(DeployError):
            return str(self._rpc.call("readLog", -8000, 0)).splitlines()
        return []

    def _set_autostart(self, unit: Unit, value: bool) -> bool:
        """Whether the program's file says `value` now."""
        path = _supervisor_config.find_definition(self._server, unit.name, unit.definition)
        if not path:
            return False
        text = _supervisor_config.read_text(path)
        wanted = _supervisor_config.with_autostart(text, unit.name, value)
        if wanted == text:
            return True
        try:
            before = os.stat(path)
            _files.write_file(path, wanted, before.st_mode & 0o7777, (before.st_uid, before.st_gid))
        except OSError as exc:
            self.warnings.append(
                f"autostart of {unit.name} in {path} could not be set to {str(value).lower()} ({exc.strerror}): after a "
                f"restart of supervisord the program will {'not ' if value else ''}come back"
            )
            return False
        return True
