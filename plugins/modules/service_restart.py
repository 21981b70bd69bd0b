#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: service_restart
short_description: A service is stopped, started, restarted, reloaded, or handed over to another release
version_added: 0.1.0
description:
  - Changes one service (a unit) of supervisor or systemd, and proves the result. A web unit must answer its health check from
    the right directory and interpreter, because HTTP 200 alone may come from the old release.
  - V(handed_over) replaces one release by another without failing requests. The new unit starts beside the old one on a socket
    of its own, is proven ready, then the entrance (a symbolic link that the web server connects to) is exchanged by rename. The
    old unit is drained and stopped last. When something fails before, the link leads to the old release as it did.
  - The units of supervisor are changed through supervisord's own interface, one program at a time. C(supervisorctl update),
    which restarts other programs, is not used.
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
      - Shows what runs, and where the entrance leads, before and after.
  idempotent:
    support: partial
    details:
      - V(restarted) and V(reloaded) of O(state) change something every time, the others only when there is something to do.
options:
  name:
    description: Name of the unit in the service manager. With supervisor, the name of the program, which is a group of its own.
    type: str
    required: true
  manager:
    description: The service manager that runs the unit.
    type: str
    required: true
    choices: [supervisor, systemd]
  unit_class:
    description:
      - V(web) answers requests on O(socket). V(worker) takes jobs from a queue. V(singleton) must never run twice at once,
        such as a scheduler.
      - When a worker or a singleton is handed over, the old one ends before the new one starts.
    type: str
    choices: [web, worker, singleton]
    default: web
  state:
    description:
      - V(started) runs, is ready, and comes back after a boot.
      - V(stopped) does not run and does not come back. A web unit that is not behind the entrance is drained first.
      - V(restarted) is stopped and started on its socket. Requests fail in between, RV(measured.unserved_seconds) tells how long.
      - V(reloaded) got its reload signal (HUP, or C(ExecReload)).
      - V(handed_over) serves in place of O(previous), which is stopped.
      - V(absent) does not run, and the manager has forgotten it. O(definition) is removed, and the entrance if it leads to it.
    type: str
    choices: [started, stopped, restarted, reloaded, handed_over, absent]
    default: started
  previous:
    description: Name of the unit that is replaced. It need not exist.
    type: str
  keep_previous:
    description: Leave O(previous) running after the handover. Refused for a singleton.
    type: bool
    default: false
  socket:
    description: Path of the unix socket that the unit listens on, at most 107 bytes. Required to start a web unit.
    type: path
  entrance:
    description: Path of the symbolic link that leads to the socket of the release that serves. Required to hand a web unit over.
    type: path
  entrance_kind:
    description:
      - What the entrance is. V(link) and V(port) are a symbolic link, V(upstream) is a file that nginx includes, and V(activation) a
        drop-in of a systemd socket, O(entrance) being its path.
      - With V(activation) the two releases never run at once. Requests wait in the socket, and O(keep_previous) is not used.
    type: str
    choices: [link, upstream, activation, port]
    default: link
  web_server:
    description: The web server before the entrance. With V(nginx) it is checked that its own user reaches the socket.
    type: str
    choices: [none, nginx]
    default: none
  previous_socket:
    description: Socket of O(previous). The default is where the entrance leads.
    type: path
  directory:
    description: Directory of the release. The process that answers must work in it or below it.
    type: path
  interpreter:
    description: Python of the release's virtual environment. The process that answers must run it.
    type: path
  definition:
    description: Path of the file that defines the unit for the manager. Removed by O(state=absent).
    type: path
  ready_timeout:
    description: Seconds that the unit has to become ready. A unit without a socket is ready when it has run for two seconds.
    type: float
    default: 60
  drain_timeout:
    description:
      - Seconds that the old unit has to answer the requests it has accepted or queued, before it is told to end.
      - Where the connections of a unix socket cannot be counted (no C(/proc/net/unix)), five seconds at most are waited.
    type: float
    default: 30
  stop_timeout:
    description:
      - Seconds between TERM and KILL. The unit's definition may make the manager less patient
        (C(stopwaitsecs), C(TimeoutStopSec)).
    type: float
    default: 30
seealso:
  - module: seamless.deploy.service_info
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: Hand the shop over to its new release
  seamless.deploy.service_restart:
    manager: supervisor
    supervisor_config: /etc/supervisor/supervisord.conf
    name: shop-web-20261121T090000-1a2b3c4
    previous: shop-web-20261114T090000-9f8e7d6
    state: handed_over
    socket: /srv/shop/run/web-20261121T090000-1a2b3c4.sock
    entrance: /srv/shop/run/web.sock
    directory: /srv/shop/releases/20261121T090000-1a2b3c4
    interpreter: /srv/shop/releases/20261121T090000-1a2b3c4/.venv/bin/python

- name: Stop the scheduler
  seamless.deploy.service_restart:
    manager: systemd
    name: shop-beat-20261121T090000-1a2b3c4
    unit_class: singleton
    state: stopped
"""

RETURN = r"""
name: {description: Name of the unit., returned: always, type: str}
state: {description: The state that was asked for., returned: always, type: str}
pid: {description: 'Main process of the unit, 0 when it does not run.', returned: success, type: int}
actions:
  description: What was done, or would be done in check mode, in order.
  type: list
  elements: str
  returned: success
measured:
  description: What the change cost in seconds. A value is null where it does not apply.
  type: dict
  returned: success, or when an action failed
  contains:
    ready_seconds: {description: From the start of the unit until it was ready., type: float}
    drain_seconds: {description: How long the old connections were waited for., type: float}
    stop_seconds: {description: From TERM until every process had ended., type: float}
    unserved_seconds: {description: 'How long nobody listened behind the entrance, seen by connecting every 10 ms.', type: float}
drained:
  description: The connections of the unit that was stopped.
  type: dict
  returned: success
  contains:
    open_connections: {description: Open or queued when the drain began., type: int}
    closed_at_limit: {description: 'Still open after O(drain_timeout), when the unit was told to end.', type: int}
log_tail:
  description: The last lines (20 at most) of the log of the unit whose action failed.
  type: list
  elements: str
  returned: when an action failed
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _plan
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import UNIT_CLASSES
from ansible_collections.seamless.deploy.plugins.module_utils._service._change import change, timeout_spec
from ansible_collections.seamless.deploy.plugins.module_utils._service._entrance import KINDS
from ansible_collections.seamless.deploy.plugins.module_utils._service._setup import service_spec
from ansible_collections.seamless.deploy.plugins.module_utils._spec import JOURNAL_REQUIRED_BY, journal_spec


def main() -> None:
    spec = {
        "name": {"type": "str", "required": True},
        "manager": {"type": "str", "required": True, "choices": ["supervisor", "systemd"]},
        "unit_class": {"type": "str", "choices": list(UNIT_CLASSES), "default": "web"},
        "state": {"type": "str", "choices": list(_plan.STATES), "default": "started"},
        "previous": {"type": "str"},
        "keep_previous": {"type": "bool", "default": False},
        "socket": {"type": "path"},
        "entrance": {"type": "path"},
        "entrance_kind": {"type": "str", "choices": list(KINDS), "default": "link"},
        "web_server": {"type": "str", "choices": ["none", "nginx"], "default": "none"},
        "previous_socket": {"type": "path"},
        "directory": {"type": "path"},
        "interpreter": {"type": "path"},
        "definition": {"type": "path"},
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
    try:
        result = change(module.params, module.check_mode, module.run_command)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **{"name": module.params["name"], "state": module.params["state"], **exc.result})
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
