# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a release fails on a catalog because of its constraints. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema import _checks
from ansible_collections.seamless.deploy.plugins.module_utils._schema._demanded import Catalog, Wanted
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Column, Constraint, Index, Table
from ansible_collections.seamless.deploy.plugins.module_utils._schema._problems import Problem, shown

VOLATILE = re.compile(r"nextval|random|uuid|clock_timestamp", re.IGNORECASE)
LEAVES_CHILDREN = ("", "NO ACTION", "RESTRICT")


class Unique(t.NamedTuple):
    """A set that is unique in a table. columns: in order, "" for an expression. signature: the same under any name."""

    name: str
    columns: t.Tuple[str, ...]
    predicate: str
    signature: str
    deferrable: bool
    nulls_equal: bool


def of_constraints(want: Wanted, catalog: Catalog, own: Catalog) -> t.Iterator[Problem]:
    """What a release writes to one of its tables and a constraint refuses."""
    table = catalog.relation(want.name)
    if not isinstance(table, Table):
        return
    name = shown(want.name, catalog, own)
    own_table = own.relation(want.name)
    own_checks = own_table.constraints if isinstance(own_table, Table) else []
    sets = unique_sets(table)
    for unique in sets:
        if not _keeps_unique(want, table, unique):
            yield _may_repeat(name, unique)
    for target in want.upserts:
        if not any(_names(unique, target) for unique in sets):
            columns = ", ".join(sorted(target))
            reason = f"names ({columns}) as the target of a conflict in {name}, and nothing makes it unique"
            yield Problem("upsert", name, reason, columns)
    for constraint in table.constraints:
        if constraint.kind == "check" and not _checks.implied(constraint, own_checks):
            if _checks.kept(constraint, want, table):
                continue
            reason = f"may write to {name} what the check {constraint.name} refuses"
            yield Problem("check", name, reason, constraint.definition)
        elif constraint.kind == "exclusion":
            reason = f"may write to {name} what the constraint {constraint.name} refuses"
            yield Problem("exclusion", name, reason, constraint.definition)
        elif constraint.kind == "foreign":
            yield from _orphans(name, want, table, constraint, catalog, own)


def unique_sets(table: Table) -> t.List[Unique]:
    """All of them, whether a constraint or only an index makes them; an invalid index refuses duplicates too."""
    constraints = {each.name: each for each in table.constraints if each.kind in ("primary", "unique")}
    found = [_of_index(index, constraints) for index in table.indexes if index.unique]
    known = {index.constraint or index.name for index in table.indexes}
    for constraint in constraints.values():
        if constraint.name not in known:
            signature = ",".join(constraint.columns)
            nulls_equal = "NULLS NOT DISTINCT" in constraint.definition
            columns = tuple(constraint.columns)
            found.append(Unique(constraint.name, columns, "", signature, constraint.deferrable, nulls_equal))
    return found


def _of_index(index: Index, constraints: t.Dict[str, Constraint]) -> Unique:
    constraint = constraints.get(index.constraint or index.name)
    nulls_equal = "NULLS NOT DISTINCT" in index.definition
    signature = ",".join(index.columns)
    if index.predicate or "" in index.columns:
        signature = index.definition.partition(" USING ")[2] or index.definition
    deferrable = bool(constraint and constraint.deferrable)
    return Unique(index.name, tuple(index.columns), index.predicate, signature, deferrable, nulls_equal)


def _names(unique: Unique, target: t.FrozenSet[str]) -> bool:
    return frozenset(unique.columns) == target and not unique.predicate and not unique.deferrable


def _keeps_unique(want: Wanted, table: Table, unique: Unique) -> bool:
    """Whether nothing that the release writes can be a duplicate there."""
    columns = frozenset(unique.columns)
    if any(declared <= columns for declared in [*want.unique, *want.upserts]):
        return True
    if "" in unique.columns:
        return False
    unknown = [table.column(name) for name in unique.columns if name not in want.columns]
    return any(column is not None and _differs(column, unique) for column in unknown)


def _differs(column: Column, unique: Unique) -> bool:
    """Whether what the database puts into a column that an INSERT leaves out is no duplicate."""
    if column.identity or VOLATILE.search(column.default):
        return True
    return not column.default and not column.generated and not unique.nulls_equal


def _may_repeat(name: str, unique: Unique) -> Problem:
    columns = ", ".join(column or "an expression" for column in unique.columns)
    reason = f"may write duplicates of ({columns}) to {name}, which {unique.name} refuses"
    return Problem("unique", name, reason, unique.signature)


