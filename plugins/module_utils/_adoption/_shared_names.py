# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that get a second name without a moment in which one of both is gone. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def exchange(left: str, right: str) -> bool:
    """Let two names change places in one step; False where the system or the file systems do not allow it."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    done = rename(_AT_FDCWD, os.fsencode(left), _AT_FDCWD, os.fsencode(right), _RENAME_EXCHANGE)
    return done == 0


def share(old: str, kept: str, move: bool) -> str:
    """Make `kept` a second name of `old`: "moved", "linked", or "" when it is one already. Raises DeployError.

    Moved, the folder lies in `kept` and `old` is a link to it; linked, it is the other way round. Both are one rename.
    """
    if os.path.lexists(kept):
        if os.path.realpath(kept) == os.path.realpath(old):
            return ""
        if os.path.isdir(kept) and not os.path.islink(kept) and not os.listdir(kept):
            os.rmdir(kept)
        else:
            raise DeployError(
                f"{kept} is there already and is not {old}: two folders of one name cannot both be shared; move what is in it "
                f"into {old}, remove it, and run again"
            )
    os.makedirs(os.path.dirname(kept), mode=0o755, exist_ok=True)
    if move and os.path.isdir(old) and not os.path.islink(old):
        # Until both have changed places this link leads to itself, and nobody follows it.
        os.symlink(kept, kept)
        if exchange(kept, old):
            _sync(old, kept)
            return "moved"
        os.unlink(kept)
    os.symlink(old, kept)
    _sync(kept)
    return "linked"


def unshare(old: str, kept: str) -> None:
    """Take the second name away again; the folder is where it was before."""
    if os.path.islink(old) and os.path.realpath(old) == os.path.realpath(kept) and os.path.isdir(kept):
        exchange(kept, old)
    if os.path.islink(kept):
        os.unlink(kept)
        _sync(kept)


def copy_missing(source: str, target: str) -> int:
    """Copy the files that a folder does not have yet; how many. Files of equal names stay as they are there."""
    count = 0
    for folder, names, files in os.walk(source):
        names.sort()
        place = os.path.join(target, os.path.relpath(folder, source))
        os.makedirs(place, mode=0o755, exist_ok=True)
        for name in files:
            into = os.path.join(place, name)
            if not os.path.lexists(into):
                shutil.copy2(os.path.join(folder, name), f"{into}.new")
                os.replace(f"{into}.new", into)
                count += 1
    return count


def view(checkout: str, release: str, venv: str, leave_out: t.Collection[str]) -> None:
    """Fill a release with links to what lies in a checkout, so that it can be asked like any other one."""
    for entry in os.scandir(checkout):
        if entry.name not in leave_out and not os.path.lexists(os.path.join(release, entry.name)):
            os.symlink(entry.path, os.path.join(release, entry.name))
    if venv and not os.path.lexists(os.path.join(release, ".venv")):
        os.symlink(venv, os.path.join(release, ".venv"))


def give(path: str, owner: tuple[int, int]) -> None:
    """Give a tree to its user, without following links."""
    os.chown(path, *owner, follow_symlinks=False)
    for folder, names, files in os.walk(path):
        for name in (*names, *files):
            os.chown(os.path.join(folder, name), *owner, follow_symlinks=False)


def _sync(*paths: str) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            _files.sync(os.path.dirname(path))
