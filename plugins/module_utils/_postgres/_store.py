# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backups in a directory: which there are, and removing them. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._files import sync
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _files, _retention

KIND = "seamless.deploy backup"
VERSION = 1


def stored(dest: str) -> list[_retention.StoredBackup]:
    """The backups of this collection in a directory: those with a manifest."""
    found = []
    for name in sorted(os.listdir(dest)) if os.path.isdir(dest) else []:
        manifest = read_manifest(os.path.join(dest, name)) if name.endswith(".json") else None
        if manifest and manifest.get("name") == name[: -len(".json")]:
            found.append(
                _retention.StoredBackup(
                    manifest["name"],
                    str(manifest.get("database")),
                    str(manifest.get("label") or ""),
                    str(manifest.get("started")),
                )
            )
    return found


def read_manifest(path: str) -> t.Optional[dict[str, t.Any]]:
    """None where there is no manifest of a backup."""
    try:
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and manifest.get("kind") == KIND else None


def remove_backup(dest: str, name: str) -> None:
    """Remove one backup: it vanishes under its name first, and its manifest goes last."""
    gone = os.path.join(dest, _retention.partial_name(name, os.getpid()))
    with contextlib.suppress(FileNotFoundError):
        os.rename(os.path.join(dest, name), gone)
    _files.remove_tree(gone)
    os.unlink(os.path.join(dest, f"{name}.json"))
    sync(dest)


def remove_stale(dest: str, now: float) -> list[str]:
    """Remove what killed runs left unfinished; their names."""
    removed = []
    for name in os.listdir(dest) if os.path.isdir(dest) else []:
        owner = _retention.partial_owner(name)
        path = os.path.join(dest, name)
        if owner is None or not os.path.lexists(path):
            continue
        newest = max([os.lstat(path).st_mtime] + [os.lstat(file).st_mtime for file in _files.files_of(path)])
        if _retention.is_stale(now - newest, os.path.exists(f"/proc/{owner}")):
            _files.remove_tree(path)
            removed.append(name)
    return sorted(removed)
