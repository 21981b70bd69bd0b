# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the lock which ansible-playbook it belongs to, and whether that of another deploy still lives. Control node."""

from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.seamless.deploy.plugins.module_utils import _owner

#: A lock may change hands while it is asked about; then the next holder is asked about too.
ROUNDS = 5


class ActionModule(ActionBase):
    """All options are the module's."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if arguments.get("state") == "begin":
            # A worker is a child of ansible-playbook itself.
            arguments["owner"] = _owner.owner_of(os.getppid())
            found = self._begin(arguments, task_vars)
        else:
            found = self._module(arguments, task_vars)
        result.update(found)
        return result

    def _begin(self, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        known: dict[str, str] = {}
        for _round in range(ROUNDS):
            found = self._module({**arguments, "owners": known}, task_vars)
            holder = found.get("holder") if found.get("refused") else None
            if not holder or holder["deploy_id"] in known:
                break
            known[holder["deploy_id"]] = _owner.verdict(holder.get("owner") or {}, arguments["owner"])
        return found

    def _module(self, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        found: dict[str, t.Any] = self._execute_module(
            module_name="seamless.deploy.deploy_journal", module_args=arguments, task_vars=task_vars
        )
        return found
