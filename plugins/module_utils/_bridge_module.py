# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules that speak through the bridge have in common. Target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge, secret_values
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._common import Parts
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_publish import bridge_files, published
from ansible_collections.seamless.deploy.plugins.module_utils._environment import environment_values
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError


def bridge_of(module: AnsibleModule, parts: Parts, reading: bool = False) -> Bridge:
    """The bridge that a module's options describe. In check mode, and where only reading, nothing is left behind."""
    params = dict(module.params)
    hide_environment(module)
    bridge_files(parts)  # read while the payload is there; a detached step publishes them when it may be gone
    base = params["bridge_path"]
    if not base or ((reading or module.check_mode) and not published(base, parts)):
        base = module.tmpdir
    return Bridge(module.run_command, params, parts, base)


def hide_environment(module: AnsibleModule) -> None:
    """Take the environment out of what the module returns, and hide only what is secret in it.

    no_log hides every single value: with DEBUG=0 each 0 of the answer would be lost, also in numbers.
    """
    given = module.params["environment"] or {}
    module.params["environment"] = dict.fromkeys(given, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")
    try:
        texts = environment_values(given)
    except DeployError:
        return
    values: t.Set[str] = set(texts.values()) | {str(value) for value in given.values()}
    module.no_log_values = {value for value in module.no_log_values if value not in values} | secret_values(texts)
