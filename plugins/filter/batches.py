# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order the hosts of a fleet take a release. Control node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: batches
short_description: The hosts of a fleet in batches, in their order
version_added: 0.1.0
author: seamless.deploy contributors (@seamless-deploy)
description:
  - Divides hosts into batches by sizes such as C(1) and C(100%), as the keyword C(serial) of a play does.
  - A percentage counts of all hosts and is at least one of them. The last size holds for all batches after it.
options:
  _input:
    description: The hosts in their order.
    type: list
    elements: str
    required: true
  sizes:
    description: Numbers of hosts, or percentages of all.
    type: list
    elements: raw
    required: true
"""

EXAMPLES = r"""
- name: Show who goes first
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | seamless.deploy.batches([1, '100%']) | first }}"
"""

RETURN = r"""
_value:
  description: Lists of hosts, none of them empty.
  type: list
  elements: list
"""

import re
import typing as t

from ansible.errors import AnsibleFilterError


def size_of(size: t.Any, total: int) -> int:
    """How many hosts a size means, at least one."""
    found = re.match(r"([1-9]\d*)(%?)\Z", str(size).strip())
    if not found:
        raise AnsibleFilterError(
            f"deploy_batches has {size!r}; write a number of hosts such as 1, or a share such as '50%'"
        )
    number = int(found.group(1))
    return max(1, total * number // 100) if found.group(2) else number


def batches(hosts: list[str], sizes: t.Any) -> list[list[str]]:
    wanted = sizes if isinstance(sizes, list) else [sizes]
    if not wanted:
        raise AnsibleFilterError("deploy_batches is empty; write at least one size, such as '100%'")
    left = list(hosts)
    found: list[list[str]] = []
    while left:
        size = size_of(wanted[min(len(found), len(wanted) - 1)], len(hosts))
        found.append(left[:size])
        left = left[size:]
    return found


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Any]:
        return {"batches": batches}
