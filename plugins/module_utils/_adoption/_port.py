# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a port over from the service that listens on it: an announced stop of a moment. Target; PRIVATE to the collection."""

from __future__ import annotations

import math
import re
import socket
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _unit
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._findings import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._installation import Installation
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._listening import Listening
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit
from ansible_collections.seamless.deploy.plugins.module_utils._service._systemd import SystemdManager

Run = t.Callable[..., tuple]

#: What two instances of one unit cannot have both.
_OWN = re.compile(
    r"^\s*(PIDFile|RuntimeDirectory|BusName|Sockets)\s*=\s*\S|^\s*Type\s*=\s*(forking|dbus)", re.MULTILINE
)
_START = re.compile(r"^ExecStart=(?:.*\\\n)*.*$", re.MULTILINE)
STOP_SECONDS = 60.0
INTERVAL = 0.02
#: A socket takes several times as long to start as systemd needs to answer a question.
CALLS = 8


def command_on(command: str, path: str) -> str:
    """The command of a service, listening on a unix socket instead of its port; "" when where it listens is not known. Pure."""
    text = _unit.command_for_releases(command, "", "", "").replace("{socket}", path)
    module = re.match(r"(\S*/)?python[\d.]*\s+-m\s+", command)
    return f"{module.group(1) or ''}{text}" if module and text else text


def definition_on(text: str, name: str, command: str) -> str:
    """The definition of a unit for an instance of its own beside it, "" when two cannot run at once. Pure."""
    starts = _START.findall(text)
    if _OWN.search(text) or len(starts) != 1 or re.search("[\"'$%]", starts[0]):
        return ""
    named = f"# Made by seamless.deploy: {name} on a socket of its own, until a release takes its place.\n"
    return named + _START.sub(lambda _match: f"ExecStart={command.replace('%', '%%')}", text)


def expected_stop(run: Run) -> float:
    """Seconds in which nobody will listen: systemd of this host starts one socket, after the port was seen to be free."""
    began = time.monotonic()
    run(["systemctl", "--no-ask-password", "show", "--property=Id", "--", "sockets.target"], handle_exceptions=False)
    return announced(time.monotonic() - began)


def announced(answered: float) -> float:
    """The stop to announce where systemd answered a question within that many seconds; rather too long than too short. Pure."""
    return math.ceil(10 * (INTERVAL + CALLS * answered)) / 10


def findings(
    found: Installation, listen: str, consent: bool, text: str, path: str, seconds: float = 0.0
) -> t.Iterator[Finding]:
    """What speaks against it, and that it needs consent."""
    name, ports = found.unit.name, [place.port for place in found.places if place.port]
    if not listen or int("0" + re.sub(r".*:", "", listen)) not in ports:
        yield Finding(
            "another_port",
            "stop",
            f"deploy_listen is {listen!r}, and {name} listens on {', '.join(map(str, found.places))}",
            "with deploy_entrance: port give the address there that is taken over",
        )
    command = command_on(found.unit.command, path)
    if not command or not definition_on(text, name, command):
        yield Finding(
            "port_not_movable",
            "stop",
            f"{name} cannot run a second time on another address: {_unit.masked(found.unit.command)}",
            "let its ExecStart say where it listens (gunicorn --bind, uvicorn --host and --port), without PIDFile, RuntimeDirectory or Type=forking",
        )
    if not consent:
        yield Finding(
            "needs_stop",
            "stop",
            f"{name} must leave its port before the entrance can have it: for about {seconds:.1f} s nobody listens there, and "
            "connections that are open then are closed when their requests are answered",
            "say yes to that with adopt_stop: true, at an hour of your choice",
        )


def definition_of(unit: _unit.UnitFacts) -> str:
    try:
        with open(unit.fragment, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return ""


def take(manager: SystemdManager, run: Run, service: str, place: Listening, port_unit: str) -> float:
    """Let systemd listen where the service did; the seconds in which nobody listened. Raises DeployError after the way back."""
    old = Unit(service, "worker")
    run(["systemctl", "--no-ask-password", "stop", "--no-block", "--", service], handle_exceptions=False)
    began, deadline = 0.0, time.monotonic() + STOP_SECONDS
    while not _free(place):
        if time.monotonic() > deadline:
            manager.start(old)
            raise DeployError(f"{service} still listens on {place} after {STOP_SECONDS:g} s; it was started again")
        time.sleep(INTERVAL)
    began = time.monotonic()
    rc, _out, err = run(["systemctl", "--no-ask-password", "start", "--", port_unit], handle_exceptions=False)
    if rc:
        manager.start(old)
        raise DeployError(
            f"{port_unit} does not listen on {place}: {' '.join(err.split())}; {service} was started again"
        )
    seconds = time.monotonic() - began
    run(["systemctl", "--no-ask-password", "enable", "--", port_unit], handle_exceptions=False)
    manager.stop(old, STOP_SECONDS)
    return round(seconds, 3)


def give_back(manager: SystemdManager, run: Run, service: str, port_unit: str) -> None:
    """Let the service listen itself again."""
    units = [port_unit, port_unit.replace(".socket", ".service")]
    run(["systemctl", "--no-ask-password", "disable", "--now", "--", units[0]], handle_exceptions=False)
    run(["systemctl", "--no-ask-password", "stop", "--", units[1]], handle_exceptions=False)
    manager.start(Unit(service, "worker"))


def _free(place: Listening) -> bool:
    """Whether somebody could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in place.address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((place.address, place.port))
            probe.listen(1)
        except OSError:
            return False
    return True
