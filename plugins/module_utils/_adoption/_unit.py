# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd says of an existing unit, and what its command becomes for releases. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import typing as t

PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "FragmentPath",
    "Type",
    "User",
    "Group",
    "WorkingDirectory",
    "MainPID",
    "ExecStart",
    "ExecStartPre",
    "ExecStartPost",
    "Environment",
    "EnvironmentFiles",
    "TriggeredBy",
    "ProtectSystem",
    "ReadWritePaths",
)
_ARGV = re.compile(r"argv\[\]=(.*?) ;")
_SCHEDULERS = re.compile(r"\bbeat\b|\bscheduler\b|\brqscheduler\b|\bclock\b", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class UnitFacts:
    """One service of systemd. commands: what it runs, the main program last; before: what it runs before that."""

    name: str
    active: bool = False
    at_boot: bool = False
    fragment: str = ""
    user: str = ""
    group: str = ""
    directory: str = ""
    pid: int = 0
    command: str = ""
    before: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    environment_files: tuple[str, ...] = ()
    sockets: tuple[str, ...] = ()
    sandboxed: bool = False

    @property
    def program(self) -> str:
        return self.command.split(" ", 1)[0]

    @property
    def unit_class(self) -> str:
        """What kind of background service it would be; that it is a web service shows by what it listens on."""
        return "singleton" if _SCHEDULERS.search(self.command) else "worker"


def parse_shows(text: str) -> list[UnitFacts]:
    """The units of one `systemctl show`: blocks of KEY=VALUE lines, some keys more than once."""
    found = []
    for block in text.strip().split("\n\n"):
        values: dict[str, list[str]] = {}
        for line in block.splitlines():
            key, equals, value = line.partition("=")
            if equals:
                values.setdefault(key, []).append(value)
        if values.get("LoadState", [""])[0] == "loaded":
            found.append(_facts(values))
    return found


def _facts(values: t.Mapping[str, list[str]]) -> UnitFacts:
    def one(key: str) -> str:
        return values.get(key, [""])[0]

    def commands(key: str) -> tuple[str, ...]:
        return tuple(match for value in values.get(key, []) for match in _ARGV.findall(value))

    started = commands("ExecStart")
    files = (re.match(r"(.*?) \(ignore_errors=", value) for value in values.get("EnvironmentFiles", []))
    return UnitFacts(
        name=one("Id"),
        active=one("ActiveState") in ("active", "reloading", "activating"),
        at_boot=one("UnitFileState") in ("enabled", "enabled-runtime", "alias"),
        fragment=one("FragmentPath"),
        user=one("User") or "root",
        group=one("Group"),
        directory=one("WorkingDirectory").lstrip("!-"),
        pid=int(one("MainPID") or 0),
        command=started[-1] if started else "",
        before=commands("ExecStartPre") + started[:-1] + commands("ExecStartPost"),
        environment=tuple(dict.fromkeys(part.partition("=")[0] for part in _split(one("Environment")) if "=" in part)),
        environment_files=tuple(match.group(1) for match in files if match),
        sockets=tuple(name for name in one("TriggeredBy").split() if name.endswith(".socket")),
        sandboxed=one("ProtectSystem") == "strict" or bool(one("ReadWritePaths")),
    )


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def belongs_to(facts: UnitFacts, checkout: str) -> bool:
    """Whether a unit runs out of a checkout, by its working directory, its program or its arguments."""
    base = checkout.rstrip("/")
    inside = re.compile(r"(^|[\s=:'\"])" + re.escape(base) + r"(/|$|[\s'\":])")
    return any(inside.search(text) for text in (facts.directory, facts.command))


def masked(command: str) -> str:
    """A command as it may be shown: passwords in URLs and values of options that are named like secrets are hidden."""
    text = re.sub(r"(\w+://[^:/\s@]*:)[^@\s]+@", r"\1********@", command)
    return re.sub(r"(?i)((?:password|secret|token|key)[\w-]*[= ])(\S+)", r"\1********", text)


#: How the servers are told their address, as option -> whether it takes the address alone.
_BINDS = (
    (re.compile(r"(?<=\s)(?:--bind|-b)(?:\s+|=)(?:unix:\S+|\S*:\d+)|(?<=\s)-b\d\S*"), "--bind unix:{socket}"),
    (re.compile(r"(?<=\s)--uds(?:\s+|=)\S+"), "--uds {socket}"),
    (re.compile(r"(?<=\s)(?:--unix-socket)(?:\s+|=)\S+"), "--unix-socket {socket}"),
)
_HOST_PORT = re.compile(r"\s--(?:host|port)(?:\s+|=)\S+")
_SERVERS = {"gunicorn": "--bind unix:{socket}", "uvicorn": "--uds {socket}", "hypercorn": "--bind unix:{socket}"}
_SERVERS.update(daphne="-u {socket}", waitress="--unix-socket={socket}")


def command_for_releases(command: str, checkout: str, venv: str, project: str) -> str:
    """The command with the tokens of deploy_units; "" when where it takes its address is not known."""
    text = re.sub(r"^\S*python[\d.]*\s+-m\s+", "", command)
    server = os.path.basename(text.split(" ", 1)[0]).replace("waitress-serve", "waitress")
    bound = text
    for pattern, value in _BINDS:
        bound, count = pattern.subn(value, bound)
        if count > 1:
            return ""
        if count:
            return tokens(bound, checkout, venv, project)
    if server not in _SERVERS:
        return ""
    program, _space, rest = _HOST_PORT.sub("", text).partition(" ")
    return tokens(f"{program} {_SERVERS[server]} {rest}".rstrip(), checkout, venv, project)


def tokens(command: str, checkout: str, venv: str, project: str) -> str:
    """The command with the tokens of deploy_units in place of paths."""
    if venv and command.startswith(f"{venv}/bin/"):
        command = command[len(venv) + len("/bin/") :]
    for path, token in ((venv, "{venv}"), (project, "{project}"), (checkout, "{release}")):
        if path:
            command = re.sub(re.escape(path) + r"(?=/|\s|$)", token, command)
    return command
