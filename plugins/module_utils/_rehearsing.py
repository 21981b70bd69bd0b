# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal as far as it can be had, and the release that it is judged against. Target; PRIVATE to the collection."""

from __future__ import annotations

import concurrent.futures
import functools
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils import _rehearsal, _round_trip, _strategy
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._migration import Migration, Verdict
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._limits import DataLimits
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._rehearse import Rehearsal
from ansible_collections.seamless.deploy.plugins.module_utils._release._store import Store
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _standing
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite._rehearse import SqliteRehearsal

Place = t.Union[Rehearsal, SqliteRehearsal]
Told = t.Tuple[_rehearsal.Rehearsed, t.Dict[str, t.Any]]


def rehearsal_spec() -> dict[str, t.Any]:
    """Options of the fragment `_rehearsal`."""
    return {
        "rehearsal": {"type": "str", "choices": ["schema", "data", "none"], "default": "schema"},
        "backup": {"type": "path"},
        "data_seconds": {"type": "int", "default": 600},
        "data_bytes": {"type": "int", "default": 10 * 1024**3},
        "scratch_database": {"type": "str"},
        "round_trip": {"type": "bool", "default": False},
        "one_transaction": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "journal": {"type": "path"},
        "deploy_id": {"type": "str"},
    }


def live_release(
    path: t.Optional[str], drivers: dict[str, str], declared: _rehearsal.Declared
) -> tuple[t.Optional[Demands], list[str]]:
    """What the live release demands, and what it was deployed without; None where none is live. Raises DeployError."""
    store = Store(path) if path else None
    live = store.live() if store else ""
    manifest = store.manifest(live) if store and live else None
    if not live:
        return None, []
    demands = _rehearsal.demands_of(live, manifest.demands if manifest else {}, drivers, declared)
    return demands, manifest.held_back if manifest else []


def rehearse(place: Place, params: dict[str, t.Any], begun: t.Callable[[], t.Any]) -> Told:
    """With the options of migration_rehearse: on a scratch copy, or the plan alone where there can be none. Raises DeployError.

    begun: called when there is room for something else beside it.
    """
    without = "rehearsal is none"
    if params["rehearsal"] != "none":
        try:
            schema = sound(place.on_schema(begun))
            if params["rehearsal"] == "schema":
                return schema
            limits = DataLimits(params["data_seconds"], params["data_bytes"])
            return sound(place.on_data(params["backup"], limits, schema[0].catalogs))
        except DeployError as exc:
            if exc.result.get("kind"):
                raise
            without = exc.msg
    begun()
    plan, _progress = place.bridge.call("plan", alias=place.alias)
    described, _progress = place.bridge.call("describe", alias=place.alias)
    migrations = [Migration.from_json(one) for one in plan["plan"]]
    return _rehearsal.Rehearsed(migrations, without=without), described


def sound(told: Told) -> Told:
    """Unless a migration would fail in production too: then DeployError."""
    broken = _rehearsal.broken(told[0])
    if broken:
        raise DeployError(f"{broken}. Nothing was touched; correct the migration, then deploy again", kind="broken")
    return told


class Whole(t.NamedTuple):
    """one_transaction: one holds the plan, and nothing more is needed to come back from it. undo_proven: since it can be taken back."""

    one_transaction: bool = False
    undo_proven: bool = False


def in_one_transaction(place: Place, found: t.Sequence[Verdict], rehearsed: _rehearsal.Rehearsed) -> Whole:
    """Whether one transaction holds the plan, as seen on another copy, and what brings the old release back after it.

    A failure before its end is a ROLLBACK. After it the old release works, or the plan, which only adds, is taken back, as seen there
    too. What changes rows is not proven without them.
    """
    keeps = _strategy.keeps_old(found)
    fit = all(one.atomic and not one.data for one in rehearsed.plan) and (keeps or _rehearsal.only_adds(rehearsed))
    if not fit or not isinstance(place, Rehearsal):
        return Whole()
    try:
        held = not place.why_not_in_one_transaction(None if keeps else rehearsed)
    except DeployError:  # a server that makes no second copy proves nothing
        held = False
    return Whole(held, held and not keeps)


def judged(place: Place, params: dict[str, t.Any]) -> dict[str, t.Any]:
    """What migration_rehearse returns: evidence, verdicts and how the plan may run. Raises DeployError."""
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
        reading = functools.lru_cache(maxsize=None)(lambda: beside.submit(place.production))
        rehearsed, answer = rehearse(place, params, reading)
        production = reading().result()
    drivers = answer.get("drivers") or {}
    declared = _rehearsal.Declared(params["raw"], params["deletes"])
    new = _rehearsal.demands_of(params["release"], answer.get("demands") or {}, drivers, declared)
    old, held = live_release(params["path"], drivers, declared)
    found = _rehearsal.verdicts(rehearsed, production, old or new, new)
    escalate = _rehearsal.wants_rows(rehearsed)
    given = _strategy.Circumstances(
        "auto" if escalate and not params["final"] and params["strategy"] == "online" else params["strategy"],
        old is not None,
        answer.get("demands_all") or "",
        held if params["contract"] == "manual" else [],
    )
    decision = _strategy.decide(rehearsed.plan, found, given)
    stops = params["one_transaction"] and decision.strategy == "maintenance"
    on_schema = rehearsed.kind == "schema" and not rehearsed.without
    whole = in_one_transaction(place, found, rehearsed) if stops and on_schema else Whole()
    returned: list[_round_trip.Returned] = answer.get("round_trip") or []
    seconds = [event["seconds"] for event in rehearsed.told]
    return {
        "strategy": decision.strategy,
        "now": decision.now,
        "later": decision.later,
        "statements": _rehearsal.statements(rehearsed),
        "data": answer.get("data") or {},
        "sandbox": answer.get("sandbox") or "none",
        "bytes": production.bytes,
        "escalate": escalate,
        "unmet": _standing.standing(old, production).unmet if old else [],
        **whole._asdict(),
        "reasons": decision.reasons,
        "rehearsal": "none" if rehearsed.without else rehearsed.kind,
        "verdicts": [verdict.to_json() for verdict in found],
        "seconds": seconds,
        "round_trip": [one.to_json() for one in returned],
        "table": [
            *_strategy.table(found, seconds + [0.0] * (len(found) - len(seconds)), decision),
            *_round_trip.lines(returned),
        ],
    }
