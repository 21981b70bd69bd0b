# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clean copy of the checkout in a collection tree, and tools run in it (control node)."""

from __future__ import annotations

import functools
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

from tests.support.paths import CHECKOUT

CACHE = CHECKOUT / ".nox"
TREE = CACHE / "tree"
COLLECTION = TREE / "ansible_collections" / "seamless" / "deploy"


def say(text: str) -> None:
    print(text, flush=True)


def call(
    *command: str, cwd: pathlib.Path = COLLECTION, home: pathlib.Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A tool that sees the copy as the installed collection, and asks nothing."""
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(TREE), "ANSIBLE_HOME": str(CACHE / "ansible")}
    env.pop("ANSIBLE_CONFIG", None)
    # For the checks only: tests and demo see the machine's own PATH, as a deploy does.
    env["PATH"] = os.pathsep.join([str(pathlib.Path(sys.executable).parent), env.get("PATH", os.defpath)])
    if home:
        env["HOME"] = str(home)
    pipe: dict[str, t.Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, cwd=cwd, env=env, text=True, check=False, **pipe)


def git(*arguments: str, cwd: pathlib.Path) -> str:
    # Without what a git hook sets, or the copy would write into the index of the checkout.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    result = subprocess.run(["git", *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"check: git {arguments[0]} failed in the checkout: {result.stderr.strip()}")
    return result.stdout


def cache() -> pathlib.Path:
    """The directory of what the sessions make, or one line that says why there is none."""
    try:
        CACHE.mkdir(exist_ok=True)
    except PermissionError:
        sys.exit(f"run: {CACHE} cannot be made: the checkout belongs to another user")
    if not os.access(CACHE, os.W_OK):
        sys.exit(f"run: {CACHE} is not writable: it belongs to another user, remove it")
    return CACHE


@functools.cache
def tree() -> None:
    """Copy what git knows, or would add, to where ansible-test accepts it: a repository in a collection tree."""
    cache()
    shutil.rmtree(COLLECTION, ignore_errors=True)
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=CHECKOUT).split("\0")
    for name in filter(None, names):
        source, target = CHECKOUT / name, COLLECTION / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    git("init", "--quiet", cwd=COLLECTION)
    git("add", "--all", cwd=COLLECTION)