def _orphans(
    name: str, want: Wanted, table: Table, constraint: Constraint, catalog: Catalog, own: Catalog
) -> t.Iterator[Problem]:
    """A foreign key over columns that the release writes and does not know as one, or as one to another table."""
    declared = {key.get("column"): key.get("table") for key in want.foreign_keys if key.get("constraint", True)}
    known = [str(declared[column]) for column in constraint.columns if column in declared]
    if known and all(_leads_to(each, constraint.references, catalog, own) for each in known):
        return
    unknown = [table.column(column) for column in constraint.columns if column not in want.columns]
    if any(column is not None and not column.generated for column in unknown):
        return  # NULL is no reference, and what a default refers to was checked when the key was made
    columns = ", ".join(constraint.columns)
    reason = f"may write to {name} a value of ({columns}) that {constraint.references} does not have"
    yield Problem("foreign", name, reason, f"{columns} -> {constraint.references}")


def _leads_to(wanted: str, references: str, catalog: Catalog, own: Catalog) -> bool:
    """Whether what a release calls `wanted` is the table that a foreign key of a catalog refers to, whatever it is called there."""
    meant, there = own.relation(wanted), catalog.by_full_name(references)
    if meant is None or there is None:
        return True
    return meant.name == references or bool(meant.oid and meant.oid == there.oid)


def alike_for_deletes(wants: t.Dict[str, Wanted], release: Demands, one: Catalog, other: Catalog) -> t.Set[str]:
    """The tables of which of_deletes() says the same on both sides."""
    if _seen(wants, one) != _seen(wants, other) or _deleted(release, one) != _deleted(release, other):
        return set()
    return {table.name for table in one.snapshot.tables if other.by_full_name(table.name) == table}


def _seen(wants: t.Dict[str, Wanted], catalog: Catalog) -> t.Dict[str, Wanted]:
    """What the release uses, by the name that the catalog has for it."""
    return {relation.name: want for want in wants.values() for relation in [catalog.relation(want.name)] if relation}


def of_deletes(
    wants: t.Dict[str, Wanted], catalog: Catalog, release: Demands, alike: t.Container[str] = ()
) -> t.Iterator[Problem]:
    """Deletes that a foreign key refuses, because the release does not see the rows that lead to what it deletes.

    alike: tables that are not looked at.
    """
    seen, deleted = _seen(wants, catalog), _deleted(release, catalog)
    for child in catalog.snapshot.tables:
        for key in () if child.name in alike else child.constraints:
            if key.kind != "foreign" or key.references not in seen:
                continue
            word = key.on_delete.upper()
            want = seen.get(child.name)
            columns = ", ".join(key.columns)
            if want is not None and set(key.columns) <= set(want.columns):
                yield from _cascades(want, child, key, release)
            elif word in LEAVES_CHILDREN and (deleted is None or key.references in deleted):
                reason = f"cannot delete rows of {key.references} that {child.name} ({columns}) leads to, which it does not know"
                yield Problem("delete", child.name, reason, f"{columns} {word}", certain=deleted is not None)


def _deleted(release: Demands, catalog: Catalog) -> t.Optional[t.Set[str]]:
    """The tables whose rows it deletes, None where nobody knows."""
    if release.deletes is None:
        return None
    found = {name: catalog.relation(name) for name in release.deletes}
    return {relation.name if relation else name for name, relation in found.items()}


def _cascades(want: Wanted, child: Table, key: Constraint, release: Demands) -> t.Iterator[Problem]:
    """The release leaves it to the database what becomes of the rows, and the database refuses."""
    for declared in want.foreign_keys:
        word = str(declared.get("on_delete") or "").upper().replace("_", " ")
        in_database = word.startswith("DB ") if release.framework == "django" else bool(word)
        word = word[3:] if word.startswith("DB ") else word
        if (
            declared.get("column") not in key.columns
            or not in_database
            or word in ("NO ACTION", "RESTRICT", "DO NOTHING")
        ):
            continue
        if key.on_delete.upper() in LEAVES_CHILDREN:
            columns = ", ".join(key.columns)
            reason = f"leaves it to {child.name} ({columns}) to let rows of {key.references} go, and that refuses"
            yield Problem("cascade", child.name, reason, f"{columns} {key.on_delete.upper()}")
