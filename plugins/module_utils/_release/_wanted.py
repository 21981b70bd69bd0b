# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release that the user asks for, and what its files say about it. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import posixpath
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import (
    _dependencies,
    _identity,
    _install,
    _tree,
)
from ansible_collections.seamless.deploy.plugins.module_utils._release._interpreter import Interpreter


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The release that the user asks for, checked. `shared` tells of each path whether it is made as a directory."""

    install: _dependencies.InstallOptions
    python: str = "python3"
    project_dir: str = "."
    required_files: tuple[str, ...] = ()
    shared: t.Mapping[str, bool] = dataclasses.field(default_factory=dict)
    environment: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    configuration: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    units: t.Sequence[dict[str, t.Any]] = ()
    who: str = ""

    def identity(self, kind: str, commit: str, submodules: bool) -> str:
        install = dataclasses.asdict(self.install)
        install["index_url"] = _identity.strip_credentials(self.install.index_url)
        return _identity.identity_of(
            {
                "source": [kind == "git" and submodules, commit],
                "install": install,
                "python": self.python,
                "project_dir": self.project_dir,
                "shared": sorted(self.shared),
                "environment": dict(self.environment),
                "configuration": self.configuration,
            }
        )


def examine(
    tree: str, wanted: Wanted, root: str, interpreter: Interpreter, commit: str
) -> tuple[_dependencies.InstallPlan, str]:
    """Check the files of a release; how its dependencies come, and their fingerprint. Raises DeployError."""
    kept = os.path.join(root, "shared")
    _tree.check_project(tree, wanted.project_dir, wanted.required_files, kept, wanted.shared)
    read = _tree.reader(tree)
    plan = _dependencies.plan_install(
        wanted.install, wanted.project_dir, lambda name: os.path.isfile(os.path.join(tree, *name.split("/"))), read
    )
    for folder in dict.fromkeys((wanted.project_dir, ".")):
        specifier = _dependencies.requires_python(read(posixpath.join(folder, "pyproject.toml")) or "")
        if not _dependencies.satisfies(interpreter.version, specifier):
            raise DeployError(
                f"python is {wanted.python!r}, version {interpreter.version}, but the release's pyproject.toml "
                f"requires {specifier}; name a Python that fits"
            )
    _install.check_installer(root, interpreter, plan, wanted.install)
    # An environment holds paths as the root was written; another spelling of it must not be taken over.
    key = f"{interpreter.key} {root}"
    location = _identity.strip_credentials(wanted.install.index_url)
    return plan, _dependencies.fingerprint(plan, wanted.install, key, location, commit, read)
