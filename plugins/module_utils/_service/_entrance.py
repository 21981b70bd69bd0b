# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entrance of a unit; as a symlink to its socket, exchanged by rename. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._control import Control
from ansible_collections.seamless.deploy.plugins.module_utils._service import _drain
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit
from ansible_collections.seamless.deploy.plugins.module_utils._service._entrance_activation import ActivationEntrance
from ansible_collections.seamless.deploy.plugins.module_utils._service._entrance_upstream import UpstreamEntrance
from ansible_collections.seamless.deploy.plugins.module_utils._service._visitor import Visitor
from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import Waiter
from ansible_collections.seamless.deploy.plugins.module_utils._user import user_name

if t.TYPE_CHECKING:
    from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import WatchedManager

#: What stands in a unit's record. A port is a link with a proxy in front of it.
KINDS = ("link", "upstream", "activation", "port")
#: sun_path of Linux has 108 bytes with its closing zero.
PATH_BYTES = 107


def check_length(option: str, path: str) -> None:
    """Refuse a path that no program can bind or connect to. Pure; raises DeployError."""
    size = len(os.fsencode(path))
    if size > PATH_BYTES:
        raise DeployError(
            f"{option} {path} has {size} bytes, and a unix socket's path has at most {PATH_BYTES}: "
            "choose a shorter directory for the sockets"
        )


def check_socket(option: str, path: str) -> None:
    """Refuse a socket path that cannot work. Raises DeployError."""
    check_length(option, path)
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        raise DeployError(
            f"the directory {directory} of {option} does not exist: make it first, owned by the unit's user and "
            "passable for the web server"
        )
    mode = os.stat(directory).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise DeployError(
            f"the directory {directory} of {option} has mode {stat.S_IMODE(mode):04o}: anybody could put another socket "
            "there; take the write permission of others away (chmod o-w)"
        )
    check_room(option, directory)


def check_room(option: str, directory: str) -> None:
    """Refuse a directory whose file system is full: no socket and no link could be made there. Raises DeployError."""
    seen = os.statvfs(directory)
    no_space = seen.f_blocks > 0 and seen.f_bavail == 0
    if no_space or (seen.f_files > 0 and seen.f_favail == 0):
        what = "space" if no_space else "inodes"
        raise DeployError(
            f"no {what} left in {directory} of {option}: neither a socket nor the entrance can be made there; 'df -h {directory}' "
            f"and 'df -i {directory}' show it, make room and run again"
        )


def link_text(entrance: str, target: str) -> str:
    """What the link says: a bare name beside the entrance, so that the directory may be moved or mounted. Pure."""
    if os.path.dirname(entrance) == os.path.dirname(target):
        return os.path.basename(target)
    return target


class LinkEntrance:
    """The entrance of one web application. `visitor` is the web server that must reach the sockets, if one is known."""

    #: Whether a new release runs beside the old one before the switch.
    beside = True

    def __init__(self, path: str, waiter: Waiter, visitor: t.Optional[Visitor] = None) -> None:
        self.path = path
        #: What is connected to, to see whether somebody listens.
        self.probe = path
        self._waiter = waiter
        self._visitor = visitor

    def manager(self, manager: WatchedManager) -> WatchedManager:
        """The service manager for units behind this entrance."""
        return manager

    def door(self, unit: Unit) -> str:
        """The socket on which to ask what stands behind the entrance."""
        return self.path

    def check(self, unit: t.Optional[Unit] = None) -> None:
        """Refuse what `switch` could not do. Raises DeployError."""
        check_socket("entrance", self.path)
        if self._visitor:
            self._visitor.check_directory(os.path.dirname(self.path))
        if os.path.lexists(self.path) and not os.path.islink(self.path):
            kind = "a socket" if stat.S_ISSOCK(os.lstat(self.path).st_mode) else "a file or directory"
            raise DeployError(
                f"entrance {self.path} is {kind} itself, not a symbolic link to one: let the running service listen "
                "on a path of its own, remove this one, and run again"
            )
        directory = os.path.dirname(self.path)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise DeployError(
                f"the user {user_name()} may not write in {directory}, where the link entrance {self.path} is exchanged: "
                "run the task as the owner of that directory"
            )

    def target(self) -> str:
        """The path the entrance leads to, absolute; "" without one."""
        return target_of(self.path)

    def leads_to(self, unit: t.Union[Unit, str]) -> bool:
        path = unit if isinstance(unit, str) else unit.socket
        target = self.target()
        return bool(target and path) and os.path.realpath(target) == os.path.realpath(path)

    def ready(self, unit: Unit, timeout: float) -> float:
        return self._waiter.wait(unit, unit.socket, timeout)

    def answers(self, unit: Unit, timeout: float) -> float:
        """Like `ready`, but asked through the entrance."""
        return self._waiter.wait(unit, self.path, timeout)

    def switch(self, unit: Unit) -> str:
        if self._visitor:
            self._visitor.check_socket(unit.socket)
        return self.point(unit.socket)

    def point(self, target: str) -> str:
        """Let the entrance lead to `target` ("" removes it); returns where it led before. Raises DeployError."""
        former = self.target()
        temporary = f"{self.path}.{os.getpid()}"
        try:
            if target:
                os.symlink(link_text(self.path, target), temporary)
                os.rename(temporary, self.path)
            elif os.path.islink(self.path):
                os.unlink(self.path)
            _files.sync(os.path.dirname(self.path))
        except OSError as exc:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise DeployError(f"entrance {self.path} cannot be switched to {target}: {exc.strerror}") from exc
        return former

    def drain(self, unit: Unit, timeout: float) -> _drain.DrainReport:
        return _drain.drain(unit.socket, timeout)


def target_of(entrance: str) -> str:
    """Where a link leads, absolute; "" when there is none."""
    try:
        text = os.readlink(entrance)
    except OSError:
        return ""
    return os.path.normpath(os.path.join(os.path.dirname(entrance), text))


AnyEntrance = t.Union[LinkEntrance, UpstreamEntrance, ActivationEntrance]


def entrance_of(record: t.Mapping[str, t.Any], waiter: Waiter, run: t.Callable[..., tuple]) -> AnyEntrance:
    """The entrance that a unit's record names. Raises DeployError."""
    kind = record.get("entrance_kind") or "link"
    path = str(record.get("entrance") or "")
    visitor = Visitor() if record.get("web_server") == "nginx" else None
    if kind == "upstream":
        return UpstreamEntrance(path, waiter, visitor or Visitor(), Control(run))
    if kind == "activation":
        return ActivationEntrance(path, waiter, run, visitor)
    if kind not in KINDS:
        raise DeployError(f"entrance_kind {kind!r} of {record.get('name')} is unknown; known: {', '.join(KINDS)}")
    return LinkEntrance(path, waiter, visitor)


def door_of(record: t.Mapping[str, t.Any], run: t.Callable[..., tuple]) -> str:
    """The socket on which to ask what stands behind the entrance of a unit's record. Raises DeployError."""
    unit = Unit(str(record["name"]), "web", str(record.get("socket") or ""), str(record.get("entrance") or ""))
    nobody_waits = t.cast(Waiter, None)
    return entrance_of(record, nobody_waits, run).door(unit)
