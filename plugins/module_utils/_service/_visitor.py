# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether nginx itself reaches a socket, tried as one of its workers. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import grp
import os
import pwd
import socket
import stat
import struct
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx import _processes

CLONE_NEWNS = 0x00020000
ENFORCE = "/sys/fs/selinux/enforce"
TIMEOUT = 5.0
#: How long a socket may have a mode that keeps nginx out, in seconds, and how often it is tried.
PATIENCE, INTERVAL = 2.0, 0.1


class Seen(t.NamedTuple):
    """What decides over a path: its mode, owner and group."""

    path: str
    mode: int
    uid: int
    gid: int


def allows(seen: Seen, uid: int, gids: t.Collection[int], wanted: int) -> bool:
    """Whether the mode bits grant `wanted` (of 4, 2, 1) to a user who is not root. Pure."""
    if uid == 0:
        return True
    shift = 6 if seen.uid == uid else 3 if seen.gid in gids else 0
    return (seen.mode >> shift) & wanted == wanted


def barrier(chain: t.Sequence[Seen], uid: int, gids: t.Collection[int]) -> t.Optional[Seen]:
    """The first directory that may not be entered, or the socket itself when it may not be written to. Pure."""
    for seen in chain:
        if not allows(seen, uid, gids, 2 if stat.S_ISSOCK(seen.mode) else 1):
            return seen
    return None


def describe(seen: Seen) -> str:
    """A path as a person asks `ls` for it."""
    kind = "socket" if stat.S_ISSOCK(seen.mode) else "directory"
    return f"{kind} {seen.path} (mode {stat.S_IMODE(seen.mode):04o}, {user_of(seen.uid)}:{group_of(seen.gid)})"


def chain_of(path: str) -> list[Seen]:
    """Every directory on the way to `path`, links followed, and `path` itself as far as it exists."""
    real = os.path.realpath(path)
    parts = real.strip("/").split("/")
    chain = []
    with contextlib.suppress(OSError):
        for number in range(len(parts) + 1):
            at = "/" + "/".join(parts[:number])
            found = os.stat(at)
            chain.append(Seen(at, found.st_mode, found.st_uid, found.st_gid))
    return chain


def user_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_of(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def selinux_enforces() -> bool:
    try:
        with open(ENFORCE, encoding="ascii") as file:
            return file.read().strip() == "1"
    except OSError:
        return False


def connect_as(worker: _processes.Worker, path: str) -> int:
    """Connect to a socket with a worker's user, groups and mount namespace, in a child; 0 or an errno. Needs root."""
    mounts = _mounts_of(worker.pid)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        result = errno.EIO
        try:
            result = _connect(worker, path, mounts)
        finally:
            os.write(write, struct.pack("i", result))
            os._exit(0)
    os.close(write)
    try:
        answer = os.read(read, struct.calcsize("i"))
    finally:
        os.close(read)
        os.waitpid(pid, 0)
        if mounts is not None:
            os.close(mounts)
    return int(struct.unpack("i", answer)[0]) if answer else errno.EIO


def _connect(worker: _processes.Worker, path: str, mounts: t.Optional[int]) -> int:
    try:
        if mounts is not None and ctypes.CDLL(None, use_errno=True).setns(mounts, CLONE_NEWNS):
            return ctypes.get_errno()
        os.setgroups(list(worker.groups))
        os.setgid(worker.gid)
        os.setuid(worker.uid)
        probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        probe.settimeout(TIMEOUT)
        probe.connect(path)
        probe.close()
    except socket.timeout:
        return errno.ETIMEDOUT
    except OSError as exc:
        return exc.errno or errno.EIO
    return 0


def _mounts_of(pid: int) -> t.Optional[int]:
    """The files as the worker sees them, None when it sees what this process does: PrivateTmp gives it another /tmp."""
    theirs = f"/proc/{pid}/ns/mnt"
    try:
        if os.readlink(theirs) != os.readlink("/proc/self/ns/mnt"):
            return os.open(theirs, os.O_RDONLY)
    except OSError:
        pass  # it has ended meanwhile, and the others are like it
    return None


class Visitor:
    """nginx on its way to the sockets; None of it is tried where this user may not become nginx's."""

    def __init__(self, workers: t.Optional[t.Sequence[_processes.Worker]] = None) -> None:
        self._workers = workers

    def worker(self) -> t.Optional[_processes.Worker]:
        """A worker that takes new connections. Raises DeployError when nginx does not run."""
        if self._workers is None:
            self._workers = _processes.find().workers
        serving = [worker for worker in self._workers if not worker.leaving]
        if not serving:
            raise DeployError(
                "deploy_web_server is nginx, and no nginx runs on this host: start it ('systemctl enable --now nginx'), "
                "or set deploy_web_server to none"
            )
        return serving[0] if os.geteuid() == 0 else None

    def check_directory(self, directory: str) -> None:
        """Refuse a directory of sockets that nginx may not enter. Raises DeployError."""
        worker = self.worker()
        blocked = barrier(chain_of(directory), worker.uid, worker.gids) if worker else None
        if worker and blocked:
            raise DeployError(
                f"nginx runs as {user_of(worker.uid)} and may not enter {describe(blocked)}, on the way to the sockets in "
                f"{directory}: give that directory the group {group_of(worker.gid)} and mode 2750, or choose another "
                "deploy_socket_dir"
            )

    def check_socket(self, path: str) -> None:
        """Connect as nginx would. Raises DeployError with what is in the way."""
        worker = self.worker()
        # Some servers give a socket its mode a moment after they listen on it, and may answer root before that.
        deadline = time.monotonic() + PATIENCE
        number = connect_as(worker, path) if worker else 0
        while worker and number == errno.EACCES and time.monotonic() < deadline:
            time.sleep(INTERVAL)
            number = connect_as(worker, path)
        if worker and number:
            raise DeployError(explain(path, number, worker, barrier(chain_of(path), worker.uid, worker.gids)))


def explain(path: str, number: int, worker: _processes.Worker, blocked: t.Optional[Seen]) -> str:
    """Why nginx does not reach a socket, and what to do."""
    user, group = user_of(worker.uid), group_of(worker.gid)
    said = f"nginx's own user {user} cannot connect to {path} ({os.strerror(number)})"
    if blocked and stat.S_ISSOCK(blocked.mode):
        return (
            f"{said}: {describe(blocked)} does not let it write. Let the unit make its sockets with the group's write permission "
            f"(UMask=0002 in deploy_unit_template, or the server's own option), in a directory of group {group} with mode 2750"
        )
    if blocked:
        return f"{said}: it may not enter {describe(blocked)}. Give that directory the group {group} and mode 2750"
    if number == errno.ENOENT:
        return f"{said}: nginx sees another directory there than this host does; look for PrivateTmp= and the like in nginx's unit"
    if selinux_enforces():
        return (
            f"{said}, although the modes allow it, and SELinux enforces here: 'ausearch -m avc -c nginx' names the refusal, and "
            "'semanage fcontext' and 'restorecon' give the socket's directory the type httpd_var_run_t"
        )
    return f"{said}, although the modes allow it: look for access lists (getfacl) and for AppArmor or another policy"
