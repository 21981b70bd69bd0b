# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sqlite_fence on real files, cut off in between too (control node)."""

from __future__ import annotations

import json
import os
import pathlib
import sqlite3
import stat
import subprocess
import sys
import time
import typing as t

import pytest

from tests.support import sqlite
from tests.support.module import run_module


@pytest.fixture
def path(tmp_path):
    return sqlite.make(tmp_path / "db.sqlite3", 10)


def fence(path: pathlib.Path, state: str, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
    options = {"database": str(path), "state": state, "timeout": 0, **more}
    if state != "cleaned":
        options.setdefault("fence_id", "d1")
    result = sqlite.call("sqlite_fence", options, check=check)
    assert not result.get("failed"), result["msg"]
    return result


def refused(path: pathlib.Path, state: str, **more: t.Any) -> dict[str, t.Any]:
    result = sqlite.call(
        "sqlite_fence", {"database": str(path), "state": state, "fence_id": "d1", "timeout": 0, **more}
    )
    assert result.get("failed"), result
    return result


def migrate(closed: dict[str, t.Any]) -> None:
    sqlite.ask(closed["fenced_name"], "ALTER TABLE orders ADD COLUMN colour text")


def columns(path: pathlib.Path) -> list[str]:
    return [row[1] for row in sqlite.ask(path, "PRAGMA table_info(orders)")]


def test_behind_the_fence_nobody_else_opens_it_and_then_it_is_there_again(path):
    path.chmod(0o660)
    was = path.stat()
    closed = fence(path, "closed")
    assert closed["plan"] == ["fence", "copy"] and closed["copied"] and closed["unchanged"]
    for program in ([sys.executable, "-c", sqlite.WRITER, str(path), "write"],):
        said = subprocess.run(program, input="", capture_output=True, text=True, check=False)
        assert "file is not a database" in said.stderr
    assert "recover.yml" in path.read_text()
    assert fence(path, "closed")["changed"] is False
    migrate(closed)
    opened = fence(path, "open", copy="drop")
    assert opened["plan"] == ["open", "drop"] and not opened["restored"]
    now = path.stat()
    assert (now.st_ino, stat.S_IMODE(now.st_mode)) == (was.st_ino, 0o660)
    assert "colour" in columns(path) and sqlite.count(path) == 10
    assert sqlite.beside(path) == [] and fence(path, "open")["changed"] is False


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_the_copy_brings_the_moment_before_the_migration_back(path, mode):
    sqlite.ask(path, f"PRAGMA journal_mode = {mode}")
    path.chmod(0o640)
    closed = fence(path, "closed")
    migrate(closed)
    result = fence(path, "open", restore=True)
    assert result["restored"] and result["plan"] == ["restore"]
    assert "colour" not in columns(path) and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert "colour" in columns(pathlib.Path(result["failed_name"]))
    assert sqlite.ask(path, "PRAGMA journal_mode") == [(mode,)]
    assert sqlite.beside(path) == [os.path.basename(result["failed_name"])]


def test_what_was_written_since_it_was_opened_is_not_lost(path):
    migrate(fence(path, "closed"))
    fence(path, "open")
    sqlite.ask(path, "INSERT INTO lines (order_id) VALUES (1)")
    again = fence(path, "closed", safety_copy=False)
    assert not again["unchanged"] and again["changes"]["tables"] == {"lines": 1}
    said = refused(path, "open", restore=True)
    assert "lines" in said["msg"] and "restore_only_if_unchanged" in said["msg"]
    assert fence(path, "open")["plan"] == ["open"] and sqlite.count(path, "lines") == 1
    fence(path, "closed", safety_copy=False)
    assert fence(path, "open", restore=True, restore_only_if_unchanged=False)["restored"]
    assert sqlite.count(path, "lines") == 0


def test_an_application_that_only_read_has_written_nothing(path):
    sqlite.ask(path, "PRAGMA journal_mode = delete")
    migrate(fence(path, "closed"))
    fence(path, "open")
    with sqlite.User(path):
        sqlite.ask(path, "PRAGMA journal_mode")
    sqlite.ask(path, "PRAGMA journal_mode = wal")
    again = fence(path, "closed", safety_copy=False)
    assert again["unchanged"], again["changes"]
    assert fence(path, "open", restore=True)["restored"] and "colour" not in columns(path)


def test_a_changed_row_is_noticed_though_no_row_came(path):
    fence(path, "closed")
    fence(path, "open")
    sqlite.ask(path, "UPDATE orders SET note = 'other' WHERE id = 1")
    again = fence(path, "closed", safety_copy=False)
    assert not again["unchanged"] and "rows that were there" in again["reason"]


def test_whoever_has_it_open_is_named_and_nothing_happens(path):
    with sqlite.User(path, write=True) as user:
        said = refused(path, "closed")
        assert f"process {user.process.pid} (" in said["msg"] and said["processes"][0]["pid"] == user.process.pid
        assert sqlite.count(path) >= 10
    assert sqlite.beside(path) == [] and fence(path, "open")["changed"] is False


def test_no_write_is_lost_when_somebody_opens_it_in_the_last_moment(path):
    """A writer comes and goes while it is closed and opened: what it was told is written, is there."""
    code = """
import sqlite3, sys, time
done, until = 0, time.monotonic() + 6
while time.monotonic() < until:
    try:
        connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0.2)
        connection.execute("INSERT INTO lines (order_id) VALUES (1)")
        done += 1
    except sqlite3.Error:
        pass
    connection.close()
    time.sleep(0.2)
print(done)
"""
    argv = [sys.executable, "-c", code, str(path)]
    writer = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    closings = 0
    while writer.poll() is None:
        result = sqlite.call("sqlite_fence", {"database": str(path), "state": "closed", "fence_id": "d1", "timeout": 1})
        closings += not result.get("failed")
        fence(path, "open", copy="drop")
    written = int(writer.communicate()[0])
    print(f"{written} rows written, closed {closings} times")
    assert closings and sqlite.count(path, "lines") == written > 0
    assert sqlite.beside(path) == []


def cut_off_between_its_names(path):
    os.link(path, f"{path}.fenced-d1")


def cut_off_before_the_copy(path):
    fence(path, "closed", safety_copy=False)
    path.with_name("db.sqlite3.copy-d1.partial").write_text("half")


@pytest.mark.parametrize("cut_off", [cut_off_between_its_names, cut_off_before_the_copy])
@pytest.mark.parametrize("state", ["closed", "open"])
def test_closing_that_was_cut_off_is_finished_or_taken_back(path, cut_off, state):
    cut_off(path)
    if state == "closed":
        result = fence(path, "closed")
        assert sqlite.count(result["copy_name"]) == sqlite.count(result["fenced_name"]) == 10
    fence(path, "open", restore=True, copy="drop")
    assert sqlite.count(path) == 10
    assert [name for name in sqlite.beside(path) if "fenced" in name or name.endswith((".copy-d1", ".mark"))] == []


def test_restoring_that_was_cut_off_is_finished(path):
    closed = fence(path, "closed")
    migrate(closed)
    os.rename(closed["fenced_name"], closed["failed_name"])
    result = fence(path, "open", restore=True)
    assert result["restored"] and columns(path) == ["id", "note"]


def test_a_stranger_in_the_place_of_the_mark_is_not_overwritten(path):
    closed = fence(path, "closed")
    path.unlink()
    sqlite.make(path, 3)
    for state in ("open", "closed"):
        said = refused(path, state)
        assert "move it away" in said["msg"] and closed["fenced_name"] in said["msg"]
    assert sqlite.count(path) == 3 and sqlite.count(closed["fenced_name"]) == 10
    path.unlink()
    fence(path, "open")
    assert sqlite.count(path) == 10


def test_another_fence_is_not_touched(path):
    fence(path, "closed")
    assert "is fenced by d1" in refused(path, "closed", fence_id="d2")["msg"]
    assert fence(path, "open", fence_id="d2")["changed"] is False
    assert fence(path, "open")["changed"]


def test_check_mode_touches_nothing_also_while_it_is_in_use(path):
    with sqlite.User(path, write=True):
        told = fence(path, "closed", check=True)
        assert told["plan"] == ["fence", "copy"] and told["copy_name"]
    assert sqlite.beside(path) == [] and set(told) == set(fence(path, "closed"))
    assert fence(path, "open", check=True)["plan"] == ["open"]


def test_old_copies_are_cleaned_and_young_ones_kept(path):
    for number, days in (("d1", 40), ("d2", 30), ("d3", 1)):
        migrate_nothing = fence(path, "closed", fence_id=number)
        fence(path, "open", fence_id=number, restore=True)
        moment = time.time() - days * 86400
        os.utime(migrate_nothing["failed_name"], (moment, moment))
    result = fence(path, "cleaned", keep=1, keep_days=35)
    assert [os.path.basename(name) for name in result["removed"]] == ["db.sqlite3.failed-d1"]
    assert fence(path, "cleaned", keep=1, keep_days=35)["changed"] is False
    assert sqlite.beside(path) == ["db.sqlite3.failed-d2", "db.sqlite3.failed-d3"]


def test_the_journal_has_what_a_way_back_needs(path, tmp_path):
    journal = tmp_path / "journal.jsonl"
    run_module("deploy_journal", {"path": str(journal), "state": "begin", "deploy_id": "d1", "who": "w"})
    own = {"journal": str(journal), "deploy_id": "d1"}
    closed = run_module("sqlite_fence", {"database": str(path), "state": "closed", "fence_id": "d1", **own})
    facts = run_module("deploy_journal", {"path": str(journal), "deploy_id": "d1"})["recovery"]
    assert facts["action"] == "open"
    options = {"database": str(path), "state": "open", "fence_id": "d1", "restore": True, **own}
    assert run_module("sqlite_fence", options)["restored"]
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    told = [(one["action"], one["event"]) for one in records if one["action"].startswith("database.")]
    assert told == [(f"database.{action}", event) for action in ("fence", "restore") for event in ("intent", "done")]
    assert next(one for one in records if one["event"] == "done")["undo"]["copy_name"] == closed["copy_name"]


def test_sqlite_itself_refuses_the_mark(path):
    fence(path, "closed")
    with pytest.raises(sqlite3.DatabaseError, match="file is not a database"):
        sqlite.ask(path, "CREATE TABLE IF NOT EXISTS orders (id integer)")
