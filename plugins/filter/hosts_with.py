# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts of a fleet have registered. Control node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: hosts_with
short_description: The hosts whose registered result says something
version_added: 0.1.0
author: seamless.deploy contributors (@seamless-deploy)
description:
  - Looks at a variable that a task has registered on the hosts of a play, and gives those where an entry of it has a value.
  - A host that never came to the task, because it failed or became unreachable before, is left out.
options:
  _input:
    description: The hosts to look at.
    type: list
    elements: str
    required: true
  hostvars:
    description: The magic variable of that name.
    type: dict
    required: true
  variable:
    description: Name of the registered variable.
    type: str
    required: true
  entry:
    description: Name in the registered result.
    type: str
    required: true
  value:
    description: What must stand there.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show who has changed something
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | seamless.deploy.hosts_with(hostvars, 'installed', 'changed', true) }}"
"""

RETURN = r"""
_value:
  description: The hosts, in their order.
  type: list
  elements: str
"""

import typing as t
from collections.abc import Mapping


def hosts_with(hosts: list[str], hostvars: t.Any, variable: str, entry: str, value: t.Any) -> list[str]:
    found = []
    for host in hosts:
        registered = hostvars[host].get(variable)
        if isinstance(registered, Mapping) and registered.get(entry) == value:
            found.append(host)
    return found


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Any]:
        return {"hosts_with": hosts_with}
