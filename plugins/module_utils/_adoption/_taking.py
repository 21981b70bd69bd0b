# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes an existing installation over as a release, and lets it go again. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _environment, _files
from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _port, _records, _shared_names
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._installation import Installation
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._plan import Adoption
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._records import Names
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._rewriting import Rewriting
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._manifest import FILE_NAME, ReleaseManifest
from ansible_collections.seamless.deploy.plugins.module_utils._nginx._control import Control
from ansible_collections.seamless.deploy.plugins.module_utils._release import _identity, _options
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store
from ansible_collections.seamless.deploy.plugins.module_utils._service._adapter import Unit
from ansible_collections.seamless.deploy.plugins.module_utils._service._entrance import LinkEntrance, check_socket
from ansible_collections.seamless.deploy.plugins.module_utils._service._ready import Health
from ansible_collections.seamless.deploy.plugins.module_utils._service._systemd import SystemdManager
from ansible_collections.seamless.deploy.plugins.module_utils._service._visitor import Visitor
from ansible_collections.seamless.deploy.plugins.module_utils._service._waiter import Waiter

KIND = "adopted"
READY_SECONDS = 30.0
STOP_SECONDS = 30.0


def adopted(store: Store) -> t.Optional[ReleaseManifest]:
    """The release that stands for an existing installation, once there is one."""
    manifests = [store.manifest(name) for name in store.names()]
    return next((each for each in manifests if each and each.source.get("kind") == KIND), None)


