# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys that began and never ended, over all hosts, and which way each goes. Control node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unfinished
short_description: Deploys that never ended, and which way each goes
version_added: 0.1.0
author: seamless.deploy contributors (@seamless-deploy)
description:
  - Brings together what M(seamless.deploy.deploy_journal) found on every host when a deploy began, and decides for the whole fleet which
    way loses nothing.
options:
  _input:
    description: The hosts of the play.
    type: list
    elements: str
    required: true
  hostvars:
    description: The magic variable of that name.
    type: dict
    required: true
  variables:
    description: Names of the variables in which the begin was registered. The first that a host has counts.
    type: list
    elements: str
    required: true
  compatible:
    description: The user's word that the old release works with the migrated database.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what was left
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | seamless.deploy.unfinished(hostvars, ['begun']) }}"
"""

RETURN = r"""
_value:
  description:
    - For every deploy, the oldest first, C(deploy_id), C(action) (close, backwards, forwards or ask), C(sentence) with the reason, C(hosts) on
      which it never ended, C(facts) of every host that knows it.
  type: list
  elements: dict
"""

import typing as t
from collections.abc import Mapping

from ansible_collections.seamless.deploy.plugins.filter.recovery import recovery


def unfinished(
    hosts: list[str], hostvars: t.Any, variables: list[str], compatible: bool = False
) -> list[dict[str, t.Any]]:
    begun = {host: _begun(hostvars[host], variables) for host in hosts}
    ids = sorted({deploy_id for found in begun.values() for deploy_id in found.get("unfinished") or []})
    return [_told(deploy_id, begun, compatible) for deploy_id in ids]


def _begun(registered: t.Any, variables: list[str]) -> Mapping[str, t.Any]:
    for name in variables:
        found = registered.get(name)
        if isinstance(found, Mapping) and "facts" in found:
            return found
    return {}


def _told(deploy_id: str, begun: dict[str, Mapping[str, t.Any]], compatible: bool) -> dict[str, t.Any]:
    known = {
        host: found["facts"][deploy_id] for host, found in begun.items() if deploy_id in (found.get("facts") or {})
    }
    open_on = [host for host, found in begun.items() if deploy_id in (found.get("unfinished") or [])]
    return {"deploy_id": deploy_id, **recovery(list(known.values()), compatible), "hosts": open_on, "facts": known}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Any]:
        return {"unfinished": unfinished}
