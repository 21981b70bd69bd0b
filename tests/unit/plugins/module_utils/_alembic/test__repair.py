# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes, plans and refusals of repairs, and the statements that they come to; any interpreter, no database."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._alembic import (
    _atoms,
    _ddl,
    _ddl_sqlite,
    _repair,
    _repair_files,
    _replay_cache,
)
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._detect import detect
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._diagnosis import CAUSES, diagnose
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._history import History, Step
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import (
    Column,
    Constraint,
    Enum,
    Index,
    Sequence,
    Snapshot,
    Table,
)

ID = Column("id", "integer", True, default="nextval('public.users_id_seq'::regclass)")
KEY = Constraint("users_pkey", "primary", "PRIMARY KEY (id)", ["id"])
KEY_INDEX = Index("public.users_pkey", "CREATE UNIQUE INDEX users_pkey", constraint="users_pkey")
OWNED = Sequence("public.users_id_seq", "integer", maximum=99, owned_by="public.users.id")
USERS = Table("public.users", columns=[ID, Column("name", "text", True)], constraints=[KEY], indexes=[KEY_INDEX])
BY_NAME = Index("public.by_name", "CREATE INDEX by_name ON public.users USING btree (name)")
TO_USER = Constraint("to_user", "foreign", "FOREIGN KEY (who) REFERENCES public.users(id)", ["who"])
MOOD = Enum("public.mood", ["it's", "ok"])
VISITS = Table(
    "public.visits",
    columns=[Column("who", "integer"), Column("mood", "public.mood", default="'ok'::public.mood")],
    constraints=[TO_USER],
)


def catalog(*tables: Table, **more: t.Any) -> _atoms.Atoms:
    return _atoms.atoms(Snapshot("postgresql", tables=list(tables), **more))


FIRST = catalog(USERS, sequences=[OWNED])
INDEXED = {**FIRST, **{path: value for path, value in catalog(Table("public.users", indexes=[BY_NAME])).items() if path[0] == "index"}}  # fmt: skip
SECOND = {**INDEXED, **catalog(VISITS, enums=[MOOD])}
CHAIN = History(
    {},
    [
        Step("r1", [], _atoms.changes({}, FIRST), 1),
        Step("r2", ["r1"], _atoms.changes(FIRST, INDEXED), 1),
        Step("r3", ["r2"], _atoms.changes(INDEXED, SECOND), 4),
    ],
)


def case(real: _atoms.Atoms, recorded: list, history: History = CHAIN, **more: t.Any) -> _repair.Case:
    found = detect(history, real, recorded, strict=history.up_to(recorded) is None)
    told = diagnose(history, found, recorded)
    return _repair.Case("postgresql", history, real, found, told, ('"public"."alembic_version"', True), **more)


def minus(state: _atoms.Atoms, *names: str) -> _atoms.Atoms:
    return {path: value for path, value in state.items() if path[2] not in names and path[1] not in names}


CASES: t.List[t.Tuple[str, _atoms.Atoms, list, str, str]] = [
    ("none", INDEXED, ["r2"], "", "as recorded"),
    ("none", {}, [], "", "nothing is applied yet"),
    ("not_recorded", INDEXED, [], "stamp", "that of r2"),
    ("stamped_too_far", FIRST, ["r3"], "stamp", "never applied were r2, r3"),
    ("applied_unrecorded", SECOND, ["r2"], "stamp", "applied without a record was r3"),
    ("ahead_of_code", INDEXED, ["r9"], "", "r9, which this code does not have"),
    ("applied_halfway", minus(SECOND, "to_user"), ["r2"], "create_missing", "r3 is applied halfway upon r2"),
    ("objects_missing", minus(SECOND, "public.by_name"), ["r3"], "create_missing", "missing index public.by_name"),
    ("objects_added", {**FIRST, ("index", "public.users", "x"): {"valid": True}}, ["r1"], "", "was index x"),
    ("differs", {**FIRST, ("column", "public.users", "name"): {"type": "int"}}, ["r1"], "", "column public.users.name"),
]


@pytest.mark.parametrize(("cause", "real", "recorded", "remedy", "words"), CASES)
def test_the_cause_is_named(cause: str, real: _atoms.Atoms, recorded: list, remedy: str, words: str) -> None:
    told = case(real, recorded).diagnosis
    assert (told.cause, told.remedy) == (cause, remedy)
    assert words in told.sentence


def test_every_remedy_is_an_action() -> None:
    assert set(CAUSES.values()) <= {"", "stamp", "create_missing"}


