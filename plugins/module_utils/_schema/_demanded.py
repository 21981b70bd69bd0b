# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The relations that a release wants, and where a catalog has them. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Column, Snapshot, Table, View

Relation = t.Union[Table, View]

UPSERT = re.compile(r"^(?P<table>[^()]+)\((?P<columns>[^()]+)\)$")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One relation as a release uses it.

    columns: by name, as the bridge describes them. whole: raw SQL uses the relation, with columns that nobody has named.
    unique: sets that the release keeps unique. upserts: sets that its INSERT names as the target of a conflict.
    """

    name: str
    columns: t.Dict[str, t.Dict[str, t.Any]]
    foreign_keys: t.List[t.Dict[str, t.Any]]
    unique: t.List[t.FrozenSet[str]]
    upserts: t.List[t.FrozenSet[str]]
    whole: bool = False


class Catalog:
    """A snapshot with the names of a release: they are bare and found in the schemas of its search_path."""

    def __init__(self, snapshot: Snapshot, schemas: t.Sequence[str]) -> None:
        self.snapshot = snapshot
        self.dialect = snapshot.dialect
        self._relations: t.Dict[str, Relation] = {view.name: view for view in snapshot.views}
        self._relations.update({table.name: table for table in snapshot.tables})
        self._schemas = schemas
        self._found: t.Dict[str, t.Optional[Relation]] = {}  # names are asked for again and again

    def relation(self, name: str) -> t.Optional[Relation]:
        if name not in self._found:
            full_names = (name.replace('"', ""), *(f"{schema}.{name}" for schema in self._schemas))
            full = next((each for each in full_names if each in self._relations), "")
            self._found[name] = self._relations.get(full)
        return self._found[name]

    def by_full_name(self, name: str) -> t.Optional[Relation]:
        return self._relations.get(name)

    def labels(self, type_name: str) -> t.Optional[t.List[str]]:
        """The labels of an enum; None where the type is none."""
        bare = type_name.replace("[]", "").replace('"', "").rpartition(".")[2]
        return next((enum.labels for enum in self.snapshot.enums if enum.name.rpartition(".")[2] == bare), None)


def schemas_of(before: Snapshot, after: Snapshot, *releases: Demands) -> t.List[str]:
    """The schemas in which the releases find their tables, those with most of them first."""
    names = {name for release in releases for name in release.tables}
    for snapshot in (before, after):
        found: t.Dict[str, int] = {}
        for relation in snapshot.relations():
            schema, _dot, bare = relation.name.rpartition(".")
            if bare in names:
                found[schema] = found.get(schema, 0) + 1
        if found:
            return sorted(found, key=lambda schema: (-found[schema], schema != "public", schema))
    return ["public"]


def wanted(release: Demands, own: Catalog) -> t.Dict[str, Wanted]:
    """By name. own: the catalog that the release is made for, which knows what its raw SQL may use of a table."""
    if not release.models:
        release.models.update({name: _of_model(name, entry) for name, entry in release.tables.items()})
    found: t.Dict[str, Wanted] = dict(release.models)
    for entry in release.raw:
        upsert = UPSERT.match(entry.strip())
        name, _dot, column = (upsert.group("table").strip(), "", "") if upsert else _split(entry.strip(), found, own)
        before = found.get(name) or Wanted(name, {}, [], [], [])
        if upsert:
            target = frozenset(part.strip() for part in upsert.group("columns").split(","))
            found[name] = dataclasses.replace(before, upserts=[*before.upserts, target])
        elif column:
            found[name] = dataclasses.replace(before, columns={column: {"null": False}, **before.columns})
        else:
            relation = own.relation(name)
            columns: t.Dict[str, t.Dict[str, t.Any]] = {}
            for each in relation.columns if relation else []:
                columns[each.name] = _as_it_is(each)
            found[name] = dataclasses.replace(before, columns={**columns, **before.columns}, whole=True)
    return found


def _split(entry: str, known: t.Dict[str, Wanted], own: Catalog) -> t.Tuple[str, str, str]:
    """A table, or a table and a column: the dot may also follow a schema."""
    if entry in known or own.relation(entry):
        return entry, "", ""
    return entry.rpartition(".") if "." in entry else (entry, "", "")


def _as_it_is(column: Column) -> t.Dict[str, t.Any]:
    """What raw SQL may do with a column: all that its own catalog allows."""
    filled = bool(column.default or column.identity or column.generated)
    return {"type": column.type, "null": not column.not_null, "generated": filled, "db_default": filled}


def _of_model(name: str, entry: t.Dict[str, t.Any]) -> Wanted:
    columns = dict(entry.get("columns") or {})
    unique = [frozenset(names) for names in entry.get("unique") or []]
    key = frozenset(column for column, fact in columns.items() if fact.get("primary_key"))
    return Wanted(name, columns, list(entry.get("foreign_keys") or []), [*unique, key] if key else unique, [])


class Renames:
    """What one migration calls otherwise, seen by what a rename does not change."""

    def __init__(self, one: Snapshot, other: Snapshot) -> None:
        self._tables = {table.oid: table for table in other.tables if table.oid}
        self._views = {view.oid: view for view in other.views if view.oid}
        self._one = one

    def relation(self, relation: Relation) -> str:
        """Its name in the other catalog, "" where it has the same or is not there."""
        same = self._tables.get(relation.oid) or self._views.get(relation.oid)
        return same.name if same and same.name != relation.name else ""

    def column(self, relation: Relation, name: str) -> str:
        """Its name in the other catalog, "" where it has the same or is not there."""
        there = self._tables.get(relation.oid)
        here = next((column for column in relation.columns if column.name == name), None)
        if there is None or here is None or not here.number:
            return ""
        same = next((column for column in there.columns if column.number == here.number), None)
        return same.name if same and same.name != name else ""
