# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the server's socket on this host, asks whether it lets this user in, and starts the relay. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import socket
import struct
import tempfile
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _startup
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._relay import Loan, Relay

#: Where servers put their sockets: packages of Linux distributions, and PostgreSQL's own default.
DIRECTORIES = ("/var/run/postgresql", "/tmp")
PREFIX = "seamless-login-"
#: A path of a unix socket has at most so many bytes.
LONGEST_PATH = 107
SECONDS = 10.0
INSTEAD = "or use an admin connection with a password"


def server_socket(host: str, port: int) -> str:
    """The socket of the server that is at `host` for an application. Raises DeployError where that is not this machine."""
    name = f".s.PGSQL.{port}"
    if host and not host.startswith("/") and not _is_here(host):
        raise DeployError(
            f"login_host is {host!r}, which is another machine, and a server lets nobody in without a password from elsewhere; "
            f"run this on that machine, {INSTEAD}"
        )
    directories = (host,) if host.startswith("/") else DIRECTORIES
    for directory in directories:
        if os.path.exists(os.path.join(directory, name)):
            return os.path.join(directory, name)
    raise DeployError(
        f"no PostgreSQL server has its socket {name} in {' or '.join(directories)}; start it, or give the directory of its socket "
        f"as login_host and its port as login_port, {INSTEAD}"
    )


def _is_here(host: str) -> bool:
    """Whether one of its addresses is this machine's own, which alone can be listened on. Raises DeployError."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise DeployError(f"the host {host!r} of login_host cannot be resolved; correct login_host") from exc
    for family, kind, _protocol, _name, address in found:
        with contextlib.suppress(OSError), socket.socket(family, kind) as probe:
            probe.bind((address[0], 0))
            return True
    return False


def ask(path: str, user: str) -> None:
    """Begin a session as this role and end it. Raises DeployError where the server does not let this process in."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        server.settimeout(SECONDS)
        try:
            server.connect(path)
        except OSError as exc:
            raise DeployError(
                f"the server's socket {path} cannot be used: {exc.strerror}; start the server, {INSTEAD}"
            ) from exc
        try:
            way, text = _answer(server, user)
        except (OSError, struct.error) as exc:
            raise DeployError(
                f"whoever listens at {path} does not answer as PostgreSQL does; give its port as login_port, {INSTEAD}"
            ) from exc
    if way == _startup.AUTHENTICATED:
        return
    who = pwd.getpwuid(os.geteuid()).pw_name
    found = "wants a password" if way > 0 else f"says: {text}"
    raise DeployError(
        f"the server at {path} does not let the operating system's user {who} in as the role {user!r}; it {found}. "
        f"Have pg_hba.conf say 'local all {user} peer' before its other lines and reload the server, {INSTEAD}"
    )


def _answer(server: socket.socket, user: str) -> t.Tuple[int, str]:
    """What `said` gives. Raises OSError, struct.error."""
    server.sendall(_startup.startup(user=user, database="postgres", application_name="seamless.deploy"))
    with server.makefile("rb") as answers:
        kind, length = struct.unpack("!ci", answers.read(5))
        way, text = _startup.said(kind, answers.read(max(0, min(length, _startup.LONGEST) - 4)))
    if way == _startup.AUTHENTICATED:
        server.sendall(b"X" + struct.pack("!i", 4))  # the end, as a client says it
    return way, text


def lend(server: str, password: str, users: t.Iterable[int], lock: str, idle: float) -> str:
    """The directory of a new socket that leads to `server`, and goes on when this process has ended. Raises DeployError."""
    sweep()
    try:
        directory = tempfile.mkdtemp(prefix=PREFIX)
        os.chmod(directory, 0o711)  # to be passed through, not read
        path = os.path.join(directory, os.path.basename(server))
        if len(path) > LONGEST_PATH:
            raise OSError(0, f"the path {path} is too long for a socket")
        lasting = lock if lock and os.path.exists(lock) else ""
        relay = Relay(Loan(server, path, password, tuple({0, os.geteuid(), *users}), lasting, idle))
        _detach(relay, relay.listen())
    except OSError as exc:
        raise DeployError(
            f"no socket can be made in {tempfile.gettempdir()}: {exc.strerror}; make it writable"
        ) from exc
    return directory


def _detach(relay: Relay, listening: socket.socket) -> None:
    """Have it go on in a session of its own, with nothing of this process's input and output."""
    first = os.fork()
    if first:
        os.waitpid(first, 0)
        listening.close()
        return
    try:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            relay.run(listening)
    finally:
        os._exit(0)


def sweep() -> None:
    """Remove what this user's earlier ones have left that were killed: a socket at which nobody listens."""
    for directory in glob.glob(os.path.join(tempfile.gettempdir(), f"{PREFIX}*")):
        with contextlib.suppress(OSError):
            if os.lstat(directory).st_uid != os.geteuid():
                continue
            for path in glob.glob(os.path.join(directory, ".s.PGSQL.*")):
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                    if probe.connect_ex(path) == 0:
                        break
            else:
                shutil.rmtree(directory, ignore_errors=True)


def close(directory: str) -> bool:
    """Whether there was one. It ends as soon as it sees that its socket is gone. Raises DeployError."""
    if not os.path.basename(directory.rstrip("/")).startswith(PREFIX) or os.path.islink(directory):
        raise DeployError(f"path is {directory}, which is no directory that this module has made")
    found = os.path.isdir(directory)
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        pass
    except OSError as exc:
        raise DeployError(f"{directory} cannot be removed: {exc.strerror}; become the user that opened it") from exc
    return found
