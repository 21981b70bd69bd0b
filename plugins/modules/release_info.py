#!/usr/bin/python
# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say: which releases there are. Target, Ansible's interpreter."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
short_description: Which releases there are, and which one is live
version_added: 0.1.0
description:
  - Reads the manifests of all releases of an application and where its C(current) link points.
extends_documentation_fragment:
  - seamless.deploy._attributes
  - seamless.deploy._attributes.info
author: seamless.deploy contributors (@seamless-deploy)
options:
  path:
    description: Root of the application on the target.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Read the releases
  seamless.deploy.release_info:
    path: /srv/shop
  register: shop_releases
"""

RETURN = r"""
live:
  description: Id of the live release, empty when there is none.
  type: str
  returned: success
identity:
  description: What the live release was made from, as one hash; equal on all hosts that have the same.
  type: str
  returned: success
previous:
  description: Id of the good release that was live before it, empty when there is none.
  type: str
  returned: success
releases:
  description: The manifest of each release, newest first, without C(demands), which may be long.
  type: list
  elements: dict
  returned: success
"""

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _retention
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store


def run(path: str) -> dict[str, t.Any]:
    """Return values of the module. Raises DeployError."""
    store = Store(path)
    live = store.live()
    manifests = [store.manifest(name) for name in reversed(store.names())]
    return {
        "changed": False,
        "live": live,
        "identity": next((manifest.identity for manifest in manifests if manifest and manifest.release == live), ""),
        "previous": _retention.previous_good(store.facts(), live),
        "releases": [dataclasses.replace(manifest, demands={}).to_json() for manifest in manifests if manifest],
    }


def main() -> None:
    module = AnsibleModule(argument_spec={"path": {"type": "path", "required": True}}, supports_check_mode=True)
    try:
        result = run(module.params["path"])
    except DeployError as exc:
        module.fail_json(msg=exc.msg, **exc.result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
