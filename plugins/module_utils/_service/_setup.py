# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of the service modules to units, manager, entrance and what is seen of them. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _process
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit, UnitStatus
from ansible_collections.seamless.deploy.plugins.module_utils._service._entrance import check_socket, entrance_of
from ansible_collections.seamless.deploy.plugins.module_utils._service._plan import Observed, Request
from ansible_collections.seamless.deploy.plugins.module_utils._service._ready import Health
from ansible_collections.seamless.deploy.plugins.module_utils._service._supervisor import SupervisorManager
from ansible_collections.seamless.deploy.plugins.module_utils._service._systemd import SystemdManager
from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import Waiter

if t.TYPE_CHECKING:
    from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import WatchedManager


#: Options of a unit's entrance, with what they are unless said otherwise.
ENTRANCE = {"entrance_kind": "link", "web_server": "none"}


def service_spec() -> dict[str, t.Any]:
    """Options of the fragment `_service`."""
    return {
        "supervisor_config": {"type": "path"},
        "systemd_scope": {"type": "str", "choices": ["system", "user"], "default": "system"},
        "health_path": {"type": "str", "default": "/health/"},
        "health_status": {"type": "int", "default": 200},
        "health_host": {"type": "str", "default": "localhost"},
        "health_headers": {"type": "dict", "default": {}},
    }


def manager_of(params: dict[str, t.Any], run: t.Callable[..., tuple]) -> WatchedManager:
    """The service manager that the options name. Raises DeployError."""
    if params["manager"] == "supervisor":
        return SupervisorManager(params["supervisor_config"])
    return SystemdManager(run, params["systemd_scope"])


def health_of(params: dict[str, t.Any]) -> Health:
    headers = {str(name): str(value) for name, value in (params.get("health_headers") or {}).items()}
    path = params["health_path"]
    return Health(path if path.startswith("/") else f"/{path}", params["health_status"], params["health_host"], headers)


class Setup:
    """What the change of one unit works with. Raises DeployError."""

    def __init__(
        self, params: dict[str, t.Any], run: t.Callable[..., tuple], manager: t.Optional[WatchedManager] = None
    ) -> None:
        self._params = params
        own = manager or manager_of(params, run)
        self.waiter = Waiter(own, health_of(params))
        self.entrance = entrance_of(params, self.waiter, run)
        self.manager = self.entrance.manager(own)
        self._previous: t.Optional[UnitStatus] = None

    def request(self) -> Request:
        """What is asked, with the socket of the previous unit where the entrance leads."""
        params = self._params
        names = ("socket", "entrance", "directory", "interpreter", "definition")
        unit = Unit(params["name"], params["unit_class"], **{name: params[name] or "" for name in names})
        previous = None
        # Tolerated, because a deploy that is repeated finds its own unit behind the entrance.
        if params["previous"] and params["previous"] != unit.name:
            web = unit.unit_class == "web"
            socket = (self._other_socket(unit, params["previous_socket"] or "")) if web else ""
            previous = Unit(params["previous"], unit.unit_class, socket, unit.entrance if web else "")
        timeouts = {name: params[name] for name in ("ready_timeout", "drain_timeout", "stop_timeout")}
        keep, beside = params["keep_previous"], self.entrance.beside
        return Request(params["state"], unit, self._with_directory(previous), keep, beside, **timeouts)

    def _other_socket(self, unit: Unit, told: str) -> str:
        if not self.entrance.beside:
            return unit.socket
        return told or ("" if self.entrance.leads_to(unit) else self.entrance.target())

    def _with_directory(self, previous: t.Optional[Unit]) -> t.Optional[Unit]:
        """The previous unit with the directory it works in: an undo proves by it that the old release is back."""
        if not previous:
            return None
        self._previous = self.manager.status(previous)
        cwd = _process.read_process(self._previous.pid).cwd if self._previous.pid else ""
        return dataclasses.replace(previous, directory=cwd or "")

    def facts(self) -> dict[str, t.Any]:
        """The options that an undo needs to reach the same manager and ask the same question."""
        params = self._params
        own = ["manager", "supervisor_config" if params["manager"] == "supervisor" else "systemd_scope"]
        if params["unit_class"] == "web":
            own += ["health_path", "health_status", "health_host"]
            own += [name for name, usual in ENTRANCE.items() if params.get(name) not in (None, "", usual)]
        return {name: params[name] for name in own}

    def observe(self, request: Request, check_mode: bool) -> Observed:
        """What there is now; refuses what cannot work before anything is touched."""
        unit, previous = request.unit, request.previous
        if unit.unit_class == "web" and request.state in ("started", "restarted", "handed_over"):
            self._check_paths(request, check_mode)
        return Observed(
            self.manager.status(unit),
            self._previous,
            self.entrance.leads_to(unit),
            bool(previous and self.entrance.leads_to(previous)),
            bool(unit.definition) and os.path.lexists(unit.definition),
        )

    def _check_paths(self, request: Request, check_mode: bool) -> None:
        try:
            check_socket("socket", request.unit.socket)
            if request.state == "handed_over":
                self.entrance.check(request.unit)
        except DeployError as exc:
            # In check mode the tasks that make the directories have not made them.
            if not check_mode:
                raise
            self.manager.warnings.append(f"as of now the change would be refused: {exc.msg}")


def unit_states(params: dict[str, t.Any], run: t.Callable[..., tuple]) -> list[dict[str, t.Any]]:
    """The units that service_info was asked for. Raises DeployError."""
    if not params["names"]:
        return []
    if not params["manager"]:
        raise DeployError("names needs manager: a unit is known to one service manager")
    manager = manager_of(params, run)
    return [{"name": name, **dataclasses.asdict(manager.status(Unit(name, "web")))} for name in params["names"]]
