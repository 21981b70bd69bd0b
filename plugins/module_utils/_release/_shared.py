# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linking what outlives releases into a release. Target; PRIVATE to the collection."""

from __future__ import annotations

import os
import shutil
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release._options import link_target


def check(root: str, paths: t.Mapping[str, bool]) -> None:
    """Refuse before anything is made what could not be linked later. Raises DeployError."""
    for path in paths:
        folder = os.path.join(root, "shared")
        for name in path.split("/")[:-1]:
            folder = os.path.join(folder, name)
            if os.path.lexists(folder) and not os.path.isdir(folder):
                raise DeployError(f"shared has {path!r}, but {folder} is not a directory; move that file away")


def link(root: str, release: str, paths: t.Mapping[str, bool]) -> tuple[dict[str, str], list[str]]:
    """Put a link at every shared path of a release. Returns the links with their targets, and warnings.

    paths: with each, whether it is made as a directory when neither the release nor `shared` has it.
    """
    links, warnings = {}, []
    for path, directory in paths.items():
        kept = os.path.join(root, "shared", *path.split("/"))
        place = os.path.join(release, *path.split("/"))
        _make_parents(place, release, path)
        os.makedirs(os.path.dirname(kept), mode=0o755, exist_ok=True)
        if os.path.lexists(place):
            if not os.path.lexists(kept) and not os.path.islink(place):
                shutil.move(place, kept)
                warnings.append(f"{path}: what the release brings became {kept}, where it stays from now on")
            else:
                if not _is_placeholder(place):
                    warnings.append(f"{path}: what the release brings is left out, {kept} is linked in its place")
                _remove(place)
        elif directory and not os.path.lexists(kept):
            os.mkdir(kept, 0o755)
        links[path] = link_target(path)
        os.symlink(links[path], place)
    return links, warnings


def _make_parents(place: str, release: str, path: str) -> None:
    folder = os.path.dirname(place)
    if os.path.realpath(folder) != os.path.join(os.path.realpath(release), *path.split("/")[:-1]):
        raise DeployError(
            f"shared has {path!r}, but its directory is a link in this release; name where that link leads"
        )
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as exc:
        raise DeployError(f"shared has {path!r}, but the release has a file where its directory must be") from exc


def _is_placeholder(place: str) -> bool:
    """An empty directory, or one that only git needs a file in."""
    return os.path.isdir(place) and not os.path.islink(place) and set(os.listdir(place)) <= {".gitkeep", ".gitignore"}


def _remove(place: str) -> None:
    if os.path.isdir(place) and not os.path.islink(place):
        shutil.rmtree(place)
    else:
        os.unlink(place)
