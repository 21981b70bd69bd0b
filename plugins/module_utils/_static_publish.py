# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds the static files of a release to the directory that the web server serves. Target; PRIVATE to the collection."""

from __future__ import annotations

import filecmp
import os
import secrets
import shutil
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError


def publish(source: str, target: str, skip: t.Container[str] = (), check_mode: bool = False) -> dict[str, int]:
    """Put every file of `source` at the same place below `target`; nothing there is removed.

    skip: relative paths that belong to one release only. Returns {published, unchanged}. Raises DeployError.
    """
    _refuse_nested(source, target)
    counts = {"published": 0, "unchanged": 0}
    try:
        for relative in files_of(source):
            if relative in skip:
                continue
            wanted, found = os.path.join(source, relative), os.path.join(target, relative)
            if _is_same(wanted, found):
                counts["unchanged"] += 1
                continue
            counts["published"] += 1
            if not check_mode:
                _replace(wanted, found)
    except OSError as exc:
        raise DeployError(
            f"the static files cannot be published to {target}: {exc.strerror} ({exc.filename}); "
            "what was published so far is harmless and stays"
        ) from exc
    return counts


def files_of(folder: str) -> list[str]:
    """Relative paths of the regular files below a folder, sorted."""
    found = []
    for place, _folders, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if os.path.isfile(path) and not os.path.islink(path):
                found.append(os.path.relpath(path, folder))
    return sorted(found)


def _refuse_nested(source: str, target: str) -> None:
    inner, outer = os.path.realpath(source), os.path.realpath(target)
    if inner == outer or os.path.commonpath([inner, outer]) in (inner, outer):
        raise DeployError(
            f"publish {target} and STATIC_ROOT {source} lie in one another; "
            "give each release a STATIC_ROOT of its own and publish to a directory beside the releases"
        )


def _is_same(wanted: str, found: str) -> bool:
    if not os.path.isfile(found) or os.path.islink(found):
        return False
    return os.path.samefile(wanted, found) or filecmp.cmp(wanted, found, shallow=False)


def _replace(wanted: str, found: str) -> None:
    """By a temporary name and a rename: a request sees the old content or the new."""
    folder, name = os.path.split(found)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    temporary = os.path.join(folder, f".{name[:200]}.{secrets.token_hex(4)}")
    try:
        try:
            os.link(wanted, temporary)
        except OSError:  # another file system, or one of another owner
            shutil.copyfile(wanted, temporary)
            shutil.copymode(wanted, temporary)
        os.rename(temporary, found)
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)
