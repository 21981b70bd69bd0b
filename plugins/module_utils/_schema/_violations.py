# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows that break what a migration asks: the questions to a database, and the answers in words. Pure; target; PRIVATE to the collection.

The questions are put to PostgreSQL as it stands before the migration, so they use the names of then.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._diff_names import pairs
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Violation
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Constraint, Index, Snapshot, Table
from ansible_collections.seamless.deploy.plugins.module_utils._schema._unfit import quoted, unfit

SAMPLES = 5

#: What PostgreSQL says of the first of them.
_STATES = {"23502": "null", "23505": "duplicate", "23503": "orphan", "23514": "check"}
_WRITES = re.compile(r"^\s*(UPDATE|INSERT|DELETE|MERGE|TRUNCATE|WITH|COPY|DO|CALL)\b", re.IGNORECASE)
_CHECK = re.compile(r"^CHECK (\(.*\))(?: NO INHERIT)?$", re.DOTALL)

_WORDS = {
    "null": "{rows} NULL in {object}, which the migration forbids",
    "duplicate": "{rows} the same value in {object} as another one, and the migration makes it unique",
    "orphan": "{rows} in {object} the key of a row that is not there, and the migration makes it a foreign key",
    "check": "{rows} values in {object} that the migration's check constraint forbids",
    "range": "{rows} a value in {object} that does not fit its new type",
}


@dataclasses.dataclass(frozen=True)
class Query:
    """object, kind: as in Violation. count: SQL for the number of rows; samples: for up to SAMPLES primary keys, "" without one."""

    object: str
    kind: str
    count: str
    samples: str = ""


def sentence(violation: Violation) -> str:
    """For people. Of the rows it names nothing but their primary keys."""
    rows = "1 row has" if violation.count == 1 else f"{violation.count} rows have"
    said = _WORDS[violation.kind].format(rows=rows, object=violation.object)
    if not violation.samples:
        return f"{said}."
    keys = (
        "; ".join(violation.samples) if any(", " in key for key in violation.samples) else ", ".join(violation.samples)
    )
    few = "such as primary key" if violation.count > len(violation.samples) else "primary key"
    return f"{said} ({few} {keys})."


def relevant(found: t.Sequence[Query], sqlstate: str, statements: t.Sequence[str], data: bool) -> list[Query]:
    """Those that can be to blame for a failure with this SQLSTATE.

    A migration that changes rows itself may have corrected others before it failed: of it, only what PostgreSQL complained of.
    """
    if sqlstate[:2] not in ("22", "23"):
        return []
    kind = _STATES.get(sqlstate, "range" if sqlstate.startswith("22") else "")
    changes = data or any(_WRITES.match(statement) for statement in statements)
    return [query for query in found if query.kind == kind or not changes]


def queries(before: Snapshot, after: Snapshot) -> list[Query]:
    """One for each thing that the migration asks of rows which were there before it."""
    by_oid = before.database_oid == after.database_oid != 0
    tables = [(old, new) for old, new in pairs(before.tables, after.tables, by_oid) if old and new]
    found: list[Query] = []
    for old, new in tables:
        if not new.partition_of:  # asked of the whole
            found += _Asked(old, new, before, after, by_oid, {there.name: here for here, there in tables}).all()
    return sorted(found, key=lambda query: query.object)


