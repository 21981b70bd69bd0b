# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two catalogs, and how people read it; any interpreter, no database."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _diff, _diff_text, _json
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import (
    Column,
    Constraint,
    Enum,
    Function,
    Index,
    Publication,
    Sequence,
    Snapshot,
    Table,
    Trigger,
    View,
)

ID = Column("id", "bigint", True, identity="always", number=1)
NOTE = Column("note", "text", number=2)
KEY = Constraint("orders_pkey", "primary", "PRIMARY KEY (id)", ["id"], oid=21)
KEY_INDEX = Index(
    "public.orders_pkey",
    "CREATE UNIQUE INDEX orders_pkey ON public.orders USING btree (id)",
    columns=["id"],
    unique=True,
    constraint="orders_pkey",
    oid=22,
)
BY_NOTE = Index("public.by_note", "CREATE INDEX by_note ON public.orders USING btree (note)", columns=["note"], oid=23)
ORDERS = Table(
    "public.orders", columns=[ID, NOTE], constraints=[KEY], indexes=[BY_NOTE, KEY_INDEX], oid=11, filenode=11, rows=5
)
LINES = Table(
    "public.lines",
    columns=[Column("id", "bigint", True, number=1), Column("order_id", "bigint", number=2)],
    constraints=[
        Constraint(
            "lines_order",
            "foreign",
            "FOREIGN KEY (order_id) REFERENCES public.orders(id)",
            ["order_id"],
            "public.orders",
            ["id"],
            oid=31,
        )
    ],
    oid=12,
)
SEQUENCE = Sequence("public.orders_id_seq", owned_by="public.orders.id", oid=41)
VIEW = View("public.notes", " SELECT o.id,\n    o.note\n   FROM public.orders o;", oid=51)
SNAPSHOT = Snapshot(
    "postgresql",
    tables=[LINES, ORDERS],
    views=[VIEW],
    sequences=[SEQUENCE],
    enums=[Enum("public.mood", ["sad", "ok"], oid=61)],
    functions=[Function("public.f", "number integer", "integer", body="1", oid=71)],
    publications=[Publication("out", tables=["public.lines", "public.orders"], oid=81)],
    database_oid=5,
)


def changed(item, **fields):
    return dataclasses.replace(item, **fields)


def with_orders(**fields):
    return changed(SNAPSHOT, tables=[LINES, changed(ORDERS, **fields)])


def shown(before, after):
    return [(one.kind, one.type, one.object, one.what) for one in _diff.differences(before, after)]


NOTE_CHANGES = [
    ({"type": "character varying(90)"}, ["type"]),
    ({"not_null": True}, ["not_null"]),
    ({"default": "'x'::text"}, ["default"]),
    ({"generated": "(id * 2)", "generation": "stored"}, ["generated"]),
    ({"identity": "default", "not_null": True}, ["not_null", "identity"]),
    ({"collation": "pg_catalog.C"}, ["collation"]),
    ({"not_null_valid": False}, ["not_null_valid"]),
    ({"number": 9}, []),
]


@pytest.mark.parametrize(("fields", "expected"), NOTE_CHANGES, ids=str)
def test_column(fields, expected):
    after = with_orders(columns=[ID, changed(NOTE, **fields)])
    assert shown(SNAPSHOT, after) == [("changed", "column", "public.orders.note", what) for what in expected]


