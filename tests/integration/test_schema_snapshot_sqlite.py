# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog of real SQLite files, and what a comparison finds after every kind of change (control node)."""

from __future__ import annotations

import sqlite3

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _diff, _json
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _snapshot

from tests.support import schema

NOW = "2026-11-21T01:02:03Z"


def make(path, statements=schema.SQLITE):
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    connection.close()


def take(path):
    with _snapshot.opened(str(path)) as connection:
        return _snapshot.take(connection, "shop", NOW)


def shown(found):
    return [(one.kind, one.type, one.object, one.what) for one in found]


@pytest.mark.parametrize("change", schema.SQLITE_CHANGES, ids=lambda change: f"{change[0]} {change[1]}"[:60])
def test_every_change_is_one_difference(tmp_path, change):
    former, new, *expected = change
    assert schema.SQLITE.count(former) == 1
    make(tmp_path / "before.db")
    make(tmp_path / "after.db", schema.SQLITE.replace(former, new))
    before, after = take(tmp_path / "before.db"), take(tmp_path / "after.db")

    assert shown(_diff.differences(before, after)) == [tuple(expected)]
    assert _json.fingerprint(before) != _json.fingerprint(after)


def test_comes_back_from_json(tmp_path):
    make(tmp_path / "shop.db")
    snapshot = take(tmp_path / "shop.db")
    again = _json.loads(_json.dumps(snapshot))
    assert again == snapshot
    assert _json.dumps(again) == _json.dumps(snapshot) == _json.dumps(take(tmp_path / "shop.db"))


def test_facts_are_those_of_the_file(tmp_path):
    path = tmp_path / "a shop?#100%.db"
    make(path)
    connection = sqlite3.connect(path)
    connection.executemany("INSERT INTO customer (name) VALUES (?)", [["a"]] * 7)
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()
    snapshot = take(path)
    customer, orders = snapshot.table("customer"), snapshot.table("orders")

    assert (snapshot.dialect, snapshot.bytes, snapshot.server) == (
        "sqlite",
        path.stat().st_size,
        sqlite3.sqlite_version,
    )
    assert (customer.rows, customer.column("id").identity, snapshot.sequences[0].last_value) == (7, "autoincrement", 7)
    assert [table.name for table in snapshot.tables] == ["customer", "firm", "orders", "pair", "words"]
    foreign = {one.columns[0]: one for one in orders.constraints if one.kind == "foreign" and len(one.columns) == 1}
    assert (foreign["customer_id"].references, foreign["customer_id"].referenced_columns) == ("customer", ["id"])
    assert (foreign["customer_id"].on_delete, foreign["customer_id"].deferred) == ("cascade", True)
    assert foreign["other_id"].referenced_columns == ["id"]
    assert (orders.column("gross").generation, orders.column("net").generation) == ("stored", "virtual")
    unique = next(index for index in orders.indexes if index.constraint)
    assert (unique.columns, unique.unique, unique.constraint) == (
        ["customer_id", "total"],
        True,
        "unique (customer_id, total)",
    )


def test_nothing_is_written_beside_the_file(tmp_path):
    make(tmp_path / "shop.db")
    before = (tmp_path / "shop.db").read_bytes()
    take(tmp_path / "shop.db")
    assert [path.name for path in tmp_path.iterdir()] == ["shop.db"]
    assert (tmp_path / "shop.db").read_bytes() == before


def test_what_is_in_the_write_ahead_log_is_read_too(tmp_path):
    path = tmp_path / "shop.db"
    writer = sqlite3.connect(path)
    writer.executescript("PRAGMA journal_mode = wal; CREATE TABLE a (id integer)")
    writer.execute("CREATE TABLE b (id integer)")
    assert [table.name for table in take(path).tables] == ["a", "b"]
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("CREATE TABLE c (id integer)")
    assert [table.name for table in take(path).tables] == ["a", "b"]
    writer.close()


def test_table_that_was_made_anew_has_another_first_page(tmp_path):
    make(tmp_path / "shop.db", "CREATE TABLE a (id integer, b text)")
    before = take(tmp_path / "shop.db")
    remake = "CREATE TABLE n (b text, id integer); DROP TABLE a; ALTER TABLE n RENAME TO a"
    make(tmp_path / "shop.db", f"CREATE TABLE other (id integer); {remake}; DROP TABLE other")
    after = take(tmp_path / "shop.db")
    assert before.table("a").filenode != after.table("a").filenode
    found = _diff.differences(before, after)
    assert [(one.what, one.before, one.after) for one in found] == [("columns", ["id", "b"], ["b", "id"])]


def test_view_that_is_broken_is_read_too(tmp_path):
    make(tmp_path / "shop.db", "CREATE TABLE a (id integer); CREATE VIEW v AS SELECT id FROM gone")
    snapshot = take(tmp_path / "shop.db")
    assert [(view.name, view.columns) for view in snapshot.views] == [("v", [])]


def test_refusals(tmp_path, monkeypatch):
    with pytest.raises(DeployError, match="path .*none.db' is no file; correct path"):
        take(tmp_path / "none.db")
    (tmp_path / "text.db").write_text("This is no database at all, but long enough to look like one. " * 20)
    with pytest.raises(DeployError, match="cannot be read .*file is not a database"):
        take(tmp_path / "text.db")
    monkeypatch.setattr(_snapshot, "BUSY_TIMEOUT", 0.2)
    make(tmp_path / "shop.db")
    writer = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DeployError, match="cannot be read .*database is locked"):
        take(tmp_path / "shop.db")
    writer.close()
