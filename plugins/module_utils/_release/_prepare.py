# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a release: fetch, decide, unpack, install, link. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import shutil
import tempfile
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _environment, _files
from ansible_collections.seamless.deploy.plugins.module_utils._manifest import ReleaseManifest
from ansible_collections.seamless.deploy.plugins.module_utils._release import (
    _dependencies,
    _identity,
    _install,
    _options,
    _programs,
    _retention,
    _shared,
    _store,
    _tree,
)
from ansible_collections.seamless.deploy.plugins.module_utils._release._interpreter import (
    Interpreter,
    Run,
    find_interpreter,
)
from ansible_collections.seamless.deploy.plugins.module_utils._release._source import Source
from ansible_collections.seamless.deploy.plugins.module_utils._release._wanted import Wanted, examine

#: Records in the journal what happens inside it: the action, and the id of the release.
Step = t.Callable[[str, str], t.ContextManager[t.Any]]

#: What a first release is taken to need, in bytes.
ROOM_FOR_CODE = 50 << 20
ROOM_FOR_DEPENDENCIES = 200 << 20


class Preparation:
    """One run of `prepared`. With `check`, everything is decided on a temporary copy and the target stays as it is."""

    def __init__(
        self, run: Run, store: _store.Store, wanted: Wanted, check: bool, now: datetime.datetime, step: Step
    ) -> None:
        self.run = run
        self.step = step
        self.store = store
        self.wanted = wanted
        self.check = check
        self.now = now
        self.warnings: list[str] = []

    def prepare(
        self, open_source: t.Callable[[str], Source], in_use: t.Collection[str] = (), only_pull: bool = False
    ) -> dict[str, t.Any]:
        """Make the release unless it exists, or with `only_pull` fetch it. `open_source` gets a private directory.

        Raises DeployError or OSError.
        """
        live, interpreter = self._begin()
        with self._private() as private:
            source = open_source(private)
            commit = source.fetch()
            identity = self.wanted.identity(source.kind, commit, source.submodules)
            facts = self.store.facts()
            found = _retention.reusable([fact for fact in facts if self._runs(fact.release)], identity, live)
            if found:
                self.warnings += source.warnings
                return self._existing(found, live, interpreter)
            release = _identity.new_release_id(self.now, commit, [fact.release for fact in facts])
            manifest = ReleaseManifest(
                release=release,
                source=source.describe(),
                commit=commit,
                identity=identity,
                prepared_at=f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
                who=self.wanted.who,
                shared=sorted(self.wanted.shared),
            )
            if self.check:
                return self._predict(source, manifest, live, interpreter, private)
            for name in _retention.half_made(facts, live, in_use):
                self.store.remove(name)
            with self.step("release.pull" if only_pull else "release.prepare", release):
                try:
                    result = self._pull(source, manifest, live, interpreter)
                    return result if only_pull else self._complete(release, live, interpreter, private)
                except BaseException:
                    _store.remove_tree(self.store.path(release))
                    raise

    def complete(self, release: str) -> dict[str, t.Any]:
        """Install and link a release that was pulled. Raises DeployError or OSError."""
        live, interpreter = self._begin()
        manifest = self.store.manifest(release)
        if not manifest or manifest.result != "pulled":
            self.store.require(release)
            return self._existing(release, live, interpreter)
        if self.check:
            return self._result(manifest, live, True, self.store.path(release), self._links(), interpreter)
        with self._private() as private, self.step("release.install", release):
            try:
                return self._complete(release, live, interpreter, private)
            except BaseException:  # what is left must be no hindrance to trying again
                _store.remove_tree(os.path.join(self.store.path(release), ".venv"))
                raise

    def _begin(self) -> tuple[str, Interpreter]:
        """Check what can be checked beforehand, and clear away what a crash left."""
        live = self.store.live()
        interpreter = find_interpreter(self.run, self.wanted.python)
        _shared.check(self.store.root, self.wanted.shared)
        if not self.check:
            self.store.make_layout()
            self.store.sweep()
            self._require_room(live)
        return live, interpreter

    def _pull(self, source: Source, manifest: ReleaseManifest, live: str, interpreter: Interpreter) -> dict[str, t.Any]:
        path = self.store.path(manifest.release)
        os.mkdir(path, 0o755)
        os.chmod(path, 0o755)
        source.export(path)
        _tree.check_names(path, _options.RESERVED)
        self.store.write(manifest)
        plan, fingerprint = self._plan(path, manifest.commit, interpreter)
        text = _environment.format_environment(self.wanted.environment)
        _files.write_file(os.path.join(path, _environment.FILE_NAME), text, 0o600)
        how = self._expected(plan, fingerprint, live)
        dependencies = self._installed_with(plan, fingerprint, interpreter, how)
        manifest = dataclasses.replace(manifest, result="pulled", dependencies=dependencies)
        self.store.write(manifest)
        self.warnings += source.warnings
        return self._result(manifest, live, True, path, self._links(), interpreter)

    def _complete(self, release: str, live: str, interpreter: Interpreter, private: str) -> dict[str, t.Any]:
        path, manifest = self.store.path(release), t.cast(ReleaseManifest, self.store.manifest(release))
        plan, fingerprint = self._plan(path, manifest.commit, interpreter)
        installation = self._installation(path, plan, interpreter, private)
        how = self._install(installation, fingerprint, live)
        _programs.check(self.wanted.units, os.path.exists)
        links, warnings = _shared.link(self.store.root, path, self.wanted.shared)
        dependencies = self._installed_with(plan, fingerprint, interpreter, how)
        os.makedirs(os.path.join(path, ".units"), 0o755, exist_ok=True)
        manifest = dataclasses.replace(
            manifest, result="prepared", dependencies=dependencies, units=list(self.wanted.units)
        )
        self.run(["sync", "-f", path])  # a manifest must not survive a power cut that its files do not
        self.store.write(manifest)
        self.warnings += warnings
        return self._result(manifest, live, True, path, links, interpreter)

    def _predict(
        self, source: Source, manifest: ReleaseManifest, live: str, interpreter: Interpreter, private: str
    ) -> dict[str, t.Any]:
        tree = os.path.join(private, "tree")
        os.mkdir(tree, 0o700)
        source.export(tree)
        _tree.check_names(tree, _options.RESERVED)
        plan, fingerprint = self._plan(tree, manifest.commit, interpreter)
        how = self._expected(plan, fingerprint, live)
        manifest = dataclasses.replace(manifest, dependencies=self._installed_with(plan, fingerprint, interpreter, how))
        self.warnings += source.warnings
        return self._result(manifest, live, True, tree, self._links(), interpreter)

    def _expected(self, plan: _dependencies.InstallPlan, fingerprint: str, live: str) -> str:
        """How the dependencies will come, as far as can be told without installing them."""
        same = _retention.same_dependencies(self.store.facts(), fingerprint, live)
        return "none" if plan.kind == "nothing" else "reused" if same else "installed"

    def _links(self) -> dict[str, str]:
        return {path: _options.link_target(path) for path in self.wanted.shared}

    def _existing(self, release: str, live: str, interpreter: Interpreter) -> dict[str, t.Any]:
        manifest = self.store.require(release)
        changed = False
        if release != live:
            _programs.check(self.wanted.units, os.path.exists)
        if release != live and self.wanted.units and list(self.wanted.units) != manifest.units:
            # Units are on record before they start, also of a release that was prepared without them.
            manifest = dataclasses.replace(manifest, units=list(self.wanted.units))
            changed = True
            if not self.check:
                self.store.write(manifest)
        result = self._result(manifest, live, changed, self.store.path(release), self._links(), interpreter)
        how = "none" if result["dependencies"] == "none" else "reused"
        return {**result, "dependencies": how}

    def _runs(self, release: str) -> bool:
        """Whether the interpreter of a release is still there (an upgrade of the system may have taken it)."""
        venv = os.path.join(self.store.path(release), ".venv")
        return not os.path.isdir(venv) or os.access(os.path.join(venv, "bin", "python"), os.X_OK)

    def _plan(self, tree: str, commit: str, interpreter: Interpreter) -> tuple[_dependencies.InstallPlan, str]:
        plan, fingerprint = examine(tree, self.wanted, self.store.root, interpreter, commit)
        self.warnings += [warning for warning in plan.warnings if warning not in self.warnings]
        return plan, fingerprint

    def _installation(
        self, path: str, plan: _dependencies.InstallPlan, interpreter: Interpreter, private: str
    ) -> _install.Installation:
        project = os.path.normpath(os.path.join(path, self.wanted.project_dir))
        return _install.Installation(self.store.root, path, project, interpreter, plan, self.wanted.install, private)

    def _install(self, installation: _install.Installation, fingerprint: str, live: str) -> str:
        if installation.plan.installer == "none":
            return "none"
        same = _retention.same_dependencies(self.store.facts(), fingerprint, live)
        if _install.reuse(self.run, installation, [self.store.path(release) for release in same]):
            return "none" if installation.plan.kind == "nothing" else "reused"
        needed = _store.size_of(os.path.join(self.store.path(live), ".venv")) if live else 0
        _store.require_room(self.store.releases, needed or ROOM_FOR_DEPENDENCIES, "the dependencies of a release")
        _install.install(self.run, installation)
        return "none" if installation.plan.kind == "nothing" else "installed"

    def _require_room(self, live: str) -> None:
        needed = _store.size_of(self.store.path(live), without=".venv") * 2 if live else 0
        _store.require_room(self.store.releases, max(needed, ROOM_FOR_CODE), "a release")

    @contextlib.contextmanager
    def _private(self) -> t.Iterator[str]:
        """A directory for what only this run may see; beside the releases, so that files can be moved there."""
        private = tempfile.mkdtemp(prefix="tmp-", dir=None if self.check else os.path.join(self.store.root, ".deploy"))
        try:
            yield private
        finally:
            shutil.rmtree(private, ignore_errors=True)

    @staticmethod
    def _installed_with(
        plan: _dependencies.InstallPlan, fingerprint: str, interpreter: Interpreter, how: str
    ) -> dict[str, str]:
        return {"fingerprint": fingerprint, "installer": plan.installer, "python": interpreter.version, "how": how}

    def _result(
        self,
        manifest: ReleaseManifest,
        live: str,
        changed: bool,
        tree: str,
        links: dict[str, str],
        interpreter: Interpreter,
    ) -> dict[str, t.Any]:
        path = self.store.path(manifest.release)
        live_manifest = self.store.manifest(live) if live else None
        venv = os.path.join(path, ".venv") if manifest.dependencies.get("installer") != "none" else ""
        return {
            "changed": changed,
            "release": manifest.release,
            "release_path": path,
            "project_path": os.path.normpath(os.path.join(path, self.wanted.project_dir)),
            "python": os.path.join(venv, "bin", "python") if venv else interpreter.path,
            "venv": venv,
            "commit": manifest.commit,
            "live": manifest.release == live,
            "previous": live,
            "previous_path": self.store.path(live) if live else "",
            "environment_file": os.path.join(path, _environment.FILE_NAME),
            "dependencies": manifest.dependencies.get("how", "none"),
            "shared_links": links,
            "migration_files": _tree.new_migrations(tree, self.store.path(live) if live else ""),
            "manifest": manifest.to_json(),
            "previous_units": live_manifest.units if live_manifest else [],
            "warnings": self.warnings,
        }
