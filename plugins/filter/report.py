# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that a person reads, from the facts of a play. Control node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report
short_description: The lines that a person reads, from the facts of a play
version_added: 0.1.0
author: seamless.deploy contributors (@seamless-deploy)
description:
  - Turns what the modules of a deploy returned into a few lines of plain English.
options:
  _input:
    description: Facts, by name. Each kind of report has its own.
    type: dict
    required: true
  kind:
    description: Which report.
    type: str
    choices: [plan, done, status, failure, verdict]
    required: true
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ {'strategy': 'online', 'release': release_pulled} | seamless.deploy.report('plan') }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

KINDS = ("plan", "done", "status", "failure", "verdict")


def report(facts: dict[str, t.Any], kind: str) -> list[str]:
    if kind not in KINDS:
        raise AnsibleFilterError(f"report: {kind!r} is none of {', '.join(KINDS)}")
    # Here, as Ansible reads every file of filters, once for each task, until it comes to the one that it wants.
    from ansible_collections.seamless.deploy.plugins.module_utils import _report, _report_done, _report_plan

    writer = {"plan": _report_plan, "done": _report_done}.get(kind, _report)
    lines: list[str] = getattr(writer, kind)(facts)
    return lines


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Any]:
        return {"report": report}
