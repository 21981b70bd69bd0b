# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The detached steps of one application on one host, as files beside the journal. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._lock import boot_id
from ansible_collections.seamless.deploy.plugins.module_utils._runner import RunnerState
from ansible_collections.seamless.deploy.plugins.module_utils._service import _process

#: Seconds that a step has for an orderly end before it is killed.
GRACE = 30.0


def process_started(pid: int, otherwise: t.Optional[int] = None) -> t.Optional[int]:
    """Clock ticks from boot to the start of a process, None without it; `otherwise` where it lives and hides that."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            stat = _process.parse_stat(file.read())
    except OSError:
        try:
            os.kill(pid, 0)
        except PermissionError:
            return otherwise  # another user's, and /proc is mounted with hidepid
        except OSError:
            pass
        return None
    return stat.started if stat and stat.state not in _process.GONE else None


class Runs:
    """Methods raise DeployError when the file system refuses. name: of the directory."""

    def __init__(self, journal_path: str, name: str = "runs") -> None:
        self.folder = os.path.join(os.path.dirname(journal_path), name)

    def make(self) -> None:
        """Root's steps and the application user's lie side by side: the directory is of whoever has the journal's."""
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            owner = self._owner()
            if os.geteuid() == 0 and os.stat(self.folder).st_uid != owner[0]:
                os.chown(self.folder, *owner)
        except OSError as exc:
            raise DeployError(f"the directory {self.folder} cannot be made: {exc.strerror}") from exc

    def _owner(self) -> tuple[int, int]:
        found = os.stat(os.path.dirname(self.folder))
        return found.st_uid, found.st_gid

    def path(self, name: str, suffix: str = ".json") -> str:
        return os.path.join(self.folder, name + suffix)

    def write(self, path: str, data: dict[str, t.Any]) -> None:
        try:
            owner = self._owner() if os.geteuid() == 0 else None
            _files.write_file(path, json.dumps(data, default=plain), 0o600, owner)
        except OSError as exc:
            raise DeployError(f"{path} cannot be written: {exc.strerror}") from exc

    def publish(self, state: RunnerState) -> None:
        self.write(self.path(state.id), state.to_json())

    def states(self) -> list[RunnerState]:
        """All that are on disk, as they really are, oldest first."""
        found = []
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise DeployError(f"the directory {self.folder} cannot be read: {exc.strerror}") from exc
        for name in names:
            if name.endswith(".json"):
                state = self.read(name[: -len(".json")])
                if state:
                    found.append(state)
        return sorted(found, key=lambda state: (state.started_at, state.id))

    def read(self, name: str) -> t.Optional[RunnerState]:
        """As it really is; None when it is forgotten: whoever started it has taken its result."""
        state = self._recorded(name)
        if state is None:
            return None
        observed = state.observed(boot_id(), process_started(state.pid, state.process_started))
        if observed.status != "lost":
            return observed
        # It may have ended in an orderly way since its record was read.
        again = self._recorded(name)
        return again if again is None or again.status == "finished" else observed

    def _recorded(self, name: str) -> t.Optional[RunnerState]:
        try:
            with open(self.path(name), encoding="utf-8") as file:
                return RunnerState.from_json(json.load(file))
        except (FileNotFoundError, ValueError):
            return None
        except OSError as exc:
            raise DeployError(f"{self.path(name)} cannot be read: {exc.strerror}") from exc

    def alive(self) -> list[RunnerState]:
        return [state for state in self.states() if state.status == "running"]

    def outcome(self, state: RunnerState) -> dict[str, t.Any]:
        """What a step has left as its result; empty when it could leave none."""
        try:
            with open(state.result_file, encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def forget(self, state: RunnerState) -> None:
        for path in (state.result_file, self.path(state.id)):
            with contextlib.suppress(OSError):
                os.unlink(path)

    def settle(self, timeout: float, ending: bool = False) -> list[dict[str, t.Any]]:
        """Wait for every step that runs, or end it; then say what became of all, and forget them.

        Steps that go on beyond `timeout` seconds are named in a DeployError.
        """
        begun = time.monotonic()
        told = []
        for state in self.states():
            ended = ending and state.status == "running"
            if ended:
                self.end(state)
            while state.status == "running" and not ended:
                if time.monotonic() - begun >= timeout:
                    raise DeployError(
                        f"{sentence(state)} still after {timeout:.0f} seconds. Wait and start again, or end it with recover.yml -e recover_running=end",
                        running=[sentence(state)],
                        refused=True,
                    )
                time.sleep(0.2)
                state = self.read(state.id) or dataclasses.replace(state, status="finished")
            told.append(self._told(state, time.monotonic() - begun, "ended" if ended else state.status))
            self.forget(state)
        return told

    def _told(self, state: RunnerState, seconds: float, outcome: str) -> dict[str, t.Any]:
        found = self.outcome(state)
        message = str(found.get("error", {}).get("msg", ""))
        if not found and outcome != "finished":
            message = "it left no result; the journal has what is known"
        return {
            "deploy_id": state.deploy_id,
            "step": state.step,
            "action": state.action,
            "seconds": round(seconds, 1),
            "outcome": outcome,
            "msg": message,
        }

    def end(self, state: RunnerState) -> None:
        """End a step with all its processes: in an orderly way, and by force when that takes too long."""
        members = _process.family(state.pid)
        try:
            os.killpg(os.getpgid(state.pid), signal.SIGTERM)
            deadline = time.monotonic() + GRACE
            while _process.survivors(members) and time.monotonic() < deadline:
                time.sleep(0.1)
            for pid in _process.survivors(members):
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        except PermissionError as exc:
            raise DeployError(
                f"{sentence(state)}, as another user, and this user may not end it: wait for it, or end process {state.pid} as root",
                refused=True,
            ) from exc


def sentence(state: RunnerState) -> str:
    return (
        f"{state.action} of deploy {state.deploy_id} runs on this host (process {state.pid}, since {state.started_at})"
    )


def plain(value: object) -> object:
    """What JSON does not know, as something it does."""
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return list(value) if isinstance(value, tuple) else str(value)
