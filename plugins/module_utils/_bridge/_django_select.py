# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the pending migrations are meant: all, those of one app, or those that are named. Reads only.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import typing as t

from ._backwards import newest_first
from ._protocol import BridgeError
from ._whole import refuse_unfit


class Choice(t.NamedTuple):
    """What is to run, in order, and the ids of what is pending and was left out by the option `migrations`."""

    targets: t.List[t.Tuple[str, t.Optional[str]]]
    steps: t.List[t.Tuple[t.Any, bool]]
    held_back: t.List[str]


def choose(executor: t.Any, arguments: dict[str, t.Any]) -> Choice:
    """The steps that the arguments ask for. Raises BridgeError."""
    choice = _choose(executor, arguments)
    if arguments.get("one_transaction"):
        alone = [migration_id(migration) for migration, _backwards in choice.steps if not migration.atomic]
        refuse_unfit(executor.connection.vendor, alone, "atomic = False")
    return choice


def _choose(executor: t.Any, arguments: dict[str, t.Any]) -> Choice:
    targets = targets_of(executor, arguments)
    wanted = set(arguments.get("migrations") or [])
    if arguments.get("backwards"):
        return Choice(targets, _back(executor.loader, wanted), [])
    steps = executor.migration_plan(targets)
    if not wanted:
        return Choice(targets, steps, [])
    pending = {migration_id(migration): migration for migration, _backwards in steps}
    for name in sorted(wanted - set(pending)):
        _refuse_unknown(executor.loader, name, set(pending))
    _refuse_open(executor.loader, set(pending), wanted)
    kept = [step for step in steps if migration_id(step[0]) in wanted]
    return Choice(targets, kept, [name for name in pending if name not in wanted])


def _back(loader: t.Any, wanted: set[str]) -> list[tuple[t.Any, bool]]:
    """What is named and applied, to be taken back. What is not applied needs nothing."""
    nodes = {key: node for key, node in loader.graph.node_map.items() if key in loader.applied_migrations}
    for name in sorted(wanted):
        if tuple(name.split(".", 1)) not in loader.disk_migrations:
            raise BridgeError(
                "choice", f"`migrations` names {name!r}, and there is no such migration; name it as app.name"
            )
    parents = {".".join(key): [".".join(parent.key) for parent in node.parents] for key, node in nodes.items()}
    return [(loader.graph.nodes[tuple(name.split(".", 1))], True) for name in newest_first(wanted, parents)]


def migration_id(migration: t.Any) -> str:
    return f"{migration.app_label}.{migration.name}"


def _refuse_unknown(loader: t.Any, name: str, pending: set[str]) -> None:
    """What is not pending must be applied already, or nobody knows what was meant."""
    key = tuple(name.split(".", 1))
    if key in loader.applied_migrations:
        return
    if key not in loader.disk_migrations:
        raise BridgeError("choice", f"`migrations` names {name!r}, and there is no such migration; name it as app.name")
    replaced = [".".join(each) for each in loader.disk_migrations[key].replaces if ".".join(each) in pending]
    squashed = [migration_id(each) for each in loader.replacements.values() if key in map(tuple, each.replaces)]
    instead = ", ".join(replaced or squashed) or "what is pending"
    raise BridgeError(
        "choice", f"`migrations` names {name!r}, in place of which {instead} would run on this database; name that"
    )


def _refuse_open(loader: t.Any, pending: set[str], wanted: set[str]) -> None:
    """A migration cannot run before what it depends on."""
    for name in sorted(wanted & pending):
        parents = loader.graph.node_map[tuple(name.split(".", 1))].parents
        for needed in sorted(".".join(parent.key) for parent in parents):
            if needed in pending and needed not in wanted:
                raise BridgeError(
                    "choice",
                    f"`migrations` names {name!r}, which depends on {needed!r}, and that is pending and not named; "
                    "name both or neither",
                )


def targets_of(executor: t.Any, arguments: dict[str, t.Any]) -> list[tuple[str, t.Optional[str]]]:
    """Where the plan leads: all leaves, those of one app, one migration by prefix, or zero."""
    app, name = arguments.get("app"), arguments.get("name")
    loader = executor.loader
    if not app:
        return list(loader.graph.leaf_nodes())
    _check_app(loader, app, bool(arguments.get("run_syncdb")))
    if not name:
        return [key for key in loader.graph.leaf_nodes() if key[0] == app]
    return [(app, None)] if name == "zero" else [_by_prefix(loader, app, name)]


def _check_app(loader: t.Any, app: str, run_syncdb: bool) -> None:
    from django.apps import apps

    if app not in {config.label for config in apps.get_app_configs()}:
        raise BridgeError("target", f"`app` is {app!r}, and the project has no such app label in INSTALLED_APPS")
    if run_syncdb and app in loader.migrated_apps:
        raise BridgeError("target", f"`app` {app!r} has migrations, so `run_syncdb` cannot be used with it")
    if not run_syncdb and app not in loader.migrated_apps:
        raise BridgeError("target", f"`app` {app!r} has no migrations; leave it out or set `run_syncdb`")


def _by_prefix(loader: t.Any, app: str, name: str) -> tuple[str, t.Optional[str]]:
    from django.db.migrations.exceptions import AmbiguityError

    try:
        key = (app, loader.get_migration_by_prefix(app, name).name)
    except AmbiguityError:
        raise BridgeError("target", f"`name` {name!r} is the beginning of more than one migration of {app!r}") from None
    except KeyError:
        known = sorted(found for label, found in loader.disk_migrations if label == app)
        raise BridgeError(
            "target", f"`name` {name!r} fits no migration of {app!r}; it has {', '.join(known)}"
        ) from None
    if key not in loader.graph.nodes and key in loader.replacements:
        return tuple(loader.replacements[key].replaces[-1])  # a partly applied squash is not in the graph
    return key