def test_a_stamp_records_what_is_proven_and_nothing_else() -> None:
    plan = _repair.stamp(case(FIRST, ["r3"]))
    assert plan.statements == [
        'DELETE FROM "public"."alembic_version"',
        'INSERT INTO "public"."alembic_version" (version_num) VALUES (\'r1\')',
    ]
    assert not _repair.stamp(case(FIRST, ["r1"])).changed
    for real, revisions in [(FIRST, ["r2"]), (minus(SECOND, "to_user"), []), (minus(SECOND, "to_user"), ["r3"])]:
        with pytest.raises(DeployError, match="not proven") as refused:
            _repair.stamp(case(real, ["r3"], revisions=revisions))
        assert refused.value.result["differences"]


def test_a_catalog_that_changes_meanwhile_stops_a_stamp() -> None:
    plan = _repair.stamp(case(FIRST, ["r3"]))
    plan.prove(FIRST)
    with pytest.raises(DeployError, match="changed meanwhile"):
        plan.prove(INDEXED)


def test_what_is_missing_is_made_in_an_order_that_works() -> None:
    plan = _repair.create_missing(case(INDEXED, ["r3"]))
    assert plan.statements == [
        "CREATE TYPE \"public\".\"mood\" AS ENUM ('it''s', 'ok')",
        'CREATE TABLE "public"."visits" ("who" integer, "mood" public.mood DEFAULT \'ok\'::public.mood)',
        'ALTER TABLE "public"."visits" ADD CONSTRAINT "to_user" FOREIGN KEY (who) REFERENCES public.users(id)',
    ]
    plan.prove(SECOND)
    with pytest.raises(DeployError, match="rolled back"):
        plan.prove(INDEXED)


def test_a_sequence_is_made_before_its_table_and_given_to_its_column() -> None:
    statements, refused = _ddl.create(FIRST, {})
    assert not refused
    assert [statement.split(" (")[0] for statement in statements] == [
        'CREATE SEQUENCE "public"."users_id_seq" AS integer START 1 INCREMENT 1 MINVALUE 1 MAXVALUE 99',
        'CREATE TABLE "public"."users"',
        'ALTER TABLE "public"."users" ADD CONSTRAINT "users_pkey" PRIMARY KEY',
        'ALTER SEQUENCE "public"."users_id_seq" OWNED BY "public"."users"."id"',
    ]


@pytest.mark.parametrize(
    ("real", "recorded"),
    [
        (INDEXED, ["r1"]),
        ({**minus(SECOND, "to_user"), ("column", "public.users", "name"): {"type": "int"}}, ["r3"]),
        (INDEXED, ["r9"]),
    ],
)
def test_what_adding_cannot_repair_is_refused(real: _atoms.Atoms, recorded: list) -> None:
    wanted = ["r1"] if recorded == ["r1"] else []
    with pytest.raises(DeployError, match="not proven"):
        _repair.create_missing(case(real, recorded, revisions=wanted))


def test_a_revision_applied_halfway_that_changes_rows_is_refused() -> None:
    steps = [*CHAIN.steps[:2], Step("r3", ["r2"], CHAIN.steps[2].changes, 5, writes=True)]
    with pytest.raises(DeployError, match="changes rows too"):
        _repair.create_missing(case(minus(SECOND, "to_user"), ["r2"], History({}, steps)))


def test_reset_wants_a_name_and_known_revisions() -> None:
    of = case(minus(SECOND, "to_user"), ["r2"], revisions=["r3"])
    with pytest.raises(DeployError, match="set confirm to that name"):
        _repair.reset(of, ["r3"], "", "shop")
    assert _repair.reset(of, ["r3"], "shop", "shop").after == ["r3"]
    with pytest.raises(DeployError, match="does not have"):
        _repair.reset(case(FIRST, ["r1"], revisions=["r9"]), ["r3"], "shop", "shop")


def test_rows_in_a_stand_in_are_not_lost() -> None:
    standing = {**minus(INDEXED, "public.users"), ("table", "", "public._alembic_tmp_users"): {"kind": "table"}}
    with pytest.raises(DeployError, match="run drop_leftovers first"):
        _repair.create_missing(case(standing, ["r2"]))
    plan = _repair.drop_leftovers(case(standing, ["r2"]))
    assert plan.statements == ['ALTER TABLE "public"."_alembic_tmp_users" RENAME TO "users"']
    plan = _repair.drop_leftovers(case({**standing, **INDEXED}, ["r2"]))
    assert plan.statements == ['DROP TABLE "public"."_alembic_tmp_users"']


