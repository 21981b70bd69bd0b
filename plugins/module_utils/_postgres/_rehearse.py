# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsing a plan on a scratch copy of a PostgreSQL database. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge, Outcome
from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection
from ansible_collections.seamless.deploy.plugins.module_utils._migration import Migration
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _clients, _scratch, _snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._archive import Run
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._clone import Clone
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows, server_version
from ansible_collections.seamless.deploy.plugins.module_utils._rehearsal import Rehearsed
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

_OWNER = "SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database WHERE datname = %s"


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """Where and with what to rehearse. source: the production database, as admin. role: whom the application connects as.

    now: UTC, ISO 8601. alias: Django's name of the database.
    """

    source: DatabaseConnection
    role: str
    bridge: Bridge
    run: Run
    now: str
    client_path: str = ""
    alias: str = "default"

    def production(self) -> Snapshot:
        """The catalog as it is, with its real sizes. Raises DeployError."""
        with connected(self.source, "database_name") as opened:
            return _snapshot.take(opened, self.source.database, self.now)

    def on_schema(self) -> tuple[Rehearsed, dict[str, t.Any]]:
        """Run the plan on a clone without rows; what the bridge answered beside it. Raises DeployError where there can be no clone."""
        with connected(self.source, "database_name") as opened:
            version = server_version(opened)
            role = self.role or rows(opened, _OWNER, (self.source.database,))[0][0]
        client = _clients.choose(_clients.find_clients(self.run, self.client_path), version, self.client_path, False)
        with _scratch.scratch(self.source, self.source.database, role) as (name, superuser):
            target = self.source.to_database(name)
            Clone(self.source, target, client, superuser, role).make(self.run)
            return self._rehearse(target)

    def _rehearse(self, target: DatabaseConnection) -> tuple[Rehearsed, dict[str, t.Any]]:
        catalogs: list[Snapshot] = []

        with connected(target, "database_name") as opened:

            def watch(event: dict[str, t.Any]) -> None:
                catalogs.append(_snapshot.take(opened, target.database, self.now))

            outcome = self.bridge.attempt(
                "apply", watch=watch, about="rehearsal", alias=self.alias, database_name=target.database
            )
        return rehearsed_of(outcome, catalogs), outcome.result


def rehearsed_of(outcome: Outcome, catalogs: list[Snapshot]) -> Rehearsed:
    """Raises DeployError where the plan could not even begin."""
    begun = [event for event in outcome.progress if event["what"] == "begin"]
    told = [event for event in outcome.progress if event["what"] == "evidence"]
    if outcome.error and (not begun or not (told and told[-1]["failure"])):
        raise outcome.error
    return Rehearsed([Migration.from_json(one) for one in begun[0]["plan"]], told, catalogs)
