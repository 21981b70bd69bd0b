# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and directories of backups: room, modes, hashes, what is really on disk. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import sync
from ansible_collections.seamless.deploy.plugins.module_utils._user import user_name


def check_directory(dest: str) -> None:
    """dest can be written, or made. Changes nothing. Raises DeployError."""
    place = os.path.abspath(dest)
    while not os.path.lexists(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        raise DeployError(f"dest {dest} cannot be a directory: {place} is a file; change dest")
    if not os.access(place, os.W_OK | os.X_OK):
        raise DeployError(
            f"dest {dest} cannot be written by the user {user_name()}; give {place} to that user, or change dest"
        )


def prepare_directory(dest: str) -> None:
    """dest exists, private when made here. Raises DeployError."""
    try:
        os.makedirs(dest, mode=0o700, exist_ok=True)
    except OSError as exc:
        raise DeployError(
            f"dest {dest} cannot be made by the user {user_name()}: {exc.strerror}; create it for that user, or change dest"
        ) from exc


def free_bytes(dest: str) -> int:
    """Free for this user on the file system that dest is, or will be, on."""
    place = os.path.abspath(dest)
    while not os.path.exists(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    state = os.statvfs(place)
    return state.f_bavail * state.f_frsize


def hash_tree(path: str) -> dict[str, str]:
    """sha256 of the file, or of each file of the directory, by relative name ("" for the file itself)."""
    return {os.path.relpath(name, path) if name != path else "": _sha256(name) for name in files_of(path)}


def fingerprint(files: dict[str, str]) -> str:
    """The file's own sha256; of a directory, that of its `sha256sum` list."""
    if list(files) == [""]:
        return files[""]
    listing = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(listing.encode()).hexdigest()


def remove_tree(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)


def files_of(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    return sorted(os.path.join(parent, name) for parent, _directories, names in os.walk(path) for name in names)


def size_of(path: str) -> int:
    return sum(os.path.getsize(name) for name in files_of(path))


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def sync_tree(path: str) -> None:
    """Modes narrowed, contents and names on disk."""
    for name in files_of(path):
        os.chmod(name, 0o600)
        sync(name)
    if os.path.isdir(path):
        os.chmod(path, 0o700)
        sync(path)
