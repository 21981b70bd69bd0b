# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of Django's migrations a database really has, whatever is on record: by a replay of all of them. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _look, _proof, _replay
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, atoms
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._detect import own
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._replay_cache import Cache
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge


@dataclasses.dataclass(frozen=True)
class Real:
    """What each migration makes, the catalog as it is, and what is on record."""

    history: History
    catalog: Atoms
    recorded: t.List[str]


def examine(params: t.Dict[str, t.Any], bridge: Bridge, now: str) -> Real:
    """Replay all migrations on a scratch database, and look at the real one. now: UTC, ISO 8601. Raises DeployError."""
    looked = _look.look(
        params, bridge, now, {"alias": params["database"], "database_name": params.get("database_name") or None}
    )
    arguments = {"alias": params["database"]}
    history = _replay.replayed(bridge, looked.place, looked.code, Cache(params.get("cache_path") or ""), arguments)
    catalog, _others = own(history, looked.clean(atoms(looked.place.look())), ())
    return Real(history, catalog, looked.code.recorded)


def history(params: t.Dict[str, t.Any], bridge: Bridge, now: str) -> t.Dict[str, t.Any]:
    """Where the record is not what the catalog shows. Raises DeployError."""
    real = examine(params, bridge, now)
    return {**_proof.state_of(real.history, real.catalog, real.recorded), "stopped": real.history.stopped}


def is_wanted(params: t.Dict[str, t.Any]) -> bool:
    """Whether a policy wants the catalog as proof."""
    return "proven" in (params["fake"], params["fake_initial"])


def prove(params: t.Dict[str, t.Any], bridge: Bridge, plan: t.Dict[str, t.Any], now: str) -> None:
    """Raises DeployError with the differences, where the policies want a proof and the catalog is none."""
    pending = [migration["id"] for migration in plan["plan"] if not migration["backwards"]]
    if not is_wanted(params) or not pending:
        return
    real = examine(params, bridge, now)
    if params["fake"] == "proven":
        _proof.prove_applied(real.history, real.catalog, pending, "fake=proven")
    else:
        _proof.prove_initial(real.history, real.catalog, pending, "fake_initial=proven")
