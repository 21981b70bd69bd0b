# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One catalog after another of the same database, reading again only what has changed. Target; PRIVATE to the collection.

What tells is the rows of the catalog themselves: whoever changes one writes another one, under another transaction.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import rows
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._snapshot_objects import others, sequences
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._snapshot_tables import USERS, relations
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot, Table, View

_ROW = "pg_catalog.hashtid({row}.ctid) + {row}.xmin::text::bigint"
#: Where a relation has rows: the catalog, what in it leads to the relation, and which of them can change.
_PARTS = [
    ("pg_attribute", "attrelid", "p.attnum > 0"),
    ("pg_attrdef", "adrelid", "true"),
    ("pg_constraint", "conrelid", "true"),
    ("pg_index", "indrelid", "true"),
    ("pg_trigger", "tgrelid", "true"),
    ("pg_inherits", "inhrelid", "true"),
    ("pg_rewrite", "ev_class", "true"),
    ("pg_sequence", "seqrelid", "true"),
    ("pg_description", "objoid", "p.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass"),
]
_OF_PARTS = " ".join(
    f"UNION ALL SELECT p.{key}, {_ROW.format(row='p')} FROM pg_catalog.{name} AS p WHERE p.{key} >= 16384 AND {which}"
    for name, key, which in _PARTS
)
#: The rows of an index count as those of its table. Relations of users have oids from 16384 on.
_RELATIONS = f"""
WITH part (relation, row) AS (
  SELECT coalesce(i.indrelid, c.oid), {_ROW.format(row="c")}
  FROM pg_catalog.pg_class AS c LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid WHERE c.oid >= 16384
  {_OF_PARTS}
)
SELECT c.oid, c.relkind, stamped.rows
FROM (SELECT part.relation, sum(part.row) AS rows FROM part GROUP BY part.relation) AS stamped
JOIN pg_catalog.pg_class AS c ON c.oid = stamped.relation JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND {USERS}
"""
#: What the definitions of relations name, and what belongs to an extension. Every table brings types with it, which say nothing.
_WITH_NAMES = (
    "pg_namespace",
    "pg_proc",
    "pg_operator",
    "pg_collation",
    "pg_opclass",
    "pg_am",
    "pg_ts_config",
    "pg_ts_dict",
)
_NAMED = "UNION ALL ".join(
    f"SELECT {_ROW.format(row='o')} AS row FROM pg_catalog.{name} AS o WHERE {which} "
    for name, which in [
        *((name, "o.oid >= 16384") for name in _WITH_NAMES),
        ("pg_type", "o.oid >= 16384 AND o.typtype <> 'c' AND o.typcategory <> 'A'"),
        ("pg_enum", "true"),
        ("pg_extension", "true"),
        ("pg_depend", "o.deptype = 'e'"),
    ]
)
_SURROUNDINGS = f"SELECT sum(named.row) FROM ({_NAMED}) AS named"

Relation = t.Union[Table, View]


class Following:
    """The catalogs of one scratch copy, without sizes: production's count. Estimates of what has not changed are those of the first."""

    def __init__(self, opened: t.Any, database: str, now: str) -> None:
        self._opened, self._database, self._now = opened, database, now
        self._last: t.Optional[Snapshot] = None
        self._stamps: dict[int, tuple[str, int]] = {}
        self._surroundings: t.Any = None

    def take(self) -> Snapshot:
        """As _snapshot.take() gives it, but for the sizes. Raises DeployError."""
        return _snapshot.reading(self._opened, self._database, self._next)

    def _next(self) -> Snapshot:
        stamps = {oid: (kind, stamp) for oid, kind, stamp in rows(self._opened, _RELATIONS)}
        surroundings = rows(self._opened, _SURROUNDINGS)[0][0]
        found = self._changed(stamps) if surroundings == self._surroundings else None
        self._last = found or _snapshot.whole(self._opened, self._database, self._now, sizes=False)
        self._stamps, self._surroundings = stamps, surroundings
        return self._last

    def _changed(self, stamps: dict[int, tuple[str, int]]) -> t.Optional[Snapshot]:
        """The last catalog with what is not as it was; None where a name has changed, which may stand in any definition."""
        last = self._last
        if last is None:
            return None
        anew = [oid for oid in stamps if stamps[oid] != self._stamps.get(oid)]
        if any(stamps[oid][0] in "Sc" and oid in self._stamps for oid in anew):
            return None
        known = {relation.oid: relation for relation in last.relations()}
        tables, views = relations(self._opened, anew, sizes=False)
        read: list[t.Union[Table, View]] = [*tables, *views]
        if any(_renamed(known[each.oid], each) for each in read if each.oid in known):
            return None
        kept = {oid for oid in known if oid in stamps and oid not in anew}
        alike = _sequences(stamps) == _sequences(self._stamps)
        more: dict[str, t.Any] = others(self._opened)
        return dataclasses.replace(
            last,
            tables=_merged([each for each in last.tables if each.oid in kept], tables),
            views=_merged([each for each in last.views if each.oid in kept], views),
            sequences=last.sequences if alike else sequences(self._opened),
            **more,
        )


def _sequences(stamps: dict[int, tuple[str, int]]) -> set[int]:
    return {oid for oid, (kind, _stamp) in stamps.items() if kind == "S"}


def _renamed(was: Relation, now: Relation) -> bool:
    """Whether the relation or one of its columns is called otherwise."""
    names = {column.number: column.name for column in now.columns}
    return was.name != now.name or any(names.get(column.number, column.name) != column.name for column in was.columns)


def _merged(kept: list[t.Any], read: list[t.Any]) -> list[t.Any]:
    return sorted([*kept, *read], key=lambda relation: relation.name)
