# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases on disk: directories, manifests, the `current` link, room. Target; PRIVATE to the collection."""

from __future__ import annotations

import glob
import json
import os
import shutil
import stat
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _files
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._manifest import FILE_NAME, ReleaseManifest
from ansible_collections.seamless.deploy.plugins.module_utils._release._identity import is_release_id
from ansible_collections.seamless.deploy.plugins.module_utils._release._retention import ReleaseFacts

_REMOVING = ".removing-"
_HALF_MADE = ("preparing", "pulled")


class Store:
    """Everything below one deploy path. Methods raise DeployError or OSError."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.releases = os.path.join(root, "releases")
        self.current = os.path.join(root, "current")
        self.cache = os.path.join(root, ".deploy", "cache")

    def make_layout(self) -> bool:
        """Make the directories that are missing; whether there were any."""
        names = ("releases", "shared", "run", ".deploy", os.path.join(".deploy", "cache"))
        missing = [
            path for path in [self.root, *(os.path.join(self.root, n) for n in names)] if not os.path.isdir(path)
        ]
        for path in missing:
            try:
                os.makedirs(path, exist_ok=True)
                os.chmod(path, 0o755)
            except OSError as exc:
                raise DeployError(
                    f"path is {self.root}, and {path} cannot be made: {exc.strerror}; "
                    "make it and give it to the deploying user, or deploy with become"
                ) from exc
        return bool(missing)

    def path(self, release: str) -> str:
        return os.path.join(self.releases, release)

    def names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.releases) if is_release_id(name))
        except FileNotFoundError:
            return []

    def live(self) -> str:
        """The release that `current` names, or ""; also when its directory is gone."""
        try:
            target = os.readlink(self.current)
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as exc:
            raise DeployError(
                f"{self.current} is not a link but a {'directory' if os.path.isdir(self.current) else 'file'}; "
                "move it away, then deploy again: the link to the live release has this name"
            ) from exc
        folder, name = os.path.split(os.path.normpath(os.path.join(self.root, target)))
        return name if os.path.realpath(folder) == os.path.realpath(self.releases) else ""

    def manifest(self, release: str) -> t.Optional[ReleaseManifest]:
        """The manifest of a release, or None when there is none or a crash has cut it."""
        try:
            with open(os.path.join(self.path(release), FILE_NAME), encoding="utf-8") as file:
                data = json.load(file)
        except (OSError, ValueError):
            return None
        return ReleaseManifest.from_json(data)

    def require(self, release: str) -> ReleaseManifest:
        """The manifest of a complete release. Raises DeployError when there is none of this id."""
        manifest = self.manifest(release) if is_release_id(release) else None
        if not manifest or manifest.result in _HALF_MADE:
            names = [name for name in self.names() if (self.manifest(name) or _NONE).result not in _HALF_MADE]
            state = "is not complete" if release in self.names() else "does not exist"
            raise DeployError(
                f"release is {release!r}, which {state} in {self.releases}; there are: {', '.join(names[-8:]) or 'none'}"
            )
        return manifest

    def write(self, manifest: ReleaseManifest) -> None:
        text = json.dumps(manifest.to_json(), sort_keys=True, indent=2) + "\n"
        _files.write_file(os.path.join(self.path(manifest.release), FILE_NAME), text, 0o640)

    def facts(self) -> list[ReleaseFacts]:
        found = []
        for name in self.names():
            manifest = self.manifest(name)
            if manifest is None:
                found.append(ReleaseFacts(name))
            else:
                fingerprint = manifest.dependencies.get("fingerprint", "")
                facts = (manifest.result, manifest.activated_at, manifest.identity, fingerprint)
                found.append(ReleaseFacts(name, *facts))
        return found

    def point_current(self, release: str) -> None:
        """Replace the link in one step; it is on disk when this returns. "" takes the link away."""
        if release:
            temporary = f"{self.current}.{os.getpid()}"
            if os.path.lexists(temporary):
                os.unlink(temporary)
            os.symlink(os.path.join("releases", release), temporary)
            os.replace(temporary, self.current)
        elif os.path.lexists(self.current):
            os.unlink(self.current)
        _files.sync(self.root)

    def remove(self, release: str) -> None:
        """Take a release away: out of sight first, so that a crash leaves nothing that looks like a release."""
        hidden = os.path.join(self.releases, _REMOVING + release)
        remove_tree(hidden)
        os.rename(self.path(release), hidden)
        remove_tree(hidden)
        # What its units printed goes with it; supervisor appends .1, .2 to what it has rotated.
        for path in glob.glob(os.path.join(glob.escape(self.root), "log", f"*-{release}.log*")):
            os.unlink(path)

    def sweep(self) -> None:
        """Finish what a crash interrupted."""
        for folder, prefix in ((self.releases, _REMOVING), (os.path.join(self.root, ".deploy"), "tmp-")):
            for name in os.listdir(folder) if os.path.isdir(folder) else ():
                if name.startswith(prefix):
                    remove_tree(os.path.join(folder, name))


_NONE = ReleaseManifest(release="", source={}, commit="", identity="", prepared_at="")


def remove_tree(path: str) -> None:
    """Remove a directory, also one with read-only directories inside; links are not followed."""

    def unlock(function: t.Callable[..., t.Any], name: str, _exc: t.Any) -> None:
        os.chmod(os.path.dirname(name), stat.S_IRWXU)
        os.chmod(name, stat.S_IRWXU)
        function(name)

    if os.path.lexists(path):
        shutil.rmtree(path, onerror=unlock)


def size_of(path: str, without: str = "") -> int:
    """Bytes that a tree takes on disk, leaving out one of its top-level directories."""
    total = 0
    for folder, names, files in os.walk(path):
        if without and folder == path and without in names:
            names.remove(without)
        for name in files:
            total += os.lstat(os.path.join(folder, name)).st_blocks * 512
    return total


def require_room(path: str, needed: int, what: str, statvfs: t.Callable[[str], os.statvfs_result] = os.statvfs) -> None:
    """Raise DeployError when the file system of `path` has less than `needed` bytes for this user."""
    facts = statvfs(path)
    free = facts.f_bavail * facts.f_frsize
    if free < needed:
        raise DeployError(
            f"not enough room for {what} below path {path}: {free >> 20} MB free, about {needed >> 20} MB needed; "
            "free some, or lower keep and prune",
            free_bytes=free,
            needed_bytes=needed,
        )
