# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one module as Ansible does, in a process of its own with its parameters on stdin (control node)."""

from __future__ import annotations

import atexit
import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import typing as t

from tests.support.paths import CHECKOUT
from tests.support.playbook import collections_tree


@functools.cache
def _tree() -> pathlib.Path:
    """Make one tree for all modules of this process, gone with it."""
    base = tempfile.mkdtemp(prefix="seamless-tree-")
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    return collections_tree(pathlib.Path(base))


def start_module(name: str, params: dict[str, t.Any], check: bool = False, **popen: t.Any) -> subprocess.Popen[str]:
    """Start a module of the checkout; its parameters never show in its arguments."""
    internal = {"_ansible_check_mode": check, "_ansible_no_log": False, "_ansible_verbosity": 4}
    arguments = {"ANSIBLE_MODULE_ARGS": {**params, **internal}}
    environment = {**os.environ, "PYTHONPATH": str(_tree()), **popen.pop("env", {})}
    process = subprocess.Popen(
        [sys.executable, str(CHECKOUT / "plugins" / "modules" / f"{name}.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **popen,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(arguments))
    process.stdin.close()
    process.stdin = None
    return process


def finish_module(process: subprocess.Popen[str], timeout: float = 600) -> dict[str, t.Any]:
    """Wait for a module and give what it returned, with all that it said as `_output`."""
    out, err = process.communicate(timeout=timeout)
    if not out.strip().startswith("{"):
        raise AssertionError(f"the module returned no JSON (exit code {process.returncode}): {out}{err}")
    return {**json.loads(out), "_output": out + err}


def run_module(name: str, params: dict[str, t.Any], check: bool = False, **popen: t.Any) -> dict[str, t.Any]:
    """Run a module to its end."""
    return finish_module(start_module(name, params, check, **popen))
