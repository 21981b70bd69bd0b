# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds an existing installation: its units, its checkout, its port, its nginx. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _checkout, _findings, _listening, _unit
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._checkout import Checkout
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._findings import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._listening import Listening
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._unit import UnitFacts
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _process

Run = t.Callable[..., t.Tuple[int, str, str]]

_QUIET = {"LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}


@dataclasses.dataclass(frozen=True)
class Installation:
    """What serves the application now. others: further units of the same checkout; sockets: of socket activation."""

    unit: UnitFacts
    places: tuple[Listening, ...]
    checkout: Checkout
    others: tuple[UnitFacts, ...] = ()
    findings: tuple[Finding, ...] = ()


def find(run: Run, path: str, unit: str) -> Installation:
    """The installation in `path`, or of the systemd unit `unit`; each is found from the other. Raises DeployError."""
    units = _units(run)
    wanted = unit if "." in unit or not unit else f"{unit}.service"
    web = next((each for each in units if each.name == wanted), None)
    if wanted and not web:
        raise DeployError(
            f"adopt_unit is {unit!r}, and systemd has no service of that name; "
            "'systemctl list-units --type=service' lists those it has"
        )
    if not path and web:
        path = _checkout.root_of(web.directory or os.path.dirname(os.path.dirname(os.path.dirname(web.program))))
    path = os.path.realpath(path)
    if not os.path.isdir(path) or path == "/":
        raise DeployError(
            f"the directory of the installation is {path}, which is no directory of an application; give it in adopt_path"
        )
    own = [each for each in units if each.active and (_unit.belongs_to(each, path) or _works_in(each.pid, path))]
    listening = {each.name: _listening.listening(_process.family(each.pid)) for each in own}
    web = web or _web_unit(own, listening, path)
    places = listening.get(web.name) or _listening.listening(_process.family(web.pid))
    if not places:
        raise DeployError(
            f"{web.name} {'listens nowhere' if web.pid else 'does not run'}: start it, and see that it serves, before it is adopted"
        )
    others = tuple(each for each in own if each.name != web.name)
    checkout = _checkout.examine(run, path, web.directory, web.program)
    return Installation(web, tuple(places), checkout, others, tuple(_start_findings((web, *others), path)))


def _units(run: Run) -> list[UnitFacts]:
    """Every service that systemd has loaded."""
    argv = ["systemctl", "list-units", "--type=service", "--all", "--plain", "--no-legend", "--full"]
    names = [line.split()[0] for line in _systemctl(run, argv).splitlines() if line.strip()]
    shown = _systemctl(run, ["systemctl", "show", "-p", ",".join(_unit.PROPERTIES), "--", *names]) if names else ""
    return _unit.parse_shows(shown)


def _systemctl(run: Run, argv: list[str]) -> str:
    try:
        rc, out, err = run(argv, environ_update=_QUIET, handle_exceptions=False)
    except OSError as exc:
        raise DeployError(
            f"systemctl cannot be run ({exc.strerror}): only installations that systemd runs can be adopted; write a unit "
            "for this one first, and let it serve with it"
        ) from exc
    if rc:
        raise DeployError(f"systemctl cannot list the services: {' '.join(err.split()) or f'exit status {rc}'}")
    return out


def _works_in(pid: int, path: str) -> bool:
    return pid > 0 and bool(_process.runs_inside(_process.read_process(pid), path))


def _web_unit(own: list[UnitFacts], listening: t.Mapping[str, list[Listening]], path: str) -> UnitFacts:
    """The unit that serves. Raises DeployError when it is not one."""
    serving = [each for each in own if listening[each.name]]
    if len(serving) == 1:
        return serving[0]
    if serving:
        named = ", ".join(f"{each.name} ({', '.join(map(str, listening[each.name]))})" for each in serving)
        raise DeployError(
            f"several units serve out of {path}: {named}; name the one behind the web server in adopt_unit"
        )
    loose = _loose(path)
    if loose:
        raise DeployError(
            f"process {loose[0]} ({loose[1]}) works in {path}, and no unit of systemd runs it ({loose[2]}). Write a unit for it "
            "(Service: User, WorkingDirectory, EnvironmentFile, ExecStart), let it serve with that, and adopt it then"
        )
    raise DeployError(
        f"no running unit of systemd works out of {path}; name it in adopt_unit, or give another directory in adopt_path"
    )


def _loose(path: str) -> t.Optional[tuple[int, str, str]]:
    """A process that works in a directory: its number, its program, and the group of systemd it is in."""
    for stat in _process.read_stats():
        facts = _process.read_process(stat.pid)
        if _process.runs_inside(facts, path) and _listening.listening([stat.pid]):
            group = ""
            with contextlib.suppress(OSError):
                with open(f"/proc/{stat.pid}/cgroup", encoding="utf-8", errors="replace") as file:
                    group = file.read().strip().rpartition("/")[2]
            return stat.pid, os.path.basename((facts.argv or ["?"])[0]), group or "started by hand"
    return None


def _start_findings(units: t.Iterable[UnitFacts], path: str) -> t.Iterator[Finding]:
    """What units do about migrations before they serve: in their definition, and in the scripts that it names."""
    for unit in units:
        for command in (*unit.before, unit.command):
            if _findings.migrates(command):
                yield _findings.migration_in_unit(unit.name, unit.fragment, _unit.masked(command))
            for word in command.split(" "):
                name = word if word.startswith("/") else os.path.join(unit.directory or path, word)
                text = _checkout.read(name) if "/" in word or word.endswith((".sh", ".py")) else ""
                lines = text.splitlines() if text.startswith("#!") or word.endswith(".sh") else []
                for number, line in enumerate(lines, 1):
                    if _findings.migrates(line):
                        yield _findings.migration_in_unit(unit.name, f"{name}:{number}", line.strip())
