# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the password of one login, and gives it to nobody but the tasks that use what is registered. Control node."""

from __future__ import annotations

import secrets
import typing as t
import urllib.parse

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """`password` is ours; what is registered has the `url`, and the task's result is not shown unless it failed."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        password = secrets.token_urlsafe(32)
        arguments = {**self._task.args, "password": password}
        result.update(
            self._execute_module(
                module_name="seamless.deploy.pg_admin_login", module_args=arguments, task_vars=task_vars
            )
        )
        if "user" in result and not result.get("failed"):
            # Should the socket ever be another one's, that one is told nothing: the password is for this user only.
            whose = {"requirepeer": result.pop("account")}
            where = urllib.parse.urlencode({"host": result["path"], "port": result.pop("port"), **whose})
            user = urllib.parse.quote(result.pop("user"), safe="")
            result["url"] = f"postgresql://{user}:{password}@/postgres?{where}"
            result["_ansible_no_log"] = True
        return result
