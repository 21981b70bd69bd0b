#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say: one deploy may use the server as its administrator. Target, Ansible's interpreter, as PostgreSQL's own user."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_admin_login
short_description: Lend PostgreSQL's login without a password to one deploy
version_added: 0.1.0
description:
  - On most servers the operating system's user C(postgres) is let in without a password (peer authentication), and nobody else is. A deploy
    runs as the user of the application, and needs the administrator for scratch databases, fences and copies.
  - Run with C(become_user=postgres), this opens a second socket that leads to the server's own, for one other user of the same host, and
    with a password that is made for this deploy and nobody else knows. What is returned is a URL for O(seamless.deploy.pg_fence#module:login_url).
  - No role is made, no password is set, and nothing of the server's configuration is changed.
  - The socket is closed a second after the deploy has ended (O(journal)), also where its control node was killed and another deploy went on; where
    the user who opens it may not look beside the journal, when nobody has used it for six hours.
    Without a deploy it is closed when nobody has used it for O(idle_timeout) seconds, or with O(state=closed).
extends_documentation_fragment:
  - seamless.deploy._attributes
attributes:
  check_mode:
    support: full
    details:
      - The socket is opened in check mode too, since what is checked then needs it. It changes nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Every call opens another socket, with another password.
author: seamless.deploy contributors (@seamless-deploy)
options:
  state:
    description: V(open) opens a socket; V(closed) closes the one in O(path).
    type: str
    choices: [open, closed]
    default: open
  path:
    description: With O(state=closed), the RV(path) that was returned.
    type: path
  used_by:
    description: User of the operating system that it is opened for, beside root. The default is the user who opens it.
    type: str
  login_host:
    description:
      - Where the application finds the server, a name, an address or the directory of its socket. It must be on this host.
      - The socket of the server is looked for in that directory, else in C(/var/run/postgresql) and C(/tmp).
    type: str
    default: ""
  login_port:
    description: Port of the server, which is part of the name of its socket.
    type: int
    default: 5432
  login_user:
    description: Role to connect as. The default has the name of the operating system's user that the task runs as.
    type: str
  journal:
    description: Journal of a deploy that has begun. The socket is open for as long as the deploy lock beside it is held.
    type: path
  idle_timeout:
    description: Seconds without a session after which the socket is closed, without O(journal).
    type: int
    default: 900
  password:
    description: Made by the module itself, on the control node, for each call.
    type: str
requirements:
  - Linux.
seealso:
  - module: seamless.deploy.pg_fence
  - module: seamless.deploy.migration_rehearse
"""

EXAMPLES = r"""
- name: Use the server as its administrator
  seamless.deploy.pg_admin_login:
    used_by: shop
  become: true
  become_user: postgres
  register: administrator

- name: Keep every writer out and make the safety copy
  seamless.deploy.pg_fence:
    login_url: "{{ administrator.url }}"
    database: shop
    fence_id: "2026-08-01"
    state: closed
  become: true
  become_user: shop

- name: Close it again
  seamless.deploy.pg_admin_login:
    state: closed
    path: "{{ administrator.path }}"
  become: true
  become_user: postgres
"""

RETURN = r"""
url:
  description:
    - The connection, to the database C(postgres). It holds the password, so nothing of this result is shown, with C(no_log) or without.
  type: str
  returned: with O(state=open)
path:
  description: Directory of the socket.
  type: str
  returned: success
"""

import os
import pwd
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _lending, _own_socket


def run(params: dict[str, t.Any]) -> dict[str, t.Any]:
    if params["state"] == "closed":
        return {"changed": _lending.close(params["path"]), "path": params["path"]}
    if not params["password"]:
        raise DeployError("password is empty; it is made by the action plugin of pg_admin_login, on the control node")
    account = pwd.getpwuid(os.geteuid()).pw_name
    user = params["login_user"] or account
    server = _own_socket.server_socket(params["login_host"], params["login_port"])
    users = [_number(params["used_by"])] if params["used_by"] else []
    _own_socket.ask(server, user)
    lock = _lending.lock_of(params["journal"]) if params["journal"] else ""
    idle = _lending.UNSEEN if params["journal"] else params["idle_timeout"]
    directory = _lending.lend(server, params["password"], users, lock, idle)
    return {"changed": False, "path": directory, "port": params["login_port"], "user": user, "account": account}


def _number(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError as exc:
        raise DeployError(f"used_by is {name!r}, and this host has no such user") from exc


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["open", "closed"], "default": "open"},
            "path": {"type": "path"},
            "used_by": {"type": "str"},
            "login_host": {"type": "str", "default": ""},
            "login_port": {"type": "int", "default": 5432},
            "login_user": {"type": "str"},
            "journal": {"type": "path"},
            "idle_timeout": {"type": "int", "default": 900},
            "password": {"type": "str", "no_log": True},
        },
        required_if=[("state", "closed", ("path",))],
        supports_check_mode=True,
    )
    try:
        result = run(module.params)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
