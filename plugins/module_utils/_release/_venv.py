# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release's own virtual environment out of an earlier release's, by hard links. Target; PRIVATE to the collection.

Nothing is downloaded or built, the new one does not need the old one, and processes run from the new path.
"""

from __future__ import annotations

import os
import re
import shutil

_PATH_BEARING = re.compile(r"(\.pth|\.egg-link|pyvenv\.cfg|direct_url\.json)\Z|\A__editable__")
_TEXT_LIMIT = 1 << 20


def clone(old_release: str, new_release: str, name: str = ".venv") -> None:
    """Make <new_release>/.venv like <old_release>/.venv. Raises OSError."""
    source, target = os.path.join(old_release, name), os.path.join(new_release, name)
    for folder, names, files in os.walk(source):
        relative = os.path.relpath(folder, source)
        into = os.path.normpath(os.path.join(target, relative))
        os.mkdir(into, 0o755)
        for entry in list(names):
            path = os.path.join(folder, entry)
            if os.path.islink(path):
                _copy_link(path, os.path.join(into, entry), old_release, new_release)
        for entry in files:
            if os.path.basename(folder) == "__pycache__" and entry.startswith("__editable__"):
                continue
            _copy_file(os.path.join(folder, entry), os.path.join(into, entry), relative, old_release, new_release)


def moved(content: bytes, old_release: str, new_release: str) -> bytes:
    """The content with every path below the old release below the new one."""
    pattern = re.escape(os.fsencode(old_release)) + rb"(?![\w.-])"
    return re.sub(pattern, lambda _found: os.fsencode(new_release), content)


def bears_paths(folder: str, name: str) -> bool:
    """Whether a file of a virtual environment may hold the environment's own path."""
    return folder.split(os.sep)[0] in ("bin", "etc", "share") or bool(_PATH_BEARING.search(name))


def _copy_link(path: str, target: str, old_release: str, new_release: str) -> None:
    os.symlink(os.fsdecode(moved(os.fsencode(os.readlink(path)), old_release, new_release)), target)


def _copy_file(path: str, target: str, folder: str, old_release: str, new_release: str) -> None:
    if os.path.islink(path):
        _copy_link(path, target, old_release, new_release)
        return
    if bears_paths(folder, os.path.basename(path)) and os.path.getsize(path) < _TEXT_LIMIT:
        with open(path, "rb") as file:
            content = file.read()
        changed = moved(content, old_release, new_release)
        if changed != content:
            with open(target, "wb") as file:
                file.write(changed)
            shutil.copymode(path, target)
            return
    try:
        os.link(path, target)
    except OSError:  # another file system, or a file of another user
        shutil.copy2(path, target)
