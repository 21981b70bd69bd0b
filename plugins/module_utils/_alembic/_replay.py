# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the chain of an application on a scratch database, and reads the catalog after each revision. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import (
    Atoms,
    Reader,
    bare,
    changes,
    without,
)
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History, Step
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._place import Place
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._replay_cache import Cache, keys
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge, Outcome
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

Event = t.Dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Survey:
    """What the files say: revisions in order, each with id, parents and sha256. versions: tables that record what was applied.

    schema: of these tables, "" for the usual one. recorded: what they say. surroundings: what else decides what a revision makes.
    """

    revisions: t.List[t.Dict[str, t.Any]]
    recorded: t.List[str]
    versions: t.List[str]
    surroundings: t.List[str]
    broken: str = ""
    schema: str = ""


def survey_of(told: t.Dict[str, t.Any]) -> Survey:
    """From the answer of the bridge."""
    surroundings = [told["env"], *(f"{name} {version}" for name, version in sorted(told["versions"].items()))]
    return Survey(
        told["revisions"],
        told.get("recorded") or [],
        [told["table"]] if told.get("table") else [],
        surroundings,
        told["broken"],
        told.get("schema") or "",
    )


def own_atoms(snapshot_atoms: Atoms, versions: t.Sequence[str]) -> Atoms:
    """Without the tables that record what was applied."""
    gone = {path for path in snapshot_atoms if path[0] in ("table", "sequence") and bare(path[2]) in versions}
    return without(snapshot_atoms, {("relation", "", path[2]) for path in gone} | gone)


def replayed(bridge: Bridge, place: Place, survey: Survey, cache: Cache, arguments: t.Dict[str, t.Any]) -> History:
    """What each revision makes, as far as they can be replayed. Raises DeployError where not even the first could begin."""
    own = keys(survey.revisions, [*survey.surroundings, *place.surroundings()])
    known, _versions = cache.longest(own)
    if known and len(known.steps) == len(own):
        return known
    history = _Replay(bridge, place, survey, arguments).run(known)
    if history is None:  # what is kept is not what the server makes now
        history = t.cast(History, _Replay(bridge, place, survey, arguments).run(None))
    cache.keep(own[: len(history.steps)], history, survey.versions)
    return history


class _Replay:
    """One run on a scratch database."""

    def __init__(self, bridge: Bridge, place: Place, survey: Survey, arguments: t.Dict[str, t.Any]) -> None:
        self._bridge, self._place, self._survey, self._arguments = bridge, place, survey, arguments
        self._reader = Reader()
        self._parents = {revision["id"]: revision["parents"] for revision in survey.revisions}

    def run(self, known: t.Optional[History]) -> t.Optional[History]:
        """None where the beginning is not as it was. Raises DeployError."""
        history, outcome = self._once(known, furnished=False)
        if history is not None and history.stopped and not outcome.error and self._place.can_furnish():
            further, again = self._once(known, furnished=True)
            if further is not None and len(further.steps) > len(history.steps):
                history, outcome = further, again
        if outcome.error:
            raise outcome.error
        return history

    def _once(self, known: t.Optional[History], furnished: bool) -> t.Tuple[t.Optional[History], Outcome]:
        """furnished: with the extensions and schemas of the real database, which somebody may have made beforehand."""
        count = len(known.steps) if known else 0
        states: t.List[t.Tuple[Event, t.Optional[Atoms]]] = []
        with self._place.scratch(furnished) as (name, take):

            def watch(event: Event) -> None:
                states.append((event, self._atoms(take())))

            more = {**self._arguments, "database_name": name, "known": count}
            outcome = self._bridge.attempt("apply", watch=watch, about="replay", **more)
        if outcome.error and not states:
            return None if known else History({}, []), outcome
        base = t.cast(Atoms, states[0][1])
        if known and known.state(frozenset(range(count))) != base:
            return None, outcome._replace(error=None)
        steps = list(known.steps) if known else []
        before = base
        for event, after in states[1:]:
            after = t.cast(Atoms, after)
            parents = self._parents.get(event["id"], [])
            steps.append(Step(event["id"], parents, changes(before, after), event["statements"], event["writes"]))
            before = after
        stopped = outcome.result.get("stopped") or {}
        reason = (
            f"revision {stopped['revision']} cannot be replayed on an empty database: {stopped['reason']}"
            if stopped
            else ""
        )
        return History(known.base if known else base, steps, reason), outcome

    def _atoms(self, snapshot: Snapshot) -> Atoms:
        return own_atoms(self._reader.read(snapshot), self._survey.versions)


def require_chain(survey: Survey) -> None:
    """Raises DeployError where Alembic cannot load the chain."""
    if survey.broken:
        raise DeployError(
            f"the chain of revisions cannot be loaded: {survey.broken}; alembic_info names what is wrong, and "
            "alembic_repair with action=reparent points a revision at its parent",
            kind="broken_chain",
        )
