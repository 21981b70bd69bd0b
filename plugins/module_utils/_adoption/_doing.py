# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An adoption from the survey to the manifest, journaled; and its way back. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import os
import pwd
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._adoption import _plan, _survey, _taking
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._survey import Survey
from ansible_collections.seamless.deploy.plugins.module_utils._adoption._taking import Taking
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store

Run = t.Callable[..., t.Any]


def owner_of(survey: Survey) -> tuple[str, int, int]:
    """Whose the releases are: name, user, group. Raises DeployError."""
    name = survey.wishes.user or survey.found.unit.user
    try:
        facts = pwd.getpwnam(name)
    except KeyError as exc:
        raise DeployError(f"deploy_user is {name}, and this host has no user of that name") from exc
    return name, facts.pw_uid, facts.pw_gid


def take(
    params: t.Mapping[str, t.Any], survey: Survey, run: Run, now: datetime.datetime, journal: Journal, check: bool
) -> dict[str, t.Any]:
    """Take it over. Raises DeployError; what was begun then is finished by the next run, or let go."""
    decided, result = survey.decided, survey.result()
    if decided.way == "refused":
        stops = [str(each) for each in _plan.stops(decided.findings, survey.wishes)]
        raise DeployError(f"nothing was changed. {' '.join(stops)}", findings=result["findings"], plan=result["plan"])
    changed = {name: result[name] for name in ("way", "release", "shared", "units", "plan")}
    changed["writable"] = []
    changed.update(changed=True, diff=_diff(survey))
    if not check:
        if os.geteuid():
            raise DeployError(
                "an installation is taken over as root: its unit, nginx and its files belong to several users"
            )
        made, told = _do(params, survey, run, now, journal)
        changed["shared"], changed["plan"] = made, [*result["plan"], *told]
        changed["writable"] = [
            decided.shared[path] for path in made if made[path] == "linked" and os.path.isdir(decided.shared[path])
        ]
    return changed


def _do(
    params: t.Mapping[str, t.Any], survey: Survey, run: Run, now: datetime.datetime, journal: Journal
) -> tuple[dict[str, str], list[str]]:
    store, decided, found = survey.store, survey.decided, survey.found
    user, *owner = owner_of(survey)
    ids = (owner[0], owner[1])
    taking = Taking(run, store, survey.wishes.names, survey.health, decided.way == "online")
    stamp = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    manifest = _taking.new_manifest(found, survey.release, stamp, params["who"])

    def record(action: str) -> t.ContextManager[dict[str, t.Any]]:
        # Nothing to undo by itself: each state between two of these serves as before, and the next run goes on from it.
        return journal.step(params["deploy_id"] or "", "start", f"adoption.{action}", survey.release)

    taking.make_layout(ids)
    with record("release"):
        taking.make_release(found, decided, manifest, survey.environment, ids)
    with record("share"):
        made = taking.share(decided, params["shared_folders"] == "moved" and not found.unit.sandboxed, ids)
    with record("lead"):
        taking.lead(found, decided, user, survey.web.group)
    with record("web_server"):
        taking.rewriting.do(decided.edits)
    if decided.way == "stop":
        with record("port"):
            taking.take_port(found, decided)
    with record("activate"):
        units = list(decided.records)
        good = dataclasses.replace(
            manifest, units=units, shared=sorted(decided.shared), result="good", activated_at=stamp
        )
        store.write(good)
        _taking.own_manifest(store, survey.release, ids)
        store.point_current(survey.release)
    return made, taking.told


def _diff(survey: Survey) -> dict[str, str]:
    edits = survey.decided.edits
    return {
        "before": "".join(f"{edit.file}:{edit.line}: {edit.before}\n" for edit in edits),
        "after": "".join(f"{edit.file}:{edit.line}: {edit.after}\n" for edit in edits),
    }


def let_go(params: t.Mapping[str, t.Any], run: Run, store: Store, journal: Journal, check: bool) -> dict[str, t.Any]:
    """Let an adopted installation go again, while no deploy has followed. Raises DeployError."""
    taking = Taking(run, store, _survey.names_of(params), _survey.health_of(params))
    release = str(taking.memory.get("release", ""))
    if store.live() not in ("", release):
        raise DeployError(
            f"release {store.live()} is live and was deployed after the adoption: go back with rollback.yml "
            f"(-e rollback_to={release}) first, or leave it"
        )
    begun = bool(release or taking.memory["files"] or taking.memory["shared"])
    if begun and not check:
        with journal.step(params["deploy_id"] or "", "start", "adoption.let_go", release):
            taking.let_go()
    told = [f"Let go: {release or 'nothing was adopted'}; nginx leads to the installation itself"]
    return {"changed": begun, "way": "", "release": "", "plan": told}
