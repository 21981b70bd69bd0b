# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the code of one application says of its migrations, and where its database is. Target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic import _replay
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._place import Place, PostgresPlace, SqlitePlace
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._spec import connection_from

#: Options that reach the bridge under their own names.
ARGUMENTS = ("config", "app", "database", "database_name")


@dataclasses.dataclass(frozen=True)
class Looked:
    """code: revisions as the files have them. place: the database. arguments: those that the bridge needs for it."""

    code: _replay.Survey
    place: Place
    arguments: t.Dict[str, t.Any]

    def clean(self, found: Atoms) -> Atoms:
        """Without the table of versions."""
        return _replay.own_atoms(found, self.code.versions)


def arguments_of(params: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    return {name: params.get(name) or None for name in ARGUMENTS}


def look(params: t.Dict[str, t.Any], bridge: Bridge, now: str, among: t.Optional[t.Dict[str, t.Any]] = None) -> Looked:
    """The code, and where its database is. among: arguments of another framework than Alembic. Raises DeployError."""
    arguments = among or arguments_of(params)
    told, _progress = bridge.call("plan", about="replay", **arguments)
    name, role = params.get("database_name") or told["target"]["name"], params.get("role") or told["target"]["user"]
    place: Place
    if told["target"]["engine"] == "sqlite":
        place = SqlitePlace(name, now)
    else:
        source = connection_from(params, "admin").to_database(name)
        place = PostgresPlace(source, role, now, params.get("scratch_database") or "")
    return Looked(_replay.survey_of(told), place, arguments)
