# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a review of a revision says, in sentences. Pure; target and bridge; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ._finding import Finding
from ._graph import Chain
from ._operation import FAMILIES, ForeignKey, Operation
from ._tables import Tables, primary_key
from ._walk import Direction

#: Types of a key that a foreign key of the other type still fits.
_NUMBERS = ("smallint", "integer", "bigint")
_SHOWN = 6


class About(t.NamedTuple):
    """The revision in question. creates: the tables that it makes."""

    chain: Chain
    revision: str
    path: str
    tables: Tables
    creates: t.Tuple[str, ...]

    def say(self, kind: str, level: str, what: str, evidence: str, remedy: str, line: int = 0) -> Finding:
        place = f"{self.path}:{line}" if line else self.path
        return Finding(kind, level, what, f"{self.revision} {evidence}", remedy, place, self.revision)


def of_downgrade(
    about: About, state: str, left: t.Sequence[str], types: t.Sequence[str], downgrade: Direction
) -> t.Iterator[Finding]:
    shown = listed(left)
    if state == "missing":
        remedy = "write one, with pass where nothing is to be undone; alembic downgrade fails without it"
        yield about.say("downgrade_missing", "warning", about.revision, "has no downgrade()", remedy)
    elif state == "refuses":
        remedy = "nothing to do where that is meant: a rollback then needs the backup and not the downgrade"
        yield about.say("downgrade_refuses", "note", about.revision, "has a downgrade() that only raises", remedy)
    elif state == "empty":
        remedy = "write what undoes it, or raise in it: as it is, a downgrade records what it has not done"
        yield about.say(
            "downgrade_empty",
            "warning",
            about.revision,
            f"has a downgrade() that does nothing and leaves {shown}",
            remedy,
        )
    elif state == "incomplete":
        remedy = "undo it there as well: after downgrade and upgrade the same revision would find it in its way"
        yield about.say(
            "downgrade_incomplete", "warning", about.revision, f"leaves {shown} behind when it is downgraded", remedy
        )
    for name in types:
        remedy = f"drop it in downgrade() with op.execute('DROP TYPE {name}'): on PostgreSQL the next upgrade finds that it already exists"
        yield about.say(
            "type_left",
            "warning",
            name,
            f"makes the type {name} with its table, and downgrade() drops the table only",
            remedy,
        )
    for each in downgrade.operations:
        if each.kind == "drop_constraint" and each.options.get("unnamed"):
            remedy = "give it the name that the database has, and the MetaData a naming_convention, so that autogenerate writes names"
            evidence = f"drops a constraint of {each.table} without a name in downgrade(), which fails"
            yield about.say("constraint_without_name", "warning", each.table, evidence, remedy, each.line)


def of_foreign_keys(
    about: About, keys: t.Sequence[ForeignKey], operations: t.Sequence[Operation]
) -> t.Iterator[Finding]:
    before = about.chain.ancestors(about.revision)
    for key in keys:
        makers = about.tables.makers.get(key.target, [])
        if key.target in about.creates or not key.target:
            continue
        named = f"{key.table or 'a table'}.{', '.join(each or '?' for each in key.columns)}"
        evidence = f"has a foreign key from {named} to {key.target}"
        if makers and not before & set(makers):
            remedy = f"add depends_on = '{makers[0]}' to it, or come after it: on an empty database it may run before the table exists"
            text = f"{evidence}, which {makers[0]} makes, and does not come after that"
            yield about.say("foreign_key_without_order", "warning", key.target, text, remedy)
        elif _other_feature(about, key):
            remedy = "nothing, where the features belong together; creating it locks both tables, and neither can be moved or dropped alone"
            text = f"{evidence}, of another feature ({_other_feature(about, key)})"
            yield about.say("foreign_key_to_other_feature", "note", key.target, text, remedy)
        yield from _key_types(about, key, operations, named)


def _other_feature(about: About, key: ForeignKey) -> str:
    """In words, "" where both tables belong together: by the packages of their models, else by the labels of their branches."""
    own, other = (about.tables.features.get(table, "") for table in (key.table, key.target))
    if own and other:
        return f"{other}, from {own}" if own != other else ""
    makers = about.tables.makers.get(key.target, [])
    own_labels = about.chain.labels(about.revision)
    labels = about.chain.labels(makers[0]) if makers else own_labels
    if own_labels and labels and not own_labels & labels:
        return f"branch {min(labels)}, from branch {min(own_labels)}"
    return ""


