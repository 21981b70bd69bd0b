# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds all migrations on an empty scratch database, one by one, so that the caller can read each catalog.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import hashlib
import sys
import typing as t

from . import _django_plan, _django_setup
from . import _exceptions as errors
from ._protocol import BridgeError
from ._statements import Count

TABLE = "django_migrations"


def survey(arguments: dict[str, t.Any], answer: t.Any) -> dict[str, t.Any]:
    """The verb `plan` about the replay: the migrations in Django's own order, and what the database has on record."""
    import django

    _django_setup.prepare(arguments, answer, "showmigrations")
    connection = _django_setup.connect(arguments, reading=True)
    loader = _django_plan.new_executor(connection).loader
    settings = connection.settings_dict
    target = {"engine": connection.vendor, "name": str(settings["NAME"]), "user": str(settings.get("USER") or "")}
    return {
        "revisions": _migrations(),
        "recorded": sorted(f"{app}.{name}" for app, name in loader.applied_migrations),
        "versions": {"django": django.get_version()},
        "target": target,
        "table": TABLE,
        "schema": "",
        "env": "",
        "broken": "",
    }


def _migrations() -> list[dict[str, t.Any]]:
    """As an empty database gets them."""
    from django.db.migrations.loader import MigrationLoader

    graph = MigrationLoader(None).graph
    ordered: dict[t.Any, None] = {}
    for leaf in graph.leaf_nodes():
        ordered.update(dict.fromkeys(graph.forwards_plan(leaf)))
    return [
        {
            "id": ".".join(key),
            "parents": sorted(".".join(parent.key) for parent in graph.node_map[key].parents),
            "message": "",
            "sha256": _hash(graph.nodes[key]),
        }
        for key in ordered
    ]


def _hash(migration: t.Any) -> str:
    path = getattr(sys.modules.get(type(migration).__module__), "__file__", "") or ""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def replay(arguments: dict[str, t.Any], answer: t.Any) -> dict[str, t.Any]:
    """The verb `apply` about the replay, on the empty database `database_name`; with the same events as that of Alembic."""
    if not arguments.get("database_name"):
        raise BridgeError("request", "a replay needs database_name, the scratch database")
    _django_setup.prepare({**arguments, "other_databases": "refuse"}, answer, "migrate")
    connection = _django_setup.connect(arguments)
    connection.prepare_database()
    executor = _django_plan.new_executor(connection)
    run = _Replay(answer, int(arguments.get("known") or 0))
    executor.progress_callback = run.progressed
    targets = executor.loader.graph.leaf_nodes()
    steps = executor.migration_plan(targets)
    state = executor._create_project_state(with_applied_migrations=True)
    stopped: dict[str, str] = {}
    with connection.execute_wrapper(run.count):
        run.tell("")
        try:
            executor.migrate(targets, plan=steps, state=state, fake=False)
        except BridgeError:
            raise
        except Exception as exc:
            place = errors.place_of(exc)
            where = f", at {place}" if place else ""
            stopped = {"revision": run.current, "reason": errors.summary(exc) + where}
    return {"table": TABLE, "schema": "", "stopped": stopped}


class _Replay:
    def __init__(self, answer: t.Any, known: int) -> None:
        self._answer, self._known, self._number = answer, known, 0
        self._count = Count(TABLE)
        self.current = ""

    def count(self, execute: t.Any, sql: t.Any, params: t.Any, many: bool, context: t.Any) -> t.Any:
        """An execute_wrapper."""
        self._count.add(str(sql))
        return execute(sql, params, many, context)

    def progressed(self, action: str, migration: t.Any = None, fake: bool = False) -> None:
        """Django tells that a migration begins, and that it is applied, committed and recorded."""
        if migration is None:
            return
        self.current = f"{migration.app_label}.{migration.name}"
        if action == "apply_success":
            self._number += 1
            self.tell(self.current)

    def tell(self, name: str) -> None:
        told = {"number": self._number, "id": name, **self._count.taken()}
        if self._number >= self._known:
            self._answer.ask("replayed", **told)
        else:
            self._answer.progress("replayed", **told)
