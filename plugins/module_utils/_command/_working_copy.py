# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The working copy that a command is about: its interpreter, and the bridge into it. Developer's machine; PRIVATE to the collection."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
from ansible_collections.seamless.deploy.plugins.module_utils._command._arguments import ADMIN_URL, BACKUP
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

_PLACES = (".venv", "venv", "env")
_UV = ("uv", "run", "--no-sync", "python", "-c", "import sys; print(sys.executable)")


def run_command(argv: t.Sequence[str], **options: t.Any) -> t.Tuple[int, str, str]:
    """What AnsibleModule.run_command does, with the options that the code behind uses."""
    data = options.get("data") or ""
    mask = options.get("umask")
    former = os.umask(mask) if mask is not None else None
    try:
        done = subprocess.run(
            list(argv),
            input=data if isinstance(data, bytes) else data.encode(),
            cwd=options.get("cwd"),
            env={**os.environ, **(options.get("environ_update") or {})},
            pass_fds=tuple(options.get("pass_fds") or ()),
            capture_output=True,
            check=False,
        )
    finally:
        if former is not None:
            os.umask(former)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def cache(name: str) -> str:
    """A directory of ours in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = os.path.join(base, "seamless-deploy", name)
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def project_python(directory: str, given: t.Optional[str], active: t.Optional[str]) -> str:
    """The interpreter with the project's packages. active: VIRTUAL_ENV. Raises DeployError."""
    if given:
        return given
    folders = [active] if active else [os.path.join(directory, name) for name in _PLACES]
    for folder in folders:
        path = os.path.join(folder, "bin", "python")
        if os.access(path, os.X_OK):
            return path
    if os.path.exists(os.path.join(directory, "uv.lock")) and shutil.which("uv"):
        rc, out, _err = run_command(_UV, cwd=directory)
        if rc == 0 and out.strip():
            return out.strip().splitlines()[-1]
    raise DeployError(
        f"no environment of the project is active, and {directory} has none of {', '.join(_PLACES)}; "
        "activate it, or name its interpreter with --python"
    )


def params_of(options: argparse.Namespace, environ: t.Mapping[str, str]) -> t.Dict[str, t.Any]:
    """The options as the modules have them. Raises DeployError."""
    directory = os.path.abspath(options.directory)
    if not os.path.isdir(directory):
        raise DeployError(f"--directory {options.directory} is not a directory; name that of the project")
    file = options.environment_file or (".env" if os.path.isfile(os.path.join(directory, ".env")) else "")
    return {
        "chdir": directory,
        "python": project_python(directory, options.python, environ.get("VIRTUAL_ENV")),
        "environment": {},
        "environment_file": os.path.join(directory, file) if file else None,
        "bridge_path": cache("bridge"),
        "config": options.config,
        "app": options.app,
        "x": options.x,
        "database": options.database,
        "database_name": None,
        "login_url": environ.get(ADMIN_URL) or None,
        "scratch_database": getattr(options, "scratch_database", None),
        "ignore": getattr(options, "ignore", []),
        "backup_dest": os.path.join(directory, getattr(options, "backup", BACKUP)),
        "cache_path": cache("replays"),
    }


def bridge_of(params: t.Dict[str, t.Any]) -> Bridge:
    return Bridge(run_command, params, ALEMBIC, params["bridge_path"])
