# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module schema_snapshot, as Ansible runs it (control node)."""

from __future__ import annotations

import json
import os
import pathlib
import re
import sqlite3
import stat
import time

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils import _schema_store
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

from tests.support.module import run_module
from tests.support.playbook import run_playbook

DAY = 86400


@pytest.fixture
def dest(tmp_path):
    return tmp_path / "schemas"


@pytest.fixture
def shop(database):
    database.execute("CREATE TABLE orders (id bigserial PRIMARY KEY, note text)")
    return database


@pytest.fixture
def sqlite_file(tmp_path):
    path = tmp_path / "shop.sqlite3"
    change(path, "CREATE TABLE orders (id integer PRIMARY KEY, note text)")
    return path


def change(path, statement):
    connection = sqlite3.connect(path)
    connection.executescript(statement)
    connection.close()


def snapshot(check=False, **params):
    """The module's result, which is no failure."""
    result = run_module("schema_snapshot", {name: str(value) for name, value in params.items()}, check)
    assert result.get("failed") is None, result["msg"]
    return result


def refused(**params):
    result = run_module("schema_snapshot", {name: str(value) for name, value in params.items()})
    assert result.get("failed"), (params, result)
    return result["msg"]


def names(dest):
    return sorted(os.listdir(dest)) if dest.exists() else []


