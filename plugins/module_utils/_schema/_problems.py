# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a release fails on a catalog because of its relations and columns. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._demanded import Catalog, Wanted
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Column, Table, View
from ansible_collections.seamless.deploy.plugins.module_utils._schema._types import misfit

# A view like this takes INSERT, UPDATE and DELETE as its table does.
PLAIN_VIEW = re.compile(r'^\s*SELECT [^()]+ FROM (ONLY )?[\w."]+( \w+)?( WHERE .*)?;?\s*$', re.IGNORECASE | re.DOTALL)
NOT_PLAIN = re.compile(r"\b(DISTINCT|GROUP BY|HAVING|LIMIT|OFFSET|UNION|INTERSECT|EXCEPT|JOIN)\b", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing of a release that fails on a catalog.

    kind: names the remedy. object: what it is about. reason: what happens, as the end of a sentence whose subject is the release.
    detail: what tells it from another one of its kind on the same object. certain: proven, not only possible.
    """

    kind: str
    object: str
    reason: str
    detail: str = ""
    certain: bool = True

    @property
    def key(self) -> t.Tuple[str, str, str]:
        return self.kind, self.object, self.detail


def shown(name: str, catalog: Catalog, own: Catalog) -> str:
    """The full name of a relation, where one of the two catalogs has it."""
    relation = own.relation(name) or catalog.relation(name)
    return relation.name if relation else name


def of_columns(want: Wanted, catalog: Catalog, own: Catalog) -> t.Iterator[Problem]:
    """What fails because the relation, or a column of it, is not as the release wants it."""
    name = shown(want.name, catalog, own)
    relation = catalog.relation(want.name)
    if relation is None:
        yield Problem("relation", name, f"uses {name}, which is not there")
        return
    if isinstance(relation, View) and isinstance(own.relation(want.name), Table):
        yield from _viewed(name, relation, catalog.dialect)
    there = {column.name: column for column in relation.columns}
    for column, fact in sorted(want.columns.items()):
        if column not in there:
            yield Problem("column", f"{name}.{column}", f"names {name}.{column}, which is not there")
            continue
        wanted_type = str(fact.get("type") or _own_type(want.name, column, own))
        if catalog.dialect != "sqlite":
            yield from _typed(f"{name}.{column}", wanted_type, there[column])
        yield from _written(f"{name}.{column}", fact, there[column])
    if isinstance(relation, Table):
        yield from _left_out(name, want, relation)


def _viewed(name: str, view: View, dialect: str) -> t.Iterator[Problem]:
    """What takes the place of a table that a release writes."""
    if dialect == "sqlite" and not view.triggers:
        yield Problem("view", name, f"writes {name}, a view, which SQLite refuses")
    elif dialect == "sqlite" or not plain(view):
        yield Problem("view", name, f"writes {name}, a view that may refuse it", certain=False)


def plain(view: View) -> bool:
    return bool(not view.materialized and PLAIN_VIEW.match(view.definition) and not NOT_PLAIN.search(view.definition))


def _own_type(relation: str, column: str, own: Catalog) -> str:
    found = own.relation(relation)
    same = next((each for each in found.columns if each.name == column), None) if found else None
    return same.type if same else ""


def _typed(name: str, wanted_type: str, column: Column) -> t.Iterator[Problem]:
    found = misfit(wanted_type, column.type)
    if found:
        kind = "length" if "characters" in found.reason or "any length" in found.reason else "type"
        yield Problem(kind, name, f"fails on {name}: {found.reason}", column.type, found.certain)


def _written(name: str, fact: t.Dict[str, t.Any], column: Column) -> t.Iterator[Problem]:
    """What fails when the release writes the column, or leaves it to the database."""
    filled_by_database = fact.get("generated") or fact.get("db_default")
    if column.generated and not fact.get("generated"):
        yield Problem("generated", name, f"writes {name}, which the database alone fills")
    elif column.identity == "always" and not filled_by_database:
        yield Problem("generated", name, f"writes {name}, which the database alone numbers")
    elif column.not_null and fact.get("null"):
        yield Problem("null", name, f"may write NULL to {name}, which refuses it")
    elif column.not_null and filled_by_database and not filled(column):
        yield Problem("filled", name, f"leaves {name} to the database, which has no default for it")


def _left_out(name: str, want: Wanted, table: Table) -> t.Iterator[Problem]:
    """Columns that an INSERT of the release does not name."""
    for column in table.columns:
        if column.name in want.columns or not column.not_null or filled(column):
            continue
        full = f"{name}.{column.name}"
        reason = f"leaves {full} out of its INSERT, and the column is NOT NULL without a default"
        if filling_trigger(table):
            yield Problem("required", full, f"{reason}; whether a trigger fills it is not known", certain=False)
        else:
            yield Problem("required", full, reason)


def filled(column: Column) -> bool:
    return bool(column.default or column.identity or column.generated)


def filling_trigger(table: Table) -> bool:
    return any(
        trigger.enabled != "disabled" and re.search(r"\bBEFORE INSERT\b", trigger.definition, re.IGNORECASE)
        for trigger in table.triggers
    )
