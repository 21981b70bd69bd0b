# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revisions that are put on record without being run, where the catalog proves it. Target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _look, _proof, _replay
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, atoms
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._detect import own
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._replay_cache import Cache
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge

POLICY = "stamp=proven"


class Stamping:
    """Of one run. now: UTC, ISO 8601."""

    def __init__(self, params: t.Dict[str, t.Any], bridge: Bridge, now: str) -> None:
        self._params, self._bridge, self._now = params, bridge, now
        self._seen: t.Optional[t.Tuple[History, Atoms]] = None
        self.is_wanted = params["stamp"] == "proven"

    def require(self, plan: t.Dict[str, t.Any]) -> None:
        """Raises DeployError with the differences, where a proof is wanted and the catalog is none for this plan."""
        if not self.is_wanted or not plan["plan"]:
            return
        history, catalog = self._seen = self._seen or self._examined()
        forth, back = (
            [one["id"] for one in plan["plan"] if one["backwards"] is backwards] for backwards in (False, True)
        )
        _proof.prove_applied(history, catalog, forth, POLICY)
        _proof.prove_absent(history, catalog, back, POLICY)

    def _examined(self) -> t.Tuple[History, Atoms]:
        """What each revision makes, and the real catalog."""
        looked = _look.look(self._params, self._bridge, self._now)
        _replay.require_chain(looked.code)
        arguments = {name: value for name, value in looked.arguments.items() if name != "database_name"}
        cache = Cache(self._params.get("cache_path") or "")
        history = _replay.replayed(self._bridge, looked.place, looked.code, cache, arguments)
        catalog, _others = own(history, looked.clean(atoms(looked.place.look())), ())
        return history, catalog
