# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work that a migration has the database do on tables that are there. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Evidence
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import (
    Column,
    Constraint,
    Index,
    Snapshot,
    Table,
)
from ansible_collections.seamless.deploy.plugins.module_utils._schema._types import normal

# Modes of pg_locks by what they keep from a table, the weakest first.
WRITES, ALL = "writes", "reads and writes"
BLOCKS = {"ShareLock": WRITES, "ShareRowExclusiveLock": WRITES, "ExclusiveLock": WRITES, "AccessExclusiveLock": ALL}
# An index does not tell these types apart.
REUSED = {"text", "character varying"}
VOLATILE = re.compile(r"random|uuid|nextval|clock_timestamp", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Work:
    """kind: rewrite, not_null, check, foreign, unique, index, exclusion, validate or scan. object: what it is done for.

    mode: the lock under which it is done, as pg_locks writes it; "" where that stops nobody.
    cause: of a rewrite, why. data_bytes, index_bytes: what is read, and built.
    """

    kind: str
    table: str
    object: str
    mode: str
    data_bytes: int
    index_bytes: int = 0
    cause: str = ""


class Sizes:
    """Bytes of production's tables. A table that is not there was made by the plan, or renamed by it."""

    def __init__(self, production: Snapshot, before: Snapshot) -> None:
        here = {table.name for table in before.tables}
        self._tables = {table.name: table for table in production.tables}
        self._gone = [table for table in production.tables if table.name not in here]
        self._before = {table.name: table for table in before.tables}

    def table(self, name: str) -> t.Optional[Table]:
        return self._tables.get(name) or self._renamed(name)

    def data(self, name: str) -> int:
        found = self.table(name)
        return self._sum(found, lambda table: table.data_bytes or table.bytes) if found else 0

    def all(self, name: str) -> int:
        found = self.table(name)
        return self._sum(found, lambda table: table.bytes) if found else 0

    def _sum(self, table: Table, size: t.Callable[[Table], int]) -> int:
        parts = [each for each in self._tables.values() if each.partition_of == table.name]
        return size(table) + sum(self._sum(part, size) for part in parts)

    def _renamed(self, name: str) -> t.Optional[Table]:
        """The one of production that an earlier migration of the plan has renamed to this."""
        columns = {column.name for column in self._before[name].columns} if name in self._before else set()
        alike = [
            table for table in self._gone if 2 * len(columns & {each.name for each in table.columns}) > len(columns)
        ]
        return max(alike, key=lambda table: table.bytes) if alike else None


def works(evidence: Evidence, sizes: Sizes) -> t.List[Work]:
    """Told by the two catalogs; by the statements only what a catalog does not tell: when something is built or validated."""
    found: t.List[Work] = []
    after = {table.oid or table.name: table for table in evidence.after.tables}
    built_before = {index.oid or index.name for table in evidence.before.tables for index in table.indexes}
    touched = {*evidence.scanned, *evidence.rewritten}
    for table in evidence.before.tables:
        there = after.get(table.oid or table.name)
        if there is None or (there == table and table.name not in touched):
            continue
        of_table = [
            *_rewrite(evidence, table, there, sizes),
            *_not_null(table, there, sizes),
            *_constraints(evidence, table, there, sizes),
            *_indexes(evidence, table, there, sizes, built_before),
        ]
        if any(work.kind == "rewrite" for work in of_table):
            of_table = of_table[:1]  # it reads all rows once, and builds all indexes
        elif not of_table and table.name in evidence.scanned and _strongest(evidence, table.name):
            of_table = [Work("scan", table.name, table.name, _strongest(evidence, table.name), sizes.data(table.name))]
        found += of_table
    return found


def _strongest(evidence: Evidence, table: str) -> str:
    modes = [lock.mode for lock in evidence.locks if lock.relation == table and lock.mode in BLOCKS]
    return max(modes, key=list(BLOCKS).index) if modes else ""


def _rewrite(evidence: Evidence, table: Table, there: Table, sizes: Sizes) -> t.Iterator[Work]:
    other_file = bool(table.filenode and there.filenode and table.filenode != there.filenode)
    if not other_file and table.name not in evidence.rewritten:
        return
    data = sizes.data(table.name)
    built = max(0, sizes.all(table.name) - data)
    changed = [each for each in there.columns if _type_of(table, each) not in ("", each.type)]
    added = [each for each in there.columns if not _same(table, each) and _needs_values(each)]
    cause, named = ("type", changed) if changed else ("default", added) if added else ("", [])
    name = f"{table.name}.{named[0].name}" if named else table.name
    yield Work("rewrite", table.name, name, "AccessExclusiveLock", data, built, cause)


def _same(table: Table, column: Column) -> t.Optional[Column]:
    """The column as it was, whatever it was called."""
    if column.number:
        return next((each for each in table.columns if each.number == column.number), None)
    return table.column(column.name)


def _type_of(table: Table, column: Column) -> str:
    was = _same(table, column)
    return was.type if was else ""


def _needs_values(column: Column) -> bool:
    return bool(column.identity or column.generation == "stored" or VOLATILE.search(column.default))


def _not_null(table: Table, there: Table, sizes: Sizes) -> t.Iterator[Work]:
    proven = {
        each.columns[0]
        for each in [*table.constraints, *there.constraints]
        if each.kind == "check" and each.validated and len(each.columns) == 1 and _only_not_null(each)
    }
    for column in there.columns:
        was = _same(table, column)
        if was is None or not column.not_null or not column.not_null_valid:
            continue
        name, data = f"{table.name}.{column.name}", sizes.data(table.name)
        if not was.not_null and column.name not in proven:
            yield Work("not_null", table.name, name, "AccessExclusiveLock", data)
        elif was.not_null and not was.not_null_valid:
            yield Work("validate", table.name, name, "", data)


def _only_not_null(check: Constraint) -> bool:
    return bool(re.match(r'^CHECK \(+"?\w+"? IS NOT NULL\)+$', check.definition))


def _constraints(evidence: Evidence, table: Table, there: Table, sizes: Sizes) -> t.Iterator[Work]:
    known = {(each.kind, each.definition): each for each in table.constraints}
    for each in there.constraints:
        if each.kind not in ("check", "foreign") or not each.validated:
            continue
        name, was, data = f"{table.name}.{each.name}", known.get((each.kind, each.definition)), sizes.data(table.name)
        if each.kind == "foreign":
            data += sizes.data(each.references) if each.references != table.name else 0
        if was is not None:
            if not was.validated:
                yield Work("validate", table.name, name, "", data)
        elif _validated_apart(evidence, each.name):
            yield Work("validate", table.name, name, "", data)
        elif each.kind == "check":
            yield Work("check", table.name, name, "AccessExclusiveLock", data)
        elif table.name in evidence.scanned or not _only_nulls(table, there, each):
            yield Work("foreign", table.name, name, "ShareRowExclusiveLock", data)


def _only_nulls(table: Table, there: Table, key: Constraint) -> bool:
    """A foreign key over columns that have just been added, and hold nothing: not looked at when both come at once."""
    columns = [there.column(name) for name in key.columns]
    return all(
        each is not None and not _same(table, each) and not each.default and not each.not_null for each in columns
    )


def _validated_apart(evidence: Evidence, name: str) -> bool:
    """Added NOT VALID and validated in a later transaction, under a lock that stops nobody."""
    added = [each for each in evidence.statements if _mentions(each.sql, r"\bADD\b", name)]
    validated = [each for each in evidence.statements if _mentions(each.sql, r"\bVALIDATE CONSTRAINT\b", name)]
    return bool(validated) and all(
        one.transaction != other.transaction or one.transaction == -1 for one in added for other in validated
    )


def _mentions(sql: str, words: str, name: str) -> bool:
    return bool(re.search(words, sql, re.IGNORECASE) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql))


