# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a release's files come from: one shape for git and for what the control node sent. Target; PRIVATE."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _archive, _pack
from ansible_collections.seamless.deploy.plugins.module_utils._release._git import GitSource
from ansible_collections.seamless.deploy.plugins.module_utils._release._git_access import GitAccess
from ansible_collections.seamless.deploy.plugins.module_utils._release._identity import strip_credentials
from ansible_collections.seamless.deploy.plugins.module_utils._release._interpreter import Run


class Source:
    """kind: git, directory or archive. Methods raise DeployError."""

    kind = ""
    submodules = False

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def fetch(self) -> str:
        """Have the files at hand and return the commit or tree hash that names them."""
        raise NotImplementedError

    def export(self, directory: str) -> None:
        """Write the files into an existing, empty directory."""
        raise NotImplementedError

    def describe(self) -> dict[str, str]:
        """For the manifest, without credentials."""
        raise NotImplementedError


class FromGit(Source):
    kind = "git"

    def __init__(self, git: GitSource, version: str, submodules: bool) -> None:
        super().__init__()
        self.submodules = submodules
        self.warnings = git.warnings
        self._git = git
        self._version = version
        self._commit = ""

    def fetch(self) -> str:
        self._commit = self._git.fetch(self._version)
        return self._commit

    def export(self, directory: str) -> None:
        self._git.export(self._commit, directory, self.submodules)

    def describe(self) -> dict[str, str]:
        return {"kind": self.kind, "location": self._git.name, "version": self._version}


class FromControlNode(Source):
    """A file that the action plugin sent: an archive, or a directory that it packed."""

    def __init__(self, file: str, origin: str, private: str) -> None:
        super().__init__()
        self._file = file
        self._origin = origin or file
        self.kind = "archive" if _pack.is_archive(self._origin) else "directory"
        self._tree = os.path.join(private, "unpacked")

    def fetch(self) -> str:
        os.mkdir(self._tree, 0o755)
        _archive.unpack(self._file, self._tree, self._origin, strip=self.kind == "archive")
        return _archive.tree_hash(self._tree)

    def export(self, directory: str) -> None:
        for name in os.listdir(self._tree):
            os.rename(os.path.join(self._tree, name), os.path.join(directory, name))

    def describe(self) -> dict[str, str]:
        return {"kind": self.kind, "location": strip_credentials(self._origin), "version": ""}


def source_maker(params: t.Mapping[str, t.Any], run: Run, cache: str, borrow: bool) -> t.Callable[[str], Source]:
    """Makes the source that the options name, given a private directory. Raises DeployError unless they name one."""
    if bool(params["repository"]) == bool(params["source"]):
        found = "both are given" if params["source"] else "neither is given"
        raise DeployError(f"state={params['state']} needs one of repository and source; {found}")

    def make(private: str) -> Source:
        if params["source"]:
            return FromControlNode(params["source"], params["source_origin"] or "", private)
        access = GitAccess(params["key"] or "", params["key_file"] or "", params["known_hosts"])
        git = GitSource(run, params["repository"].strip(), cache, private, access, borrow=borrow)
        return FromGit(git, (params["version"] or "").strip(), params["submodules"])

    return make
