# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a release after it was made: activated, rejected, removed, pruned. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _journal
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._release import _retention
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store


@dataclasses.dataclass(frozen=True)
class Context:
    """What every action needs. now: UTC, ISO 8601."""

    store: Store
    journal: Journal
    deploy_id: str
    step: str
    check: bool
    now: str

    def record(self, action: str, release: str, undo: t.Optional[dict[str, t.Any]] = None) -> t.ContextManager[t.Any]:
        return self.journal.step(self.deploy_id, self.step, action, release, undo=undo)


def chosen(context: Context, result: dict[str, t.Any]) -> dict[str, t.Any]:
    """Say which release the deploy has in hand: of one that is there already nothing else is on record."""
    if not context.check:
        complete = result["manifest"]["result"] not in ("preparing", "pulled")
        detail = {"previous": result["previous"], "complete": complete}
        context.journal.append(context.deploy_id, context.step, "release.chosen", "note", result["release"], detail)
    return result


def activate(
    context: Context,
    release: str,
    demands: dict[str, t.Any],
    held_back: t.Optional[list[str]] = None,
    unmet: t.Sequence[str] = (),
) -> dict[str, t.Any]:
    """Make a release the live one; "" means none, the way back of a first deploy. held_back: None leaves what is on record.

    unmet: what the schema did not give the release that was live before; nothing leaves what is on record. Raises DeployError.
    """
    store = context.store
    live = store.live()
    manifest = store.require(release) if release else None
    if manifest and manifest.result == "rejected":
        raise DeployError(
            f"release is {release!r}, which was rejected ({manifest.reason or 'no reason recorded'}); "
            "prepare it anew, or activate another one"
        )
    wanted = manifest
    if manifest:
        wanted = dataclasses.replace(
            manifest,
            result="good",
            activated_at=context.now if live != release or not manifest.activated_at else manifest.activated_at,
            demands=demands or manifest.demands,
            held_back=manifest.held_back if held_back is None else held_back,
        )
    changed = live != release or wanted != manifest
    if changed and not context.check:
        with context.record("release.activate", release, {"release": live}):
            if wanted:
                store.write(wanted)
            former = store.manifest(live) if unmet and live and live != release else None
            if former:
                store.write(dataclasses.replace(former, unmet=list(unmet)))
            if live != release:
                store.point_current(release)
    return {
        "changed": changed,
        "release": release,
        "release_path": store.path(release) if release else "",
        "previous": live if live != release else _retention.previous_good(store.facts(), live),
        "live": True,
        "manifest": wanted.to_json() if wanted else {},
        "diff": {"before": _shown(store, live), "after": _shown(store, release)},
    }


def _shown(store: Store, release: str) -> dict[str, str]:
    manifest = store.manifest(release) if release else None
    return {"release": release, "commit": manifest.commit if manifest else ""}


def reject(context: Context, release: str, reason: str) -> dict[str, t.Any]:
    """Mark a release so that it is never taken again; one that is not complete is removed. Raises DeployError for the live one."""
    store = context.store
    live = store.live()
    if release == live:
        raise DeployError(f"release is {release!r}, which is live; activate another one before this one is rejected")
    found = store.manifest(release)
    if found and found.result in ("preparing", "pulled"):
        return remove(context, release)
    manifest = store.require(release)
    wanted = dataclasses.replace(manifest, result="rejected", reason=reason or manifest.reason)
    changed = wanted != manifest
    if changed and not context.check:
        store.write(wanted)
    return {
        "changed": changed,
        "release": release,
        "release_path": store.path(release),
        "previous": _retention.previous_good(store.facts(), live),
        "live": False,
        "manifest": wanted.to_json(),
    }


def remove(context: Context, release: str) -> dict[str, t.Any]:
    """Delete one release. Raises DeployError for the live one and the previous good one."""
    store = context.store
    live = store.live()
    previous = _retention.previous_good(store.facts(), live)
    if release and release == live:
        raise DeployError(f"release is {release!r}, which is live; activate another one before this one is removed")
    if release and release == previous:
        raise DeployError(f"release is {release!r}, the previous good one; it stays for the way back")
    changed = release in store.names()
    if changed and not context.check:
        with context.record("release.remove", release):
            store.remove(release)
    return {
        "changed": changed,
        "release": release,
        "release_path": store.path(release),
        "previous": previous,
        "live": False,
        "removed": [release] if changed else [],
    }


def prune(context: Context, keep: int, in_use: t.Collection[str]) -> dict[str, t.Any]:
    """Delete what need not stay. Raises DeployError."""
    if keep < 1:
        raise DeployError(f"keep is {keep}; at least 1 release stays, the live one")
    store = context.store
    live = store.live()
    facts = store.facts()
    decision = _retention.decide(facts, live, keep, in_use)
    if not context.check:
        for release in decision.remove:
            with context.record("release.remove", release):
                store.remove(release)
        store.sweep()
    return {
        "changed": bool(decision.remove),
        "release": live,
        "release_path": store.path(live) if live else "",
        "previous": _retention.previous_good(facts, live),
        "live": bool(live),
        "kept": decision.keep,
        "removed": decision.remove,
    }


def in_use(journal: Journal, named: t.Iterable[str]) -> set[str]:
    """Releases that the user names, and those of deploys that have not ended."""
    records = journal.read() if journal.path else []
    found = {release for release in named if release}
    for deploy_id in _journal.unfinished(records):
        for record in _journal.of_deploy(records, deploy_id):
            if (
                record.action in ("release.pull", "release.install", "release.prepare", "release.activate")
                and record.event != "failed"
            ):
                found |= {record.subject, str(record.undo.get("release", ""))}
    return found - {""}
