# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the operations of one revision while it runs. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import re
import typing as t

from ._alembic_source import QUIET_SQL
from ._failure import Progress
from ._indexes import makes_index

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CODE = ("ExecuteSQLOp", "BulkInsertOp")


class Reached(Progress):
    """How far a revision came. Its operations are known as they come; what runs between them is its own code."""

    def __init__(self, name: str, backwards: bool, atomic: bool, expected: t.Sequence[str]) -> None:
        super().__init__(name, expected, [], backwards, atomic)
        self.committed = False  # what was done until then stays; known when the next statement comes
        self.running = False  # between the begin and the end of upgrade() or downgrade()
        self._depth = 0
        self._known = 0
        self._on_schema = 0

    def enter(self, operation: t.Any) -> int:
        """The number of an operation that begins, -1 inside of another one."""
        self._depth += 1
        self._on_schema += on_schema(operation)
        if self._depth > 1:
            return -1
        index, self._known = self._known, self._known + 1
        self.descriptions[index : index + 1] = [describe(operation)]
        self._goes_on.append(not self.backwards and goes_on(operation))
        self.current = index
        return index

    def leave(self, operation: t.Any, index: int, complete: bool) -> None:
        self._depth -= 1
        self._on_schema -= on_schema(operation)
        if complete and index >= 0:
            self.completed.append(index)
            self.current = None

    @contextlib.contextmanager
    def flushing(self) -> t.Iterator[None]:
        """While a batch runs what its operations have asked for."""
        self._on_schema += 1
        try:
            yield
        finally:
            self._on_schema -= 1

    def in_code(self) -> bool:
        """Whether a statement comes from code or data and not from an operation on the schema."""
        return self.running and not self._on_schema

    def operation(self) -> t.Dict[str, t.Any]:
        found = super().operation()
        if not found["number"] and self.running:
            found["description"] = "the code between its operations"
        return found


@contextlib.contextmanager
def followed(progress: Reached) -> t.Iterator[None]:
    """Note when an operation begins and ends; those of a batch count as well, and run together at its end."""
    from alembic.operations import Operations
    from alembic.operations.batch import BatchOperationsImpl

    (owner, *_others) = [kind for kind in Operations.__mro__ if "invoke" in kind.__dict__]
    original, flush = owner.__dict__["invoke"], BatchOperationsImpl.flush

    def invoke(self: t.Any, operation: t.Any) -> t.Any:
        index = progress.enter(operation)
        complete = False
        try:
            result = original(self, operation)
            complete = True
            return result
        finally:
            progress.leave(operation, index, complete)

    def flushed(self: t.Any) -> None:
        with progress.flushing():
            flush(self)

    owner.invoke, BatchOperationsImpl.flush = invoke, flushed  # type: ignore[method-assign]
    try:
        yield
    finally:
        owner.invoke, BatchOperationsImpl.flush = original, flush  # type: ignore[method-assign]


@contextlib.contextmanager
def running(step: t.Any, progress: Reached, fake: bool) -> t.Iterator[None]:
    """Know when the revision's own function runs; leave it out where the revision is only put on record."""
    original = step.migration_fn

    def function(**named: t.Any) -> None:
        if fake:
            return
        progress.touched = progress.running = True
        progress.committed = False
        original(**named)
        progress.running = False

    step.migration_fn = function
    try:
        yield
    finally:
        step.migration_fn = original


def on_schema(operation: t.Any) -> bool:
    if type(operation).__name__ == "ExecuteSQLOp":
        return all(QUIET_SQL.match(part) for part in _sql(operation).split(";") if part.strip())
    return type(operation).__name__ not in _CODE and type(operation).__module__.startswith("alembic.")


def describe(operation: t.Any) -> str:
    """create_index ix_note on thing"""
    kind = _WORD.sub("_", type(operation).__name__[: -len("Op")]).lower()
    if type(operation).__name__ == "ExecuteSQLOp":
        text = " ".join(_sql(operation).split())
        return "execute " + (text if len(text) <= 80 else text[:80] + "…")
    table = next((str(found) for found in _named(operation, "table_name", "source_table", "table") if found), "")
    column = getattr(getattr(operation, "column", None), "name", "")
    name = next(
        (str(found) for found in _named(operation, "column_name", "index_name", "constraint_name") if found), ""
    )
    if column or getattr(operation, "column_name", ""):
        return f"{kind} {table}.{column or name}"
    return f"{kind} {name} on {table}" if name and table else f"{kind} {name or table}".strip()


def goes_on(operation: t.Any) -> bool:
    """Whether an operation that was complete can run once more without harm: it finds what it made."""
    kind = type(operation).__name__
    options = getattr(operation, "kw", None) or {}
    if kind == "CreateIndexOp":
        return bool(options.get("postgresql_concurrently"))
    if kind == "DropIndexOp":
        return bool(options.get("postgresql_concurrently") and getattr(operation, "if_exists", False))
    return kind == "ExecuteSQLOp" and makes_index(_sql(operation))


def _sql(operation: t.Any) -> str:
    return str(getattr(operation, "sqltext", ""))


def _named(operation: t.Any, *names: str) -> t.Iterator[t.Any]:
    for name in names:
        found = getattr(operation, name, None)
        yield getattr(found, "name", found)
