# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrates: all that Django's migrate does, each migration observed, limited in its waiting and tried again.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import typing as t

from . import _django_check, _django_plan, _django_select, _django_setup, _sqlite_locks
from ._django_cursor import rows_of
from ._django_run import DjangoRun
from ._django_session import DjangoSession
from ._guards import Guards, guards
from ._protocol import BridgeError


def apply(arguments: dict[str, t.Any], answer: t.Any) -> dict[str, t.Any]:
    """The verb `apply` for migrations."""
    _django_setup.prepare(arguments, answer, "migrate")
    if arguments.get("loaded_first"):
        load()
        answer.ask("loaded")
    connection = _django_setup.connect(arguments)
    _django_check.refuse_serious(connection.alias)
    register_signals()
    connection.prepare_database()
    with contextlib.ExitStack() as stack:
        postgresql = connection.vendor == "postgresql"  # another engine needs no locks
        held = guards(DjangoSession(connection), arguments, stack) if postgresql else Guards()
        if connection.vendor == "sqlite":
            _sqlite_locks.wait_for_writers(lambda sql: rows_of(connection, sql), arguments)
            _sqlite_locks.write_from_the_first(connection)
        if held.budget:
            stack.enter_context(connection.execute_wrapper(held.budget))
        run = DjangoRun(connection, arguments, answer, held)
        stack.enter_context(connection.execute_wrapper(run.observe))
        stack.enter_context(run.following_transactions())
        return migrate(run, planned(connection, arguments, run), arguments)


def load() -> None:
    """Import what migrating needs, and use no database; what cannot be imported is told when it is wanted."""
    from django.db.migrations.loader import MigrationLoader

    with contextlib.suppress(Exception):
        register_signals()
        MigrationLoader(None)


def register_signals() -> None:
    """Import the `management` module of every app, as Django does: it connects receivers of the signals."""
    from django.apps import apps
    from django.utils.module_loading import module_has_submodule

    for config in apps.get_app_configs():
        if module_has_submodule(config.module, "management"):
            importlib.import_module(".management", config.name)


class Planned(t.NamedTuple):
    """What is about to run, and the models before it."""

    executor: t.Any
    choice: _django_select.Choice
    before: t.Dict[str, str]
    described: t.List[t.Any]
    state: t.Any


def planned(connection: t.Any, arguments: dict[str, t.Any], run: DjangoRun) -> Planned:
    """Reads nothing of the database but the history of its migrations."""
    executor = _django_plan.new_executor(connection, run.executor_class())
    _django_plan.check_history(executor)
    _refuse_missing_privilege(executor)
    choice = _django_select.choose(executor, arguments)
    described = _django_plan.describe_plan(executor, choice.steps)
    state = executor._create_project_state(with_applied_migrations=True)
    state.apps  # noqa: B018 - makes the models, the longest part of it
    return Planned(executor, choice, _django_plan.heads(executor.loader), described, state)


def migrate(run: DjangoRun, plan: Planned, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
    executor, (targets, steps, held_back), before, described, state = plan
    connection = executor.connection
    run.begin(steps, before, described)
    run.announce(described, before, _django_plan.missing_on_disk(executor.loader))
    with run.transaction():
        _emit("pre", connection, state.apps, steps, run)
        synced = _sync(connection, executor, arguments)
        after = _execute(executor, targets, steps, state.clone(), arguments, run)
        _emit("post", connection, _final_apps(after), steps, run)
    fresh = _django_plan.new_executor(connection)
    return {
        "plan": [migration.to_json() for migration in described],
        "applied": run.finished,
        "synced": synced,
        "before": before,
        "after": _django_plan.heads(fresh.loader),
        "pending": _django_plan.pending(fresh),
        "held_back": held_back,
        # The plan tells them; a rehearsal need not search for them again.
        "model_changes": {} if arguments.get("about") == "rehearsal" else _django_plan.model_changes(fresh),
        "missing": _django_plan.missing_on_disk(fresh.loader),
        **run.told(),
        "signal_writes": run.signal_writes,
        "signal_rows": run.signal_rows,
    }


def _execute(executor: t.Any, targets: t.Any, steps: t.Any, state: t.Any, arguments: t.Any, run: DjangoRun) -> t.Any:
    """The steps, by Django's own executor. The state after them."""
    fake, fake_initial = bool(steps) and bool(arguments.get("fake")), bool(arguments.get("fake_initial"))
    try:
        return executor.migrate(targets, plan=steps, state=state, fake=fake, fake_initial=fake_initial)
    except BridgeError:
        raise
    except Exception as exc:  # outside of a single migration: an irreversible one, a mixed plan
        raise run.refused(exc) from None


def _refuse_missing_privilege(executor: t.Any) -> None:
    """On an empty database: PostgreSQL 15 and later let only its owner create tables in the schema public."""
    connection = executor.connection
    if connection.vendor != "postgresql" or executor.recorder.has_table():
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_schema(), current_user, current_database(), "
            "coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
        )
        schema, user, database, allowed = cursor.fetchone()
    if not allowed:
        what = f"may not create tables in the schema {schema!r}" if schema else "has no schema in its search_path"
        raise BridgeError(
            "privilege",
            f"the role {user!r} {what} of the database {database!r}; as an administrator run "
            f'GRANT CREATE ON SCHEMA {schema or "public"} TO "{user}", or make the role the owner of the database',
        )


def _emit(which: str, connection: t.Any, apps: t.Any, steps: t.Any, run: DjangoRun) -> None:
    """Django's pre_migrate and post_migrate: content types, permissions, and what applications do there."""
    from django.core.management import sql

    emit = sql.emit_pre_migrate_signal if which == "pre" else sql.emit_post_migrate_signal
    with run.counting_signal_writes():
        try:
            emit(0, False, connection.alias, stdout=sys.stdout, apps=apps, plan=steps)
        except BridgeError:
            raise
        except Exception as exc:
            raise run.signal_failed(which, exc) from None


def _sync(connection: t.Any, executor: t.Any, arguments: dict[str, t.Any]) -> list[str]:
    """run_syncdb: make the tables of apps without migrations. Returns the new tables."""
    if not arguments.get("run_syncdb") or not executor.loader.unmigrated_apps:
        return []
    from django.core.management.commands.migrate import Command

    before = set(connection.introspection.table_names())
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        command = Command(stdout=nothing)
        command.verbosity = 0
        command.sync_apps(connection, [arguments["app"]] if arguments.get("app") else executor.loader.unmigrated_apps)
    return sorted(set(connection.introspection.table_names()) - before)


def _final_apps(state: t.Any) -> t.Any:
    """The models after the migrations with the relations of real apps rendered: what Django hands to post_migrate."""
    from django.apps import apps
    from django.db.migrations.state import ModelState

    state.clear_delayed_apps_cache()
    final = state.apps
    with final.bulk_update():
        keys = []
        for model_state in final.real_models:
            key = model_state.app_label, model_state.name_lower
            keys.append(key)
            final.unregister_model(*key)
    final.render_multiple([ModelState.from_model(apps.get_model(*key)) for key in keys])
    return final