def _key_types(about: About, key: ForeignKey, operations: t.Sequence[Operation], named: str) -> t.Iterator[Finding]:
    types = {column.name: column.type for each in operations if each.table == key.table for column in each.columns}
    own = types.get(key.columns[0], "") if len(key.columns) == 1 else ""
    other = about.tables.keys.get(key.target, "")
    if own in FAMILIES and other in FAMILIES and own != other:
        fits = own in _NUMBERS and other in _NUMBERS
        remedy = f"make it {other}" + (
            ", or the larger keys fail one day" if fits else ": PostgreSQL refuses such a foreign key"
        )
        evidence = f"has {named} as {own}, and the key of {key.target} is {other}"
        yield about.say("foreign_key_type", "warning", named, evidence, remedy)


def of_constraints(about: About, changed: t.Sequence[Operation]) -> t.Iterator[Finding]:
    for each in changed:
        words = constraint_words(each)
        if each.kind == "drop_constraint" or (each.kind == "alter_column" and each.options.get("nullable")):
            remedy = "nothing for the database; what relied on it, such as ON CONFLICT, must be gone from the running release"
        else:
            remedy = "look at the rows that would break it first; on PostgreSQL add it NOT VALID, and validate it in a revision of its own"
        evidence = f"changes a constraint of a table that is in use: {words}"
        yield about.say("constraint_changed", "note", each.table or words, evidence, remedy, each.line)


def of_columns(about: About, operations: t.Sequence[Operation]) -> t.Iterator[Finding]:
    for each in operations:
        new = each.columns[0] if each.kind == "add_column" and each.columns else None
        if new and each.table not in about.creates and not new.nullable and not new.has_default:
            name = f"{each.table}.{new.name}"
            remedy = "give it a server_default, or add it nullable, fill it, and set NOT NULL in a later revision"
            evidence = f"adds {name} as NOT NULL without a server_default, which fails where the table has rows"
            yield about.say("not_null_without_default", "warning", name, evidence, remedy, each.line)


def of_primary_keys(about: About, operations: t.Sequence[Operation]) -> t.Iterator[Finding]:
    usual = about.tables.usual_key
    count = sum(1 for each in about.tables.keys.values() if each == usual)
    for each in operations:
        own = primary_key(each) if each.kind == "create_table" else ""
        if own and usual and own != usual:
            remedy = f"make it {usual}, unless the difference is meant: foreign keys to it must have its type"
            evidence = f"creates {each.table} with a primary key of type {own}; {count} of {len(about.tables.keys)} tables have {usual}"
            yield about.say("primary_key_type", "warning", each.table, evidence, remedy, each.line)


def of_data(about: About, operations: t.Sequence[Operation]) -> t.Iterator[Finding]:
    models = [each for each in operations if each.kind == "create_all"]
    if models:
        remedy = "create what it means by op.create_table: the models of tomorrow make other tables than those of today"
        evidence = "makes tables from the models of the day (create_all)"
        yield about.say("create_all_in_revision", "warning", about.revision, evidence, remedy, models[0].line)
    rows = [each for each in operations if each.kind != "create_all"]
    if rows:
        tables = listed(list(dict.fromkeys(each.table for each in rows if each.table)))
        where = f" in {tables}" if tables else ""
        remedy = "rehearse it with data (a copy of the schema alone has no rows); a downgrade does not bring former values back"
        yield about.say("data", "note", tables or about.revision, f"changes rows{where}", remedy, rows[0].line)


def constraint_words(each: Operation) -> str:
    """Such as: create_unique_constraint uq_name on users."""
    if each.kind == "sql":
        return each.sql if len(each.sql) <= 80 else each.sql[:77] + "..."
    if each.kind == "alter_column":
        return f"{each.table}.{each.name} {'may be NULL' if each.options.get('nullable') else 'becomes NOT NULL'}"
    unique = "unique index " if each.kind == "create_index" else ""
    return f"{each.kind} {unique}{each.name or '(no name)'} on {each.table or 'a table'}"


def listed(words: t.Sequence[str]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more
