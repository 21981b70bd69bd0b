# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said beside a verdict and does not change it. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._migration import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._schema._demanded import Catalog, Relation, wanted
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Table
from ansible_collections.seamless.deploy.plugins.module_utils._schema._restrictions import alike_for_deletes, of_deletes

PREPARING = ("asyncpg", "psycopg")


def notes(before: Catalog, after: Catalog, old: Demands, new: Demands) -> t.List[Finding]:
    return [*_cached_plans(before, after, old), *_raw_sql(before, after, old, new), *_children(before, after, old)]


def cached_plans(before: Catalog, after: Catalog, old: Demands) -> t.List[str]:
    """Columns whose type changes under a driver that keeps plans."""
    if not preparing_driver(old):
        return []
    changed = []
    for name in sorted(old.tables):
        one, other = before.relation(name), after.relation(name)
        types = {column.name: column.type for column in other.columns} if other else {}
        for column in one.columns if one else []:
            if (
                column.name in old.tables[name].get("columns", {})
                and types.get(column.name, column.type) != column.type
            ):
                changed.append(f"{one.name if one else name}.{column.name}")
    return changed


def preparing_driver(release: Demands) -> str:
    """Django asks psycopg not to prepare statements; SQLAlchemy leaves it to the driver."""
    drivers = ("asyncpg",) if release.framework == "django" else PREPARING
    return next((driver for driver in drivers if driver in release.drivers), "")


def _cached_plans(before: Catalog, after: Catalog, old: Demands) -> t.Iterator[Finding]:
    for column in cached_plans(before, after, old):
        driver = preparing_driver(old)
        off = "prepared_statement_cache_size=0" if driver == "asyncpg" else "prepare_threshold=None"
        yield Finding(
            column,
            f"{driver} keeps plans: one request of the old release fails for each pooled connection that has read {column} before.",
            f"Run the old release with {off} before this deploy, or accept the failed requests.",
        )


def _raw_sql(before: Catalog, after: Catalog, old: Demands, new: Demands) -> t.Iterator[Finding]:
    """What goes and no model names."""
    losing = [table for table in before.snapshot.tables if _loses(table, after.by_full_name(table.name))]
    used = {**wanted(new, after), **wanted(old, before)} if losing else {}
    for table in losing:
        bare = table.name.rpartition(".")[2]
        there = after.by_full_name(table.name)
        if (
            there is None
            and bare not in used
            and not any(each.oid == table.oid and each.oid for each in after.snapshot.tables)
        ):
            yield Finding(
                table.name,
                f"{table.name} goes, and no model of the two releases names it; raw SQL that reads it is not seen.",
                "Declare what raw SQL needs if there is any.",
            )
        names = {column.name for column in there.columns} if there else {column.name for column in table.columns}
        for column in table.columns:
            if column.name not in names and bare in used and column.name not in used[bare].columns:
                full = f"{table.name}.{column.name}"
                yield Finding(
                    full,
                    f"{full} goes, and no model of the old release names it; raw SQL that reads it is not seen.",
                    "Declare what raw SQL needs if there is any.",
                )


def _loses(table: Table, there: t.Optional[Relation]) -> bool:
    names = {column.name for column in there.columns} if there else set()
    return any(column.name not in names for column in table.columns) or there is None


def _children(before: Catalog, after: Catalog, old: Demands) -> t.Iterator[Finding]:
    """Rows that only the new release writes, and that keep the old one from deleting what they lead to."""
    if old.deletes is not None or not old.known:
        return
    wants = wanted(old, before)
    alike = alike_for_deletes(wants, old, before, after)
    known = {problem.key for problem in of_deletes(wants, before, old, alike)}
    for problem in of_deletes(wants, after, old, alike):
        if problem.kind == "delete" and problem.key not in known:
            yield Finding(
                problem.object,
                f"While both releases serve, the old release {problem.reason}.",
                "Add the foreign key with a database's own ON DELETE, or after the old release has gone, where it deletes such rows.",
            )
