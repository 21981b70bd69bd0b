# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the linter squawk too, where it is installed beside Ansible. Control node."""

from __future__ import annotations

import shutil
import subprocess
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.seamless.deploy.plugins.module_utils import _squawk

SECONDS = 30
display = Display()


class ActionModule(ActionBase):
    """What squawk finds goes into `squawk` and the table; it decides nothing."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        result.update(self._execute_module("seamless.deploy.migration_rehearse", task_vars=task_vars))
        program = shutil.which("squawk")
        if program and "table" in result:
            result["squawk"] = self._asked(program, result.get("statements") or [])
            result["table"] = [*result["table"], *(line for found in result["squawk"] for line in found["findings"])]
        return result

    def _asked(self, program: str, migrations: t.Sequence[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        found = []
        for one in migrations:
            try:
                done = subprocess.run(
                    _squawk.argv(program, one["migration"], one["atomic"]),
                    input=_squawk.text(one["sql"]),
                    capture_output=True,
                    text=True,
                    timeout=SECONDS,
                    check=False,
                )
                lines = [f"{one['migration']}  - {line}" for line in _squawk.findings(done.stdout or "[]")]
            except (OSError, subprocess.SubprocessError, ValueError, KeyError) as exc:
                display.warning(f"squawk could not be asked about {one['migration']}: {exc}")
                continue
            if lines:
                found.append({"migration": one["migration"], "findings": lines})
        return found
