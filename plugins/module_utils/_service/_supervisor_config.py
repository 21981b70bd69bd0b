# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What supervisord.conf says: where supervisord listens and which files it includes. Target; PRIVATE to the collection."""

from __future__ import annotations

import configparser
import dataclasses
import glob
import os
import platform
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError


@dataclasses.dataclass(frozen=True)
class Server:
    """How to reach one supervisord: a unix socket, or host and port."""

    socket: str = ""
    host: str = ""
    port: int = 0
    username: str = ""
    password: str = dataclasses.field(default="", repr=False)
    includes: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        return self.socket or f"{self.host}:{self.port}"


def parse_config(text: str, path: str, environ: t.Mapping[str, str]) -> Server:
    """Read supervisord.conf as supervisor does. Pure; raises DeployError."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as exc:
        raise DeployError(
            f"supervisor_config {path} is not readable as a configuration: {' '.join(str(exc).split())}"
        ) from exc
    here = os.path.dirname(path)
    expansions = {"here": here, "host_node_name": platform.node(), **{f"ENV_{k}": v for k, v in environ.items()}}

    def value(section: str, option: str) -> str:
        raw = parser.get(section, option, fallback="")
        try:
            return (raw % expansions if "%" in raw else raw).strip()
        except (KeyError, ValueError, TypeError) as exc:
            raise DeployError(f"supervisor_config {path}: {option} of [{section}] cannot be expanded: {exc}") from exc

    username, password = _login(value)
    patterns = value("include", "files").split()
    includes = tuple(os.path.join(here, pattern) for pattern in patterns)
    if value("unix_http_server", "file"):
        return Server(os.path.join(here, value("unix_http_server", "file")), "", 0, username, password, includes)
    port = value("inet_http_server", "port")
    url = value("supervisorctl", "serverurl")
    if port:
        host, number = _split_port(port)
    elif url.startswith("unix://"):
        return Server(url[len("unix://") :], "", 0, username, password, includes)
    elif url:
        host, number = _split_port(url.split("://", 1)[-1].rstrip("/"))
    else:
        raise DeployError(
            f"supervisor_config {path} has neither [unix_http_server] nor [inet_http_server]: without one of them "
            "supervisord cannot be spoken to; add [unix_http_server] with its file"
        )
    return Server("", host, number, username, password, includes)


def _login(value: t.Callable[[str, str], str]) -> tuple[str, str]:
    if value("supervisorctl", "username"):
        return value("supervisorctl", "username"), value("supervisorctl", "password")
    section = "unix_http_server" if value("unix_http_server", "file") else "inet_http_server"
    username, password = value(section, "username"), value(section, "password")
    if password.startswith("{SHA}"):
        raise DeployError(
            f"supervisor_config: the password of [{section}] is hashed; give username and password in [supervisorctl]"
        )
    return username, password


def _split_port(text: str) -> tuple[str, int]:
    host, _sep, number = text.rpartition(":")
    if not number.isdigit():
        raise DeployError(f"supervisor_config: {text!r} is no address of the form HOST:PORT")
    return ("127.0.0.1" if host in ("", "*", "0.0.0.0") else host.strip("[]")), int(number)


def read_config(path: str) -> Server:
    """The supervisord that a configuration file describes. Raises DeployError."""
    try:
        with open(path, encoding="utf-8") as file:
            return parse_config(file.read(), os.path.abspath(path), os.environ)
    except FileNotFoundError:
        raise DeployError(
            f"supervisor_config {path} does not exist; give the path of the supervisord.conf that supervisord was started with"
        ) from None
    except (OSError, UnicodeDecodeError) as exc:
        raise DeployError(f"supervisor_config {path} cannot be read: {exc}") from exc


_HEADER = re.compile(r"^\[(?P<name>[^\]]+)\]")
_AUTOSTART = re.compile(r"^autostart\s*[=:]\s*(?P<value>[^;#\s]*)", re.IGNORECASE)


def _program_lines(lines: t.Sequence[str], name: str) -> t.Optional[range]:
    """The lines of [program:NAME] below its header."""
    start: t.Optional[int] = None
    for number, line in enumerate(lines):
        header = _HEADER.match(line)
        if header and start is not None:
            return range(start, number)
        if header and header.group("name").strip() == f"program:{name}":
            start = number + 1
    return None if start is None else range(start, len(lines))


def autostart_of(text: str, name: str) -> t.Optional[bool]:
    """Whether a program starts with supervisord; None when the text does not define it. Pure."""
    lines = text.splitlines()
    own = _program_lines(lines, name)
    if own is None:
        return None
    for number in own:
        found = _AUTOSTART.match(lines[number])
        if found:
            return found.group("value").lower() in ("true", "yes", "on", "1")
    return True


def with_autostart(text: str, name: str, value: bool) -> str:
    """The same text with `autostart` of one program set. Pure."""
    lines = text.splitlines(keepends=True)
    own = _program_lines(lines, name)
    if own is None or autostart_of(text, name) is value:
        return text
    line = f"autostart={'true' if value else 'false'}\n"
    for number in own:
        if _AUTOSTART.match(lines[number]):
            lines[number] = line
            return "".join(lines)
    lines[own.start - 1] = lines[own.start - 1].rstrip("\n") + "\n"
    lines.insert(own.start, line)
    return "".join(lines)


def find_definition(server: Server, name: str, hint: str = "") -> str:
    """The included file that defines a program, or "". The main file counts as somebody else's."""
    files = [hint] if hint else []
    for pattern in server.includes:
        files.extend(sorted(glob.glob(pattern)))
    for path in files:
        if autostart_of(read_text(path), name) is not None:
            return path
    return ""


def read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
