# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a unit answers healthy, and that it is the right release that answers. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import errno
import http.client
import os
import re
import socket
import stat
import struct
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._service import _process

EXCERPT = 300


@dataclasses.dataclass(frozen=True)
class Health:
    """What is asked of a web unit, and the answer that counts as healthy."""

    path: str = "/health/"
    status: int = 200
    host: str = "localhost"
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer over a unix socket; pid is the process that listens, 0 when the system does not tell."""

    status: int
    body: str
    location: str
    pid: int
    seconds: float


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(path: str, health: Health, timeout: float) -> Answer:
    """One health request. Raises OSError or HTTPException."""
    begin = time.monotonic()
    connection = _UnixConnection(path, timeout)
    try:
        connection.connect()
        pid = peer_pid(connection.sock)
        headers = {"Host": health.host, "Connection": "close", "User-Agent": "seamless.deploy", **health.headers}
        connection.request("GET", health.path, headers=headers)
        response = connection.getresponse()
        body = response.read(EXCERPT * 4).decode("utf-8", "replace")
        location = response.getheader("Location") or ""
    finally:
        connection.close()
    return Answer(response.status, " ".join(body.split())[:EXCERPT], location, pid, time.monotonic() - begin)


def peer_pid(connection: socket.socket) -> int:
    """The process that called listen() on the other end; 0 where the system does not tell."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return 0
    return int(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))[0])


def explain_status(answer: Answer, health: Health) -> str:
    """What a wrong status means, in words. Pure."""
    said = f"GET {health.path} (Host: {health.host}) answered {answer.status} instead of {health.status}"
    hint = ""
    if answer.status == 400:
        hint = "; the application may not accept this host name, see health_host"
    elif answer.status in (301, 302, 307, 308):
        hint = f"; it redirects to {answer.location!r}, see health_path and health_headers (X-Forwarded-Proto: https)"
    elif answer.status == 404:
        hint = "; see health_path"
    return f"{said}{hint}. Body: {answer.body or '(empty)'}"


def explain_error(exc: Exception, path: str, user: str) -> str:
    """Why a socket gives no answer, in words. Pure."""
    number = getattr(exc, "errno", None)
    if number == errno.ENOENT:
        return f"its socket {path} does not exist; the unit's command must listen on exactly this path"
    if number == errno.ECONNREFUSED:
        return f"nothing listens on its socket {path}"
    if number in (errno.EACCES, errno.EPERM):
        return f"the user {user} may not connect to its socket {path}; run the task as a user of the socket's group, or become"
    if isinstance(exc, socket.timeout):
        return f"its socket {path} accepted the connection, but no answer came"
    if isinstance(exc, (http.client.RemoteDisconnected, ConnectionError)):
        return f"its socket {path} closed the connection without an answer"
    return f"no HTTP answer on its socket {path}: {exc or type(exc).__name__}"


@dataclasses.dataclass(frozen=True)
class Proof:
    """Which release a process belongs to. `problem` refuses it, `weak` says what could not be seen."""

    cwd: str = ""
    directory_ok: t.Optional[bool] = None
    interpreter_ok: t.Optional[bool] = None
    problem: str = ""
    weak: str = ""


def judge(facts: _process.ProcessFacts, directory: str, interpreter: str, venvs: t.Sequence[str]) -> Proof:
    """Whether a process runs in `directory` with `interpreter` (each may be ""). Pure."""
    inside = _process.runs_inside(facts, directory) if directory else True
    right = _process.runs_interpreter(facts, venvs) if interpreter else None
    problem = weak = ""
    if inside is False:
        problem = f"process {facts.pid} works in {facts.cwd}, outside of directory {directory}"
    elif right is False:
        program = (facts.argv or [facts.virtual_env or "?"])[0]
        problem = f"process {facts.pid} runs {program}, not interpreter {interpreter}"
    elif inside is None:
        weak = (
            f"the working directory of process {facts.pid} cannot be seen by this user: that it belongs to the new "
            "release is taken from the name of its socket and from the service manager alone"
        )
    elif interpreter and right is None:
        weak = f"which interpreter process {facts.pid} runs cannot be seen: taken from its working directory alone"
    return Proof(facts.cwd or "", inside if directory else None, right, problem, weak)


def prove(pid: int, directory: str, interpreter: str) -> Proof:
    """Read a process and judge it."""
    real = os.path.realpath(directory) if directory else ""
    venvs = _process.venv_of(interpreter) if interpreter else []
    if pid <= 0:
        return judge(_process.ProcessFacts(pid), real, interpreter, venvs)
    return judge(_process.read_process(pid), real, interpreter, venvs)


def is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def release_of(cwd: str) -> str:
    """The release a working directory belongs to: the name below releases/, or "". Pure."""
    found = re.search(r"/releases/([^/]+)", cwd)
    return found.group(1) if found else ""
