# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of an inventory that nobody reads. Control node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: misspelt_variables
short_description: Names of variables that were meant to be others
version_added: 0.1.0
author: seamless.deploy contributors (@seamless-deploy)
description:
  - Ansible takes every name of a variable, and a misspelt one silently leaves the default in force.
  - A name that almost is a known one is told as a problem. About any other unknown name the filter only warns.
options:
  _input:
    description: Names that an inventory sets.
    type: list
    elements: str
    required: true
  known:
    description: Names that mean something.
    type: list
    elements: str
    required: true
  prefix:
    description: What all these names begin with. It is not compared.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Find out what was misspelt
  ansible.builtin.debug:
    msg: "{{ ['deploy_enviroment'] | seamless.deploy.misspelt_variables(['deploy_environment'], 'deploy_') }}"
"""

RETURN = r"""
_value:
  description: A sentence for every name that was meant to be another.
  type: list
  elements: str
"""

import difflib
import typing as t

from ansible.utils.display import Display


def misspelt_variables(names: t.Iterable[str], known: t.Iterable[str], prefix: str) -> list[str]:
    meant = [name[len(prefix) :] for name in known]
    found = []
    for name in sorted(set(names) - set(known)):
        near = difflib.get_close_matches(name[len(prefix) :], meant, n=1, cutoff=0.8)
        if near:
            found.append(
                f"{name} is not a variable of this role; write {prefix}{near[0]} if that is meant, "
                f"or give a variable of your own a name that does not begin with {prefix}"
            )
        else:
            Display().warning(f"{name} is not a variable of this role and changes nothing.")
    return found


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Any]:
        return {"misspelt_variables": misspelt_variables}
