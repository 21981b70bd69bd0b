# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small git repositories, wheels and deploy paths for the tests of the module `release` (control node)."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t
import zipfile

from ansible_collections.seamless.deploy.plugins.modules import release as module

_GIT = {
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@example.invalid",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@example.invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def run_command(
    args: list[str], cwd: str | None = None, environ_update: dict[str, str] | None = None, **_other: object
) -> tuple[int, str, str]:
    """AnsibleModule.run_command, as far as the collection uses it."""
    done = subprocess.run(
        args, cwd=cwd, env={**os.environ, **(environ_update or {})}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


class Repository:
    """A git repository with a branch `main`."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *command: str) -> str:
        """Run git here and return what it prints."""
        return subprocess.run(
            ["git", *command], cwd=self.path, env={**os.environ, **_GIT}, check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()

    def commit(self, files: dict[str, str], tag: str = "") -> str:
        """Write files, commit everything, and return the commit."""
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "change")
        if tag:
            self.git("tag", tag)
        return self.head()

    def head(self) -> str:
        """Give the commit that is checked out."""
        return self.git("rev-parse", "HEAD")


class Target:
    """A deploy path, driven through the module's own `run`."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root

    def run(self, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """Run the module with these options and its own defaults."""
        spec = module.argument_spec()
        params = {name: facts.get("default") for name, facts in spec.items()}
        return module.run({**params, "path": str(self.root), **options}, check_mode, run_command)

    def prepare(self, repository: Repository, **options: t.Any) -> dict[str, t.Any]:
        """Prepare a release of a repository."""
        return self.run(repository=str(repository.path), **options)

    def activate(self, release: str) -> dict[str, t.Any]:
        """Make a release the live one."""
        return self.run(state="activated", release=release)

    def deploy(self, repository: Repository, **options: t.Any) -> dict[str, t.Any]:
        """Prepare and activate; returns what preparing returned."""
        made = self.prepare(repository, **options)
        self.activate(made["release"])
        return made


_PROGRAM = """
import json, sys
def main():
    print(json.dumps({"version": "%s", "prefix": sys.prefix, "program": sys.executable}))
"""


def make_wheel(folder: pathlib.Path, name: str, version: str) -> pathlib.Path:
    """Write a wheel with one module and one console script, without any build tool."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", _PROGRAM % version)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path
