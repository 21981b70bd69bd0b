# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrates as `alembic upgrade` and `downgrade` do, each revision observed, limited in its waiting and tried again.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import contextlib
import typing as t

from . import _alembic_graph as graph
from . import _alembic_plan, _alembic_select, _alembic_setup, _sqlite_locks
from . import _exceptions as errors
from ._alembic_run import AlembicRun
from ._guards import guards
from ._protocol import BridgeError
from ._whole import Undone

Begun = t.Callable[[AlembicRun, t.Sequence[t.Any]], None]


def apply(arguments: t.Dict[str, t.Any], answer: t.Any) -> t.Dict[str, t.Any]:
    """The verb `apply` for migrations."""
    project = _alembic_setup.prepare(arguments, answer)
    if arguments.get("loaded_first"):
        with contextlib.suppress(Exception):  # what is wrong with the revisions is told when they are wanted
            project.script.get_heads()
        answer.ask("loaded")
    runs: t.List[AlembicRun] = []

    def work(heads: t.Tuple[str, ...], context: t.Any) -> t.Dict[str, t.Any]:
        run = AlembicRun(project, context, arguments, answer)
        runs.append(run)
        with contextlib.ExitStack() as stack:
            stack.enter_context(run.listening())
            if context.dialect.name == "sqlite":
                _sqlite_locks.wait_for_writers(run.session.rows, arguments)
            if context.dialect.name == "postgresql":  # another engine needs no locks
                run.guarded(guards(run.session, arguments, stack))
                heads = _alembic_setup.current_heads(context, run.whole)  # as they are behind the lock
                _refuse_missing_privilege(run, heads)
            return migrate(run, heads, arguments)

    done = ran(project, work, runs, bool(arguments.get("one_transaction")))
    return {**done, **standing(project), "warnings": list(project.warnings)}


def migrate(run: AlembicRun, heads: t.Sequence[str], arguments: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    """The steps that are asked for, one after the other."""
    choice = _alembic_plan.chosen(run.project.script, heads, run.context, arguments)
    described = _alembic_plan.describe_plan(choice.steps, run.context)
    run.begin(heads, choice.steps, described)
    run.announce(described, sorted(heads), choice.missing)
    for step in choice.steps:
        run.one(step)
    return {
        "plan": [migration.to_json() for migration in described],
        "applied": run.finished,
        "synced": [],
        "before": sorted(heads),
        "held_back": choice.held_back,
        "model_changes": {},
        **run.told(),
        "signal_writes": 0,
    }


def ran(project: t.Any, work: t.Callable[..., t.Any], runs: t.Sequence[AlembicRun], whole: bool) -> t.Dict[str, t.Any]:
    """What the work gave, after env.py has ended. Raises BridgeError, which tells what stands in the database then."""
    try:
        done = project.run(work, whole=whole)
    except BridgeError as exc:
        if not isinstance(exc, Undone):
            raise
        raise _told(runs[-1]) from None
    except Exception as exc:
        if not runs:
            raise
        raise _of_the_end(runs[-1], exc) from None
    if runs[-1].error is not None:  # env.py has kept it to itself
        raise _told(runs[-1])
    return t.cast(t.Dict[str, t.Any], done)


def _told(run: AlembicRun) -> BridgeError:
    if run.whole:
        run.keep_recorded()
    return t.cast(Undone, run.error).tell()


def _of_the_end(run: AlembicRun, exc: Exception) -> BridgeError:
    """All migrations had run, and then env.py or its COMMIT failed."""
    if run.whole:
        run.keep_recorded()
        return run.end_failed(exc)
    place = errors.place_of(exc)
    done = ", ".join(record["id"] for record in run.finished) or "no migration"
    text = f"env.py failed after the migrations: {errors.summary(exc)}{', at ' + place if place else ''}. In this run {done} was applied"
    return BridgeError("env", text, **run.standing()[0])


def standing(project: t.Any) -> t.Dict[str, t.Any]:
    """What is on record afterwards, and what is not yet in the database."""

    def read(heads: t.Tuple[str, ...], _context: t.Any) -> t.Dict[str, t.Any]:
        return {
            "after": sorted(heads),
            "pending": _alembic_select.pending(project.script, heads),
            "missing": graph.known_heads(project.script, heads)[1],
        }

    return t.cast(t.Dict[str, t.Any], project.run(read, reading=True))


def _refuse_missing_privilege(run: AlembicRun, heads: t.Sequence[str]) -> None:
    """On an empty database: PostgreSQL 15 and later let only its owner create tables in the schema public."""
    if heads:
        return
    schema, user, database, allowed = run.session.rows(
        "SELECT current_schema(), current_user, current_database(), "
        "coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
    )[0]
    if not allowed:
        what = f"may not create tables in the schema {schema!r}" if schema else "has no schema in its search_path"
        raise BridgeError(
            "privilege",
            f"the role {user!r} {what} of the database {database!r}; as an administrator run "
            f'GRANT CREATE ON SCHEMA {schema or "public"} TO "{user}", or make the role the owner of the database',
        )