def _indexes(
    evidence: Evidence, table: Table, there: Table, sizes: Sizes, built_before: t.Container[t.Any]
) -> t.Iterator[Work]:
    kinds = {each.name: each.kind for each in there.constraints}
    for index in there.indexes:
        if (index.oid or index.name) in built_before or _kept(table, there, index):
            continue
        kind = kinds.get(index.constraint, "index")
        name = index.name.rpartition(".")[2]
        mode = "" if _concurrently(evidence, index) else "AccessExclusiveLock" if index.constraint else "ShareLock"
        kind = "unique" if kind in ("primary", "unique") else kind
        yield Work(kind, table.name, f"{table.name}.{name}", mode, sizes.data(table.name), sizes.data(table.name))


def _kept(table: Table, there: Table, index: Index) -> bool:
    """Made anew in the catalog only: its file goes on where the length of a column changes, and not what it holds."""
    same = next((each for each in table.indexes if each.definition == index.definition), None)
    if same is None or "" in index.columns:
        return False
    pairs = [(table.column(name), there.column(name)) for name in index.columns]
    return all(
        was and now and was.collation == now.collation and _alike(was.type, now.type) for was, now in pairs
    ) and any(was and now and was.type != now.type for was, now in pairs)


def _alike(one: str, other: str) -> bool:
    names = {normal(one).name, normal(other).name}
    return len(names) == 1 or names <= REUSED


def _concurrently(evidence: Evidence, index: Index) -> bool:
    name = index.name.rpartition(".")[2]
    return any(_mentions(each.sql, r"\bINDEX CONCURRENTLY\b", name) for each in evidence.statements)
