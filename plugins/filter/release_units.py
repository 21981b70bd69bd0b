# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of one release, from what the user declared. Control node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: release_units
short_description: The services of one release, from what the user declared
version_added: 0.1.0
author: seamless.deploy contributors (@seamless-deploy)
description:
  - Gives every declared unit its name, socket, entrance and definition file in this release, and fills the tokens of its command.
options:
  _input:
    description:
      - The declared units, each with C(name), C(class) and C(command). The tokens are C({socket}), C({release}), C({project}), C({venv}),
        C({shared}) and C({root}).
    type: list
    elements: dict
    required: true
  app:
    description: Name of the application.
    type: str
    required: true
  release:
    description: Id of the release.
    type: str
    required: true
  release_path:
    description: Directory of the release.
    type: str
    required: true
  project_path:
    description: Directory in the release that the units run in.
    type: str
    required: true
  root:
    description: Root of the application on the target.
    type: str
    required: true
  socket_dir:
    description: Directory of the sockets.
    type: str
    required: true
  manager:
    description: The service manager.
    type: str
    choices: [supervisor, systemd]
    required: true
  definition_dir:
    description: Directory where the service manager reads definitions.
    type: str
    required: true
  entrance_kind:
    description: How requests are handed over from one release to the next.
    type: str
    choices: [link, upstream, activation, port]
    default: link
  web_server:
    description: Web server that connects to the sockets.
    type: str
    choices: [none, nginx]
    default: none
  health_path:
    description: What is requested of a web unit that declares no C(health_path) of its own.
    type: str
    default: ''
  health_status:
    description: The status that counts as healthy for a web unit that declares no C(health_status) of its own.
    type: int
    default: 0
  health_host:
    description: Host header of the health request of a web unit that declares no C(health_host) of its own.
    type: str
    default: ''
  python_path:
    description:
      - Directories that come first in C(PYTHONPATH) of every command. With V([]) the commands stay as they are.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the sockets of a release
  ansible.builtin.debug:
    msg: >-
      {{ units | seamless.deploy.release_units(app='shop', release='20261120T101500-1a2b3c4', release_path='/srv/shop/releases/x',
      project_path='/srv/shop/releases/x', root='/srv/shop', socket_dir='/run/shop', manager='systemd',
      definition_dir='/etc/systemd/system') | map(attribute='socket') }}
"""

RETURN = r"""
_value:
  description:
    - One dictionary for each unit with C(unit), C(name), C(unit_class), C(command), C(socket), C(entrance), C(directory), C(interpreter),
      C(log) and C(definition). The socket and the entrance are empty unless the class is V(web).
    - A web unit has C(entrance_kind) and C(web_server) too. Its entrance is the file that is exchanged, a link to a socket, a file that
      nginx includes, or a drop-in of a socket of systemd.
    - A web unit has C(health_path), C(health_status) and C(health_host) too, as far as they are told, so that each release is asked
      at its own.
  type: list
  elements: dict
"""

import shlex
import typing as t

from ansible.errors import AnsibleFilterError

SUFFIX = {"supervisor": ".conf", "systemd": ".service"}
ENV = "/usr/bin/env"
KINDS = ("link", "upstream", "activation", "port")


def fill(command: str, tokens: dict[str, str]) -> str:
    """The command with its tokens replaced and its program absolute, since service managers want it so."""
    for name, value in tokens.items():
        command = command.replace("{" + name + "}", value)
    program = command.split(" ", 1)[0]
    if "/" in program and not program.startswith("/"):
        command = f"{tokens['project']}/{command}"
    elif "/" not in program:
        command = f"{tokens['venv']}/bin/{command}"
    return command


def with_path(command: str, folders: t.Sequence[str]) -> str:
    """The command with a PYTHONPATH of its own, which stands above that of the release's environment."""
    return f"{ENV} PYTHONPATH={shlex.quote(':'.join(folders))} {command}" if folders else command


def addresses(kind: str, app: str, unit: str, release: str, socket_dir: str) -> dict[str, str]:
    """Where one web unit listens, and the file by whose exchange it gets the requests."""
    entrance = f"{socket_dir}/{unit}.sock"
    if kind == "activation":
        return {"socket": entrance, "entrance": f"/etc/systemd/system/{app}-{unit}.socket.d/release.conf"}
    if kind == "upstream":
        entrance = f"/etc/nginx/seamless/{app}-{unit}.conf"
    return {"socket": f"{socket_dir}/{unit}-{release}.sock", "entrance": entrance}


def health_of(unit: dict[str, t.Any], common: dict[str, t.Any]) -> dict[str, t.Any]:
    """What is asked of one unit: its own words before those for all; nothing of what neither tells."""
    told = {name: unit.get(name) or value for name, value in common.items()}
    return {name: value for name, value in told.items() if value}


def release_units(
    declared: list[dict[str, t.Any]],
    app: str,
    release: str,
    release_path: str,
    project_path: str,
    root: str,
    socket_dir: str,
    manager: str,
    definition_dir: str,
    entrance_kind: str = "link",
    web_server: str = "none",
    health_path: str = "",
    health_status: int = 0,
    health_host: str = "",
    python_path: t.Sequence[str] = (),
) -> list[dict[str, t.Any]]:
    if manager not in SUFFIX:
        raise AnsibleFilterError(f"release_units: manager {manager!r} is none of {', '.join(SUFFIX)}")
    if entrance_kind not in KINDS:
        raise AnsibleFilterError(f"release_units: entrance_kind {entrance_kind!r} is none of {', '.join(KINDS)}")
    health = {"health_path": health_path, "health_status": health_status, "health_host": health_host}
    units = []
    for unit in declared:
        name = f"{app}-{unit['name']}-{release}"
        web = unit.get("class", "web") == "web"
        where = (
            addresses(entrance_kind, app, unit["name"], release, socket_dir) if web else {"socket": "", "entrance": ""}
        )
        tokens = {
            "socket": where["socket"],
            "release": release_path,
            "project": project_path,
            "venv": f"{release_path}/.venv",
            "shared": f"{root}/shared",
            "root": root,
        }
        units.append(
            {
                "unit": unit["name"],
                "name": name,
                "unit_class": unit.get("class", "web"),
                "command": with_path(fill(str(unit["command"]), tokens), [each for each in python_path if each]),
                **where,
                "directory": release_path,
                "interpreter": f"{release_path}/.venv/bin/python",
                "log": f"{root}/log/{unit['name']}-{release}.log",
                "definition": f"{definition_dir}/{name}{SUFFIX[manager]}",
                **(
                    {"entrance_kind": entrance_kind, "web_server": web_server, **health_of(unit, health)} if web else {}
                ),
            }
        )
    return units


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Any]:
        return {"release_units": release_units}
