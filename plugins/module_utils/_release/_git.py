# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a release's files by git, through a mirror that is kept between deploys. Target; PRIVATE to the collection."""

from __future__ import annotations

import hashlib
import os
import shutil
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._release import _git_access as access
from ansible_collections.seamless.deploy.plugins.module_utils._release import _refs
from ansible_collections.seamless.deploy.plugins.module_utils._release._identity import (
    split_credentials,
    without_password,
)

Run = t.Callable[..., t.Tuple[int, str, str]]

_MIRROR = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_REF_FORMAT = "--format=%(objectname) %(*objectname) %(refname)"


class GitSource:
    """One repository at one version. Methods raise DeployError; `warnings` collects what a person should know.

    cache: directory of the mirrors. borrow: mirrors are made in `private` instead, and only take objects from the
    cache (check mode). private: directory of mode 0700 that the caller removes.
    """

    def __init__(
        self, run: Run, repository: str, cache: str, private: str, how: access.GitAccess, borrow: bool = False
    ) -> None:
        access.check_repository(repository)
        if not shutil.which("git"):
            raise DeployError("git is not installed on the target; install it there, or deploy from source")
        self.name = without_password(repository)
        self.url, _user, self._password = split_credentials(repository)
        self.warnings: list[str] = []
        self._run = run
        self._cache = cache
        self._private = private
        self._borrow = borrow
        hosts = os.path.join(private if borrow else cache, "known_hosts")
        self._environment = access.git_environment(how, repository, private, hosts)

    def fetch(self, version: str) -> str:
        """Bring the mirror up to date and return the full commit of `version` (the remote's own branch if empty)."""
        mirror = self._update(self.url)
        refs = _refs.parse_refs(self._git(mirror, "for-each-ref", _REF_FORMAT))
        commit = _refs.resolve(version, refs) if version else self._head(mirror)
        if version and _refs.is_ambiguous(version, refs):
            self.warnings.append(f"{self.name} has a tag and a branch {version}; the tag was taken")
        if not commit and _refs.may_be_commit(version):
            commit = self._commit(mirror, version)
        if not commit:
            near = ", ".join(_refs.nearest_refs(version, refs)) or "none, it is empty"
            raise DeployError(
                f"version is {version!r}, which {self.name} does not have as a branch, tag or commit; it has: {near}"
            )
        return commit

    def export(self, commit: str, directory: str, submodules: bool) -> None:
        """Write the files of a commit into an existing directory, without any git metadata."""
        self._export(self.url, commit, directory, submodules, ())

    def _export(self, url: str, commit: str, directory: str, submodules: bool, above: tuple[str, ...]) -> None:
        mirror = self._mirror(url)
        index = os.path.join(self._private, "index")
        settings = [word for setting in access.NO_LFS for word in ("-c", setting)]
        command = [*settings, f"--work-tree={directory}", "checkout", "--force", commit, "--", "."]
        if self._git(mirror, "ls-tree", commit):
            self._git(mirror, *command, cwd=directory, environment={"GIT_INDEX_FILE": index})
        if os.path.exists(index):
            os.unlink(index)
        self._warn_of_lfs(mirror, commit)
        links = _refs.parse_gitlinks(self._git(mirror, "ls-tree", "-r", "-z", "--full-tree", commit))
        if links and not submodules:
            self.warnings.append(f"{', '.join(links)}: submodules, left empty because submodules is false")
        elif links:
            self._export_submodules(url, mirror, commit, directory, links, (*above, url))

    def _export_submodules(
        self, url: str, mirror: str, commit: str, directory: str, links: dict[str, str], above: tuple[str, ...]
    ) -> None:
        listing = self._git(mirror, "config", "--blob", f"{commit}:.gitmodules", "-z", "--list")
        modules = _refs.parse_gitmodules(listing)
        for path, wanted in links.items():
            if path not in modules:
                raise DeployError(f"the submodule {path} of {without_password(url)} has no address in its .gitmodules")
            inner = split_credentials(_refs.submodule_url(url, modules[path]))[0]
            if inner in above:
                raise DeployError(f"the submodule {path} of {without_password(url)} contains itself")
            access.check_repository(inner)
            inner_mirror = self._update(inner, f"the submodule {path} of {self.name}")
            if not self._commit(inner_mirror, wanted, inner):
                raise DeployError(
                    f"the submodule {path} of {self.name} is at commit {wanted[:12]}, which {without_password(inner)} "
                    "does not have; push that commit, or correct the submodule"
                )
            target = os.path.join(directory, *path.split("/"))
            os.makedirs(target, exist_ok=True)
            self._export(inner, wanted, target, True, above)

    def _mirror(self, url: str) -> str:
        name = hashlib.sha256(url.encode("utf-8")).hexdigest()[:24] + ".git"
        return os.path.join(self._private if self._borrow else self._cache, name)

    def _update(self, url: str, what: str = "") -> str:
        mirror = self._mirror(url)
        if os.path.isdir(mirror) and self._try(mirror, "rev-parse", "--git-dir")[0]:
            shutil.rmtree(mirror)  # what a crash or a full disk left is no mirror
        if not os.path.isdir(mirror):
            self._git(None, "init", "--quiet", "--bare", "--template=", mirror)
            kept = os.path.join(self._cache, os.path.basename(mirror), "objects")
            if self._borrow and os.path.isdir(kept):
                os.makedirs(os.path.join(mirror, "objects", "info"), exist_ok=True)
                with open(os.path.join(mirror, "objects", "info", "alternates"), "w", encoding="utf-8") as file:
                    file.write(kept + "\n")
        rc, _out, err = self._try(mirror, "fetch", "--quiet", "--prune", "--no-tags", url, *_MIRROR)
        if rc:
            reason = access.reason_of(err, [self._password])
            raise DeployError(
                f"{what or 'repository'} {without_password(url)} cannot be fetched: {reason}{access.advice_for(reason)}"
            )
        return mirror

    def _head(self, mirror: str) -> str:
        out = self._git(mirror, "ls-remote", self.url, "HEAD")
        if not out.strip():
            raise DeployError(f"{self.name} has no default branch or is empty; name a branch, tag or commit in version")
        return out.split()[0]

    def _commit(self, mirror: str, version: str, url: str = "") -> str:
        """The full commit of a full or abbreviated one; a full one that no branch holds is asked of the remote."""
        rc, out, err = self._try(mirror, "rev-parse", "--verify", "--quiet", version + "^{commit}")
        if rc and "ambiguous" in err:
            raise DeployError(f"version is {version!r}, which is the beginning of several commits; give more of it")
        if rc and len(version) >= 40 and not self._try(mirror, "fetch", "--quiet", url or self.url, version)[0]:
            rc, out, err = self._try(mirror, "rev-parse", "--verify", "--quiet", version + "^{commit}")
        return "" if rc else out.strip()

    def _warn_of_lfs(self, mirror: str, commit: str) -> None:
        if not self._try(mirror, "grep", "--quiet", "filter=lfs", commit, "--", "*.gitattributes")[0]:
            self.warnings.append(
                f"{self.name} keeps files in Git LFS, which is not supported: the release holds their pointers; "
                "deploy from a source directory or archive instead"
            )

    def _git(self, mirror: t.Optional[str], *command: str, **how: t.Any) -> str:
        rc, out, err = self._try(mirror, *command, **how)
        if rc:
            verb = next((word for word in command if not word.startswith("-") and "=" not in word), "git")
            reason = access.reason_of(err, [self._password])
            advice = access.advice_for(reason) if "unable to write" in reason or "No space left" in reason else ""
            raise DeployError(f"git {verb} failed for {self.name}: {reason}{advice}", rc=rc)
        return out

    def _try(
        self,
        mirror: t.Optional[str],
        *command: str,
        cwd: t.Optional[str] = None,
        environment: t.Optional[dict[str, str]] = None,
    ) -> tuple[int, str, str]:
        argv = ["git"] + [word for setting in access.SETTINGS for word in ("-c", setting)]
        argv += [f"--git-dir={mirror}"] if mirror else []
        return self._run([*argv, *command], cwd=cwd, environ_update={**self._environment, **(environment or {})})
