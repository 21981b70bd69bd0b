# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the definitions of units, so that they reach the service manager without lying in a file on the way. Control node."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader


class ActionModule(ActionBase):
    """`template` becomes the `text` of each unit; all else is the module's."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        template = arguments.pop("template", None)
        try:
            if template and arguments.get("define"):
                arguments["units"] = [self._with_text(unit, str(template), task_vars) for unit in arguments["units"]]
        except AnsibleError as exc:
            result.update(failed=True, msg=f"Nothing was touched. The definition of a unit cannot be rendered: {exc}")
            return result
        result.update(self._execute_module("seamless.deploy.service_units", module_args=arguments, task_vars=task_vars))
        return result

    def _with_text(self, unit: dict[str, t.Any], template: str, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        return {**unit, "text": lookup.run([template], variables={**task_vars, "item": unit})[0]}
