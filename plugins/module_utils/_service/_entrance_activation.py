# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entrance as a socket that systemd holds for one release after the other. Target; PRIVATE to the collection.

Connections queue in the socket while the old release ends and the new one starts, so only one copy is in memory. Which
service the socket wakes is said by a drop-in of the socket's unit, and not by an alias: disabling a unit removes its aliases.
"""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _drain
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit
from ansible_collections.seamless.deploy.plugins.module_utils._service._systemd import explain_systemctl, service
from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import Waiter
from ansible_collections.seamless.deploy.plugins.module_utils._user import user_name

if t.TYPE_CHECKING:
    from ansible_collections.seamless.deploy.plugins.module_utils._service._visitor import Visitor

SERVICE = re.compile(r"^\s*Service=(\S+)\s*$", re.MULTILINE)
HEADER = "# Written by seamless.deploy: the release that this socket wakes.\n[Socket]\n"
#: A connection waits in the queue while nobody accepts: look at the unit's processes in between.
PATIENCE = 2.0


def text_for(target: str) -> str:
    """The drop-in for a service. Pure."""
    return f"{HEADER}Service={target}\n"


def target_in(text: str) -> str:
    """The service that a drop-in names, "" without one. Pure."""
    found = SERVICE.findall(text)
    return found[-1] if found else ""


class ActivationEntrance:
    """The entrance of one web application: `path` is the drop-in of its socket's unit."""

    beside = False
    #: Connections are always accepted; what they wait is the stall.
    probe = ""

    def __init__(
        self, path: str, waiter: Waiter, run: t.Callable[..., tuple], visitor: t.Optional[Visitor] = None
    ) -> None:
        self.path = path
        self.unit = os.path.basename(os.path.dirname(path))[: -len(".d")]
        self._waiter = waiter
        self._run = run
        self._visitor = visitor

    def manager(self, manager: t.Any) -> t.Any:
        """A service manager that opens and closes the socket with the unit behind it."""
        return ActivatedManager(manager, self)

    def door(self, unit: Unit) -> str:
        """The socket on which to ask what stands behind the entrance."""
        return unit.socket

    def check(self, unit: Unit) -> None:
        """Refuse what `switch` could not do. Raises DeployError."""
        units = os.path.dirname(os.path.dirname(self.path))
        if not os.access(units, os.W_OK | os.X_OK) or not self.unit.endswith(".socket"):
            raise DeployError(
                f"the user {user_name()} may not write {self.path}, the drop-in of the application's socket: "
                "deploy_entrance=activation needs root on the target (become), manager systemd and systemd_scope system"
            )
        if not os.path.exists(os.path.join(units, self.unit)):
            raise DeployError(f"systemd has no {self.unit} in {units}: entry point prepare of role entrance writes it")
        if self._visitor:
            self._visitor.check_directory(os.path.dirname(unit.socket))

    def target(self) -> str:
        """The service that the socket wakes; "" for none."""
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                return target_in(file.read())
        except OSError:
            return ""

    def leads_to(self, unit: Unit) -> bool:
        return bool(unit.name) and self.target() == service(unit.name)

    def ready(self, unit: Unit, timeout: float) -> float:
        return self._waiter.wait(unit, unit.socket, timeout, PATIENCE)

    def answers(self, unit: Unit, timeout: float) -> float:
        return self.ready(unit, timeout)

    def switch(self, unit: Unit) -> str:
        former = self.point(service(unit.name))
        if self._visitor:
            try:
                self._visitor.check_socket(unit.socket)
            except DeployError:
                self.point(former)
                raise
        return former

    def point(self, target: str) -> str:
        """Let the socket wake `target` ("" closes it); returns what it woke before. Raises DeployError."""
        former = self.target()
        try:
            self._say(target)
            if target:
                self.open()
            else:
                self.close()
        except DeployError:
            with contextlib.suppress(DeployError):
                self._say(former)
            raise
        return former

    def _say(self, target: str) -> None:
        try:
            if target:
                os.makedirs(os.path.dirname(self.path), 0o755, exist_ok=True)
                _files.write_file(self.path, text_for(target), 0o644)
            elif os.path.lexists(self.path):
                self.close()
                os.unlink(self.path)
        except OSError as exc:
            raise DeployError(f"entrance {self.path} cannot be switched to {target}: {exc.strerror}") from exc
        self._systemctl("daemon-reload")

    def open(self) -> None:
        """Connections are taken, now and after a boot."""
        self._systemctl("enable", "--now", "--", self.unit)

    def close(self) -> None:
        """Nobody is woken any more, now and after a boot."""
        self._systemctl("disable", "--now", "--", self.unit)

    def _systemctl(self, *arguments: str) -> None:
        argv = ["systemctl", "--no-ask-password", *arguments]
        rc, out, err = self._run(argv, environ_update={"LC_ALL": "C", "SYSTEMD_PAGER": ""}, handle_exceptions=False)
        if rc:
            said = explain_systemctl(rc, err, "system")
            raise DeployError(f"'systemctl {' '.join(arguments)}' failed: {said}", rc=rc, stdout=out, stderr=err)

    def drain(self, unit: Unit, timeout: float) -> _drain.DrainReport:
        """Nothing to wait for: what is queued is answered by the next release."""
        return _drain.DrainReport(0.0)


class ActivatedManager:
    """A service manager for units that a socket wakes."""

    def __init__(self, manager: t.Any, entrance: ActivationEntrance) -> None:
        self._manager = manager
        self._entrance = entrance

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._manager, name)

    def start(self, unit: Unit) -> None:
        if self._entrance.leads_to(unit):
            self._entrance.open()
        self._manager.start(unit)

    def stop(self, unit: Unit, timeout: float) -> None:
        # An open socket would wake the unit again with the next request.
        if self._entrance.leads_to(unit):
            self._entrance.close()
        self._manager.stop(unit, timeout)