class Taking:
    """One adoption under way. What it does can be done again, and what it began is remembered in `memory`."""

    def __init__(
        self, run: t.Callable[..., tuple], store: Store, names: Names, health: Health, nginx: bool = True
    ) -> None:
        self.store = store
        self._run = run
        self.names = names
        self.manager = SystemdManager(run, "system")
        self.entrance = LinkEntrance(names.entrance, Waiter(self.manager, health), Visitor() if nginx else None)
        self.folder = os.path.join(store.root, ".deploy", "adoption")
        self._file = os.path.join(self.folder, "adoption.json")
        self.memory: dict[str, t.Any] = self._recall()
        self.rewriting = Rewriting(Control(run), self.folder, self._remember_file)
        self.told: list[str] = []

    def _recall(self) -> dict[str, t.Any]:
        try:
            with open(self._file, encoding="utf-8") as file:
                return dict(json.load(file))
        except (OSError, ValueError):
            return {"files": [], "shared": {}}

    def _remember(self, **facts: t.Any) -> None:
        self.memory.update(facts)
        os.makedirs(self.folder, mode=0o755, exist_ok=True)
        _files.write_file(self._file, json.dumps(self.memory, indent=2, sort_keys=True) + "\n", 0o600)

    def _remember_file(self, entry: dict[str, t.Any]) -> None:
        others = [each for each in self.memory["files"] if each["path"] != entry["path"]]
        self._remember(files=[*others, entry])

    def make_layout(self, owner: tuple[int, int]) -> None:
        """The directories of the application, where they are missing, given to its user."""
        before = {path for path in self._folders() if os.path.isdir(path)}
        self.store.make_layout()
        for path in self._folders():
            if path not in before:
                os.chown(path, *owner)

    def _folders(self) -> list[str]:
        names = ("", "releases", "shared", "run", ".deploy", os.path.join(".deploy", "cache"))
        return [os.path.join(self.store.root, name) if name else self.store.root for name in names]

    def make_release(
        self,
        found: Installation,
        decided: Adoption,
        manifest: ReleaseManifest,
        values: dict[str, str],
        owner: tuple[int, int],
    ) -> None:
        """The directory of the release: links to the checkout, its environment, its units, its manifest."""
        path = self.store.path(manifest.release)
        self._remember(release=manifest.release, entrance=self.names.entrance)
        os.makedirs(os.path.join(path, ".units"), mode=0o755, exist_ok=True)
        inside = (
            os.path.basename(found.checkout.venv) if os.path.dirname(found.checkout.venv) == found.checkout.path else ""
        )
        _shared_names.view(found.checkout.path, path, found.checkout.venv, {".git", inside, *_options.RESERVED})
        _files.write_file(os.path.join(path, _environment.FILE_NAME), _environment.format_environment(values), 0o600)
        self.store.write(dataclasses.replace(manifest, units=list(decided.records), shared=sorted(decided.shared)))
        _shared_names.give(path, owner)

    def share(self, decided: Adoption, move: bool, owner: tuple[int, int]) -> dict[str, str]:
        """Make the shared paths; how each was made."""
        made = {}
        for path, old in decided.shared.items():
            if not os.path.lexists(old):
                continue
            kept = os.path.join(self.store.root, "shared", *path.split("/"))
            self._remember(shared={**self.memory["shared"], kept: old})
            made[path] = _shared_names.share(old, kept, move) or "there"
            folder = os.path.dirname(kept)
            while folder != os.path.join(self.store.root, "shared"):
                os.chown(folder, *owner)
                folder = os.path.dirname(folder)
        if decided.static and os.path.isdir(decided.static):
            static = os.path.join(self.store.root, "static")
            _shared_names.copy_missing(decided.static, static)
            _shared_names.give(static, owner)
        return made

    def lead(self, found: Installation, decided: Adoption, user: str, group: str) -> None:
        """Let the entrance lead to the installation, proven healthy on its socket, as nginx's user, and through it."""
        record = decided.records[0]
        fields = {field.name for field in dataclasses.fields(Unit)}
        unit = Unit(**{name: value for name, value in record.items() if name in fields})
        check_socket("socket_dir", unit.socket)
        self.entrance.check(unit)
        if self.entrance.target() and not self.entrance.leads_to(unit):
            raise DeployError(
                f"the entrance {self.names.entrance} leads to {self.entrance.target()} already, which is not this installation; "
                "is another deploy of this application at work?"
            )
        text = ""
        if decided.way == "stop":
            text = _port.definition_on(_port.definition_of(found.unit), found.unit.name, record["command"])
        elif decided.proxied:
            text = _records.proxy_definition(record, found.unit.name, user, group)
        if text:
            folder = os.path.join(self.store.path(self.memory["release"]), ".units")
            _files.write_file(os.path.join(folder, os.path.basename(unit.definition)), text, 0o644)
            self._remember(proxy=record["name"], definition=unit.definition, socket=unit.socket)
            _files.write_file(unit.definition, text, 0o644)
            self.manager.start(unit)
        self.entrance.ready(unit, READY_SECONDS)
        self.entrance.switch(unit)
        self.entrance.answers(unit, READY_SECONDS)

    def take_port(self, found: Installation, decided: Adoption) -> None:
        """Let systemd listen on the port and lead it to the entrance, which leads to an instance of the service already."""
        unit = f"{self.names.app}-{self.names.web}-port.socket"
        if self.manager.status(Unit(unit, "worker")).running:
            return
        self._remember(port_unit=unit, service=found.unit.name)
        seconds = _port.take(self.manager, self._run, found.unit.name, decided.place, unit)
        self.told.append(f"Nobody listened on {decided.place} for about {seconds} s")

    def let_go(self) -> None:
        """Undo an adoption that no deploy has followed: nginx first, then what it led to. Raises DeployError."""
        self.told += self.rewriting.undo(self.memory["files"])
        if self.told:
            raise DeployError(
                ". ".join(self.told)
                + ". nginx may still lead to the entrance, so that nothing else was taken back; let its "
                "lines lead to the installation itself again, reload it, remove the entry of that file in "
                f"{self._file}, and run again"
            )
        if self.memory.get("port_unit"):
            _port.give_back(self.manager, self._run, self.memory["service"], self.memory["port_unit"])
        if self.memory.get("entrance"):
            self.entrance.point("")
        if self.memory.get("proxy"):
            proxy = Unit(self.memory["proxy"], "web", self.memory["socket"], definition=self.memory["definition"])
            if self.manager.status(proxy).known:
                self.entrance.drain(proxy, STOP_SECONDS)
                self.manager.stop(proxy, STOP_SECONDS)
            for path in (proxy.definition, proxy.socket):
                if os.path.lexists(path):
                    os.unlink(path)
            self.manager.forget(proxy)
        for kept, old in self.memory["shared"].items():
            _shared_names.unshare(old, kept)
        release = str(self.memory.get("release", ""))
        if release and self.store.live() == release:
            self.store.point_current("")
        if release in self.store.names():
            self.store.remove(release)
        self._remember(files=[], shared={}, release="", proxy="", entrance="", port_unit="")


def new_manifest(found: Installation, release: str, now: str, who: str) -> ReleaseManifest:
    """The manifest of the release that the installation becomes."""
    git, path = found.checkout.git, found.checkout.path
    return ReleaseManifest(
        release=release,
        source={"kind": KIND, "location": path, "version": git.branch if git else ""},
        commit=git.commit if git else "0" * 40,
        identity=_identity.identity_of({"adopted": path, "release": release}),
        prepared_at=now,
        who=who,
        dependencies={"fingerprint": "", "installer": "none", "python": "", "how": "none"},
        result="prepared",
    )


def own_manifest(store: Store, release: str, owner: tuple[int, int]) -> None:
    os.chown(os.path.join(store.path(release), FILE_NAME), *owner)
