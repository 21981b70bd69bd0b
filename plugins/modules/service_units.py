#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: service_units
short_description: All units of a release are handed over, stopped, or gone
version_added: 0.1.0
description:
  - Changes the units of one release together, each as M(seamless.deploy.service_restart) does, with the same records in the
    journal.
  - A handover starts all web units beside the old ones, then puts workers and singletons in the place of theirs, and switches the
    entrances last. Old web units are left running, for a way back and for the drain.
  - In a deploy (with O(journal)) it is done by a process that outlives the connection.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._journal
  - seamless.deploy._service
attributes:
  check_mode:
    support: full
    details:
      - Looks at the units and returns the same keys, with the actions that would be done. Nothing is measured.
  diff_mode:
    support: full
    details:
      - Shows of each unit what runs, and where its entrance leads, before and after.
  idempotent:
    support: full
options:
  manager:
    description: The service manager that runs the units.
    type: str
    required: true
    choices: [supervisor, systemd]
  units:
    description:
      - The units, each a dictionary as the filters P(seamless.deploy.release_units#filter) and
        P(seamless.deploy.units_replacing#filter) and the manifest of a release give it. Needed is C(name).
      - Used are also C(unit_class), C(socket), C(entrance), C(directory), C(interpreter), C(definition), C(previous),
        C(previous_socket), C(command), C(text) and C(source). C(health_path), C(health_status) and C(health_host) of a unit go before the options.
      - Other keys are ignored.
    type: list
    elements: dict
    required: true
  state:
    description:
      - V(handed_over) serves in place of the unit's C(previous). Ends at the first failure, and what was begun before it stays.
      - V(stopped) does not run and does not come back after a boot. Web units are stopped first, then singletons, then workers, so
        that nothing is handed out which nobody takes. Ends at the first failure.
      - V(absent) does not run, and the service manager has forgotten it. Goes on after a failure.
    type: str
    choices: [handed_over, stopped, absent]
    default: handed_over
  leaving:
    description:
      - Units of the release that goes for good, for a way back with O(state=handed_over). They are drained, stopped and forgotten
        after the entrances lead to O(units), and before workers and singletons of O(units) are started.
      - Definitions that the service manager does not know are removed first, since one that cannot be read may keep it from
        reading any.
      - With it, everything is tried even when a unit fails, and C(previous) of O(units) is not used.
    type: list
    elements: dict
    default: []
  at_once:
    description:
      - With O(state=handed_over), start workers and singletons while the web units come up, and not when those are ready. The entrances
        are switched when all of them are up, as always.
      - For a stop, in which nothing runs that they would meet. Not where a way back would take away what they have written by then.
      - One whose C(previous) still runs is left for later all the same.
    type: bool
    default: false
  define:
    description:
      - Write the definition of each unit first, from O(template) or from C(text) of the unit, and keep it in C(.units) of the
        unit's C(directory), or where C(source) says, for a way back.
      - A unit without a text takes what is kept. So does every unit whose definition is missing. Only a file of the user who defines
        the units is believed, since the application's user may write in a release.
    type: bool
    default: false
  template:
    description:
      - With O(define=true), a template on the control node that renders the text of each unit, which it sees as C(item). A name is
        looked for as M(ansible.builtin.template) looks for its C(src).
      - Rendered on the control node, so that no file of the target comes between the template and the service manager.
    type: str
  ready_timeout:
    description: Seconds that each unit has to become ready. A unit without a socket is ready when it has run for two seconds.
    type: float
    default: 60
  drain_timeout:
    description: Seconds that each unit that ends has to answer the requests it has accepted or queued.
    type: float
    default: 30
  stop_timeout:
    description: Seconds between TERM and KILL. The unit's definition may make the manager less patient.
    type: float
    default: 30
seealso:
  - module: seamless.deploy.service_restart
  - module: seamless.deploy.service_info
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: Hand the shop over to its new release
  seamless.deploy.service_units:
    manager: systemd
    define: true
    template: systemd.j2
    units: "{{ shop_units | seamless.deploy.units_replacing(shop_release.previous_units) }}"

- name: Stop everything
  seamless.deploy.service_units:
    manager: supervisor
    supervisor_config: /etc/supervisor/supervisord.conf
    state: stopped
    units: "{{ shop_release.previous_units }}"

- name: Go back to the old release, and take the new one away
  seamless.deploy.service_units:
    manager: systemd
    units: "{{ shop_release.previous_units }}"
    leaving: "{{ shop_units }}"
"""

RETURN = r"""
state: {description: The state that was asked for., returned: always, type: str}
defined:
  description: Names of the units whose definition was written.
  type: list
  elements: str
  returned: success
results:
  description: Every unit that was reached, those of O(leaving) too, with the keys of M(seamless.deploy.service_restart).
  type: list
  elements: dict
  returned: success, or when a unit failed
  contains:
    name: {description: Name of the unit., type: str}
    state: {description: The state it was brought to last., type: str}
    changed: {description: Whether anything was done., type: bool}
    pid: {description: 'Main process of the unit, 0 when it does not run.', type: int}
    actions: {description: 'What was done, or would be done in check mode, in order.', type: list, elements: str}
    measured: {description: What the change cost in seconds., type: dict}
    drained: {description: The connections of the unit that was stopped., type: dict}
    failed: {description: Whether this unit failed. Only there when it did., type: bool}
    msg: {description: Why it failed., type: str}
    log_tail: {description: The last lines of its log when it failed., type: list, elements: str}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _detached
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _units
from ansible_collections.seamless.deploy.plugins.module_utils._service._change import step_of, timeout_spec
from ansible_collections.seamless.deploy.plugins.module_utils._service._setup import service_spec
from ansible_collections.seamless.deploy.plugins.module_utils._service._together import Together
from ansible_collections.seamless.deploy.plugins.module_utils._spec import JOURNAL_REQUIRED_BY, journal_spec


def run(params: dict[str, t.Any], check_mode: bool, run_command: t.Callable[..., tuple]) -> dict[str, t.Any]:
    """The change of all units; the returned dict goes to the play."""
    _units.check(params["units"], "units")
    _units.check(params["leaving"], "leaving")
    if params["leaving"] and params["state"] != "handed_over":
        raise DeployError(f"leaving is for state=handed_over only; state is {params['state']}")
    return Together(params, check_mode, run_command).bring()


def main() -> None:
    records = {"type": "list", "elements": "dict"}
    spec = {
        "manager": {"type": "str", "required": True, "choices": ["supervisor", "systemd"]},
        "units": {**records, "required": True},
        "state": {"type": "str", "choices": list(_units.STATES), "default": "handed_over"},
        "leaving": {**records, "default": []},
        "at_once": {"type": "bool", "default": False},
        "define": {"type": "bool", "default": False},
        "template": {"type": "str"},
        **timeout_spec(),
        **service_spec(),
        **journal_spec(),
    }
    module = AnsibleModule(
        argument_spec=spec,
        supports_check_mode=True,
        required_if=[("manager", "supervisor", ["supervisor_config"])],
        required_by=JOURNAL_REQUIRED_BY,
    )
    params = module.params

    def work() -> dict[str, t.Any]:
        return run(params, module.check_mode, module.run_command)

    try:
        step = step_of(params)
        result = _detached.run(module, work, params["journal"], params["deploy_id"], step, f"service.{params['state']}")
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **{"state": params["state"], **exc.result})
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
