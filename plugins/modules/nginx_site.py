#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_site
short_description: A site of nginx is served as written, and leads to the application's entrance as a handover needs it
version_added: 0.1.0
description:
  - Writes one site to where this nginx reads sites, has nginx test its configuration, and reloads it. A site that nginx refuses
    is taken back, and the message has nginx's own words.
  - A reload counts when new workers serve. One that nginx gives up, because another program has the port, is found and the site
    is taken back too.
  - Checks the conditions of a handover in the configuration that nginx runs with. Something leads to O(entrance), no connection
    to it is kept for later requests (they would stay with the old release), and nginx's own user reaches it.
extends_documentation_fragment:
  - seamless.deploy._attributes
attributes:
  check_mode:
    support: full
    details:
      - Says whether the site would be written, with its text in diff mode. nginx is not asked about a site that is not written.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: Short name of the application, and of the file.
    type: str
    required: true
  content:
    description: Text of the site. Without it and without O(src) nothing is written, and only the conditions are checked.
    type: str
  src:
    description: File on the target with the text of the site.
    type: path
  path:
    description:
      - Where the site goes. Without it C(sites-available) with a link in C(sites-enabled), or else the directory of C(*.conf) files
        that the C(http) block includes.
    type: path
  program:
    description: How nginx is called.
    type: str
    default: nginx
  configuration:
    description: Its C(nginx.conf). Without it the one that the running nginx reads.
    type: path
  entrance:
    description: Path that the application's C(proxy_pass) must lead to; of O(kind=upstream) the file that an C(upstream) includes.
    type: path
  kind:
    description: How requests are handed over at O(entrance).
    type: str
    choices: [link, upstream, activation, port]
    default: link
  files:
    description: Other files that the site needs, such as a page for the time of a stop. They are written before the site.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path of the file. Its directory is made, passable for everybody.
        type: path
        required: true
      content:
        description: The whole text.
        type: str
        required: true
seealso:
  - module: seamless.deploy.entrance
author:
  - seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: Serve the shop
  seamless.deploy.nginx_site:
    name: shop
    content: "{{ lookup('ansible.builtin.template', 'shop-site.conf.j2') }}"
    entrance: /run/shop/web.sock

- name: Check a site that is kept by hand
  seamless.deploy.nginx_site:
    name: shop
    entrance: /run/shop/web.sock
"""

RETURN = r"""
path: {description: 'The file of the site, empty when none is written.', returned: always, type: str}
version: {description: Version of nginx., returned: success, type: str}
leads:
  description: Where the configuration leads to the entrance, as FILE:LINE.
  type: list
  elements: str
  returned: success
user: {description: User that nginx's workers run as., returned: success, type: str}
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._nginx import _conditions
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._control import Control
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._site import Site, place_of, read_text
from ansible_collections.seamless.deploy.plugins.module_utils._service._prepared import Preparation
from ansible_collections.seamless.deploy.plugins.module_utils._service._visitor import Visitor, user_of


def run(params: dict[str, t.Any], check_mode: bool, run_command: t.Callable[..., tuple]) -> dict[str, t.Any]:
    """One site; the returned dict goes to the play."""
    control = Control(run_command, params["program"], params["configuration"] or "")
    content = params["content"]
    if content is None and params["src"]:
        content = read_text(params["src"])
        if content is None:
            raise DeployError(f"src {params['src']} does not exist on the target; correct it, or give content")
    files = control.files()
    version = control.version()
    visitor = Visitor(control.running().workers)
    leads: list[str] = []

    def prove(files: dict[str, str]) -> None:
        if params["entrance"]:
            leads[:] = _conditions.check(files, params["entrance"], params["kind"], version, content is not None)
            _conditions.check_reached(visitor, params["entrance"], params["kind"])

    site = Site(control, place_of(files, params["name"], params["path"] or "")) if content is not None else None
    changed = bool(site and site.differs(content))
    preparation = Preparation(run_command, check_mode)
    for file in params["files"]:
        preparation.file(file["path"], file["content"])
    if site and changed and not check_mode:
        site.put(content, prove)
    elif not changed:
        prove(files)
    worker = visitor.worker()
    return {
        "changed": changed or bool(preparation.changes),
        "path": site.place.path if site else "",
        "version": ".".join(str(part) for part in version),
        "leads": leads,
        "user": user_of(worker.uid) if worker else "",
        "diff": {"before": (site.former or "") if site else "", "after": content or ""},
    }


def main() -> None:
    file = {"path": {"type": "path", "required": True}, "content": {"type": "str", "required": True}}
    spec = {
        "name": {"type": "str", "required": True},
        "content": {"type": "str"},
        "src": {"type": "path"},
        "path": {"type": "path"},
        "program": {"type": "str", "default": "nginx"},
        "configuration": {"type": "path"},
        "entrance": {"type": "path"},
        "kind": {"type": "str", "choices": ["link", "upstream", "activation", "port"], "default": "link"},
        "files": {"type": "list", "elements": "dict", "default": [], "options": file},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True, mutually_exclusive=[("content", "src")])
    os.umask(0o022)
    try:
        result = run(module.params, module.check_mode, module.run_command)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **{"path": module.params["path"] or "", **exc.result})
    module.exit_json(**result)


if __name__ == "__main__":
    main()
