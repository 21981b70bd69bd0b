# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen when a migration ran on a scratch copy, and what two releases ask of the schema. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._migration import Migration
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

VERSION = 1

REHEARSALS = ("schema", "data", "none")
VIOLATIONS = ("null", "duplicate", "orphan", "check", "range")


@dataclasses.dataclass(frozen=True)
class Lock:
    """A lock on a relation that was there before. mode: as pg_locks writes it, such as AccessExclusiveLock.

    statement: number of the one that took it, from 0. seconds: from then to the end of the transaction.
    """

    relation: str
    mode: str
    statement: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Statement:
    """sql: without the values of its parameters. transaction: number of the one that it ran in, from 0; -1 outside of any.

    code: run by the framework's own code (RunPython and the like) and not by an operation on the schema.
    """

    sql: str
    seconds: float
    transaction: int = 0
    code: bool = False


@dataclasses.dataclass(frozen=True)
class Violation:
    """What only data shows. object: "public.orders_order.paid". kind: one of VIOLATIONS. samples: primary keys, as text."""

    object: str
    kind: str
    count: int
    samples: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Failure:
    """kind: a stable word. message: a sentence. sqlstate: "" where the database did not refuse."""

    kind: str
    message: str
    sqlstate: str = ""


@dataclasses.dataclass(frozen=True)
class Evidence:
    """One migration on a scratch copy.

    rehearsal: one of REHEARSALS; on `schema` the tables were empty. before, after: the catalogs around it.
    rewritten, scanned: relations that were there before and have another file now, or were read from end to end.
    """

    migration: Migration
    rehearsal: str
    before: Snapshot
    after: Snapshot
    seconds: float = 0.0
    statements: list[Statement] = dataclasses.field(default_factory=list)
    locks: list[Lock] = dataclasses.field(default_factory=list)
    rewritten: list[str] = dataclasses.field(default_factory=list)
    scanned: list[str] = dataclasses.field(default_factory=list)
    violations: list[Violation] = dataclasses.field(default_factory=list)
    failure: t.Optional[Failure] = None


@dataclasses.dataclass(frozen=True)
class Demands:
    """What one release asks of the schema. release: its id. framework: django or alembic.

    tables: as the bridge's `describe` gives `demands.tables`, by the bare name of the table in search_path.
    known: whether the release told its demands; where not, nothing is proven of it.
    drivers: version by name (psycopg, psycopg2, asyncpg).
    raw: tables, "table.column" that the user says raw SQL needs, or "table(column, column)" that an upsert names as its target.
    deletes: tables whose rows it deletes, as the user says; None: not known.
    models: what was made of `tables` for one migration, kept for the next.
    """

    release: str
    framework: str = "django"
    tables: t.Dict[str, t.Any] = dataclasses.field(default_factory=dict)
    known: bool = True
    drivers: t.Dict[str, str] = dataclasses.field(default_factory=dict)
    raw: list[str] = dataclasses.field(default_factory=list)
    deletes: t.Optional[list[str]] = None
    models: t.Dict[str, t.Any] = dataclasses.field(default_factory=dict, init=False, repr=False, compare=False)