def age(path, days):
    """Have a file bear the name of another day."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - days * DAY))
    new = re.sub(r"\d{8}T\d{6}Z", stamp, path)
    os.rename(path, new)
    return new


def test_schema_is_stored_once(shop, dest):
    planned = snapshot(check=True, login_url=shop.url, dest=dest)
    assert (planned["changed"], dest.exists()) == (True, False)

    first = snapshot(login_url=shop.url, dest=dest)
    shop.execute("INSERT INTO orders (note) SELECT 'x' FROM generate_series(1, 1000)")
    second = snapshot(login_url=shop.url, dest=dest)

    assert (first["changed"], second["changed"], second["path"]) == (True, False, first["path"])
    assert names(dest) == [os.path.basename(first["path"])]
    assert re.fullmatch(rf"{shop.name}-\d{{8}}T\d{{6}}Z\.schema\.json", names(dest)[0])
    assert stat.S_IMODE(os.stat(first["path"]).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(dest).st_mode) == 0o700
    assert (first["before"], first["equal"], first["text"]) == ({}, True, "")
    assert second["before"] == second["after"] | {name: second["before"][name] for name in ("taken_at", "bytes")}
    assert shop.password not in first["_output"] + pathlib.Path(first["path"]).read_text()


def test_change_makes_another_file_and_says_what_changed(shop, dest):
    first = snapshot(login_url=shop.url, dest=dest)
    shop.execute("ALTER TABLE orders ALTER note SET NOT NULL")
    planned = snapshot(check=True, login_url=shop.url, dest=dest)
    assert names(dest) == [os.path.basename(first["path"])]
    second = snapshot(login_url=shop.url, dest=dest)

    # Ansible adds mode and owner of a path that there is.
    assert set(planned) <= set(second)
    assert planned["differences"] == second["differences"]
    assert (planned["changed"], second["changed"], second["equal"]) == (True, True, False)
    assert second["differences"] == [
        {
            "kind": "changed", "type": "column", "object": "public.orders.note", "owner": "public.orders",
            "what": "not_null", "before": False, "after": True,
        }
    ]  # fmt: skip
    assert second["text"] == "  public.orders\n    ~ column note: not_null\n        - no\n        + yes\n"
    assert len(names(dest)) == 2


def test_database_is_compared_with_a_file(shop, dest):
    path = snapshot(login_url=shop.url, dest=dest)["path"]
    same = snapshot(state="compared", login_url=shop.admin_url, database=shop.name, before=path)
    shop.execute("ALTER TABLE orders RENAME COLUMN note TO remark")
    other = snapshot(state="compared", login_url=shop.url, before=path)

    assert (same["changed"], same["equal"], same["differences"]) == (False, True, [])
    assert same["before"]["fingerprint"] == same["after"]["fingerprint"]
    assert (other["changed"], other["equal"]) == (False, False)
    assert other["text"] == "  public.orders\n    > column note is now remark\n"
    assert names(dest) == [os.path.basename(path)]


def test_two_files_are_compared_without_a_database(sqlite_file, dest):
    before = snapshot(path=sqlite_file, dest=dest)["path"]
    change(sqlite_file, "CREATE INDEX by_note ON orders (note)")
    after = snapshot(path=sqlite_file, dest=dest)["path"]
    sqlite_file.unlink()
    result = snapshot(state="compared", before=before, after=after)
    assert [(one["kind"], one["object"]) for one in result["differences"]] == [("added", "by_note")]
    back = snapshot(state="compared", before=after, after=before)
    assert [(one["kind"], one["object"]) for one in back["differences"]] == [("removed", "by_note")]


def test_retention_keeps_the_newest_and_what_is_not_its_own(sqlite_file, dest):
    others = ["notes.txt", "stock-20200101T000000Z.schema.json", "shop.sqlite3-20200101T000000Z-r1.schema.json"]
    old = [age(snapshot(path=sqlite_file, dest=dest)["path"], 40)]
    change(sqlite_file, "CREATE TABLE a (id integer)")
    old.append(age(snapshot(path=sqlite_file, dest=dest, keep_days=99)["path"], 30))
    for name in others:
        (dest / name).write_text("{}")

    quiet = snapshot(path=sqlite_file, dest=dest)
    assert (quiet["changed"], quiet["removed"], quiet["path"]) == (True, old[:1], old[1])
    change(sqlite_file, "CREATE TABLE b (id integer)")
    planned = snapshot(check=True, path=sqlite_file, dest=dest)
    assert os.path.exists(old[1])
    done = snapshot(path=sqlite_file, dest=dest)
    assert planned["removed"] == done["removed"] == old[1:]
    assert names(dest) == sorted([*others, os.path.basename(done["path"])])


def test_label_has_files_of_its_own(sqlite_file, dest):
    snapshot(path=sqlite_file, dest=dest)
    labelled = snapshot(path=sqlite_file, dest=dest, label="before-r2")
    assert (labelled["changed"], labelled["before"]) == (True, {})
    assert labelled["path"].endswith("Z-before-r2.schema.json")
    assert "cannot be part of a file name" in refused(path=sqlite_file, dest=dest, label="../r2")


def test_changes_within_a_second_are_all_kept(sqlite_file, dest):
    paths = []
    for number in range(4):
        change(sqlite_file, f"CREATE TABLE t{number} (id integer)")
        paths.append(snapshot(path=sqlite_file, dest=dest)["path"])
    assert len(set(paths)) == 4
    assert snapshot(path=sqlite_file, dest=dest)["path"] == paths[-1]


def test_database_name_cannot_become_a_path(shop, dest):
    name = f"{shop.name}_/../evil user's"
    shop.server.create_database(name, shop.user, shop.password)
    result = snapshot(login_url=shop.url, database=name, dest=dest)
    assert os.path.dirname(result["path"]) == str(dest)
    assert result["after"]["database"] == name


def test_refusals_name_the_option(shop, sqlite_file, dest, tmp_path):
    stored = snapshot(path=sqlite_file, dest=dest)["path"]
    written = json.loads(pathlib.Path(stored).read_text())
    for name, text in (
        ("newer", json.dumps({**written, "version": 99})),
        ("torn", "{"),
        ("list", "[]"),
        ("none", "{}"),
    ):
        (tmp_path / name).write_text(text)
    (tmp_path / "damaged").write_text(json.dumps({**written, "tables": [{"kind": "table"}]}))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "mysql").write_text(json.dumps({**written, "dialect": "mysql"}))
    wrong = shop.url.replace(shop.url.split(":")[2].split("@")[0], "wrong")

    cases = [
        ({"before": tmp_path / "missing"}, "before '.*missing' does not exist; name a file"),
        ({"before": tmp_path}, "before '.*' cannot be read: Is a directory"),
        ({"before": tmp_path / "binary"}, "before '.*binary' cannot be read: it is not text"),
        ({"before": tmp_path / "newer"}, "before '.*newer' has format version 99, this release .* reads 1 to 1"),
        ({"before": tmp_path / "torn"}, "before '.*torn' is not JSON"),
        ({"before": tmp_path / "list"}, "before '.*list' is not a JSON object"),
        ({"before": tmp_path / "none"}, "before '.*none' has format version None"),
        ({"before": tmp_path / "damaged"}, "before '.*damaged' is damaged"),
        ({"before": tmp_path / "mysql"}, "before '.*mysql' is one of 'mysql'"),
        ({"before": stored, "after": tmp_path / "missing"}, "after '.*missing' does not exist"),
        ({"before": stored, "login_url": shop.url}, "database of sqlite, and a database of postgresql is named"),
        ({"before": stored, "path": tmp_path / "missing"}, "path '.*missing' is no file; correct path"),
        ({"before": stored, "path": tmp_path / "newer"}, "file is not a database"),
        ({"before": stored}, "postgresql is named|no database is named"),
        ({"state": "taken", "dest": dest}, "no database is named; set path for SQLite, or database or login_url"),
        ({"state": "taken", "dest": dest, "login_url": wrong}, "does not accept the password of the role"),
        ({"state": "taken", "dest": dest, "login_url": shop.url, "database": "absent"}, "correct database"),
        ({"state": "taken", "dest": dest, "path": sqlite_file, "keep_days": 0}, "keep_days is 0; set it to 1 or more"),
        ({"state": "taken", "dest": sqlite_file, "path": sqlite_file}, "dest '.*' cannot be read: Not a directory"),
    ]
    for params, expected in cases:
        message = refused(**{"state": "compared", **params})
        assert re.search(expected, message), (params, message)
        assert "wrong:" not in message


def test_damaged_newest_file_does_not_stop_a_deploy(sqlite_file, dest):
    path = snapshot(path=sqlite_file, dest=dest)["path"]
    pathlib.Path(path).write_text("{")
    result = snapshot(path=sqlite_file, dest=dest)
    assert (result["changed"], result["path"] != path) == (True, True)
    assert "the newest file of dest" in result["_output"]


def test_unreadable_file_of_another_user(sqlite_file, dest, tmp_path):
    stored = snapshot(path=sqlite_file, dest=dest)["path"]
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    tmp_path.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(
            DeployError, match="before .* cannot be read: Permission denied; let the task's user read it"
        ):
            _schema_store.read(stored, "before")
    finally:
        os.seteuid(0)


def test_diff_mode_shows_the_differences(sqlite_file, dest, tmp_path):
    playbook = tmp_path / "play.yml"
    task = {"seamless.deploy.schema_snapshot": {"path": str(sqlite_file), "dest": str(dest)}}
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    first = run_playbook(str(playbook), {"word": "yes"}, "--diff", base=tmp_path)
    change(sqlite_file, "ALTER TABLE orders ADD COLUMN paid integer")
    second = run_playbook(str(playbook), {"word": "yes"}, "--diff", base=tmp_path)
    third = run_playbook(str(playbook), {"word": "yes"}, "--diff", "--check", base=tmp_path)

    assert (first.changed, second.changed, third.changed) == (1, 1, 0), first.stdout + second.stdout
    assert "  orders\n    + column paid integer\n" in second.stdout
    assert "+ column" not in first.stdout + third.stdout
