# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Django would migrate: targets, ordered plan, SQL beforehand, heads. Reads only.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import re
import typing as t

from .. import _migration
from . import _django_select, _django_setup
from . import _exceptions as errors
from ._protocol import BridgeError

_QUIET_SQL = re.compile(
    r"^\s*(ALTER|CREATE|DROP|COMMENT|GRANT|REVOKE|SET|RESET|LOCK|ANALYZE|VACUUM|REINDEX|REFRESH|BEGIN|COMMIT)\b", re.I
)


def plan(arguments: dict[str, t.Any], answer: t.Any) -> dict[str, t.Any]:
    """The verb `plan`."""
    _django_setup.prepare(arguments, answer, "showmigrations")
    connection = _django_setup.connect(arguments, reading=True)
    return of_database(new_executor(connection), arguments)


def of_database(executor: t.Any, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
    """The same of a project that is up and connected. Raises BridgeError."""
    check_history(executor)
    choice = _django_select.choose(executor, arguments)
    steps = choice.steps
    described = describe_plan(executor, steps, with_sql=bool(arguments.get("with_sql")))
    return {
        "plan": [migration.to_json() for migration in described],
        "before": heads(executor.loader),
        "after": heads_after(executor.loader, steps),
        "pending": pending(executor),
        "held_back": choice.held_back,
        "model_changes": model_changes(executor),
        "missing": missing_on_disk(executor.loader),
        "synced": unsynced(executor, arguments),
    }


def new_executor(connection: t.Any, kind: t.Any = None) -> t.Any:
    """A MigrationExecutor, or a subclass, over the files and the records of now."""
    from django.db.migrations.exceptions import BadMigrationError, NodeNotFoundError
    from django.db.migrations.executor import MigrationExecutor

    try:
        return (kind or MigrationExecutor)(connection)
    except (BadMigrationError, NodeNotFoundError) as exc:
        raise BridgeError("migrations", f"the migration files do not fit together: {errors.summary(exc)}") from None
    except (ImportError, SyntaxError, AttributeError, NameError) as exc:
        place = errors.place_of(exc)
        message = f"a migration file cannot be loaded: {errors.summary(exc)}{', at ' + place if place else ''}"
        raise BridgeError("migrations", message) from None


def check_history(executor: t.Any) -> None:
    """Refuse what Django's migrate refuses: inconsistent history and conflicting leaves."""
    from django.db.migrations.exceptions import InconsistentMigrationHistory

    try:
        executor.loader.check_consistent_history(executor.connection)
    except InconsistentMigrationHistory as exc:
        raise BridgeError(
            "inconsistent",
            f"the history in the database is inconsistent: {exc} Record the missing one with app, name and "
            "fake=record when its effect is there, or restore the database",
        ) from None
    conflicts = executor.loader.detect_conflicts()
    if conflicts:
        found = "; ".join(f"{', '.join(sorted(names))} in {app}" for app, names in sorted(conflicts.items()))
        raise BridgeError(
            "conflicts",
            f"migrations conflict, they have more than one last migration: {found}. "
            "Run `manage.py makemigrations --merge` in development and commit the result",
            conflicts={app: sorted(names) for app, names in conflicts.items()},
        )


def describe_plan(executor: t.Any, steps: t.Any, with_sql: bool = False) -> list[_migration.Migration]:
    """Each step as the contract has it; SQL is asked for with the state carried from step to step."""
    texts = _collect_sql(executor, steps) if with_sql else {}
    graph = executor.loader.graph
    return [
        describe_migration(migration, backwards, executor.connection, texts.get(str(migration), []), graph)
        for migration, backwards in steps
    ]


def describe_migration(
    migration: t.Any, backwards: bool, connection: t.Any, sql: list[str], graph: t.Any
) -> _migration.Migration:
    # The graph and not `dependencies`: it has resolved run_before, __first__ and what squashed migrations replace.
    node = graph.node_map.get((migration.app_label, migration.name))
    return _migration.Migration(
        id=f"{migration.app_label}.{migration.name}",
        label=migration.app_label,
        name=migration.name,
        backwards=bool(backwards),
        atomic=bool(migration.atomic and connection.features.can_rollback_ddl),
        reversible=all(operation.reversible for operation in migration.operations),
        data=any(is_data(operation) for operation in migration.operations),
        operations=[operation.describe() for operation in migration.operations],
        sql=sql,
        dependencies=sorted(f"{parent.key[0]}.{parent.key[1]}" for parent in node.parents) if node else [],
    )


def is_data(operation: t.Any) -> bool:
    """Whether an operation runs code or DML whose effect its text does not show. Own operations count as such."""
    kind = type(operation).__name__
    if kind == "SeparateDatabaseAndState":
        return any(is_data(inner) for inner in operation.database_operations)
    if kind == "RunPython":
        return getattr(operation.code, "__name__", "") != "noop"
    if kind == "RunSQL":
        return any(not _QUIET_SQL.match(text) for text in _statements(operation.sql))
    return not type(operation).__module__.startswith("django.")


def _statements(sql: t.Any) -> list[str]:
    if isinstance(sql, (list, tuple)):
        return [text for part in sql for text in _statements(part[0] if isinstance(part, (list, tuple)) else part)]
    without_comments = re.sub(r"--[^\n]*|/\*.*?\*/", " ", str(sql or ""), flags=re.DOTALL)
    return [text for text in without_comments.split(";") if text.strip()]


def _collect_sql(executor: t.Any, steps: t.Any) -> dict[str, list[str]]:
    """Migration -> statements. What only shows when it runs is said in an SQL comment."""
    connection, texts = executor.connection, {}
    state = executor._create_project_state(with_applied_migrations=True)
    state.apps  # noqa: B018 - rendered once, then carried: a state without its models makes all of them for each migration
    passed: list[t.Any] = []
    for migration, backwards in steps:
        try:
            with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
                if backwards:
                    before = executor.loader.project_state((migration.app_label, migration.name), at_end=False)
                    migration.unapply(before, editor, collect_sql=True)
                else:
                    state = migration.apply(state, editor, collect_sql=True)
            texts[str(migration)] = [str(line) for line in editor.collected_sql]
        except Exception as exc:  # an operation that looks at what an earlier pending one would have made
            texts[str(migration)] = [f"-- not known before it runs: {errors.summary(exc)}"]
            _django_setup.restart_read_only(connection)
            if not backwards:
                state = _state_after(executor, [*passed, migration])
        if not backwards:
            passed.append(migration)
    return texts


def _state_after(executor: t.Any, migrations: list[t.Any]) -> t.Any:
    """Made anew, where a migration has failed between its operations."""
    state = executor._create_project_state(with_applied_migrations=True)
    for migration in migrations:
        state = migration.mutate_state(state, preserve=False)
    state.apps  # noqa: B018
    return state


def heads(loader: t.Any) -> dict[str, str]:
    """App -> its last applied migration, "zero" when none is."""
    return _heads(loader, set(loader.applied_migrations))


def heads_after(loader: t.Any, steps: t.Any) -> dict[str, str]:
    """The heads that a plan leads to."""
    applied = set(loader.applied_migrations)
    for migration, backwards in steps:
        keys = {(migration.app_label, migration.name)}
        applied = applied - keys if backwards else applied | keys
    return _heads(loader, applied)


def _heads(loader: t.Any, applied: set[tuple[str, str]]) -> dict[str, str]:
    found = dict.fromkeys(sorted(loader.migrated_apps), "zero")
    for app in found:
        own = sorted(key for key in loader.graph.nodes if key[0] == app and key in applied)
        last = [key for key in own if not any(child.key in own for child in loader.graph.node_map[key].children)]
        if last:
            found[app] = last[-1][1]
    return found


def pending(executor: t.Any) -> list[str]:
    """Everything that Django's migrate without a target would apply."""
    steps = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in steps]


