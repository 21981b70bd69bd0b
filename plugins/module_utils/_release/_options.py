# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that a user gives, checked before anything is touched. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import posixpath
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

#: Names inside a release that belong to this collection.
RESERVED = (".venv", ".release.json", ".environment", ".units")


def inner_path(option: str, value: str, base: str = "the release") -> str:
    """A relative path that stays inside its base, normalised; "." is the base itself. Raises DeployError."""
    path = posixpath.normpath(value.strip() or ".")
    if posixpath.isabs(path) or path == ".." or path.startswith("../"):
        raise DeployError(f"{option} is {value!r}; it must be a path inside {base}, relative to it, without '..'")
    return path


def shared_paths(values: t.Sequence[str]) -> dict[str, bool]:
    """Normalised shared paths, and of each whether it is a directory if it does not exist yet. Raises DeployError."""
    paths: dict[str, bool] = {}
    for value in values:
        path = inner_path("shared", value)
        if path == "." or path.split("/")[0] in RESERVED:
            raise DeployError(f"shared has {value!r}, which belongs to each release alone; name a path inside it")
        name = posixpath.basename(path)
        paths[path] = value.endswith("/") or not (name.startswith(".") or posixpath.splitext(name)[1])
    for path in paths:
        for other in paths:
            if other.startswith(path + "/"):
                raise DeployError(f"shared has {path!r} and {other!r}, one inside the other; keep the outer one")
    return paths


def link_target(path: str) -> str:
    """What the link at a shared path of a release holds: relative, so that the whole tree can be moved."""
    return "../" * (path.count("/") + 2) + "shared/" + path