def test_what_a_revision_applied_halfway_has_made_is_taken_back() -> None:
    half = {**INDEXED, **catalog(dataclasses.replace(VISITS, constraints=[]))}
    plan = _repair.drop_leftovers(case(half, ["r2"]))
    assert (plan.statements, plan.empty) == (['DROP TABLE "public"."visits"'], ['"public"."visits"'])
    plan.prove(INDEXED)
    with pytest.raises(DeployError, match="changed meanwhile"):
        plan.prove(FIRST)
    assert not _repair.drop_leftovers(case(half, ["r3"])).changed, "it is on record: something of it was lost"
    added = {**half, ("column", "public.users", "shoe"): {"type": "int"}}
    assert not _repair.drop_leftovers(case(added, ["r2"])).changed
    shoe = {("column", "public.users", "shoe"): {"type": "int"}}
    steps = [*CHAIN.steps[:2], Step("r3", ["r2"], {**CHAIN.steps[2].changes, **shoe}, 5)]
    wider = case(added, ["r2"], History({}, steps))
    assert wider.found.step == "r3"
    assert not _repair.drop_leftovers(wider).changed, "the column would stay"


def test_foreign_keys_come_after_the_keys_that_they_lead_to() -> None:
    one = Table("public.a", constraints=[dataclasses.replace(TO_USER, name="to_b")])
    other = Table("public.b", constraints=[dataclasses.replace(KEY, name="z_pkey")])
    statements, _refused = _ddl.create(catalog(one, other), {})
    assert [statement.split('"')[5] for statement in statements if "CONSTRAINT" in statement] == ["z_pkey", "to_b"]


def test_statements_of_sqlite() -> None:
    counted = Column("id", "integer", True, identity="autoincrement")
    who = Column("who", "integer")
    key = Constraint("primary key (id)", "primary", "PRIMARY KEY (id)", ["id"])
    to_user = Constraint(
        "to_user", "foreign", "", ["who"], "users", ["id"], on_delete="cascade", deferrable=True, deferred=True
    )
    once = Constraint("unique (who)", "unique", "UNIQUE (who)", ["who"])
    whole = Table("visits", columns=[counted, who], constraints=[key, to_user, once], options=["strict"])
    expected = _atoms.atoms(Snapshot("sqlite", tables=[whole]))
    assert _ddl_sqlite.create(expected, {})[0] == [
        'CREATE TABLE "visits" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "who" INTEGER, CONSTRAINT "to_user" FOREIGN KEY ("who") '
        'REFERENCES "users" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, UNIQUE ("who")) strict'
    ]
    added, refused = _ddl_sqlite.create(expected, minus(expected, "who", "to_user", "unique (who)"))
    assert added == [
        'ALTER TABLE "visits" ADD COLUMN "who" INTEGER CONSTRAINT "to_user" REFERENCES "users" ("id") ON DELETE CASCADE DEFERRABLE '
        "INITIALLY DEFERRED"
    ]
    assert refused == ["constraint visits.unique (who)"]


REVISION = '"""Add\n\nRevises: gone\n"""\nrevision = "r5"\ndown_revision = {} # was cut\nbranch_labels = None\n'


@pytest.mark.parametrize("before", ["'gone'", '"gone"', "('gone', 'lost')", "None"])
def test_a_file_gets_another_parent(before: str) -> None:
    expected = REVISION.replace("Revises: gone", "Revises: r4").format("'r4'")
    assert _repair_files.reparented(REVISION.format(before), "r4") == expected


@pytest.mark.parametrize("text", ["revision = 'r5'\n", 'revision = "r5"\ndown_revision = (\n    "gone",\n)\n'])
def test_a_file_that_cannot_be_rewritten_is_left_to_a_person(text: str) -> None:
    with pytest.raises(DeployError, match="by hand"):
        _repair_files.reparented(text, "r4")


def test_heads_that_change_one_object_clash() -> None:
    wide, long = [{("column", "public.users", "name"): {"type": kind}} for kind in ("text", "varchar")]
    steps = [CHAIN.steps[0], Step("a", ["r1"], wide), Step("b", ["r1"], long), Step("c", ["r1"], {})]
    assert _repair_files.clashes(History({}, steps), ["a", "b", "c"]) == ["column public.users.name"]
    assert _repair_files.clashes(History({}, steps), ["a", "c"]) == []


def test_keys_of_a_longer_chain_begin_with_those_of_the_shorter() -> None:
    chain = [{"id": name, "parents": [], "sha256": name * 2} for name in "abc"]
    whole = _replay_cache.keys(chain, ["postgresql 18"])
    assert _replay_cache.keys(chain[:2], ["postgresql 18"]) == whole[:2]
    assert not set(_replay_cache.keys(chain, ["postgresql 17"])) & set(whole)
    changed = [chain[0], {**chain[1], "sha256": "x"}, chain[2]]
    assert [one == other for one, other in zip(_replay_cache.keys(changed, ["postgresql 18"]), whole)] == [True, False, False]  # fmt: skip