def model_changes(executor: t.Any) -> dict[str, list[str]]:
    """App -> what its models have and its migrations do not, in Django's words."""
    from django.apps import apps
    from django.core.management.commands.migrate import Command
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.state import ProjectState

    kind = getattr(Command, "autodetector", MigrationAutodetector)
    changes = kind(executor.loader.project_state(), ProjectState.from_apps(apps)).changes(graph=executor.loader.graph)
    return {
        app: [operation.describe() for migration in migrations for operation in migration.operations]
        for app, migrations in sorted(changes.items())
    }


def missing_on_disk(loader: t.Any) -> list[str]:
    """Migrations that the database has and the code of their app does not: another, often newer, release made them."""
    replaced = {tuple(key) for migration in loader.disk_migrations.values() for key in migration.replaces}
    gone = set(loader.applied_migrations) - set(loader.disk_migrations) - replaced
    return sorted(f"{app}.{name}" for app, name in gone if app in loader.migrated_apps)


def unsynced(executor: t.Any, arguments: dict[str, t.Any]) -> list[str]:
    """Tables that run_syncdb would make."""
    from django.apps import apps
    from django.db import router

    if not arguments.get("run_syncdb"):
        return []
    labels = [arguments["app"]] if arguments.get("app") else sorted(executor.loader.unmigrated_apps)
    connection = executor.connection
    models = [
        model
        for label in labels
        for model in router.get_migratable_models(
            apps.get_app_config(label), connection.alias, include_auto_created=False
        )
    ]
    tables = {model._meta.db_table for model in models if model._meta.can_migrate(connection)}
    return sorted(tables - set(connection.introspection.table_names()))
