# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling the virtual environment of a release. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _commands as commands
from ansible_collections.seamless.deploy.plugins.module_utils._release import _venv
from ansible_collections.seamless.deploy.plugins.module_utils._release._dependencies import InstallOptions, InstallPlan
from ansible_collections.seamless.deploy.plugins.module_utils._release._identity import split_credentials
from ansible_collections.seamless.deploy.plugins.module_utils._release._interpreter import (
    Interpreter,
    Run,
    check_can_make_venv,
    find_uv,
)

# Runs in the new virtual environment: its pip brings a TOML reader where Python has none.
_READ_PROJECT = """
import json, sys
try:
    import tomllib
except ImportError:
    try:
        import tomli as tomllib
    except ImportError:
        from pip._vendor import tomli as tomllib
with open(sys.argv[1], "rb") as file:
    project = tomllib.loads(file.read().decode("utf-8")).get("project", {})
print(json.dumps([project.get("dependencies", []), project.get("dynamic", [])]))
"""


@dataclasses.dataclass(frozen=True)
class Installation:
    """Where and with what. private: a directory of mode 0700 for the files that hold passwords."""

    root: str
    release: str
    project: str
    interpreter: Interpreter
    plan: InstallPlan
    options: InstallOptions
    private: str

    @property
    def venv(self) -> str:
        return os.path.join(self.release, ".venv")

    @property
    def python(self) -> str:
        return os.path.join(self.venv, "bin", "python")


def check_installer(root: str, interpreter: Interpreter, plan: InstallPlan, options: InstallOptions) -> None:
    """What can be known before anything is made. Raises DeployError."""
    if options.wheelhouse and not os.path.isdir(options.wheelhouse):
        raise DeployError(f"wheelhouse is {options.wheelhouse}, which is not a directory on the target")
    if plan.installer == "uv":
        find_uv(root, interpreter)
    elif plan.installer == "pip":
        check_can_make_venv(interpreter)


def reuse(run: Run, installation: Installation, releases: t.Sequence[str]) -> str:
    """Take over the virtual environment of the first release it can be had from, and return that one, or ""."""
    for release in releases:
        if not os.path.exists(os.path.join(release, ".venv", "bin", "python")):
            continue
        try:
            _venv.clone(release, installation.release)
            rc, out, _err = run([installation.python, "-c", "import sys; print(sys.prefix)"])
        except OSError:
            rc, out = 1, ""
        if not rc and os.path.realpath(out.strip()) == os.path.realpath(installation.venv):
            return release
        shutil.rmtree(installation.venv, ignore_errors=True)
    return ""


def install(run: Run, installation: Installation) -> None:
    """Make the virtual environment and install what the plan says. Raises DeployError."""
    plan, options = installation.plan, installation.options
    uv = find_uv(installation.root, installation.interpreter) if plan.installer == "uv" else ""
    environment = _environment(installation)
    directory = os.path.dirname(os.path.join(installation.release, *plan.files[0].split("/"))) if plan.files else ""

    def call(command: list[str], what: str, cwd: str = "") -> str:
        return _call(run, installation, command, what, cwd or installation.release, environment)

    call(
        commands.create_venv(plan.installer, installation.interpreter.path, installation.venv, uv),
        "the virtual environment cannot be made",
    )
    if plan.kind == "lock" and not (options.wheelhouse or options.index_url):
        call(commands.sync_lock(uv, installation.python, options.install_project), plan.files[0], directory)
        return
    files: list[str] = []
    if plan.kind == "lock":
        files = [os.path.join(installation.private, "requirements.txt")]
        call(commands.export_lock(uv, files[0], options.install_project), plan.files[0], directory)
    elif plan.kind == "requirements":
        files = [os.path.join(installation.release, *name.split("/")) for name in plan.files]
    elif plan.kind == "project" and not options.install_project:
        files = [_project_requirements(run, installation, uv)]
    if files:
        base = directory if plan.kind == "lock" else installation.project
        call(
            commands.install_requirements(plan.installer, installation.venv, files, options.wheelhouse, uv),
            f"the dependencies in {', '.join(plan.files)} cannot be installed",
            base,
        )
    if options.install_project and plan.kind in ("requirements", "project"):
        project = directory if plan.kind == "project" else _project_directory(installation)
        call(
            commands.install_project(plan.installer, installation.venv, project, options.wheelhouse, uv),
            "install_project is true, and the project cannot be installed",
        )


def _project_directory(installation: Installation) -> str:
    folder = os.path.dirname(os.path.join(installation.release, *installation.plan.files[0].split("/")))
    while not any(os.path.exists(os.path.join(folder, name)) for name in ("pyproject.toml", "setup.py")):
        if folder == installation.release:
            raise DeployError("install_project is true, and the release has neither pyproject.toml nor setup.py")
        folder = os.path.dirname(folder)
    return folder


def _project_requirements(run: Run, installation: Installation, uv: str) -> str:
    """The dependencies of pyproject.toml as a requirement file; uv reads pyproject.toml itself."""
    path = os.path.join(installation.release, *installation.plan.files[0].split("/"))
    if uv:
        return path
    rc, out, err = run([installation.python, "-c", _READ_PROJECT, path])
    if rc:
        raise DeployError(
            f"{installation.plan.files[0]} cannot be read ({(err.strip() or 'no reason given').splitlines()[-1]}); "
            "correct it, give a requirements.txt, or set installer=uv"
        )
    dependencies, dynamic = json.loads(out)
    if "dependencies" in dynamic:
        raise DeployError(
            f"the dependencies of {installation.plan.files[0]} are dynamic, only a build knows them; "
            "set install_project=true, or give a requirements.txt"
        )
    target = os.path.join(installation.private, "requirements.txt")
    with open(target, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in dependencies))
    return target


def _environment(installation: Installation) -> dict[str, str]:
    options, netrc = installation.options, ""
    line = commands.netrc_line(options.index_url)
    if line:
        netrc = os.path.join(installation.private, "netrc")
        own = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")
        if os.access(own, os.R_OK):
            with open(own, encoding="utf-8", errors="surrogateescape") as file:
                line += file.read()
        handle = os.open(netrc, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(line)
    cache = os.path.join(installation.root, ".deploy", "cache")
    return commands.installer_environment(
        installation.plan.installer, installation.venv, cache, options.index_url, netrc, os.environ
    )


def _call(
    run: Run, installation: Installation, command: list[str], what: str, cwd: str, environment: dict[str, str]
) -> str:
    rc, out, err = run(command, cwd=cwd, environ_update=environment)
    if rc:
        _url, user, password = split_credentials(installation.options.index_url)
        secrets = [installation.options.index_url, password, user if not password else ""]
        reason = commands.error_of(out, err, secrets)
        shown = {name: commands.hidden(text, secrets)[-8000:] for name, text in (("stdout", out), ("stderr", err))}
        raise DeployError(f"{what}: {installation.plan.installer} says: {reason}", rc=rc, cmd=command, **shown)
    return out
