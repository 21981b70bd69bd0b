#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: entrance
short_description: What the entrance of an application stands on is there, and comes back after a boot
version_added: 0.1.0
description:
  - Makes the directory of the sockets. With a web server it belongs to that server's group and nobody else passes, because
    the sockets themselves may be open to everybody (gunicorn makes them with mode 0777, uvicorn with 0666).
  - Where the directory is lost at a boot, such as below C(/run), an entry in C(/etc/tmpfiles.d) makes it again. A
    C(RuntimeDirectory) of a unit would be removed with everybody's sockets when that one unit stops.
  - Writes units of systemd and has them run, such as a proxy that listens on a port.
  - Refuses a directory that nginx may not enter, whose file system is full, or whose path is too long for a socket.
extends_documentation_fragment:
  - seamless.deploy._attributes
attributes:
  check_mode:
    support: full
    details:
      - Looks at the host and returns the changes that would be made.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  name:
    description: Short name of the application. The entry for a boot is C(/etc/tmpfiles.d/seamless-NAME.conf).
    type: str
    required: true
  directory:
    description: Directory of the sockets and of the entrance.
    type: path
    required: true
  owner:
    description: User that runs the application and owns the directory. Empty is the user that the task runs as.
    type: str
    default: ""
  web_server:
    description: Web server that connects to the sockets. Its group is that of the workers that run.
    type: str
    choices: [none, nginx]
    default: none
  files:
    description: Units of systemd that are written.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path of the file.
        type: path
        required: true
      content:
        description: The whole text.
        type: str
        required: true
  started:
    description: Names of units that run, now and after a boot.
    type: list
    elements: str
    default: []
  entrances:
    description: The entrances of the application. One that does not exist yet leads to O(entrances[].live), so that a site may name it.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: How requests are handed over.
        type: str
        choices: [link, upstream, activation, port]
        default: link
      path:
        description: The link, or the file that nginx includes.
        type: path
        required: true
      live:
        description: Socket of the release that serves now. Empty is none.
        type: str
        default: ""
seealso:
  - module: seamless.deploy.nginx_site
  - module: seamless.deploy.service_units
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: Give the shop a directory for its sockets that only nginx may enter
  seamless.deploy.entrance:
    name: shop
    directory: /run/shop
    owner: shop
    web_server: nginx
"""

RETURN = r"""
directory: {description: The directory of the sockets., returned: always, type: str}
user: {description: 'User that the web server runs as, empty without one.', returned: success, type: str}
group: {description: 'Group that the directory belongs to for the web server, empty without one.', returned: success, type: str}
changes:
  description: What was done, or would be done in check mode.
  type: list
  elements: str
  returned: success
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._service import _prepared
from ansible_collections.seamless.deploy.plugins.module_utils._service._visitor import Visitor, group_of, user_of


def run(params: dict[str, t.Any], check_mode: bool, run_command: t.Callable[..., tuple]) -> dict[str, t.Any]:
    """Prepare the entrance of one application; the returned dict goes to the play."""
    visitor = Visitor() if params["web_server"] == "nginx" else None
    worker = visitor.worker() if visitor else None
    wanted = _prepared.wanted_directory(params["directory"], params["owner"], worker.gid if worker else None)
    preparation = _prepared.Preparation(run_command, check_mode)
    preparation.directory(wanted)
    line = _prepared.tmpfiles_line(wanted)
    if line:
        preparation.file(f"{_prepared.TMPFILES}/seamless-{params['name']}.conf", line)
    new = [
        os.path.basename(one["path"]) for one in params["files"] if preparation.file(one["path"], one["content"], True)
    ]
    for entrance in params["entrances"]:
        preparation.lead(entrance["kind"], entrance["path"], entrance["live"])
    preparation.units(params["started"], new)
    if visitor and not (check_mode and preparation.changes):
        visitor.check_directory(wanted.path)
    return {
        "changed": bool(preparation.changes),
        "directory": wanted.path,
        "user": user_of(worker.uid) if worker else "",
        "group": group_of(worker.gid) if worker else "",
        "changes": preparation.changes,
    }


def main() -> None:
    file = {"path": {"type": "path", "required": True}, "content": {"type": "str", "required": True}}
    entrance = {
        "kind": {"type": "str", "choices": ["link", "upstream", "activation", "port"], "default": "link"},
        "path": {"type": "path", "required": True},
        "live": {"type": "str", "default": ""},
    }
    spec = {
        "name": {"type": "str", "required": True},
        "directory": {"type": "path", "required": True},
        "owner": {"type": "str", "default": ""},
        "web_server": {"type": "str", "choices": ["none", "nginx"], "default": "none"},
        "files": {"type": "list", "elements": "dict", "default": [], "options": file},
        "started": {"type": "list", "elements": "str", "default": []},
        "entrances": {"type": "list", "elements": "dict", "default": [], "options": entrance},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode, module.run_command)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **{"directory": module.params["directory"], **exc.result})
    module.exit_json(**result)


if __name__ == "__main__":
    main()