class _Asked:
    """One table before and after. others: tables before, by their names after."""

    def __init__(
        self, old: Table, new: Table, before: Snapshot, after: Snapshot, by_oid: bool, others: t.Dict[str, Table]
    ) -> None:
        self.old, self.new, self.before, self.after, self.by_oid, self.others = old, new, before, after, by_oid, others
        matched = pairs(old.columns, new.columns, by_oid and old.oid == new.oid)
        self.columns = [(one, other) for one, other in matched if one and other]
        self.former = {other.name: one.name for one, other in self.columns}
        self.place = f"{quoted(old.name, '.')} AS t"

    def all(self) -> list[Query]:
        found = []
        for one, other in self.columns:
            own = f"t.{quoted(one.name)}"
            if other.not_null and other.not_null_valid and not (one.not_null and one.not_null_valid):
                found.append(self._query("null", [one.name], f"{own} IS NULL"))
            misfit = unfit(own, one.type, other.type, self.after, self.before.server)
            if misfit:
                found.append(self._query("range", [one.name], misfit))
        for index in self._added("indexes"):
            if index.unique:
                found += self._duplicates(index)
        for constraint in self._added("constraints"):
            if constraint.validated and constraint.kind in ("foreign", "check"):
                found += self._orphans(constraint) if constraint.kind == "foreign" else self._checked(constraint)
        return found

    def _added(self, attribute: str) -> t.Iterator[t.Any]:
        """What is new, or asks something else than before."""
        for known, one in pairs(getattr(self.old, attribute), getattr(self.new, attribute), self.by_oid):
            if one and (known is None or known.definition != one.definition or _proven(known) != _proven(one)):
                yield one

    def _query(self, kind: str, columns: t.List[str], condition: str) -> Query:
        count = f"SELECT count(*) FROM {self.place} WHERE {condition}"
        return Query(self._object(columns), kind, count, self._keys(f"{self.place} WHERE {condition}"))

    def _object(self, columns: t.List[str]) -> str:
        return f"{self.old.name}.{columns[0]}" if len(columns) == 1 else f"{self.old.name}({', '.join(columns)})"

    def _key(self) -> t.List[str]:
        return next((one.columns for one in self.old.constraints if one.kind == "primary"), [])

    def _keys(self, source: str) -> str:
        names = [f"t.{quoted(name)}" for name in self._key()]
        if not names:
            return ""
        listed = ", ".join(names)
        return f"SELECT pg_catalog.concat_ws(', ', {listed}) FROM {source} ORDER BY {listed} LIMIT {SAMPLES}"

    def _duplicates(self, index: Index) -> t.Iterator[Query]:
        if any(name and name not in self.former for name in index.columns):
            return
        parts = [
            f"t.{quoted(self.former[name])}" if name else text
            for name, text in zip(index.columns, key_parts(index.definition))
        ]
        condition = [f"({index.predicate})"] if index.predicate else []
        if "NULLS NOT DISTINCT" not in index.definition:
            condition += [f"{part} IS NOT NULL" for part in parts]
        where = f"WHERE {' AND '.join(condition)}" if condition else ""
        listed = ", ".join(parts)
        groups = f"SELECT count(*) AS n FROM {self.place} {where} GROUP BY {listed} HAVING count(*) > 1"
        shared = ", ".join(["count(*) OVER (PARTITION BY " + listed + ") AS n", *map(quoted, self._key())])
        yield Query(
            self._object([self.former.get(name, text) for name, text in zip(index.columns, parts)]),
            "duplicate",
            f"SELECT coalesce(sum(g.n), 0)::bigint FROM ({groups}) AS g",
            self._keys(f"(SELECT {shared} FROM {self.place} {where}) AS t WHERE t.n > 1"),
        )

    def _orphans(self, constraint: Constraint) -> t.Iterator[Query]:
        parent = self.others.get(constraint.references)
        names = [self.former.get(name, "") for name in constraint.columns]
        if parent is None or not all(names):
            return
        new = self.after.table(constraint.references)
        renamed = {
            there.name: here.name
            for here, there in pairs(parent.columns, new.columns if new else [], self.by_oid)
            if here and there
        }
        if any(name not in renamed for name in constraint.referenced_columns):
            return
        own = [f"t.{quoted(name)}" for name in names]
        equal = [f"p.{quoted(renamed[to])} = {name}" for to, name in zip(constraint.referenced_columns, own)]
        missing = f"NOT EXISTS (SELECT 1 FROM {quoted(parent.name, '.')} AS p WHERE {' AND '.join(equal)})"
        yield self._query("orphan", names, " AND ".join([*(f"{name} IS NOT NULL" for name in own), missing]))

    def _checked(self, constraint: Constraint) -> t.Iterator[Query]:
        asked = _CHECK.match(constraint.definition)
        if asked and all(self.former.get(name) == name for name in constraint.columns):
            yield self._query("check", constraint.columns or [constraint.name], f"{asked.group(1)} IS FALSE")


def _proven(item: t.Any) -> bool:
    return bool(getattr(item, "validated", True) and getattr(item, "valid", True))


def key_parts(definition: str) -> t.List[str]:
    """The parts of an index's key without order, collation and operator class: an expression ends with its bracket."""
    text = definition.partition(" USING ")[2]
    parts, depth, start, quote = [], 0, 0, ""
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "(":
            depth += 1
            start = place + 1 if depth == 1 else start
        elif sign == ")" or (sign == "," and depth == 1):
            depth -= sign == ")"
            if depth == (1 if sign == "," else 0):
                parts.append(text[start:place].strip())
                start = place + 1
            if depth == 0:
                break
    return [re.sub(r"^(.*\)).*$", r"\1", part, flags=re.DOTALL) for part in parts]
