# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at the files of a release. Target; PRIVATE to the collection."""

from __future__ import annotations

import os
import posixpath
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

_SKIPPED = (".venv", "node_modules", "__pycache__", ".git")


def reader(tree: str) -> t.Callable[[str], t.Optional[str]]:
    """A function that reads a text file of the tree, or gives None."""

    def read(name: str) -> t.Optional[str]:
        try:
            with open(os.path.join(tree, *name.split("/")), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return None

    return read


def walk(tree: str) -> t.Iterator[str]:
    """Relative paths of the files that belong to the application."""
    for folder, names, files in os.walk(tree):
        names[:] = sorted(name for name in names if name not in _SKIPPED)
        base = os.path.relpath(folder, tree)
        for name in sorted(files):
            yield name if base == "." else os.path.join(base, name).replace(os.sep, "/")


def check_project(
    tree: str, project_dir: str, required_files: t.Sequence[str], kept: str = "", shared: t.Iterable[str] = ()
) -> None:
    """Refuse a tree in which the project is not where the user says. Raises DeployError, which says where it is.

    kept: the directory with the shared paths, which are linked into the tree later.
    """
    project = os.path.normpath(os.path.join(tree, project_dir))
    missing = [name for name in required_files if not os.path.exists(os.path.join(project, name))]
    paths = {name: posixpath.normpath(posixpath.join(project_dir, name)) for name in missing}
    later = {name: path for name, path in paths.items() if any(f"{path}/".startswith(f"{one}/") for one in shared)}
    missing = [name for name in missing if name not in later or not os.path.exists(os.path.join(kept, later[name]))]
    if os.path.isdir(project) and not missing:
        return
    for name in missing:
        if name in later:
            place = os.path.join(kept, later[name])
            raise DeployError(f"shared has {later[name]!r}, but {place} does not exist; put that file there")
    places = []
    for name in missing:
        base = "/" + name.lstrip("/")
        found = [("/" + path)[: -len(base)].lstrip("/") or "." for path in walk(tree) if ("/" + path).endswith(base)]
        places += [place for place in found if place != project_dir and place not in places]
    where = f"; found in {', '.join(places[:5])}: set project_dir to it" if places else "; nor anywhere else in it"
    if not os.path.isdir(project):
        said = f" (looked for {', '.join(missing)} in it)" if missing else ""
        where = where if missing else "; give the directory of the project, relative to the release"
        raise DeployError(f"project_dir is {project_dir!r}, a directory that the release does not have{said}{where}")
    raise DeployError(f"project_dir is {project_dir!r}, where the release has no {', '.join(missing)}{where}")


def check_names(tree: str, reserved: t.Sequence[str]) -> None:
    """Refuse a tree that brings files of names that each release gets from this collection. Raises DeployError."""
    brought = [name for name in reserved if os.path.lexists(os.path.join(tree, name))]
    if brought:
        raise DeployError(
            f"the release brings {', '.join(brought)}, a name that is made for each release here; "
            "take it out of the repository, or leave it out with exclude"
        )


def new_migrations(tree: str, live: str) -> list[str]:
    """Migration files of the tree that the live release does not have, by relative path."""
    found = [path for path in walk(tree) if "/migrations/" in "/" + path and path.endswith(".py")]
    found = [path for path in found if os.path.basename(path) != "__init__.py"]
    return [path for path in found if not (live and os.path.exists(os.path.join(live, *path.split("/"))))]
