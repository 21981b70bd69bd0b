# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database's catalog says, as values that can be compared. Pure; target; PRIVATE to the collection.

Names of relations, types and functions are qualified: "public.orders_order"; in SQLite they are bare.
What changes without anybody changing the schema, such as sizes, is `physical` and takes no part in comparisons.
"""

from __future__ import annotations

import dataclasses
import typing as t

VERSION = 1

DIALECTS = ("postgresql", "sqlite")
TABLE_KINDS = ("table", "partitioned", "foreign", "virtual")
CONSTRAINT_KINDS = ("primary", "unique", "check", "foreign", "exclusion")


PHYSICAL = {"physical": True}  # metadata of a field that a comparison leaves out


@dataclasses.dataclass(frozen=True)
class Column:
    """type: as format_type() writes it. default: its expression, "" for none. generated: the expression that makes it.

    generation: "", stored or virtual. identity: "", always, default; autoincrement in SQLite.
    collation: "" where it is the type's own. not_null_valid: false while NOT NULL is NOT VALID (PostgreSQL 18).
    number: the column's own in its table, which a rename does not change.
    """

    name: str
    type: str
    not_null: bool = False
    default: str = ""
    generated: str = ""
    generation: str = ""
    identity: str = ""
    collation: str = ""
    number: int = dataclasses.field(default=0, metadata=PHYSICAL)
    not_null_valid: bool = True


@dataclasses.dataclass(frozen=True)
class Constraint:
    """kind: one of CONSTRAINT_KINDS. definition: as pg_get_constraintdef() writes it, without NOT VALID.

    columns, referenced_columns: in order. references: the table that a foreign key leads to. on_delete, on_update: in words.
    """

    name: str
    kind: str
    definition: str
    columns: list[str] = dataclasses.field(default_factory=list)
    references: str = ""
    referenced_columns: list[str] = dataclasses.field(default_factory=list)
    on_delete: str = ""
    on_update: str = ""
    validated: bool = True
    deferrable: bool = False
    deferred: bool = False
    oid: int = dataclasses.field(default=0, metadata=PHYSICAL)


@dataclasses.dataclass(frozen=True)
class Index:
    """columns: the key's names, "" for an expression. predicate: of a partial index, else "". constraint: the one it belongs to."""

    name: str
    definition: str
    method: str = "btree"
    columns: list[str] = dataclasses.field(default_factory=list)
    unique: bool = False
    valid: bool = True
    predicate: str = ""
    constraint: str = ""
    oid: int = dataclasses.field(default=0, metadata=PHYSICAL)
    bytes: int = dataclasses.field(default=0, metadata=PHYSICAL)


@dataclasses.dataclass(frozen=True)
class Trigger:
    """enabled: always, origin, replica or disabled."""

    name: str
    definition: str
    enabled: str = "origin"
    oid: int = dataclasses.field(default=0, metadata=PHYSICAL)


@dataclasses.dataclass(frozen=True)
class Table:
    """kind: one of TABLE_KINDS. partition_of, partition_bound: of a partition. partition_key: of a partitioned table.

    inherits: tables whose columns it has, other than those of partitions. options: storage parameters in PostgreSQL;
    in SQLite "strict", "without rowid", and what makes a virtual table.
    rows: estimate, -1 where nobody has analysed it. bytes: with its indexes and what it keeps out of line; data_bytes: without indexes.
    filenode: another one after a rewrite or TRUNCATE.
    """

    name: str
    kind: str = "table"
    columns: list[Column] = dataclasses.field(default_factory=list)
    constraints: list[Constraint] = dataclasses.field(default_factory=list)
    indexes: list[Index] = dataclasses.field(default_factory=list)
    triggers: list[Trigger] = dataclasses.field(default_factory=list)
    partition_of: str = ""
    partition_bound: str = ""
    partition_key: str = ""
    unlogged: bool = False
    row_security: bool = False
    comment: str = ""
    oid: int = dataclasses.field(default=0, metadata=PHYSICAL)
    filenode: int = dataclasses.field(default=0, metadata=PHYSICAL)
    rows: float = dataclasses.field(default=-1, metadata=PHYSICAL)
    bytes: int = dataclasses.field(default=0, metadata=PHYSICAL)
    data_bytes: int = dataclasses.field(default=0, metadata=PHYSICAL)
    inherits: list[str] = dataclasses.field(default_factory=list)
    options: list[str] = dataclasses.field(default_factory=list)

    def column(self, name: str) -> t.Optional[Column]:
        return next((column for column in self.columns if column.name == name), None)


