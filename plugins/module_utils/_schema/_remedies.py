# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to change in a migration so that it runs while both releases serve. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._migration import Finding
from ansible_collections.seamless.deploy.plugins.module_utils._schema._demanded import Renames
from ansible_collections.seamless.deploy.plugins.module_utils._schema._evidence import Demands
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._schema._problems import Problem

STATE_ONLY = "SeparateDatabaseAndState(state_operations=[{}])"
NEXT = "in a migration of the next release"
DECLARE_DELETES = "If no release deletes rows of the parent table, declare that"

# (side, kind) -> words of Django, words of Alembic. {table} and {column} are those of the finding.
REMEDIES: t.Dict[t.Tuple[str, str], t.Tuple[str, str]] = {
    ("old", "relation"): (
        f"Remove the model in this release with {STATE_ONLY.format('DeleteModel(...)')}, and drop the table {NEXT}.",
        f"Remove the model in this release without a migration, and call op.drop_table('{{table}}') {NEXT}.",
    ),
    ("old", "renamed_relation"): (
        "Keep the table's name with Meta.db_table = '{table}', and rename only the model.",
        "Keep __tablename__ = '{table}', and rename only the class.",
    ),
    ("old", "column"): (
        f"Remove the field in this release with {STATE_ONLY.format('RemoveField(...)')}, and drop the column {NEXT}.",
        f"Remove the attribute in this release without a migration, and call op.drop_column('{{table}}', '{{column}}') {NEXT}.",
    ),
    ("old", "renamed_column"): (
        "Keep the column's name with db_column='{column}', and rename only the field.",
        "Keep the column's name with Column('{column}', ...), and rename only the attribute.",
    ),
    ("old", "required"): (
        "Give the field a default that the database keeps, db_default=..., or make it null=True in this release.",
        "Give the column server_default=... and keep it, or make it nullable=True in this release.",
    ),
    ("old", "filled"): (
        f"Keep the default of the database in this release, and drop it {NEXT}.",
        f"Keep the server_default in this release, and drop it {NEXT}.",
    ),
    ("old", "generated"): (
        "Add the GeneratedField as a new column, and drop the old one with SeparateDatabaseAndState in two releases.",
        "Add the Computed column under a new name, and drop the old one in the next release.",
    ),
    ("old", "null"): (
        f"Let this release write no NULL any more (null=False with {STATE_ONLY.format('AlterField(...)')}), "
        f"and set NOT NULL {NEXT}.",
        f"Let this release write no NULL any more, and call op.alter_column(..., nullable=False) {NEXT}.",
    ),
    ("old", "length"): (
        f"Shorten max_length in this release with {STATE_ONLY.format('AlterField(...)')}, and the column {NEXT}.",
        f"Let this release write shorter values, and call op.alter_column(..., type_=...) {NEXT}.",
    ),
    ("old", "type"): (
        f"Add a new column of the new type (AddField with null=True), write both, copy the rows, and drop the old one {NEXT}.",
        f"Add a new column of the new type (op.add_column, nullable=True), write both, copy the rows, and drop the old one {NEXT}.",
    ),
    ("old", "view"): (
        "Make the view a plain SELECT of one table, which takes writes, until the old release has gone.",
        "Make the view a plain SELECT of one table, which takes writes, until the old release has gone.",
    ),
    ("old", "unique"): (
        f"Add the constraint {NEXT} (AddIndexConcurrently, then UNIQUE USING INDEX), when nothing writes duplicates any more.",
        f"Add the constraint {NEXT} (postgresql_concurrently=True, then UNIQUE USING INDEX), when nothing writes duplicates any more.",
    ),
    ("old", "check"): (
        f"Let this release keep the rule in its code, and add the check {NEXT} with AddConstraintNotValid and ValidateConstraint.",
        f"Let this release keep the rule in its code, and add the check {NEXT} with postgresql_not_valid=True and VALIDATE.",
    ),
    ("old", "exclusion"): (
        f"Let this release keep the rule in its code, and add the constraint {NEXT}.",
        f"Let this release keep the rule in its code, and add the constraint {NEXT}.",
    ),
    ("old", "foreign"): (
        f"Add the field with db_constraint=False in this release, and the constraint {NEXT}, NOT VALID and then validated.",
        f"Leave the constraint out of this release, and call op.create_foreign_key(..., postgresql_not_valid=True) {NEXT}.",
    ),
    ("old", "upsert"): (
        f"Keep the unique constraint in this release with {STATE_ONLY.format('RemoveConstraint(...)')}, and drop it {NEXT}.",
        f"Keep the unique constraint in this release, and call op.drop_constraint(...) {NEXT}.",
    ),
    ("old", "delete"): (
        f"Add the field with db_constraint=False in this release, and the constraint {NEXT}.",
        f"Make the foreign key with ondelete='CASCADE' or 'SET NULL', or add the constraint {NEXT}.",
    ),
    ("old", "cascade"): (
        f"Keep what the foreign key does ON DELETE in this release, and change it {NEXT}.",
        f"Keep ondelete of the foreign key in this release, and change it {NEXT}.",
    ),
    ("old", "label"): (
        f"Keep the label in this release, and remove it {NEXT}.",
        f"Keep the label in this release (ALTER TYPE ... ADD VALUE for the new one), and remove it {NEXT}.",
    ),
    ("new", "required"): (
        f"Make the column nullable or give it db_default=... in this release, and remove the field with {STATE_ONLY.format('RemoveField(...)')}; "
        f"drop the column {NEXT}.",
        f"Make the column nullable=True or give it server_default=... in this release, and call op.drop_column('{{table}}', '{{column}}') {NEXT}.",
    ),
    ("new", "delete"): (
        f"In this release only drop the foreign key (AlterField with db_constraint=False), and drop the column or table {NEXT}. "
        f"{DECLARE_DELETES}.",
        f"In this release only call op.drop_constraint(...), and drop the column or table {NEXT}. {DECLARE_DELETES}.",
    ),
    ("new", "upsert"): (
        "Add the unique constraint in a release before the one whose upsert names it.",
        "Add the unique constraint in a release before the one whose ON CONFLICT names it.",
    ),
    ("new", "column"): (
        "Add the new column in a migration of its own, before the one that takes something from the old release.",
        "Add the new column in a revision of its own, before the one that takes something from the old release.",
    ),
    ("new", "relation"): (
        "Make the new table in a migration of its own, before the one that takes something from the old release.",
        "Make the new table in a revision of its own, before the one that takes something from the old release.",
    ),
}
BATCH = "in op.batch_alter_table('{table}')"
# What SQLite does in another way: a table is copied whole for most changes, nothing is built beside the writers, and a view takes no writes.
SQLITE_REMEDIES: t.Dict[t.Tuple[str, str], t.Tuple[str, str]] = {
    ("old", "null"): (
        REMEDIES["old", "null"][0],
        f"Let this release write no NULL any more, and call alter_column(..., nullable=False) {BATCH} {NEXT}.",
    ),
    ("old", "view"): (
        f"Keep the table's name in this release, and rename it {NEXT}: a view of SQLite takes no writes.",
    )
    * 2,
    ("old", "unique"): (
        f"Add the constraint {NEXT} with AddConstraint, when nothing writes duplicates any more.",
        f"Call create_unique_constraint(...) {BATCH} {NEXT}, when nothing writes duplicates any more.",
    ),
    ("old", "check"): (
        f"Let this release keep the rule in its code, and add the check {NEXT} with AddConstraint.",
        f"Let this release keep the rule in its code, and call create_check_constraint(...) {BATCH} {NEXT}.",
    ),
    ("old", "foreign"): (
        f"Add the field with db_constraint=False in this release, and the constraint {NEXT}.",
        f"Leave the constraint out of this release, and call create_foreign_key(...) {BATCH} {NEXT}.",
    ),
    ("old", "upsert"): (
        REMEDIES["old", "upsert"][0],
        f"Keep the unique constraint in this release, and call drop_constraint(...) {BATCH} {NEXT}.",
    ),
    ("new", "delete"): (
        REMEDIES["new", "delete"][0],
        f"In this release only call drop_constraint(...) {BATCH}, and drop the column or table {NEXT}. {DECLARE_DELETES}.",
    ),
}
UNCERTAIN = "Declare the deploy compatible when you know that it is, or run this migration in maintenance."
SPLIT = "Split the migration: what the new release needs in this release, what the old one cannot bear in the next."


