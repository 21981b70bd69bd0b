# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The impact of a migration in sentences, with what would make it small. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._migration import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Lock
from ansible_collections.seamless.deploy.plugins.module_utils._schema._works import BLOCKS, Work

# kind -> what is done, words of Django, words of Alembic. {object} and {table} are filled in.
WORDS: t.Dict[str, t.Tuple[str, str, str]] = {
    "index": (
        "the index {object} is built",
        "Use AddIndexConcurrently in a migration with atomic = False.",
        "Use op.create_index(..., postgresql_concurrently=True) within context.autocommit_block().",
    ),
    "unique": (
        "the unique index {object} is built",
        "Make the index with RunSQL CREATE UNIQUE INDEX CONCURRENTLY (atomic = False), then the constraint with "
        "ADD CONSTRAINT ... UNIQUE USING INDEX, in SeparateDatabaseAndState.",
        "Make the index with op.create_index(..., unique=True, postgresql_concurrently=True) within autocommit_block(), "
        "then the constraint with ADD CONSTRAINT ... UNIQUE USING INDEX.",
    ),
    "exclusion": (
        "the exclusion constraint {object} is built",
        "There is no way to build it while requests are served: enforce it on a new table, or in maintenance.",
        "There is no way to build it while requests are served: enforce it on a new table, or in maintenance.",
    ),
    "check": (
        "all rows are read for the check {object}",
        "Add it with AddConstraintNotValid, and use ValidateConstraint in a second migration.",
        "Add it with postgresql_not_valid=True (NOT VALID), and VALIDATE CONSTRAINT in a second revision.",
    ),
    "foreign": (
        "all rows are read for the foreign key {object}",
        "Use db_constraint=False with RunSQL ADD CONSTRAINT ... NOT VALID, and VALIDATE CONSTRAINT in a second migration.",
        "Use op.create_foreign_key(..., postgresql_not_valid=True), and VALIDATE CONSTRAINT in a second revision.",
    ),
    "not_null": (
        "all rows are read for NOT NULL of {object}",
        "Add the check IS NOT NULL with AddConstraintNotValid, use ValidateConstraint in a second migration, and set NOT NULL after it.",
        "Add the check IS NOT NULL as NOT VALID, VALIDATE it in a second revision, and set nullable=False after it.",
    ),
    "validate": (
        "all rows are read to validate {object}",
        "Put ValidateConstraint into a migration of its own.",
        "Put VALIDATE CONSTRAINT into a revision of its own, with transaction_per_migration=True.",
    ),
    "scan": (
        "all rows of {object} are read",
        "Put what reads the rows into a migration of its own, without the change of the table.",
        "Put what reads the rows into a revision of its own, without the change of the table.",
    ),
    "type": (
        "the table is rewritten for the new type of {object}",
        "Add a new column of the new type, write both, copy the rows in batches, and drop the old column in the next release.",
        "Add a new column of the new type, write both, copy the rows in batches, and drop the old column in the next release.",
    ),
    "default": (
        "the table is rewritten to give each row a value of {object}",
        "Add the field with null=True and without a default, set the default in a second migration, and fill the rows in batches.",
        "Add the column with nullable=True and without a server_default, set it in a second revision, and fill the rows in batches.",
    ),
    "rewrite": (
        "the table is rewritten or emptied",
        "Do this in maintenance, or copy the rows to a new table in batches.",
        "Do this in maintenance, or copy the rows to a new table in batches.",
    ),
    "": (
        "the rest of the transaction runs",
        "Change the rows in a migration of its own, in batches with atomic = False, and not after a change of the table.",
        "Change the rows in a revision of its own, in batches, and not after a change of the table.",
    ),
}


def stalling(lock: Lock, held: float, work: t.Optional[Work], framework: str) -> Finding:
    kind = "" if work is None else work.cause or work.kind
    done, django, alembic = WORDS[kind]
    size = f" ({_size(work.data_bytes)})" if work else ""
    source = f"about {_time(held)} (a forecast)" if work else f"{_time(held)} in the rehearsal"
    name = work.object if work else lock.relation
    reason = (
        f"{_capital(BLOCKS[lock.mode])} of {lock.relation}{size} wait for {source}, while {done.format(object=name)}."
    )
    return Finding(name, reason, alembic if framework == "alembic" else django)


def crowded(migration: str, tables: t.List[str], framework: str) -> Finding:
    """Not a stall: the lock budget holds for the whole transaction, which then needs more attempts."""
    names = ", ".join(tables)
    reason = (
        f"One transaction locks {names} one after the other, so that requests to the first wait for the others too."
    )
    unit = "revision" if framework == "alembic" else "migration"
    return Finding(migration, reason, f"Change each of these tables in a {unit} of its own.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _size(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} GB"


def _time(number: float) -> str:
    return f"{number:.1f} s" if number < 10 else f"{number:.0f} s" if number < 120 else f"{number / 60:.0f} min"