RELABELLED = changed(BY_NOTE, name="public.other", definition=BY_NOTE.definition.replace("by_note", "other"))
UNIQUE = changed(BY_NOTE, definition=BY_NOTE.definition.replace("INDEX", "UNIQUE INDEX"), unique=True)
CASES = {
    "nothing": (SNAPSHOT, []),
    "physical facts": (
        changed(
            with_orders(filenode=99, rows=10.0, bytes=1, data_bytes=1, oid=999),
            taken_at="later", server="18.5", database="other", bytes=7, sequences=[changed(SEQUENCE, last_value=3)],
        ),
        [],
    ),
    "table removed, with its sequence": (
        changed(SNAPSHOT, tables=[LINES], sequences=[]),
        [("removed", "table", "public.orders", "")],
    ),
    "sequence removed alone": (
        changed(with_orders(columns=[changed(ID, identity=""), NOTE]), sequences=[]),
        [("changed", "column", "public.orders.id", "identity")],
    ),
    "column added": (
        with_orders(columns=[ID, NOTE, Column("paid", "boolean", number=3)]),
        [("added", "column", "public.orders.paid", "")],
    ),
    "column dropped and made again under its name": (with_orders(columns=[ID, changed(NOTE, number=7)]), []),
    "constraint removed, with its index": (
        with_orders(constraints=[], indexes=[BY_NOTE]),
        [("removed", "constraint", "public.orders.orders_pkey", "")],
    ),
    "constraint of other columns, and its index": (
        with_orders(
            constraints=[changed(KEY, definition="PRIMARY KEY (id, note)", columns=["id", "note"])],
            indexes=[BY_NOTE, changed(KEY_INDEX, definition="other", columns=["id", "note"])],
        ),
        [("changed", "constraint", "public.orders.orders_pkey", "definition")],
    ),
    "index of a constraint no longer valid": (
        with_orders(indexes=[BY_NOTE, changed(KEY_INDEX, valid=False)]),
        [("changed", "index", "public.orders_pkey", "valid")],
    ),
    "index renamed": (with_orders(indexes=[RELABELLED, KEY_INDEX]), [("renamed", "index", "public.by_note", "name")]),
    "index made again under another name": (
        with_orders(indexes=[changed(RELABELLED, oid=99), KEY_INDEX]),
        [("removed", "index", "public.by_note", ""), ("added", "index", "public.other", "")],
    ),
    "index unique": (with_orders(indexes=[UNIQUE, KEY_INDEX]), [("changed", "index", "public.by_note", "definition")]),
    "trigger added": (
        with_orders(triggers=[Trigger("seen", "CREATE TRIGGER seen")]),
        [("added", "trigger", "public.orders.seen", "")],
    ),
    "labels in another order": (
        changed(SNAPSHOT, enums=[Enum("public.mood", ["ok", "sad"], oid=61)]),
        [("changed", "enum", "public.mood", "labels")],
    ),
    "function of other arguments": (
        changed(SNAPSHOT, functions=[*SNAPSHOT.functions, Function("public.f", "number text", oid=72)]),
        [("added", "function", "public.f(number text)", "")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    after, expected = CASES[name]
    assert shown(SNAPSHOT, after) == expected


def test_columns_in_another_order():
    """Without numbers of objects, as in SQLite, the order is told by names."""
    plain = changed(SNAPSHOT, database_oid=0)
    after = changed(plain, tables=[LINES, changed(ORDERS, columns=[NOTE, ID])])
    found = _diff.differences(plain, after)
    assert [(one.what, one.before, one.after) for one in found] == [("columns", ["id", "note"], ["note", "id"])]


def renamed_table():
    orders = changed(
        ORDERS,
        name="shop.Purchase",
        indexes=[
            changed(BY_NOTE, name="shop.by_note", definition='CREATE INDEX by_note ON shop."Purchase" USING btree (note)'),
            changed(KEY_INDEX, name="shop.orders_pkey", definition='CREATE UNIQUE INDEX orders_pkey ON shop."Purchase" USING btree (id)'),
        ],
    )  # fmt: skip
    foreign = changed(
        LINES.constraints[0],
        definition='FOREIGN KEY (order_id) REFERENCES shop."Purchase"(id)',
        references="shop.Purchase",
    )
    return changed(
        SNAPSHOT,
        tables=[changed(LINES, constraints=[foreign]), orders],
        views=[changed(VIEW, definition=' SELECT o.id,\n    o.note\n   FROM shop."Purchase" o;')],
        sequences=[changed(SEQUENCE, owned_by="shop.Purchase.id")],
        publications=[changed(SNAPSHOT.publications[0], tables=["public.lines", "shop.Purchase"])],
    )


def test_what_names_a_renamed_table_is_the_same():
    expected = [("renamed", "table", "public.orders", "name")]
    assert shown(SNAPSHOT, renamed_table()) == expected
    assert shown(renamed_table(), SNAPSHOT) == [("renamed", "table", "shop.Purchase", "name")]


def test_what_names_a_renamed_column_is_the_same():
    after = changed(
        SNAPSHOT,
        tables=[
            LINES,
            changed(
                ORDERS,
                columns=[ID, changed(NOTE, name="Remark")],
                indexes=[changed(BY_NOTE, definition='CREATE INDEX by_note ON public.orders USING btree ("Remark")', columns=["Remark"]), KEY_INDEX],
            ),
        ],
        views=[changed(VIEW, definition=' SELECT o.id,\n    o."Remark" AS note\n   FROM public.orders o;')],
    )  # fmt: skip
    assert shown(SNAPSHOT, after) == [("renamed", "column", "public.orders.note", "name")]
    assert shown(after, SNAPSHOT) == [("renamed", "column", "public.orders.Remark", "name")]


def test_rename_hides_no_other_change():
    after = changed(
        SNAPSHOT,
        tables=[
            LINES,
            changed(
                ORDERS,
                columns=[ID, changed(NOTE, name="remark", type="integer")],
                indexes=[changed(BY_NOTE, definition="CREATE INDEX by_note ON public.orders USING btree (remark DESC)", columns=["remark"]), KEY_INDEX],
            ),
        ],
        views=[changed(VIEW, definition=" SELECT o.id,\n    o.remark AS note\n   FROM public.orders o\n  WHERE o.id > 1;")],
    )  # fmt: skip
    assert shown(SNAPSHOT, after) == [
        ("renamed", "column", "public.orders.note", "name"),
        ("changed", "column", "public.orders.remark", "type"),
        ("changed", "index", "public.by_note", "definition"),
        ("changed", "view", "public.notes", "definition"),
    ]


def test_numbers_of_another_database_mean_nothing():
    elsewhere = changed(renamed_table(), database_oid=6)
    assert ("removed", "table", "public.orders", "") in shown(SNAPSHOT, elsewhere)
    assert ("added", "table", "shop.Purchase", "") in shown(SNAPSHOT, elsewhere)
    assert shown(SNAPSHOT, changed(SNAPSHOT, database_oid=6)) == []


def test_quotes_are_no_matter_only_where_a_name_changed():
    before = with_orders(columns=[ID, changed(NOTE, default="'\"x\"'::text")])
    after = with_orders(columns=[ID, changed(NOTE, default="'x'::text")])
    assert shown(before, after) == [("changed", "column", "public.orders.note", "default")]


def test_catalogs_of_two_kinds_are_not_compared():
    with pytest.raises(DeployError, match="a catalog of postgresql cannot be compared with one of sqlite"):
        _diff.differences(SNAPSHOT, Snapshot("sqlite"))


@pytest.mark.parametrize("name", CASES)
def test_difference_and_fingerprint_agree(name):
    after, expected = CASES[name]
    assert (_json.fingerprint(SNAPSHOT) == _json.fingerprint(after)) is (expected == [])


def test_text():
    after = changed(
        SNAPSHOT,
        tables=[
            changed(LINES, columns=[changed(LINES.columns[0], number=1), changed(LINES.columns[1], name="purchase_id")]),
            changed(
                ORDERS,
                columns=[ID, changed(NOTE, type="character varying(90)", not_null=True)],
                indexes=[changed(BY_NOTE, valid=False), KEY_INDEX],
            ),
            Table(
                "public.stock",
                columns=[Column("id", "integer", True, identity="always"), Column("n", "integer", default="0")],
                constraints=[Constraint("n_there", "check", "CHECK ((n > 0))", ["n"], validated=False)],
            ),
        ],
        views=[changed(VIEW, definition=" SELECT o.id\n   FROM public.orders o;")],
        enums=[],
    )  # fmt: skip
    assert (
        _diff_text.text(_diff.differences(SNAPSHOT, after))
        == """\
  public.lines
    > column order_id is now purchase_id
  public.orders
    ~ column note: type
        - text
        + character varying(90)
    ~ column note: not_null
        - no
        + yes
    ~ index public.by_note: valid
        - yes
        + no
+ table public.stock
    + column id integer NOT NULL IDENTITY always
    + column n integer DEFAULT 0
    + constraint n_there CHECK ((n > 0)) NOT VALID
~ view public.notes: definition
    -  SELECT o.id,
    -     o.note
    +  SELECT o.id
         FROM public.orders o;
- enum public.mood labels sad, ok
"""
    )
    assert _diff_text.text([]) == ""
