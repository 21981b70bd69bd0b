# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python that a release is to run with, looked at before anything is fetched. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release._dependencies import satisfies

Run = t.Callable[..., t.Tuple[int, str, str]]

_PROBE = """
import json, platform, sys, sysconfig
def has(name):
    try:
        __import__(name)
    except Exception:
        return False
    return True
print("seamless:" + json.dumps({
    "version": platform.python_version(),
    "base": getattr(sys, "_base_executable", None) or sys.executable,
    "prefix": getattr(sys, "base_prefix", sys.prefix),
    "platform": sysconfig.get_platform(),
    "venv": has("venv"), "ensurepip": has("ensurepip")}))
"""


@dataclasses.dataclass(frozen=True)
class Interpreter:
    """path: as found. version: such as 3.11.7. key: what must be equal for two environments to be the same."""

    path: str
    version: str
    key: str
    venv: bool
    ensurepip: bool


def find_interpreter(run: Run, python: str) -> Interpreter:
    """Raises DeployError when it does not exist, is none, or is older than what a release can be run with."""
    path = python if os.path.isabs(python) else shutil.which(python)
    if not path or not os.access(path, os.X_OK) or os.path.isdir(path):
        raise DeployError(f"python is {python!r}, which does not exist on the target; install it, or name another one")
    rc, out, err = run([path, "-c", _PROBE], environ_update={"PYTHONPATH": "", "PYTHONHOME": ""})
    answer = next((line[len("seamless:") :] for line in out.splitlines() if line.startswith("seamless:")), "")
    if rc or not answer:
        last = (err.strip() or out.strip() or "no output").splitlines()[-1]
        raise DeployError(
            f"python is {python!r}, which does not run as a Python interpreter ({last}); name another one"
        )
    facts = json.loads(answer)
    if not satisfies(facts["version"], ">=3.6"):
        raise DeployError(f"python is {python!r}, version {facts['version']}; a release needs Python 3.6 or newer")
    key = " ".join([os.path.realpath(facts["base"]), facts["version"], facts["platform"]])
    return Interpreter(path, facts["version"], key, facts["venv"], facts["ensurepip"])


def check_can_make_venv(interpreter: Interpreter) -> None:
    """Debian splits venv off: say which package is missing rather than show a traceback."""
    if not (interpreter.venv and interpreter.ensurepip):
        short = ".".join(interpreter.version.split(".")[:2])
        raise DeployError(
            f"python is {interpreter.path}, version {interpreter.version}, without its venv module; install it "
            f"(Debian and Ubuntu: apt install python{short}-venv, or python3-venv), or set installer=uv"
        )


def find_uv(root: str, interpreter: Interpreter) -> str:
    """The uv program: on the PATH, in the tool environment, or beside the interpreter. Raises DeployError."""
    tools = os.path.join(root, ".deploy", "tools", "bin", "uv")
    own = [
        os.path.join(folder, "uv")
        for folder in (os.path.expanduser("~/.local/bin"), os.path.expanduser("~/.cargo/bin"))
    ]
    for path in (shutil.which("uv"), tools, os.path.join(os.path.dirname(interpreter.path), "uv"), *own):
        if path and os.access(path, os.X_OK):
            return path
    raise DeployError(
        f"installer is uv, or auto with a uv.lock, and the target has no uv on its PATH nor as {tools}; "
        "install it there, or set installer=pip"
    )
