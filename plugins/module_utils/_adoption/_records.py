# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The existing installation as a release: its units, and the one that leads the entrance to it. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._adoption._installation import Installation
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._listening import Listening
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._unit import UnitFacts

Record = t.Dict[str, t.Any]

DEFINITIONS = "/etc/systemd/system"
ACTIVATE = "/usr/bin/systemd-socket-activate"
#: systemd-socket-proxyd takes 256 connections unless it is told otherwise.
CONNECTIONS = 4096

_PROXY = """\
# Made by seamless.deploy: leads the entrance to an installation that was there before, until a release takes its place.
[Unit]
Description={name}
Wants={service}
After=network.target {service}

[Service]
User={user}
Group={group}
WorkingDirectory={directory}
ExecStartPre=/bin/rm -f {socket}
# Where the directory is lost at a boot the entrance is too; only the unit that is live is started then.
ExecStartPre=/bin/sh -c '[ -L "$0" ] || ln -s {socket} "$0"' {entrance}
ExecStart={command}
# systemd-socket-activate makes its socket with mode 0644, which only its owner may connect to.
ExecStartPost=/bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do [ -S "$0" ] && exec chmod 0660 "$0"; sleep 0.1; done; exit 1' {socket}
LimitNOFILE=65536
NoNewPrivileges=yes
KillMode=mixed
TimeoutStopSec=30
Restart=on-failure
RestartSec=1

[Install]
WantedBy=multi-user.target
"""


@dataclasses.dataclass(frozen=True)
class Names:
    """Where things of the application go. web: the name of its web unit; proxyd: systemd's own program."""

    app: str
    root: str
    socket_dir: str
    web: str = "web"
    proxyd: str = "/lib/systemd/systemd-socket-proxyd"

    @property
    def entrance(self) -> str:
        return f"{self.socket_dir}/{self.web}.sock"

    def release_path(self, release: str) -> str:
        return f"{self.root}/releases/{release}"


def records(
    found: Installation,
    place: Listening,
    names: Names,
    release: str,
    declared: t.Sequence[Record],
    health: Record,
    command: str = "",
) -> list[Record]:
    """The units of the release that the installation becomes: first the one that the entrance leads to.

    command: where the port is taken over, what an instance of the service on a socket of its own runs.
    """
    web = {
        "unit": names.web,
        "unit_class": "web",
        "entrance": names.entrance,
        "log": "",
        "web_server": "none" if command else "nginx",
        **health,
    }
    python = posixpath.join(found.checkout.venv, "bin", "python") if found.checkout.venv else ""
    name = f"{names.app}-{names.web}-{release}"
    socket = f"{names.socket_dir}/{names.web}-{release}.sock"
    definition = f"{DEFINITIONS}/{name}.service"
    if command:
        instance = {"name": name, "command": command, "socket": socket, "directory": found.checkout.path}
        source = f"{names.release_path(release)}/.units/{name}.service"
        first = [{**web, **instance, "interpreter": python, "definition": definition, "source": source}]
    elif place.path:
        own = _existing(found.unit, found.checkout.path, "web")
        first = [{**own, **web, "socket": place.path, "interpreter": python}]
    else:
        command = f"{ACTIVATE} -l {socket} {names.proxyd} --connections-max={CONNECTIONS} {place.connect}"
        proxy = {"name": name, "command": command, "socket": socket, "directory": names.release_path(release)}
        proxy.update(interpreter="", definition=definition)
        first = [{**web, **proxy}, _existing(found.unit, found.checkout.path, "worker")]
    return first + _background(found, names, declared)


def _existing(unit: UnitFacts, checkout: str, unit_class: str) -> Record:
    """A unit that is not ours: started and stopped, and its definition left where it is."""
    return {
        "unit": unit.name.rpartition(".")[0],
        "name": unit.name,
        "unit_class": unit_class,
        "command": "",
        "socket": "",
        "entrance": "",
        "directory": checkout,
        "interpreter": "",
        "log": "",
        "definition": "",
    }


def _background(found: Installation, names: Names, declared: t.Sequence[Record]) -> list[Record]:
    """The other units, each with the name of the declared unit that will replace it, where that is clear."""
    wanted = {
        str(each.get("name")): str(each.get("class", "web")) for each in declared if each.get("class", "web") != "web"
    }
    result = []
    for unit in found.others:
        stem = unit.name.rpartition(".")[0]
        short = stem[len(names.app) :].lstrip("-_.") if stem.startswith(names.app) else stem
        same = [name for name, kind in wanted.items() if kind == unit.unit_class]
        rivals = [other for other in found.others if other.unit_class == unit.unit_class]
        name = next(
            (each for each in (stem, short) if each in wanted), same[0] if len(same) == len(rivals) == 1 else ""
        )
        record = _existing(unit, found.checkout.path, wanted.get(name, unit.unit_class))
        result.append({**record, "unit": name or stem})
    return result


def proxy_definition(record: Record, service: str, user: str, group: str) -> str:
    """The unit that leads a socket of its own to the port of the existing service, and starts that first."""
    command = record["command"].replace("%", "%%")
    directory = record["directory"].replace("%", "%%")
    paths = {name: record[name].replace("%", "%%") for name in ("socket", "entrance")}
    names = {"name": record["name"], "service": service, "user": user, "group": group}
    return _PROXY.format(**names, **paths, directory=directory, command=command)