def finding(side: str, problem: Problem, release: Demands, own: Snapshot, renames: Renames) -> Finding:
    """A problem of the old or the new release, as a sentence, with the change that takes it away."""
    kind, reason = problem.kind, problem.reason
    called = _called_otherwise(problem, own, renames)
    if called:
        kind = f"renamed_{kind}"
        reason = f"names {problem.object}, which " + (
            f"the migration renames to {called}" if side == "old" else f"is called {called} until the migration has run"
        )
    table, column = _parts(problem, own)
    remedy = remedies(own.dialect).get((side, kind), (UNCERTAIN if not problem.certain else SPLIT,) * 2)
    words = remedy[1] if release.framework == "alembic" else remedy[0]
    return Finding(
        problem.object, f"The {side} release {reason}.", words.replace("{table}", table).replace("{column}", column)
    )


def remedies(dialect: str) -> t.Dict[t.Tuple[str, str], t.Tuple[str, str]]:
    return {**REMEDIES, **SQLITE_REMEDIES} if dialect == "sqlite" else REMEDIES


def _parts(problem: Problem, own: Snapshot) -> t.Tuple[str, str]:
    """Bare names of the table and the column that a problem is about."""
    names = {relation.name for relation in own.relations()}
    if problem.object in names:
        return problem.object.rpartition(".")[2], ""
    table, _dot, column = problem.object.rpartition(".")
    return table.rpartition(".")[2] or problem.object, column


def _called_otherwise(problem: Problem, own: Snapshot, renames: Renames) -> str:
    if problem.kind not in ("relation", "column"):
        return ""
    relations = {relation.name: relation for relation in own.relations()}
    if problem.kind == "relation":
        return renames.relation(relations[problem.object]) if problem.object in relations else ""
    table, _dot, column = problem.object.rpartition(".")
    return renames.column(relations[table], column) if table in relations else ""
