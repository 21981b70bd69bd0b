#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say: what served from a checkout is a release. Target, Ansible's interpreter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: adoption
short_description: Take an application that is served from a checkout over as the first release
version_added: 0.1.0
description:
  - The running service is not stopped and its checkout is not changed. It becomes a release, a directory of links to it with a manifest, to
    which a later deploy can go back.
  - The entrance leads to the socket of the service or, where it has a port, to a unit that leads there; then the lines of nginx that lead to the
    service are led to the entrance, and nginx reloads.
  - Run it as root. In a deploy (with O(journal)) it is done by a process that outlives the connection.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._adoption
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the lines of nginx.
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) takes it over. What an interrupted run has begun is finished.
      - V(absent) lets it go again. The lines of nginx, the folders and the entrance are as they were. Refused once a deploy has followed.
    type: str
    choices: [present, absent]
    default: present
  shared_folders:
    description:
      - V(moved) moves shared folders to C(shared) in O(root), where that can be done in one step, and leaves a link; files and what cannot be moved so are
        linked.
      - V(linked) leaves them where they are, with a link in C(shared).
    type: str
    choices: [moved, linked]
    default: moved
  who:
    description: The person or job that adopts, for the manifest.
    type: str
    default: unknown
  journal:
    description: The journal of deploys. What is done is recorded in it before and after.
    type: path
  deploy_id:
    description: The deploy that the records belong to. Required with O(journal).
    type: str
seealso:
  - module: seamless.deploy.adoption_info
author: seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: Take over what serves here
  seamless.deploy.adoption:
    unit: shop.service
    app: shop
    root: /srv/shop
    socket_dir: /srv/shop/run
  become: true

- name: Let it go again
  seamless.deploy.adoption:
    app: shop
    root: /srv/shop
    socket_dir: /srv/shop/run
    state: absent
  become: true
"""

RETURN = r"""
release:
  description: Id of the release that the installation has become; empty with O(state=absent).
  type: str
  returned: success
way:
  description: How it was taken over, as of M(seamless.deploy.adoption_info).
  type: str
  returned: success
shared:
  description: Path in a release to how it is shared now, V(moved), V(linked) or V(there); in check mode to where it lies.
  type: dict
  returned: when O(state=present)
units:
  description: The units of the release.
  type: list
  elements: dict
  returned: when O(state=present)
writable:
  description: Directories outside of O(root) that releases must be allowed to write to, because they are linked and were not moved.
  type: list
  elements: str
  returned: when O(state=present)
plan:
  description: What was found and done, in sentences.
  type: list
  elements: str
  returned: success
"""

import datetime
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils import _detached
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _doing, _survey
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_module import hide_environment
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_publish import bridge_files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import journal_of
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store


def run(
    params: dict[str, t.Any], command: t.Callable[..., t.Any], now: datetime.datetime, check: bool
) -> dict[str, t.Any]:
    """Return values of the module. Raises DeployError."""
    store, journal = Store(params["root"]), journal_of(params)
    if params["state"] == "absent":
        return _doing.let_go(params, command, store, journal, check)
    release = _survey.finished(store)
    if release:
        manifest = store.require(release)
        told = [f"Adopted already: {release} stands for the installation, and {store.live()} is live"]
        return {
            "changed": False,
            "way": "adopted",
            "release": release,
            "shared": {},
            "units": manifest.units,
            "plan": told,
        }
    return _doing.take(params, _survey.survey(params, command, now), command, now, journal, check)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_survey.adoption_spec(),
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "shared_folders": {"type": "str", "choices": ["moved", "linked"], "default": "moved"},
            "who": {"type": "str", "default": "unknown"},
            "journal": {"type": "path"},
            "deploy_id": {"type": "str"},
        },
        required_by={"journal": ["deploy_id"]},
        supports_check_mode=True,
    )
    params = dict(module.params)
    hide_environment(module)

    def work() -> dict[str, t.Any]:
        return run(params, module.run_command, datetime.datetime.now(datetime.timezone.utc), module.check_mode)

    try:
        bridge_files(DJANGO)  # a detached step publishes them when the payload may be gone
        action = f"adoption.{params['state']}"
        result = _detached.run(module, work, params["journal"], params["deploy_id"], "start", action)
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
