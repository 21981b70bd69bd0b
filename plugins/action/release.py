# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the source of a release from the control node to the target, then runs the module there. Control node."""

from __future__ import annotations

import os
import tempfile
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _pack


class ActionModule(ActionBase):
    """`source` becomes the path of a file on the target; all else is the module's."""

    TRANSFERS_FILES = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            fetches = arguments.get("state", "prepared") in ("pulled", "prepared") and not arguments.get("release")
            if arguments.get("source") and fetches:
                arguments.update(self._transfer(str(arguments["source"]), arguments.get("exclude")))
            result.update(self._execute_module("seamless.deploy.release", module_args=arguments, task_vars=task_vars))
        except DeployError as exc:
            result.update(failed=True, msg=exc.msg)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _transfer(self, source: str, exclude: t.Any) -> dict[str, str]:
        path = self._loader.path_dwim(os.path.expanduser(source))
        patterns = _pack.DEFAULT_EXCLUDE if exclude is None else exclude
        if isinstance(patterns, str):
            patterns = [word.strip() for word in patterns.split(",") if word.strip()]
        if not os.path.exists(path):
            raise DeployError(f"source is {source!r}, and {path} does not exist on the control node")
        if not os.access(path, os.R_OK):
            raise DeployError(f"source is {source!r}, and {path} cannot be read by this user on the control node")
        if os.path.isfile(path) and not _pack.is_archive(path):
            raise DeployError(
                f"source is {source!r}, which is neither a directory nor an archive ({', '.join(_pack.ARCHIVES)})"
            )
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        remote = self._connection._shell.join_path(self._connection._shell.tmpdir, "source")
        with tempfile.TemporaryDirectory(prefix="seamless-") as private:
            local = path
            if os.path.isdir(path):
                local = os.path.join(private, "source.tar.gz")
                try:
                    _pack.pack(path, local, patterns)
                except OSError as exc:
                    raise DeployError(f"source {path} cannot be packed: {exc.filename}: {exc.strerror}") from exc
            self._transfer_file(local, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return {"source": remote, "source_origin": path}
