# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts one base in the place of old revisions, after both chains were built and compared. Developer's machine; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic import (
    _ddl,
    _ddl_sqlite,
    _files,
    _look,
    _repair_files,
    _replay,
)
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import differences
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._replay_cache import Cache
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._command import _prune
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._files import write_file
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _diff_text

Told = t.Dict[str, t.Any]


def prune(params: Told, bridge: Bridge, revision: str, accept_rows: bool, dry_run: bool, now: float) -> Told:
    """What was done, or would be. Raises DeployError where the new base does not build the same."""
    _repair_files.refuse_release(params["chdir"])
    project = _files.read_project(params["chdir"], params["config"] or "")
    stops = [each for each in project.findings if each.level == "stop" and each.kind != "several_heads"]
    if stops:
        raise DeployError(f"nothing was pruned: {stops[0]}")
    pruning = _prune.choose(project.chain, revision)
    if len(pruning.pruned) < 2:
        return {
            "changed": False,
            "revision": pruning.revision,
            "pruned": list(pruning.pruned),
            "path": "",
            "statements": [],
        }
    looked = _look.look(params, bridge, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)))
    history = _replayed(bridge, looked, looked.code, params)
    chosen = history.up_to([pruning.revision]) or frozenset()
    _prune.refuse_rows(history, chosen, accept_rows)
    create = _ddl_sqlite.create if looked.place.dialect == "sqlite" else _ddl.create
    statements, refused = create(history.state(chosen), history.base)
    if refused:
        raise DeployError(f"nothing was pruned: a base made of a catalog cannot make {', '.join(refused)}")
    paths = [project.chain.revisions[each].path for each in pruning.pruned]
    folder = os.path.dirname(project.chain.revisions[pruning.revision].path)
    path = os.path.join(folder, f"{pruning.revision}_base.py")
    text = _prune.text_of(pruning, looked.place.dialect, statements)
    _prove(params, bridge, looked, history, pruning.revision, paths, path, text)
    done = {
        "changed": True,
        "revision": pruning.revision,
        "pruned": list(pruning.pruned),
        "path": path,
        "statements": statements,
    }
    kept = [] if dry_run else _exchange(params, paths, path, text, now)
    return {**done, "removed": paths, "copies": kept}


def _replayed(bridge: Bridge, looked: _look.Looked, survey: _replay.Survey, params: Told) -> History:
    _replay.require_chain(survey)
    arguments = {name: value for name, value in looked.arguments.items() if name != "database_name"}
    history = _replay.replayed(bridge, looked.place, survey, Cache(params["cache_path"] or ""), arguments)
    if history.stopped:
        raise DeployError(f"nothing was pruned: {history.stopped}")
    return history


def _prove(
    params: Told,
    bridge: Bridge,
    looked: _look.Looked,
    before: History,
    revision: str,
    paths: t.List[str],
    path: str,
    text: str,
) -> None:
    """Build the new chain in a copy of the project. Raises DeployError where its catalogs are others."""
    with _repair_files.copy_of(params["chdir"]) as copied:
        for each in paths:
            os.unlink(os.path.join(copied, each))
        write_file(os.path.join(copied, path), text, 0o644)
        elsewhere = bridge.elsewhere(copied)
        told, _progress = elsewhere.call("plan", about="replay", files_only=True, **looked.arguments)
        survey = dataclasses.replace(_replay.survey_of(told), versions=looked.code.versions)
        after = _replayed(elsewhere, looked, survey, {**params, "cache_path": ""})
    for what, heads in ((f"after {revision}", [revision]), ("after all revisions", None)):
        states = [_state(history, heads) for history in (before, after)]
        found = differences(*states)
        if found:
            raise DeployError(
                f"nothing was pruned: {what} the new base does not build the same catalog", text=_diff_text.text(found)
            )


def _state(history: History, heads: t.Optional[t.List[str]]) -> t.Any:
    chosen = history.up_to(heads) if heads else frozenset(range(len(history.steps)))
    return history.state(chosen or frozenset())


def _exchange(params: Told, paths: t.List[str], path: str, text: str, now: float) -> t.List[str]:
    """The copies of the files that went. The base is there before they go: a run that is cut off is seen by its double id."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    kept = [
        _repair_files.keep_copy(os.path.join(params["chdir"], each), params["backup_dest"], stamp) for each in paths
    ]
    write_file(os.path.join(params["chdir"], path), text, 0o644)
    for each in paths:
        if each != path:
            os.unlink(os.path.join(params["chdir"], each))
    return kept


def lines(done: Told, dry_run: bool) -> t.List[str]:
    """As people read it."""
    if not done["changed"]:
        return [f"Nothing to prune: {done['revision']} is the base already."]
    verb = "Would prune" if dry_run else "Pruned"
    text = [f"{verb} {len(done['pruned'])} revisions up to {done['revision']} into {done['path']}"]
    text.append("Proven:    the same catalog at that revision, and at the end of the chain")
    text += [f"    {statement};" for statement in done["statements"]] if dry_run else []
    text += [f"Copies:    {os.path.dirname(done['copies'][0])}"] if done["copies"] else []
    return [*text, f"Upgrade databases that are before {done['revision']} with the former files first."]
