# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with a deploy that never ended. Control node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: recovery
short_description: What is done with a deploy that never ended
version_added: 0.1.0
author: seamless.deploy contributors (@seamless-deploy)
description:
  - Decides from what the journals of all hosts say of one unfinished deploy, so that nothing that was written is lost.
options:
  _input:
    description: The C(facts) of M(seamless.deploy.deploy_journal) of this deploy, one entry a host. Empty ones are left out.
    type: list
    elements: dict
    required: true
  compatible:
    description: The user's word that the old release works with the migrated database.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what becomes of it
  ansible.builtin.debug:
    msg: "{{ [journal.facts[journal.unfinished[0]]] | seamless.deploy.recovery }}"
"""

RETURN = r"""
_value:
  description:
    - C(action) is V(close), V(backwards), V(forwards) or V(ask), C(sentence) says why.
  type: dict
"""

import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError


def recovery(facts: t.Sequence[t.Any], compatible: bool = False) -> dict[str, str]:
    # Here, as Ansible reads every file of filters, once for each task, until it comes to the one that it wants.
    from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
    from ansible_collections.seamless.deploy.plugins.module_utils._unfinished import HostFacts, decide_deploy

    try:
        hosts = [HostFacts.from_json(dict(each)) for each in facts if each]
    except DeployError as exc:
        raise AnsibleFilterError(f"recovery: {exc.msg}") from exc
    return dataclasses.asdict(decide_deploy(hosts, bool(compatible)))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Any]:
        return {"recovery": recovery}
