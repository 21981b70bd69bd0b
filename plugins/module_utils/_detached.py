# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a long step of a deploy so that it outlives the connection. Target; PRIVATE to the collection.

The work is done by a daemon in a session of its own; the module's process only waits and says what came of it. When
that process ends early (the network, the control node, an AWX timeout), the daemon goes on to its end and leaves its
result, and the next run finds it. Only the daemon acts, so nothing is ever done twice at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.abc
import importlib.util
import os
import select
import signal
import sys
import traceback
import typing as t
import uuid
import zipfile

from ansible.module_utils.common.parameters import remove_values
from ansible_collections.seamless.deploy.plugins.module_utils._apart import apart
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, utc_now
from ansible_collections.seamless.deploy.plugins.module_utils._lock import boot_id
from ansible_collections.seamless.deploy.plugins.module_utils._runner import RunnerState
from ansible_collections.seamless.deploy.plugins.module_utils._runs import Runs, process_started

Result = t.Dict[str, t.Any]

#: How long a step waits for one of the same deploy that still runs.
PATIENCE = 3600.0


class Ended(BaseException):
    """A later deploy ends this step."""


@dataclasses.dataclass
class Place:
    """Where a step is on record; only its own process changes that."""

    runs: Runs
    state: RunnerState

    @classmethod
    def new(cls, runs: Runs, name: str, deploy_id: str, step: str, action: str) -> Place:
        result_file = runs.path(name, ".result")
        return cls(
            runs, RunnerState(name, deploy_id, step, action, "starting", 0, 0, boot_id(), utc_now(), result_file)
        )

    def tell(self, **changes: t.Any) -> None:
        """Raises DeployError."""
        self.state = dataclasses.replace(self.state, **changes)
        self.runs.publish(self.state)

    def move(self, runs: Runs) -> None:
        """On record among `runs` from here on. Raises DeployError."""
        before = Place(self.runs, self.state)
        self.runs = runs
        self.tell(result_file=runs.path(self.state.id, ".result"))
        before.runs.forget(before.state)


def run(
    module: t.Any,
    work: t.Callable[[], Result],
    journal_path: t.Optional[str],
    deploy_id: t.Optional[str],
    step: str,
    action: str,
) -> Result:
    """What `work` returns; raises what it raises as DeployError. In a deploy it is done by a daemon.

    `work` may warn and fail through the module. Its result goes through JSON, and what no_log hides is hidden in it.
    """
    if not journal_path or not deploy_id or module.check_mode:
        return work()
    holder = module.params.get("lock_id") or deploy_id  # whoever acts, also where it undoes what another has done
    Journal(journal_path).check_holder(holder)
    runs = Runs(journal_path)
    runs.make()
    if runs.alive():  # SSH may start a module again whose answer was lost
        runs.settle(PATIENCE)
    place = Place.new(runs, f"{action}-{uuid.uuid4().hex[:12]}", holder, step, action)
    hold_payload()
    _await(runs, place.state, start(module, work, place))
    return left(module, runs, place.state)


def left(module: t.Any, runs: Runs, state: RunnerState) -> Result:
    """What a step that has ended leaves behind, taken from there. Raises DeployError, as the step did, or when it died."""
    outcome = runs.outcome(state)
    if not outcome:  # its record stays for the next run, which finds out what stands
        raise DeployError(
            f"{state.action} died on the host before it could say what it has done (killed, or no room for its result). "
            "The journal has its intent: deploy again, which finds out what stands and brings it to an end"
        )
    runs.forget(state)
    for warning in outcome["warnings"]:
        module.warn(warning)
    return result_of(outcome)


def result_of(outcome: Result) -> Result:
    """The result in what a step has left. Raises DeployError, as the step did."""
    if outcome.get("error"):
        raise DeployError(outcome["error"]["msg"], **outcome["error"]["result"])
    return t.cast(Result, outcome["result"])


