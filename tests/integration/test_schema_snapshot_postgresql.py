# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog of real PostgreSQL servers, and what a comparison finds after every kind of change (control node)."""

from __future__ import annotations

import time

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _diff, _json

from tests.support import schema

NOW = "2026-11-21T01:02:03Z"

IDLE, IN_TRANSACTION = 0, 2


@pytest.fixture(scope="module", params=[18, pytest.param(16, marks=pytest.mark.long)])
def rich(request):
    """A database with one of everything."""
    postgres = request.getfixturevalue("postgres" if request.param == 18 else "postgres16")
    postgres.create_database("rich", "rich", "rich")
    postgres.execute(schema.POSTGRESQL, "rich")
    yield postgres
    postgres.drop_database("rich")


@pytest.fixture
def opened(rich):
    """A transaction in it, which is taken back."""
    connection = rich.connect("rich")
    connection.autocommit = False
    yield connection
    connection.rollback()
    connection.close()


def take(connection, database="rich"):
    return _snapshot.take(connection, database, NOW)


def run(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("change", schema.POSTGRESQL_CHANGES, ids=lambda change: change[0][:60])
def test_every_change_is_one_difference(opened, change):
    statement, *expected = change
    before = take(opened)
    run(opened, statement)
    after = take(opened)

    assert [(one.kind, one.type, one.object, one.what) for one in _diff.differences(before, after)] == [tuple(expected)]
    assert _json.fingerprint(before) != _json.fingerprint(after)
    backwards = _diff.differences(before=after, after=before)
    assert [one.kind for one in backwards] == [{"added": "removed", "removed": "added"}.get(expected[0], expected[0])]


def test_comes_back_from_json(opened):
    snapshot = take(opened)
    again = _json.loads(_json.dumps(snapshot))
    assert again == snapshot
    assert _json.dumps(again) == _json.dumps(snapshot) == _json.dumps(take(opened))


def test_what_is_not_the_users_is_left_out(opened):
    run(opened, "CREATE TEMPORARY TABLE passing (id integer); CREATE TEMPORARY VIEW passing_view AS SELECT 1")
    snapshot = take(opened)
    names = [item.name for item in [*snapshot.tables, *snapshot.views, *snapshot.functions, *snapshot.sequences]]
    assert [name for name in names if not name.startswith(("public.", "stock."))] == []
    assert [function.name for function in snapshot.functions] == [
        "public.nothing", "public.product", "public.touch", "public.twice", "public.twice",
    ]  # fmt: skip
    assert [table.name for table in snapshot.tables] == [
        "public.customer", "public.event", "public.event_2026", "public.orders",
        "stock.base", "stock.cache", "stock.part", "stock.remote",
    ]  # fmt: skip


def test_facts_are_those_of_the_server(opened):
    run(opened, "INSERT INTO public.customer (name) SELECT 'a' FROM generate_series(1, 3000); ANALYZE public.customer")
    snapshot = take(opened)
    customer, orders = snapshot.table("public.customer"), snapshot.table("public.orders")

    with opened.cursor() as cursor:
        cursor.execute(
            "SELECT oid, pg_relation_filenode(oid), pg_total_relation_size(oid), pg_table_size(oid), pg_database_size(current_database())"
            " FROM pg_class WHERE oid = 'public.customer'::regclass"
        )
        measured = cursor.fetchone()
    assert (customer.oid, customer.filenode, customer.bytes, customer.data_bytes, snapshot.bytes) == measured
    assert customer.rows == 3000
    assert orders.rows == -1
    assert {sequence.name: sequence.last_value for sequence in snapshot.sequences}["public.customer_id_seq"] == 3000
    assert [(column.name, column.number) for column in orders.columns][-2:] == [("due", 7), ("during", 8)]
    assert orders.column("gross").generated == "(total * 1.2)"
    foreign = next(one for one in orders.constraints if one.kind == "foreign")
    assert (foreign.columns, foreign.references, foreign.referenced_columns) == (
        ["customer_id"],
        "public.customer",
        ["id"],
    )
    assert (foreign.on_delete, foreign.on_update, foreign.deferrable, foreign.deferred) == (
        "cascade",
        "no action",
        True,
        True,
    )
    expression = next(one for one in orders.indexes if one.name == "public.orders_note")
    assert (expression.columns, expression.predicate, expression.constraint) == (["", "paid"], "(NOT paid)", "")
    assert next(one for one in orders.constraints if one.name == "note_short").validated is False


def test_rewrite_shows_in_the_filenode(opened):
    before = take(opened).table("stock.part")
    run(opened, "ALTER TABLE stock.part ALTER COLUMN weight TYPE numeric")
    after = take(opened).table("stock.part")
    assert (before.oid, before.filenode != after.filenode) == (after.oid, True)


@pytest.mark.parametrize("autocommit", [True, False], ids=["autocommit", "in a transaction"])
def test_leaves_the_connection_as_it_was(rich, autocommit):
    connection = rich.connect("rich")
    connection.autocommit = autocommit
    settings = (
        "SELECT current_setting('search_path'), current_setting('TimeZone'), current_setting('transaction_read_only')"
    )

    def current():
        with connection.cursor() as cursor:
            cursor.execute(settings)
            return cursor.fetchone()

    if not autocommit:
        run(connection, "SET LOCAL search_path = stock; CREATE TABLE mine (id integer)")
    before = current()
    snapshot = take(connection)
    assert current() == before
    assert (snapshot.table("stock.mine") is None) is autocommit
    assert connection.info.transaction_status == (IDLE if autocommit else IN_TRANSACTION)
    connection.close()


def test_text_does_not_depend_on_the_session(opened):
    usual = take(opened)
    run(opened, "SET search_path = stock, public; SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Tokyo'")
    run(opened, "SET quote_all_identifiers = on; SET IntervalStyle = 'sql_standard'")
    assert _json.dumps(take(opened)) == _json.dumps(usual)


def test_number_of_statements_is_constant(rich):
    counted = []

    class Counting(psycopg2.extensions.cursor):
        def execute(self, query, values=None):
            counted.append(query)
            super().execute(query, values)

    numbers = []
    for name in ("rich", "postgres"):
        connection = rich.connect(name)
        connection.cursor_factory = Counting
        counted.clear()
        take(connection, name)
        numbers.append(len(counted))
        connection.close()
    assert numbers[0] == numbers[1] < 20


def test_a_moment_is_one_moment(rich, monkeypatch):
    """A table that is made while the catalog is read is in no part of it."""
    connection = rich.connect("rich")
    usual = take(connection)
    read = _snapshot.relations
    monkeypatch.setattr(
        _snapshot,
        "relations",
        lambda opened, **more: (read(opened, **more), rich.execute("CREATE TABLE late (id bigserial)", "rich"))[0],
    )
    try:
        late = take(connection)
    finally:
        rich.execute("DROP TABLE late", "rich")
        connection.close()
    assert late.sequences == usual.sequences


def test_waits_only_so_long_for_a_lock(rich, opened, monkeypatch):
    monkeypatch.setitem(_snapshot._SETTINGS, "lock_timeout", "200ms")
    run(opened, "LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE")
    other = rich.connect("rich")
    with pytest.raises(DeployError, match="another session keeps one of its relations locked"):
        take(other)
    opened.rollback()
    assert take(other).table("public.orders")
    other.close()


def test_role_without_any_right_reads_it_too(rich):
    rich.execute("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
    rich.passwords["stranger"] = "stranger"
    mine, theirs = rich.connect("rich"), rich.connect("rich", "stranger")
    assert _json.facts(take(theirs)) == _json.facts(take(mine))
    mine.close()
    theirs.close()
    rich.execute("DROP ROLE stranger")


def test_invalid_index_is_told(rich):
    rich.execute("CREATE TABLE doubled AS SELECT 1 AS id FROM generate_series(1, 2)", "rich")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        rich.execute("CREATE UNIQUE INDEX CONCURRENTLY doubled_id ON doubled (id)", "rich")
    connection = rich.connect("rich")
    indexes = take(connection).table("public.doubled").indexes
    connection.close()
    rich.execute("DROP TABLE doubled", "rich")
    assert [(index.name, index.valid) for index in indexes] == [("public.doubled_id", False)]


def test_restored_database_is_equal_and_shows_no_renames(rich):
    """Numbers of objects mean nothing in another database: only names do."""
    rich.execute("CREATE DATABASE other")
    rich.execute("CREATE TABLE public.shift (id integer)", "other")
    rich.execute(schema.POSTGRESQL, "other")
    rich.execute("DROP TABLE public.shift", "other")
    mine, other = rich.connect("rich"), rich.connect("other")
    before, after = take(mine), take(other)
    mine.close()
    other.close()
    rich.drop_database("other")

    assert before.table("public.orders").oid != after.table("public.orders").oid
    assert _diff.differences(before, after) == []
    assert _json.fingerprint(before) == _json.fingerprint(after)


def test_not_null_that_is_not_valid_yet(opened):
    if opened.server_version < 180000:
        pytest.skip("NOT NULL is a constraint from PostgreSQL 18 on")
    plain = take(opened)
    run(opened, "ALTER TABLE stock.base ADD CONSTRAINT id_there NOT NULL id NOT VALID")
    waiting = take(opened)
    run(opened, "ALTER TABLE stock.base VALIDATE CONSTRAINT id_there")
    valid = take(opened)

    column = waiting.table("stock.base").column("id")
    assert (column.not_null, column.not_null_valid) == (True, False)
    assert [table.constraints for table in valid.tables] == [table.constraints for table in plain.tables]
    assert [one.what for one in _diff.differences(waiting, valid) if one.owner == "stock.base"] == ["not_null_valid"]


def test_virtual_column(opened):
    if opened.server_version < 180000:
        pytest.skip("PostgreSQL has virtual columns from 18 on")
    run(opened, "ALTER TABLE stock.base ADD COLUMN twice integer GENERATED ALWAYS AS (id * 2)")
    column = take(opened).table("stock.base").column("twice")
    assert (column.generation, column.generated, column.default) == ("virtual", "(id * 2)", "")


def test_five_hundred_tables(rich, capsys):
    rich.execute("CREATE DATABASE big")
    connection = rich.connect("big")
    for number in range(500):
        parent = f"REFERENCES t{number - 1}" if number else ""
        run(
            connection,
            f"CREATE TABLE t{number} (id bigserial PRIMARY KEY, parent bigint {parent}, a text NOT NULL, b varchar(20) DEFAULT 'x' UNIQUE,"
            f" c integer CHECK (c > 0), d timestamptz, e numeric, f jsonb, g boolean, h date); CREATE INDEX ON t{number} (parent)",
        )
    began = time.monotonic()
    snapshot = take(connection, "big")
    taken = time.monotonic()
    text = _json.dumps(snapshot)
    again = _json.loads(text)
    read = time.monotonic()
    found = _diff.differences(snapshot, again)
    compared = time.monotonic()
    connection.close()
    rich.drop_database("big")
    with capsys.disabled():
        print(
            f"\n500 tables, PostgreSQL {snapshot.server}: taken in {taken - began:.2f} s, written and read again in {read - taken:.2f} s"
            f" ({len(text) / 1e6:.1f} MB), compared in {compared - read:.2f} s"
        )
    assert (len(snapshot.tables), found) == (500, [])
