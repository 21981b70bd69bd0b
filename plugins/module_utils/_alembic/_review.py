# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A review of each revision: what it does, what it leaves open, what it touches. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from . import _remarks, _revision, _sql, _tables, _undoing
from ._finding import Finding
from ._graph import Chain
from ._operation import Operation
from ._tables import Tables
from ._walk import Direction, read_direction

CONSTRAINTS = (
    "create_unique_constraint", "create_check_constraint", "create_primary_key", "create_exclude_constraint", "create_foreign_key",
    "drop_constraint",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Review:
    """One revision.

    downgrade: complete, incomplete, empty, missing, refuses. creates: new tables. touches: tables that were there before.
    references: tables that its foreign keys lead to and that it does not create. constraints: those it changes on tables that were
    there before. data: it changes rows, or runs code whose effect its text does not show.
    """

    revision: str
    path: str
    downgrade: str
    creates: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    data: bool = False
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, t.Any]:
        listed = {field.name: list(value) for field in dataclasses.fields(self)
                  for value in [getattr(self, field.name)] if isinstance(value, tuple)}  # fmt: skip
        findings = [each.to_json() for each in self.findings]
        return {**dataclasses.asdict(self), **listed, "findings": findings, "only_new_tables": not self.touches}


def review_all(
    chain: Chain, files: t.Mapping[str, str], sources: t.Optional[t.Mapping[str, str]] = None
) -> list[Review]:
    """All revisions in their order. files: path -> text of revision files; sources: of the models."""
    trees = {own_id: _revision.parsed(files[revision.path]) for own_id, revision in chain.revisions.items()}
    models = _tables.models_of(sources or {})
    upgrades = {own_id: read_direction(tree, "upgrade", models.named) for own_id, tree in trees.items()}
    tables = _tables.survey(chain, upgrades, models.features)
    known_types: set[str] = set()
    reviews = []
    for own_id in [*chain.order, *(each for each in chain.revisions if each not in chain.order)]:
        downgrade = read_direction(trees[own_id], "downgrade", models.named)
        left = _undoing.types_left(upgrades[own_id], downgrade, known_types)
        known_types |= {column.enum for each in upgrades[own_id].operations for column in each.columns}
        reviews.append(_review(chain, own_id, upgrades[own_id], downgrade, tables, left))
    return reviews


def _review(
    chain: Chain, own_id: str, upgrade: Direction, downgrade: Direction, tables: Tables, types: t.Sequence[str]
) -> Review:
    operations = upgrade.operations
    creates = _unique(each.table for each in operations if each.kind == "create_table")
    creates = _unique(
        [*creates, *(name for kind, name in (_sql.creates(each.sql) for each in operations) if kind == "TABLE")]
    )
    touches = _unique(each.table for each in operations if each.table and each.table not in creates and _touches(each))
    keys = [key for each in operations for key in each.foreign_keys]
    left = _undoing.left_behind(upgrade, downgrade)
    changed = [each for each in operations if _changes_constraint(each) and each.table not in creates]
    path = chain.revisions[own_id].path
    about = _remarks.About(chain, own_id, path, tables, creates)
    state = _state(upgrade, downgrade, left)
    return Review(
        revision=own_id,
        path=path,
        downgrade=state,
        creates=creates,
        touches=touches,
        references=_unique(key.target for key in keys if key.target and key.target not in creates),
        constraints=_unique(_remarks.constraint_words(each) for each in changed),
        data=any(_is_data(each) for each in operations),
        findings=(
            *_remarks.of_downgrade(about, state, left, types, downgrade),
            *_remarks.of_foreign_keys(about, keys, operations),
            *_remarks.of_constraints(about, changed),
            *_remarks.of_columns(about, operations),
            *_remarks.of_primary_keys(about, operations),
            *_remarks.of_data(about, [each for each in operations if _is_data(each)]),
        ),
    )


def _state(upgrade: Direction, downgrade: Direction, left: t.Sequence[str]) -> str:
    if not downgrade.defined:
        return "missing"
    if downgrade.refuses:
        return "refuses"
    if not left:
        return "complete"
    return "incomplete" if downgrade.operations else "empty"


def _touches(each: Operation) -> bool:
    return each.kind != "sql" or _sql.changes_schema(each.sql) or _sql.writes_rows(each.sql)


def _changes_constraint(each: Operation) -> bool:
    if each.kind == "alter_column":
        return "nullable" in each.options
    if each.kind == "create_index":
        return each.options.get("unique") is True
    return each.kind in CONSTRAINTS or (each.kind == "sql" and _sql.changes_constraint(each.sql))


def _is_data(each: Operation) -> bool:
    return each.kind in ("rows", "create_all") or (
        each.kind == "sql" and (_sql.writes_rows(each.sql) or not _known_sql(each.sql))
    )


def _known_sql(statement: str) -> bool:
    words = (
        "select",
        "set",
        "reset",
        "lock",
        "analyze",
        "vacuum",
        "reindex",
        "refresh",
        "grant",
        "revoke",
        "begin",
        "commit",
        "pragma",
    )
    return _sql.changes_schema(statement) or statement.split(" ")[0].lower() in words


def _unique(names: t.Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
