# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and views of a PostgreSQL database, with all that belongs to them. Target; PRIVATE to the collection."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import rows
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import (
    Column,
    Constraint,
    Index,
    Table,
    Trigger,
    View,
)

KINDS = {"r": "table", "p": "partitioned", "f": "foreign"}
CONSTRAINTS = {"p": "primary", "u": "unique", "c": "check", "f": "foreign", "x": "exclusion"}
ACTIONS = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
IDENTITIES = {"a": "always", "d": "default"}
GENERATIONS = {"s": "stored", "v": "virtual"}
ENABLED = {"O": "origin", "A": "always", "R": "replica", "D": "disabled"}

#: Objects of users: pg_catalog, pg_toast and the temporary schemas begin with pg_, which no other schema may.
USERS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


def not_of_extension(catalog: str, oid: str) -> str:
    """A condition: what an extension owns changes with it, and is no part of the schema."""
    return (
        "NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e "
        f"WHERE e.classid = 'pg_catalog.{catalog}'::pg_catalog.regclass AND e.objid = {oid} AND e.deptype = 'e')"
    )


#: Of a relation, and of an index: it looks at each of their files.
_SIZE = "pg_catalog.pg_table_size(c.oid)"
_RELATIONS = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence = 'u', c.relrowsecurity, c.relispartition,
       pg_catalog.pg_get_expr(c.relpartbound, c.oid), CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END,
       ARRAY(SELECT pn.nspname || '.' || p.relname FROM pg_catalog.pg_inherits AS i
             JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
             WHERE i.inhrelid = c.oid ORDER BY i.inhseqno),
       c.reloptions, pg_catalog.obj_description(c.oid, 'pg_class'), pg_catalog.pg_relation_filenode(c.oid),
       CASE WHEN c.reltuples = 0 AND c.relpages = 0 THEN -1 ELSE c.reltuples END,
       {_SIZE},
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND {USERS} AND {not_of_extension("pg_class", "c.oid")}
"""
_COLUMNS = """
SELECT a.attrelid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity,
       CASE WHEN a.attcollation <> y.typcollation THEN l.collname END, ln.nspname, a.attnum
FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace AS ln ON ln.oid = l.collnamespace
WHERE a.attrelid = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum
"""
#: NOT NULL is a constraint of its own from PostgreSQL 18 on; one that is valid says no more than the column does.
_INVALID_NOT_NULL = """
SELECT conrelid, pg_catalog.unnest(conkey) FROM pg_catalog.pg_constraint
WHERE contype = 'n' AND NOT convalidated AND conrelid = ANY(%s)
"""
_NAMES = """ARRAY(SELECT a.attname::text FROM pg_catalog.unnest({key}) WITH ORDINALITY AS k (number, place)
       JOIN pg_catalog.pg_attribute AS a ON a.attrelid = {relation} AND a.attnum = k.number ORDER BY k.place)"""
_CONSTRAINTS = f"""
SELECT o.conrelid, o.conname, o.contype, pg_catalog.pg_get_constraintdef(o.oid), o.conkey,
       n.nspname || '.' || r.relname, {_NAMES.format(key="o.confkey", relation="o.confrelid")},
       o.confdeltype, o.confupdtype, o.convalidated, o.condeferrable, o.condeferred, o.oid
FROM pg_catalog.pg_constraint AS o LEFT JOIN pg_catalog.pg_class AS r ON r.oid = o.confrelid
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
WHERE o.conrelid = ANY(%s) AND o.contype IN ('p', 'u', 'c', 'f', 'x') ORDER BY o.conname
"""
_INDEXES = f"""
SELECT i.indrelid, n.nspname || '.' || c.relname, pg_catalog.pg_get_indexdef(i.indexrelid), m.amname,
       i.indkey::text, i.indnkeyatts,
       i.indisunique, i.indisvalid, pg_catalog.pg_get_expr(i.indpred, i.indrelid), o.conname, c.oid,
       {_SIZE}
FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
LEFT JOIN pg_catalog.pg_constraint AS o
  ON o.conindid = i.indexrelid AND o.conrelid = i.indrelid AND o.contype IN ('p', 'u', 'x')
