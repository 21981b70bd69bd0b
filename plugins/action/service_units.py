# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the definitions of units, so that they reach the service manager without lying in a file on the way. Control node."""

from __future__ import annotations

import typing as t

import jinja2
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader


class RendersUnits(ActionBase):
    """Renders the definition of each unit with a template that may lie in a role."""

    def rendered(
        self, units: list[dict[str, t.Any]], template: str, task_vars: dict[str, t.Any]
    ) -> list[dict[str, t.Any]]:
        """The units with their `text`. Raises AnsibleError, in one sentence."""
        return [{**unit, "text": self._text(unit, template, task_vars)} for unit in units]

    def _text(self, unit: dict[str, t.Any], template: str, task_vars: dict[str, t.Any]) -> str:
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        try:
            return str(lookup.run([template], variables={**task_vars, "item": unit})[0])
        except (AnsibleError, jinja2.TemplateError, OSError, TypeError, ValueError, ArithmeticError) as exc:
            said = " ".join(str(exc).split()).rstrip(".")
            raise AnsibleError(
                f"deploy_unit_template cannot be rendered for the unit {unit.get('unit') or unit.get('name')}: {said}; "
                f"correct {template}, or set the variable that it lacks"
            ) from None


class ActionModule(RendersUnits):
    """`template` becomes the `text` of each unit; all else is the module's."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        template = arguments.pop("template", None)
        try:
            if template and arguments.get("define"):
                arguments["units"] = self.rendered(arguments["units"], str(template), task_vars)
        except AnsibleError as exc:
            result.update(failed=True, msg=str(exc))
            return result
        result.update(self._execute_module("seamless.deploy.service_units", module_args=arguments, task_vars=task_vars))
        return result
