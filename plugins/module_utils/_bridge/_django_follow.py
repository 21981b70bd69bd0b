# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the operations of one migration, and has it recorded inside of its transaction.

Application's interpreter; PRIVATE to the collection.
"""

from __future__ import annotations

import contextlib
import typing as t

from ._failure import Progress
from ._indexes import makes_index


def progress_of(migration: t.Any, backwards: bool, atomic: bool) -> Progress:
    return Progress(
        f"{migration.app_label}.{migration.name}",
        [operation.describe() for operation in migration.operations],
        [goes_on(operation) and not backwards for operation in migration.operations],
        backwards,
        atomic,
    )


def goes_on(operation: t.Any) -> bool:
    """Whether an operation that was complete can run once more without harm: it finds what it made."""
    if type(operation).__module__.startswith("django.contrib.postgres"):
        return type(operation).__name__ in ("AddIndexConcurrently", "RemoveIndexConcurrently")
    sql = getattr(operation, "sql", None)
    return isinstance(sql, str) and makes_index(sql)


@contextlib.contextmanager
def followed(operation: t.Any, index: int, progress: Progress) -> t.Iterator[None]:
    """Note when an operation begins and ends, by replacing its methods on the instance."""

    def follow(method: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def noted(*args: t.Any, **kwargs: t.Any) -> t.Any:
            progress.current, progress.touched = index, True
            result = method(*args, **kwargs)
            progress.completed.append(index)
            progress.current = None
            return result

        return noted

    names = ("database_forwards", "database_backwards")
    kept = {name: operation.__dict__.get(name) for name in names}
    for name in names:
        setattr(operation, name, follow(getattr(operation, name)))
    try:
        yield
    finally:
        for name in names:
            if kept[name] is None:
                delattr(operation, name)
            else:
                setattr(operation, name, kept[name])


@contextlib.contextmanager
def recorded_inside(migration: t.Any, progress: Progress) -> t.Iterator[None]:
    """Run deferred statements before the end of the transaction, so that Django records the migration inside of it.

    Otherwise it records after the COMMIT, and a process that dies in between leaves it applied but not on record.
    """
    original = migration.apply

    def apply(project_state: t.Any, schema_editor: t.Any, collect_sql: bool = False) -> t.Any:
        state = original(project_state, schema_editor, collect_sql)
        progress.touched = True
        while schema_editor.deferred_sql:
            schema_editor.execute(schema_editor.deferred_sql.pop(0))
        return state

    migration.apply = apply
    try:
        yield
    finally:
        del migration.apply
