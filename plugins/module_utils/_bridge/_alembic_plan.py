# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Alembic would migrate: ordered plan, SQL beforehand, what is on record before and after. Reads only.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import os
import typing as t

from .. import _migration
from . import _alembic_graph as graph
from . import _alembic_select, _alembic_setup
from . import _exceptions as errors
from ._alembic_cursor import in_autocommit
from ._alembic_source import Source, source_of
from ._whole import refuse_unfit


def plan(arguments: t.Dict[str, t.Any], answer: t.Any) -> t.Dict[str, t.Any]:
    """The verb `plan`."""
    project = _alembic_setup.prepare(arguments, answer)

    return t.cast(
        t.Dict[str, t.Any],
        project.run(lambda heads, context: of_run(project, heads, context, arguments), reading=True),
    )


def of_run(project: t.Any, heads: graph.Heads, context: t.Any, arguments: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    """The plan, inside of a run of env.py. Raises BridgeError."""
    choice = chosen(project.script, heads, context, arguments)
    described = describe_plan(choice.steps, context)
    if arguments.get("with_sql"):
        described = with_sql(described, choice.steps, context, project.named)
    return {
        "plan": [migration.to_json() for migration in described],
        "before": sorted(heads),
        "after": graph.heads_after(heads, choice.steps),
        "pending": _alembic_select.pending(project.script, heads),
        "held_back": choice.held_back,
        "model_changes": {},
        "missing": choice.missing,
        "synced": [],
        "warnings": list(project.warnings),
    }


def chosen(script: t.Any, heads: graph.Heads, context: t.Any, arguments: t.Dict[str, t.Any]) -> _alembic_select.Choice:
    """The steps, where they may run as they are asked for. Raises BridgeError."""
    choice = _alembic_select.choose(script, heads, arguments)
    if arguments.get("one_transaction"):
        alone = [one.id for one in describe_plan(choice.steps, context) if not one.atomic]
        refuse_unfit(context.dialect.name, alone, "autocommit_block")
    return choice


def describe_plan(steps: t.Sequence[t.Any], context: t.Any) -> t.List[_migration.Migration]:
    return [describe_step(step, context) for step in steps]


def describe_step(step: t.Any, context: t.Any) -> _migration.Migration:
    script = step.revision
    backwards = not step.is_upgrade
    forth, back = source_of_step(step, False), source_of_step(step, True)
    source = back if backwards else forth
    return _migration.Migration(
        id=graph.id_of(step),
        label=", ".join(sorted(script.branch_labels or ())),
        name=str(script.doc or os.path.basename(script.path)),
        backwards=backwards,
        atomic=bool(source.atomic and context.impl.transactional_ddl and not in_autocommit(context.connection)),
        reversible=not back.refuses and (forth.empty or not back.empty),
        data=source.data,
        operations=source.operations,
        dependencies=sorted(graph.parents(script)),
    )


def source_of_step(step: t.Any, backwards: bool) -> Source:
    try:
        with open(step.revision.path, encoding="utf-8") as file:
            return source_of(file.read(), backwards)
    except (OSError, ValueError):
        return source_of("", backwards)._replace(code=True, data=True, empty=False)


def with_sql(
    described: t.Sequence[_migration.Migration], steps: t.Sequence[t.Any], context: t.Any, named: t.Dict[str, t.Any]
) -> t.List[_migration.Migration]:
    """The same with the statements as Alembic's --sql would write them. Code is not run for that."""
    from dataclasses import replace

    return [replace(one, sql=sql_of(step, context, named)) for one, step in zip(described, steps)]


def sql_of(step: t.Any, context: t.Any, named: t.Dict[str, t.Any]) -> t.List[str]:
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    if source_of_step(step, not step.is_upgrade).code:
        return ["-- it runs code, and what that does shows when it runs"]
    lines: t.List[str] = []
    options = {**context.opts, "as_sql": True, "literal_binds": True}
    offline = MigrationContext.configure(
        connection=context.connection, opts=options, environment_context=context.environment_context
    )
    offline.impl.static_output = lines.append  # type: ignore[method-assign]
    try:
        with Operations.context(offline):
            step.migration_fn(**named)
    except Exception as exc:  # it looks at what an earlier pending one would have made
        return [f"-- not known before it runs: {errors.summary(exc)}"]
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("--")]