@dataclasses.dataclass(frozen=True)
class View:
    """definition: as pg_get_viewdef() writes it."""

    name: str
    definition: str
    materialized: bool = False
    columns: list[Column] = dataclasses.field(default_factory=list)
    indexes: list[Index] = dataclasses.field(default_factory=list)
    oid: int = dataclasses.field(default=0, metadata=PHYSICAL)
    bytes: int = dataclasses.field(default=0, metadata=PHYSICAL)
    triggers: list[Trigger] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Sequence:
    """owned_by: "public.orders_order.id", or ""."""

    name: str
    type: str = "bigint"
    start: int = 1
    increment: int = 1
    minimum: int = 1
    maximum: int = 0
    cycle: bool = False
    owned_by: str = ""
    last_value: t.Optional[int] = dataclasses.field(default=None, metadata=PHYSICAL)
    oid: int = dataclasses.field(default=0, metadata=PHYSICAL)


@dataclasses.dataclass(frozen=True)
class Enum:
    name: str
    labels: list[str] = dataclasses.field(default_factory=list)
    oid: int = dataclasses.field(default=0, metadata=PHYSICAL)


@dataclasses.dataclass(frozen=True)
class Domain:
    """checks: as pg_get_constraintdef() writes them, sorted."""

    name: str
    type: str
    not_null: bool = False
    default: str = ""
    checks: list[str] = dataclasses.field(default_factory=list)
    oid: int = dataclasses.field(default=0, metadata=PHYSICAL)


@dataclasses.dataclass(frozen=True)
class Function:
    """arguments: identity arguments. kind: function, procedure, aggregate or window. body: a hash of what it does, and how."""

    name: str
    arguments: str = ""
    returns: str = ""
    kind: str = "function"
    language: str = ""
    body: str = ""
    oid: int = dataclasses.field(default=0, metadata=PHYSICAL)


@dataclasses.dataclass(frozen=True)
class Extension:
    name: str
    version: str = ""
    schema: str = ""


@dataclasses.dataclass(frozen=True)
class Publication:
    """tables: by their names; "public.*" is all of a schema."""

    name: str
    all_tables: bool = False
    tables: list[str] = dataclasses.field(default_factory=list)
    oid: int = dataclasses.field(default=0, metadata=PHYSICAL)


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """One catalog. All lists are sorted by name, columns by their place. server: the version. taken_at: UTC, ISO 8601.

    bytes: of the whole database. database_oid: only where it is the same can an oid that two snapshots have mean the same object.
    """

    dialect: str
    tables: list[Table] = dataclasses.field(default_factory=list)
    views: list[View] = dataclasses.field(default_factory=list)
    sequences: list[Sequence] = dataclasses.field(default_factory=list)
    enums: list[Enum] = dataclasses.field(default_factory=list)
    functions: list[Function] = dataclasses.field(default_factory=list)
    extensions: list[Extension] = dataclasses.field(default_factory=list)
    publications: list[Publication] = dataclasses.field(default_factory=list)
    server: str = dataclasses.field(default="", metadata=PHYSICAL)
    database: str = dataclasses.field(default="", metadata=PHYSICAL)
    taken_at: str = dataclasses.field(default="", metadata=PHYSICAL)
    domains: list[Domain] = dataclasses.field(default_factory=list)
    database_oid: int = dataclasses.field(default=0, metadata=PHYSICAL)
    bytes: int = dataclasses.field(default=0, metadata=PHYSICAL)

    def relations(self) -> list[t.Union[Table, View]]:
        return [*self.tables, *self.views]

    def table(self, name: str) -> t.Optional[Table]:
        return next((table for table in self.tables if table.name == name), None)
