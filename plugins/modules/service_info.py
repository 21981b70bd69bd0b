#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: service_info
short_description: Who serves behind an entrance or a socket, and what the service manager says of its units
version_added: 0.1.0
description:
  - Asks the health check once, and names the process that answers, its directory, its release and whether it runs the right
    interpreter.
  - Returns the state of the units in O(names). That nobody answers, or that a unit is unknown, is an answer and no failure,
    unless O(required).
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._attributes.info
  - seamless.deploy._service
options:
  entrance:
    description: Path of the symbolic link that leads to the socket of the release that serves.
    type: path
  socket:
    description: Path of a unix socket to ask instead of O(entrance).
    type: path
  directory:
    description: Directory that the answering process should work in or below.
    type: path
  interpreter:
    description: Python that the answering process should run.
    type: path
  timeout:
    description: Seconds to wait for the answer.
    type: float
    default: 10
  names:
    description: Units to look at. Needs O(manager).
    type: list
    elements: str
    default: []
  units:
    description:
      - Units of a release, as the filter P(seamless.deploy.release_units#filter) and the manifest of a release give them. Each web
        unit is asked through its entrance, at its own C(health_path), C(health_status) and C(health_host) where it has them.
    type: list
    elements: dict
    default: []
  required:
    description:
      - Fail unless every web unit of O(units) answers healthy, from its own directory and interpreter.
      - What this user may not see of another's process counts as proven, RV(serving.problem) says so.
    type: bool
    default: false
  define:
    description:
      - Fail when the manager could not take new units. systemd reads none while less than 16 MiB are free in C(/run/systemd).
    type: bool
    default: false
  template:
    description: With O(define=true), the template that O(drafts) are rendered with, as in M(seamless.deploy.service_units).
    type: str
  drafts:
    description:
      - With O(define=true), units whose definitions must be renderable with O(template). They need not exist.
      - Rendered on the control node, before the service manager is asked.
    type: list
    elements: dict
    default: []
  manager:
    description: The service manager that runs the units.
    type: str
    choices: [supervisor, systemd]
seealso:
  - module: seamless.deploy.service_restart
  - module: seamless.deploy.service_units
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: See which release serves
  seamless.deploy.service_info:
    entrance: /srv/shop/run/web.sock
  register: shop

- name: Tell
  ansible.builtin.debug:
    msg: "{{ shop.serving.release }} answers in {{ shop.serving.seconds }} s"

- name: Prove that the release serves
  seamless.deploy.service_info:
    units: "{{ shop_units }}"
    required: true
"""

RETURN = r"""
serving:
  description: What answered; empty without O(entrance) and O(socket).
  type: dict
  returned: success
  contains:
    answers:
      description: Whether anything answered over HTTP.
      type: bool
    healthy:
      description: Whether it answered O(health_status).
      type: bool
    status:
      description: Status of the answer, 0 without one.
      type: int
    body_excerpt:
      description: The first 300 characters of the answer.
      type: str
    seconds:
      description: How long the answer took.
      type: float
    pid:
      description: The process that listens, 0 where the system does not tell.
      type: int
    directory:
      description: Where that process works, empty when this user may not see it.
      type: str
    release:
      description: The release that directory belongs to.
      type: str
    directory_ok:
      description: Whether that is in O(directory); null when unknown or not asked.
      type: bool
    interpreter_ok:
      description: Whether it runs O(interpreter); null when unknown or not asked.
      type: bool
    problem:
      description: What is wrong or could not be seen, in a sentence.
      type: str
results:
  description: The web units of O(units), in that order.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: Name of the unit.
      type: str
    entrance:
      description: Path of its entrance.
      type: str
    serving:
      description: What answered there, as in RV(serving).
      type: dict
entrance:
  description: Where the entrance leads.
  type: dict
  returned: success
  contains:
    target:
      description: The socket it leads to, empty without one.
      type: str
    unit:
      description: The one of O(names) whose main process listens there.
      type: str
units:
  description: The units in O(names), in that order.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Name of the unit.
      type: str
    known:
      description: Whether the manager knows it.
      type: bool
    running:
      description: Whether it runs.
      type: bool
    pid:
      description: Its main process, 0 without one.
      type: int
    detail:
      description: The state in the manager's own words.
      type: str
    starts_at_boot:
      description: Whether it comes back after a boot.
      type: bool
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _room, _serving, _units
from ansible_collections.seamless.deploy.plugins.module_utils._service._entrance import door_of, target_of
from ansible_collections.seamless.deploy.plugins.module_utils._service._setup import (
    health_of,
    service_spec,
    unit_states,
)


def run(params: dict[str, t.Any], run_command: t.Callable[..., tuple]) -> dict[str, t.Any]:
    """What is seen now."""
    _units.check(params["units"], "units")
    if params["define"] and params["manager"] == "systemd" and params["systemd_scope"] == "system":
        _room.check_room_for_units()
    path = params["socket"] or params["entrance"]
    seen = {}
    if path:
        proof = (params["directory"] or "", params["interpreter"] or "")
        seen = _serving.serving(path, health_of(params), *proof, timeout=params["timeout"])
    results = [
        asked(record, params, run_command) for record in params["units"] if record.get("unit_class", "web") == "web"
    ]
    if params["required"]:
        require(results)
    units = unit_states(params, run_command)
    entrance = {
        "target": target_of(params["entrance"]) if params["entrance"] else "",
        "unit": _serving.unit_behind(seen.get("pid", 0), units) if params["entrance"] else "",
    }
    return {"changed": False, "serving": seen, "entrance": entrance, "units": units, "results": results}


def asked(record: dict[str, t.Any], params: dict[str, t.Any], run_command: t.Callable[..., tuple]) -> dict[str, t.Any]:
    """Who answers behind the entrance of one unit."""
    path = str(record.get("entrance") or "")
    door = door_of(record, run_command) if path else str(record.get("socket") or "")
    health = health_of(_units.asked(record, params))
    proof = (str(record.get("directory") or ""), str(record.get("interpreter") or ""))
    seen = _serving.serving(door, health, *proof, timeout=params["timeout"])
    return {"name": str(record["name"]), "entrance": path or door, "serving": seen}


def require(results: list[dict[str, t.Any]]) -> None:
    """Refuse anything but the right release. Raises DeployError."""
    wrong = [entry for entry in results if not _serving.is_proven(entry["serving"])]
    if wrong:
        said = ". ".join(
            f"The release does not serve through {entry['entrance']}: {entry['serving']['problem'].rstrip('.')}"
            for entry in wrong
        )
        raise DeployError(said, results=results)


def main() -> None:
    spec = {
        "entrance": {"type": "path"},
        "socket": {"type": "path"},
        "directory": {"type": "path"},
        "interpreter": {"type": "path"},
        "timeout": {"type": "float", "default": 10},
        "names": {"type": "list", "elements": "str", "default": []},
        "units": {"type": "list", "elements": "dict", "default": []},
        "required": {"type": "bool", "default": False},
        "define": {"type": "bool", "default": False},
        "template": {"type": "str"},
        "drafts": {"type": "list", "elements": "dict", "default": []},
        "manager": {"type": "str", "choices": ["supervisor", "systemd"]},
        **service_spec(),
    }
    module = AnsibleModule(
        argument_spec=spec,
        supports_check_mode=True,
        required_if=[("manager", "supervisor", ["supervisor_config"])],
    )
    try:
        result = run(module.params, module.run_command)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