WHERE i.indrelid = ANY(%s) ORDER BY c.relname
"""
#: Those that a partition has from its table are left out, as those that a foreign key has.
_TRIGGERS = """
SELECT g.tgrelid, g.tgname, pg_catalog.pg_get_triggerdef(g.oid), g.tgenabled, g.oid
FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = ANY(%s) AND NOT g.tgisinternal AND g.tgparentid = 0 ORDER BY g.tgname
"""

Row = t.Tuple[t.Any, ...]


def relations(opened: t.Any, among: t.Optional[list[int]] = None, sizes: bool = True) -> tuple[list[Table], list[View]]:
    """All tables and all views, or those with these oids, each sorted by name. sizes: False for 0 instead."""
    wanted = _RELATIONS if among is None else f"{_RELATIONS} AND c.oid = ANY(%s)"
    found = rows(opened, _sized(wanted, sizes), [among] if among is not None else [])
    oids = [row[0] for row in found]
    invalid = {(row[0], row[1]) for row in rows(opened, _INVALID_NOT_NULL, [oids])}
    columns = _by_relation(opened, _COLUMNS, oids, lambda row: _column(row, (row[0], row[9]) in invalid))
    names = {oid: {column.number: column.name for column in columns[oid]} for oid in oids}
    constraints = _by_relation(opened, _CONSTRAINTS, oids, lambda row: _constraint(row, names[row[0]]))
    indexes = _by_relation(opened, _sized(_INDEXES, sizes), oids, lambda row: _index(row, names[row[0]]))
    triggers = _by_relation(opened, _TRIGGERS, oids, _trigger)
    tables = [
        _table(row, columns[row[0]], constraints[row[0]], indexes[row[0]], triggers[row[0]])
        for row in found
        if row[3] in KINDS
    ]
    views = [_view(row, columns[row[0]], indexes[row[0]], triggers[row[0]]) for row in found if row[3] not in KINDS]
    return sorted(tables, key=lambda table: table.name), sorted(views, key=lambda view: view.name)


def _sized(statement: str, sizes: bool) -> str:
    return statement if sizes else statement.replace(_SIZE, "0")


def _by_relation(opened: t.Any, statement: str, oids: list[int], read: t.Callable[[Row], t.Any]) -> dict[int, t.Any]:
    """What a statement gives for these relations, by relation."""
    parts: dict[int, t.Any] = collections.defaultdict(list)
    for row in rows(opened, statement, [oids]):
        parts[row[0]].append(read(row))
    return parts


def _table(
    row: Row, columns: list[Column], constraints: list[Constraint], indexes: list[Index], triggers: list[Trigger]
) -> Table:
    oid, schema, name, kind, unlogged, row_security, is_partition, bound, key, parents, options, comment = row[:12]
    return Table(
        f"{schema}.{name}",
        kind=KINDS[kind],
        columns=columns,
        constraints=constraints,
        indexes=indexes,
        triggers=triggers,
        partition_of=parents[0] if is_partition and parents else "",
        partition_bound=bound or "",
        partition_key=key or "",
        unlogged=unlogged,
        row_security=row_security,
        comment=comment or "",
        oid=oid,
        filenode=row[12] or 0,
        rows=row[13],
        bytes=_bytes(row, indexes),
        data_bytes=row[14] or 0,
        inherits=[] if is_partition else parents,
        options=sorted(options or []),
    )


def _view(row: Row, columns: list[Column], indexes: list[Index], triggers: list[Trigger]) -> View:
    oid, schema, name, kind = row[:4]
    size = _bytes(row, indexes)
    return View(f"{schema}.{name}", row[15] or "", kind == "m", columns, indexes, oid, size, triggers)


def _bytes(row: Row, indexes: list[Index]) -> int:
    """As pg_total_relation_size() gives it, which would ask for the size of every file twice."""
    return sum((index.bytes for index in indexes), row[14] or 0)


def _column(row: Row, not_valid: bool) -> Column:
    dummy, name, kind, not_null, expression, generated, identity, collation, collation_schema, number = row
    return Column(
        name,
        kind,
        not_null,
        default="" if generated else expression or "",
        generated=expression or "" if generated else "",
        generation=GENERATIONS.get(generated, ""),
        identity=IDENTITIES.get(identity, ""),
        collation=f"{collation_schema}.{collation}" if collation else "",
        number=number,
        not_null_valid=not not_valid,
    )


def _constraint(row: Row, names: dict[int, str]) -> Constraint:
    """names: of the columns, by their numbers."""
    name, kind, definition, key, references, referenced = row[1:7]
    on_delete, on_update, validated, deferrable, deferred, oid = row[7:]
    definition = definition or ""
    return Constraint(
        name,
        CONSTRAINTS[kind],
        definition[: -len(" NOT VALID")] if definition.endswith(" NOT VALID") else definition,
        [names[number] for number in key or [] if number in names],
        references or "",
        referenced,
        ACTIONS[on_delete] if kind == "f" else "",
        ACTIONS[on_update] if kind == "f" else "",
        validated,
        deferrable,
        deferred,
        oid,
    )


def _index(row: Row, names: dict[int, str]) -> Index:
    """An expression has no name."""
    name, definition, method, key, count, unique, valid, predicate, constraint, oid, size = row[1:]
    columns = [names.get(int(number), "") for number in key.split()[:count]]
    return Index(
        name, definition or "", method, columns, unique, valid, predicate or "", constraint or "", oid, size or 0
    )


def _trigger(row: Row) -> Trigger:
    dummy, name, definition, enabled, oid = row
    return Trigger(name, definition or "", ENABLED[enabled], oid)
