# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the socket of the application's server on this host, and asks whether it lets this user in. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import struct
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _startup
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._relay import process_at_the_other_end

#: Where servers put their sockets: packages of Linux distributions, and PostgreSQL's own default.
DIRECTORIES = ("/var/run/postgresql", "/tmp")
SECONDS = 10.0
INSTEAD = "or use an admin connection with a password"
#: States of a server's words that are about who may come in: "invalid authorization specification".
FORBIDDEN = "28"
#: In /proc/net/tcp: the state of a socket that listens.
_LISTENS = "0A"


def server_socket(host: str, port: int) -> str:
    """The socket of the server that is at `host` for an application. Raises DeployError where that is not this machine."""
    name = f".s.PGSQL.{port}"
    by_name = bool(host) and not host.startswith("/")
    if by_name and not _is_here(host):
        raise DeployError(
            f"login_host is {host!r}, which is another machine, and a server lets nobody in without a password from elsewhere; "
            f"run this on that machine, {INSTEAD}"
        )
    directories = (host,) if host.startswith("/") else DIRECTORIES
    for directory in directories:
        path = os.path.join(directory, name)
        if os.path.exists(path):
            if by_name and not _listens(_connected(path), port):
                raise DeployError(
                    f"the server at {path} does not listen on the port {port} of {host!r}, so that it is another one than the "
                    f"application's; name the directory of that one's socket as login_host, {INSTEAD}"
                )
            return path
    raise DeployError(
        f"no PostgreSQL server has its socket {name} in {' or '.join(directories)}; start it, or give the directory of its socket "
        f"as login_host and its port as login_port, {INSTEAD}"
    )


def _is_here(host: str) -> bool:
    """Whether one of its addresses is this machine's own: what is sent there would leave from there. Raises DeployError."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as exc:
        raise DeployError(f"the host {host!r} of login_host cannot be resolved; correct login_host") from exc
    for family, kind, _protocol, _name, address in found:
        with contextlib.suppress(OSError), socket.socket(family, kind) as probe:
            probe.connect((address[0], 9))
            if probe.getsockname()[0] == address[0]:
                return True
    return False


def _connected(path: str) -> int:
    """Number of the process that listens there. Raises DeployError where nobody does, or somebody whom nobody should trust."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.settimeout(SECONDS)
        try:
            server.connect(path)
        except OSError as exc:
            raise DeployError(
                f"the server's socket {path} cannot be used: {exc.strerror}; start the server, {INSTEAD}"
            ) from exc
        process, user = process_at_the_other_end(server)
    if os.geteuid() and user not in (0, os.geteuid()):
        raise DeployError(
            f"whoever listens at {path} is not {pwd.getpwuid(os.geteuid()).pw_name} but the user {user}, who could be anybody; "
            f"give the directory of the server's own socket as login_host, {INSTEAD}"
        )
    return process


def _listens(process: int, port: int) -> bool:
    """Whether a process listens on a TCP port too; true where it cannot be seen."""
    try:
        opened = {os.readlink(f"/proc/{process}/fd/{number}") for number in os.listdir(f"/proc/{process}/fd")}
        lines: t.List[str] = []
        for table in ("tcp", "tcp6"):
            with contextlib.suppress(FileNotFoundError), open(f"/proc/net/{table}", encoding="ascii") as file:
                lines += file.readlines()[1:]
    except OSError:
        return True
    for _number, local, _remote, state, *_rest, inode in (line.split()[:10] for line in lines):
        if state == _LISTENS and int(local.rpartition(":")[2], 16) == port and f"socket:[{inode}]" in opened:
            return True
    return False


def ask(path: str, user: str) -> None:
    """Begin a session as this role and end it. Raises DeployError where the server does not let this process in."""
    _connected(path)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.settimeout(SECONDS)
            server.connect(path)
            answer = _answer(server, user)
    except (OSError, struct.error) as exc:
        raise DeployError(
            f"whoever listens at {path} does not answer as PostgreSQL does; give its port as login_port, {INSTEAD}"
        ) from exc
    if answer.way == _startup.AUTHENTICATED:
        return
    found = "wants a password" if answer.way > 0 else f"says: {answer.text}"
    if answer.way < 0 and not answer.state.startswith(FORBIDDEN):
        raise DeployError(f"the server at {path} {found}; see to it and try again, {INSTEAD}")
    raise DeployError(
        f"the server at {path} does not let the operating system's user {pwd.getpwuid(os.geteuid()).pw_name} in as the role {user!r}; "
        f"it {found}. Have pg_hba.conf say 'local all {user} peer' before its other lines and reload the server, {INSTEAD}. "
        "Where a pooler listens there, give the port of the server itself"
    )


def _answer(server: socket.socket, user: str) -> _startup.Answer:
    """Raises OSError, struct.error."""
    server.sendall(_startup.startup(user=user, database="postgres", application_name="seamless.deploy"))
    with server.makefile("rb") as answers:
        kind, length = struct.unpack("!ci", answers.read(5))
        answer = _startup.said(kind, answers.read(max(0, min(length, _startup.LONGEST) - 4)))
    if answer.way == _startup.AUTHENTICATED:
        server.sendall(b"X" + struct.pack("!i", 4))  # the end, as a client says it
    return answer
