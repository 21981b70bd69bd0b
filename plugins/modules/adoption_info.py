#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say: what serves here now, and how it would be taken over. Target, Ansible's interpreter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: adoption_info
short_description: Recognise an application that is served from a checkout, and plan how to take it over
version_added: 0.1.0
description:
  - Finds the unit of systemd, its checkout, its virtual environment, its port or socket, its environment, its uploads, and the lines of nginx
    that lead to it.
  - Tells what would be done to take it over, what it would cost, what speaks against it, and what the inventory should say.
  - Finds migration files that exist on this server only, models that differ from migrations, applications that migrate when they start, and
    health checks that fail while migrations are pending.
  - Run it as root. Other users may not see what a service listens on.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._attributes.info
  - seamless.deploy._adoption
seealso:
  - module: seamless.deploy.adoption
author: seamless.deploy contributors (@seamless-deploy)
"""

EXAMPLES = r"""
- name: See what serves here
  seamless.deploy.adoption_info:
    unit: shop.service
    app: shop
    root: /srv/shop
    socket_dir: /srv/shop/run
  become: true
  register: existing

- name: Show the plan
  ansible.builtin.debug:
    var: existing.plan
"""

RETURN = r"""
way:
  description:
    - V(online) when it can be taken over without a failed request, V(stop) with the stop that was agreed to, V(refused) when something must be
      done first, V(adopted) afterwards.
  type: str
  returned: success
release:
  description: Id of the release that it becomes, or has become.
  type: str
  returned: success
release_path:
  description: Directory of that release.
  type: str
  returned: success
unit:
  description: The service of systemd.
  type: str
  returned: unless RV(way=adopted)
user:
  description: The user that it runs as.
  type: str
  returned: unless RV(way=adopted)
path:
  description: Its checkout.
  type: str
  returned: unless RV(way=adopted)
listens:
  description: Its ports and sockets.
  type: list
  elements: str
  returned: unless RV(way=adopted)
findings:
  description: What a person should know, each with C(kind), C(level) (V(stop), V(warning) or V(note)), C(what), C(remedy) and C(place).
  type: list
  elements: dict
  returned: unless RV(way=adopted)
stops:
  description: The findings that speak against it, as sentences; empty unless RV(way=refused).
  type: list
  elements: str
  returned: unless RV(way=adopted)
stop_seconds:
  description: How long nobody will listen on the port that is taken over, at most about; 0 where nothing stops.
  type: float
  returned: unless RV(way=adopted)
edits:
  description: Lines of nginx that change, each with C(file), C(line), C(before) and C(after).
  type: list
  elements: dict
  returned: unless RV(way=adopted)
shared:
  description: Path in a release to where it lies now, of what releases will share.
  type: dict
  returned: unless RV(way=adopted)
units:
  description: The units of the release that it becomes.
  type: list
  elements: dict
  returned: unless RV(way=adopted)
environment_names:
  description: Names of the variables that it is told.
  type: list
  elements: str
  returned: unless RV(way=adopted)
environment_missing:
  description: Those that O(environment) does not have.
  type: list
  elements: str
  returned: unless RV(way=adopted)
environment_different:
  description: Those with another value in O(environment).
  type: list
  elements: str
  returned: unless RV(way=adopted)
plan:
  description: All of it in sentences.
  type: list
  elements: str
  returned: success
inventory:
  description: Lines of YAML to write into the inventory. No values of the environment are among them.
  type: list
  elements: str
  returned: unless RV(way=adopted)
"""

import datetime
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _survey
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_module import hide_environment
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store


def run(params: dict[str, t.Any], command: t.Callable[..., t.Any], now: datetime.datetime) -> dict[str, t.Any]:
    """Return values of the module. Raises DeployError."""
    store = Store(params["root"])
    release = _survey.finished(store)
    if release:
        told = f"Adopted already: {release} stands for the installation, and {store.live()} is live"
        return {
            "changed": False,
            "way": "adopted",
            "release": release,
            "release_path": store.path(release),
            "plan": [told],
        }
    return {"changed": False, **_survey.survey(params, command, now).result()}


def main() -> None:
    module = AnsibleModule(argument_spec=_survey.adoption_spec(), supports_check_mode=True)
    params = dict(module.params)
    hide_environment(module)
    try:
        result = run(params, module.run_command, datetime.datetime.now(datetime.timezone.utc))
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
