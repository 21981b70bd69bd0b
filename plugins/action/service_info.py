# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the definitions of units, so that a template that cannot be rendered is found before anything is touched. Control node."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible_collections.seamless.deploy.plugins.action.service_units import RendersUnits


class ActionModule(RendersUnits):
    """`drafts` are rendered with `template` and forgotten; all else is the module's."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        template, drafts = arguments.pop("template", None), arguments.pop("drafts", None)
        try:
            if template and drafts and arguments.get("define"):
                self.rendered(drafts, str(template), task_vars)
        except AnsibleError as exc:
            result.update(failed=True, msg=str(exc))
            return result
        result.update(self._execute_module("seamless.deploy.service_info", module_args=arguments, task_vars=task_vars))
        return result
