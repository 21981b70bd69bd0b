# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which unit takes the place of which. Control node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: units_replacing
short_description: Which unit takes the place of which
version_added: 0.1.0
author: seamless.deploy contributors (@seamless-deploy)
description:
  - Tells every unit of a release which unit of another release it replaces.
options:
  _input:
    description: Units of the release that comes, as P(seamless.deploy.release_units#filter) returned them.
    type: list
    elements: dict
    required: true
  previous:
    description: Units of the release that goes.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what goes when the last release comes back
  ansible.builtin.debug:
    msg: "{{ old.units | seamless.deploy.units_replacing(live.units) | map(attribute='previous') }}"
"""

RETURN = r"""
_value:
  description: The units, each with C(previous) and C(previous_socket), empty when it replaces nothing.
  type: list
  elements: dict
"""

import typing as t


def units_replacing(units: list[dict[str, t.Any]], previous: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    before = {unit["unit"]: unit for unit in previous}
    found = []
    for unit in units:
        replaced = before.get(unit["unit"], {})
        other = replaced if replaced.get("name") != unit["name"] else {}
        found.append({**unit, "previous": other.get("name", ""), "previous_socket": other.get("socket", "")})
    return found


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Any]:
        return {"units_replacing": units_replacing}
