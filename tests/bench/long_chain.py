# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A chain of 300 revisions of all kinds, and 20 ways to damage a database that is at one of them (control node)."""

from __future__ import annotations

import typing as t

from tests.support.revisions import Revisions

REVISIONS = 300
#: Tables that the first revision makes beside its own, so that catalogs are as large as grown ones are.
OLD_TABLES = 120
#: Where two branches of two revisions each part; the fifth one brings them together.
FORK = 150

_TABLE = """
op.create_table(
    "t{k}",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(50), nullable=False),
    sa.Column("amount", sa.Numeric(10, 2)),
    sa.Column("created", sa.DateTime(timezone=True), server_default=sa.func.now()),
)
op.create_index("t{k}_created", "t{k}", ["created"])
"""
_OLD = """
for number in range({count}):
    op.create_table(
        "old%d" % number,
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column("value%d" % column, sa.String(80), index=column < 2) for column in range(8)),
    )
"""
#: What the ten revisions of each table do.
KINDS = [
    _TABLE,
    'op.add_column("t{k}", sa.Column("note", sa.Text))',
    'op.create_index("t{k}_name", "t{k}", ["name"])',
    'op.add_column("t{k}", sa.Column("parent", sa.Integer, sa.ForeignKey("t0.id", name="t{k}_parent")))',
    'op.create_unique_constraint("t{k}_once", "t{k}", ["name", "amount"])',
    'op.alter_column("t{k}", "name", type_=sa.String(120), existing_type=sa.String(50))',
    'sa.Enum("new", "old", name="state{k}").create(op.get_bind())\n'
    'op.add_column("t{k}", sa.Column("state", sa.Enum("new", "old", name="state{k}", create_type=False), server_default="new"))',
    'op.alter_column("t{k}", "amount", nullable=False, server_default="0")',
    'op.create_check_constraint("t{k}_positive", "t{k}", "amount >= 0")',
    'op.drop_column("t{k}", "note")',
]
#: Every so many revisions one changes rows only.
DATA = 50


class LongChain:
    """The revisions of a project, in the order in which they can run."""

    def __init__(self, project: Revisions) -> None:
        self.project = project
        self.order: list[str] = []
        parent: str | tuple[str, ...] | None = None
        for number in range(1, REVISIONS + 1):
            place = number - FORK
            if place in (1, 2, 3, 4):
                name = self._branch(number, place)
                parent = ("x2", "y2")
            else:
                name = self._usual(number, parent)
                parent = name
            self.order.append(name)

    def _branch(self, number: int, place: int) -> str:
        name = ("x1", "x2", "y1", "y2")[place - 1]
        parent = {"x1": f"r{FORK}", "x2": "x1", "y1": f"r{FORK}", "y2": "y1"}[name]
        body = _TABLE.format(k=f"_{name}") if name.endswith("1") else KINDS[1].format(k=f"_{name[0]}1")
        self.project.revision(name, parent, body)
        return name

    def _usual(self, number: int, parent: t.Any) -> str:
        begun = FORK + 4 if FORK < number <= FORK + len(KINDS) else 0  # the branches have taken the first places
        kind = KINDS[(number - 1 - begun) % len(KINDS)].format(k=(number - 1) // len(KINDS))
        if number == 1:
            kind += _OLD.format(count=OLD_TABLES)
        if number % DATA == 0:
            kind = 'op.execute("UPDATE t0 SET name = name")'
        name = f"r{number}"
        self.project.revision(name, parent, kind)
        return name


class Damage(t.NamedTuple):
    """What is done to a database at r210, what is on record then, and what must be said of it."""

    statement: str
    record: str
    cause: str
    object: str = ""
    heads: str = "r210"


AT = "r210"
_T21 = "CREATE TABLE t21 (id serial PRIMARY KEY, name varchar(50) NOT NULL, amount numeric(10, 2), created timestamptz DEFAULT now())"
DAMAGES = [
    Damage("", "r260", "stamped_too_far"),
    Damage("", "r120", "applied_unrecorded"),
    Damage("", "", "not_recorded"),
    Damage("", "0badc0de", "ahead_of_code"),
    Damage(_T21, AT, "applied_halfway", "t21_created"),
    Damage(f"{_T21}; CREATE INDEX t21_created ON t21 (created)", AT, "applied_unrecorded", heads="r211"),
    Damage("CREATE TABLE of_others (id integer)", AT, "none"),
    Damage("DROP INDEX t7_name", AT, "objects_missing", "t7_name"),
    Damage("DROP TABLE old17", AT, "objects_missing", "old17"),
    Damage("ALTER TABLE t3 DROP CONSTRAINT t3_once", AT, "objects_missing", "t3_once"),
    Damage("ALTER TABLE t4 DROP CONSTRAINT t4_parent", AT, "objects_missing", "t4_parent"),
    Damage("ALTER TABLE t5 DROP CONSTRAINT t5_positive", AT, "objects_missing", "t5_positive"),
    Damage("ALTER TABLE old99 DROP COLUMN value7", AT, "objects_missing", "value7"),
    Damage(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't8_name'::regclass",
        AT,
        "objects_missing",
        "t8_name",
    ),
    Damage("CREATE INDEX by_hand ON t9 (amount)", AT, "objects_added", "by_hand"),
    Damage("ALTER TABLE t10 ADD COLUMN shoe integer", AT, "objects_added", "shoe"),
    Damage("ALTER TABLE t11 ALTER COLUMN name TYPE varchar(7)", AT, "differs", "name"),
    Damage("ALTER TABLE t12 ALTER COLUMN amount DROP NOT NULL", AT, "differs", "amount"),
    Damage("ALTER TYPE state13 RENAME VALUE 'old' TO 'worn'", AT, "differs", "state13"),
    Damage("ALTER TABLE t14 RENAME COLUMN name TO called", AT, "differs", "called"),
]