def held(path: str) -> str:
    """A name under which a file that Ansible has sent can be read by the daemon also after it was removed."""
    try:
        return f"/dev/fd/{os.open(path, os.O_RDONLY)}"
    except OSError:
        return path  # whoever reads it says what is wrong


def hold_payload() -> None:
    """Keep all that Ansible has sent: the archive goes when the module's process does, before the daemon ends."""
    archive = getattr(globals().get("__loader__"), "archive", "")
    if archive:
        with zipfile.ZipFile(archive) as payload:
            sys.meta_path.insert(0, _Held(payload))


class _Held(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports from the text of an archive, also when the archive is gone."""

    def __init__(self, payload: zipfile.ZipFile) -> None:
        paths = [path for path in payload.namelist() if path.endswith(".py")]
        self._texts = {path[: -len(".py")].replace("/", "."): payload.read(path).decode("utf-8") for path in paths}

    def find_spec(self, fullname: str, path: t.Any = None, target: t.Any = None) -> t.Any:
        return importlib.util.spec_from_loader(fullname, self) if self.get_source(fullname) is not None else None

    def is_package(self, fullname: str) -> bool:
        return f"{fullname}.__init__" in self._texts

    def get_source(self, fullname: str) -> t.Optional[str]:
        return self._texts.get(fullname, self._texts.get(f"{fullname}.__init__"))


def start(module: t.Any, work: t.Callable[[], Result], place: Place) -> int:
    """Start the daemon. What is returned can be read until it is gone: an error, or one byte once it is on record."""
    reader, writer = os.pipe()

    def daemon() -> None:
        os.close(reader)
        _daemon(module, work, place, writer)

    apart(daemon)
    os.close(writer)
    return reader


def _daemon(module: t.Any, work: t.Callable[[], Result], place: Place, writer: int) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    pid = os.getpid()
    try:
        place.tell(status="running", pid=pid, process_started=process_started(pid) or 0)
    except DeployError as exc:
        os.write(writer, f"E{exc.msg}".encode())
        return
    os.write(writer, b"1")
    outcome = outcome_of(module, work)
    with contextlib.suppress(DeployError):  # without room for it the journal still tells what was done
        place.runs.write(place.state.result_file, outcome)
    with contextlib.suppress(DeployError):
        place.tell(status="finished", finished_at=utc_now(), rc=1 if outcome.get("error") else 0)


def _end(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is told of the end must not be cut off too
    raise Ended()


def outcome_of(module: t.Any, work: t.Callable[[], Result]) -> Result:
    """Do it, and put down what came of it: result or error, and the warnings."""
    warnings: list[str] = []
    module.warn = lambda warning, **_more: warnings.append(str(warning))
    module.fail_json = _fail
    outcome: Result = {"warnings": warnings}
    try:
        outcome["result"] = work()
    except DeployError as exc:
        outcome["error"] = {"msg": exc.msg, "result": exc.result}
    except Ended:
        outcome["error"] = {"msg": "it was ended by a later deploy before it was done", "result": {}}
    except BaseException as exc:
        message = f"{type(exc).__name__}: {exc}; this is a fault of the collection, please report it"
        outcome["error"] = {"msg": message, "result": {"exception": traceback.format_exc()}}
    return t.cast(Result, remove_values(outcome, module.no_log_values))


def _fail(msg: str, **result: t.Any) -> t.NoReturn:
    raise DeployError(msg, **result)


def _await(runs: Runs, state: RunnerState, reader: int) -> None:
    """Until the daemon has ended. Raises DeployError when it could not begin."""
    told = b""
    try:
        while True:
            if select.select([reader], [], [], 1.0)[0]:
                data = os.read(reader, 65536)
                if not data:
                    break
                told += data
            elif told and (runs.read(state.id) or state.lost()).status != "running":
                break  # a process that it has left behind holds the other end
    finally:
        os.close(reader)
    if not told.startswith(b"1"):
        reason = told[1:].decode(errors="replace") or "its process died at once"
        raise DeployError(f"{state.action} was not begun: {reason}")
