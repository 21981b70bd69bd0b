# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entrance as a line in an upstream of nginx, which is told to reload. Target; PRIVATE to the collection."""

from __future__ import annotations

import os
import re
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._control import Control, words_of
from ansible_collections.seamless.deploy.plugins.module_utils._service import _drain
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit
from ansible_collections.seamless.deploy.plugins.module_utils._service._visitor import Visitor
from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import Waiter
from ansible_collections.seamless.deploy.plugins.module_utils._user import user_name

SERVER = re.compile(r"^\s*server\s+unix:([^;\s]+)\s*;", re.MULTILINE)
#: nginx wants at least one server in an upstream; to this one it sends nothing.
NOBODY = "server 127.0.0.1:9 down;"
HEADER = "# Written by seamless.deploy: the release that serves. nginx includes it in an upstream.\n"


def text_for(target: str) -> str:
    """What the file says when the socket `target` serves, "" for nobody. Pure."""
    return HEADER + (f"server unix:{target};" if target else NOBODY) + "\n"


def target_in(text: str) -> str:
    """The socket that a file names, "" for nobody. Pure."""
    found = SERVER.search(text)
    return found.group(1) if found else ""


class UpstreamEntrance:
    """The entrance of one web application; its file is exchanged by rename, and nginx reloads."""

    beside = True
    #: A file is no socket to connect to.
    probe = ""

    def __init__(self, path: str, waiter: Waiter, visitor: Visitor, control: Control) -> None:
        self.path = path
        self._waiter = waiter
        self._visitor = visitor
        self._control = control

    def manager(self, manager: t.Any) -> t.Any:
        """The service manager for units behind this entrance."""
        return manager

    def door(self, unit: Unit) -> str:
        """The socket on which to ask what stands behind the entrance."""
        return self.target() or unit.socket

    def check(self, unit: Unit) -> None:
        """Refuse what `switch` could not do. Raises DeployError."""
        directory = os.path.dirname(self.path)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise DeployError(
                f"the user {user_name()} may not write in {directory}, where the upstream file {self.path} is exchanged: "
                "deploy_entrance=upstream needs root on the target (become)"
            )
        names = {os.path.realpath(name) for name in self._control.files()}
        if os.path.realpath(self.path) not in names:
            raise DeployError(
                f"nginx does not read {self.path}, so a switch there would change nothing: write 'include {self.path};' into "
                "the upstream that the site of deploy_nginx_template leads to"
            )
        self._visitor.check_directory(os.path.dirname(unit.socket))

    def target(self) -> str:
        """The socket that serves; "" for nobody."""
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                return target_in(file.read())
        except OSError:
            return ""

    def leads_to(self, unit: Unit) -> bool:
        return bool(unit.socket) and self.target() == unit.socket

    def ready(self, unit: Unit, timeout: float) -> float:
        return self._waiter.wait(unit, unit.socket, timeout)

    def answers(self, unit: Unit, timeout: float) -> float:
        """Like `ready`: that nginx has taken the new file is proven by the switch itself."""
        return self._waiter.wait(unit, self.door(unit), timeout)

    def switch(self, unit: Unit) -> str:
        self._visitor.check_socket(unit.socket)
        return self.point(unit.socket)

    def point(self, target: str) -> str:
        """Let nginx send requests to `target` ("" is nobody); returns where they went before. Raises DeployError."""
        former = self.target()
        try:
            self._write(target)
            self._read_by_nginx(target)
        except DeployError as exc:
            self._write(former)
            raise DeployError(f"entrance {self.path} was not switched to {target or 'nobody'}: {exc.msg}") from exc
        return former

    def _read_by_nginx(self, target: str) -> None:
        accepted, said = self._control.test()
        if not accepted:
            raise DeployError(f"nginx refuses its configuration: {'; '.join(words_of(said)) or said}")
        self._control.reload()

    def _write(self, target: str) -> None:
        try:
            _files.write_file(self.path, text_for(target), 0o644)
        except OSError as exc:
            raise DeployError(f"{self.path} cannot be written: {exc.strerror}") from exc

    def drain(self, unit: Unit, timeout: float) -> _drain.DrainReport:
        """Old workers of nginx know the old socket only, and may still be reading a request: wait for them first."""
        begin = time.monotonic()
        while self._control.running().leaving() and time.monotonic() - begin < timeout:
            time.sleep(_drain.INTERVAL)
        waited = time.monotonic() - begin
        report = _drain.drain(unit.socket, max(timeout - waited, 0.0))
        return _drain.DrainReport(waited + report.seconds, report.closed_at_limit, report.open_connections, report.seen)
