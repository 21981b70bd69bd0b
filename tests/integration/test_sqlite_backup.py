# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sqlite_backup on real files that are in use (control node)."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import time
import typing as t

import pytest

from tests.support import sqlite
from tests.support.module import run_module


def backup(path: pathlib.Path, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
    options = {"databases": [str(path)], "dest": str(path.parent / "backups"), **more}
    return sqlite.call("sqlite_backup", options, check=check)


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_backup_of_a_file_in_use_is_whole_private_and_in_nobodys_way(tmp_path, mode):
    path = sqlite.make(tmp_path / "db.sqlite3", 20_000, mode, size=500)
    with sqlite.User(path, write=True) as writer:
        result = backup(path)
        assert writer.process.poll() is None
    (made,) = result["backups"]
    assert (made["database"], made["journal_mode"], result["changed"]) == (str(path), mode, True)
    assert sqlite.digest(made["path"]) == made["sha256"] and os.path.getsize(made["path"]) == made["size"]
    assert [stat.S_IMODE(os.stat(name).st_mode) for name in (made["path"], made["manifest_path"])] == [0o600] * 2
    assert stat.S_IMODE(os.stat(os.path.dirname(made["path"])).st_mode) == 0o700
    manifest = json.loads(pathlib.Path(made["manifest_path"]).read_text())
    assert (manifest["format"], manifest["integrity"], manifest["sha256"]) == ("sqlite", "ok", made["sha256"])
    assert sorted(os.listdir(tmp_path / "backups")) == sorted(
        os.path.basename(made[name]) for name in ("path", "manifest_path")
    )
    assert 20_000 <= sqlite.count(made["path"]) <= 20_000 + writer.written
    assert sqlite.beside(path) == ["backups"], "the backup left -wal or -shm"


def test_rows_that_are_in_the_write_ahead_log_only_are_in_the_backup(tmp_path):
    path = sqlite.make(tmp_path / "db.sqlite3", 5)
    with sqlite.User(path):
        sqlite.ask(path, "INSERT INTO orders (note) VALUES ('in the log')")
        assert b"in the log" not in path.read_bytes()
        result = backup(path)
    assert sqlite.count(result["backups"][0]["path"]) == 6


def test_check_mode_says_the_same_and_writes_nothing(tmp_path):
    path = sqlite.make(tmp_path / "db.sqlite3")
    told = backup(path, check=True, keep=1)
    assert sqlite.beside(path) == []
    done = backup(path, keep=1)
    assert set(told) == set(done) and set(told["backups"][0]) == set(done["backups"][0])
    assert told["backups"][0]["size"] == done["backups"][0]["size"] == told["estimated_bytes"]


def test_retention_keeps_the_newest_of_each_file_and_label(tmp_path):
    path, other = sqlite.make(tmp_path / "db.sqlite3"), sqlite.make(tmp_path / "other.sqlite3")
    kept = [backup(other)["backups"][0]["path"], backup(path, label="monthly")["backups"][0]["path"]]
    first = backup(path, keep=2)["backups"][0]["path"]
    second = backup(path, keep=2)
    third = backup(path, keep=2)
    assert second["removed"] == [] and third["removed"] == [os.path.basename(first)]
    left = {name for name in os.listdir(tmp_path / "backups") if not name.endswith(".json")}
    kept += [second["backups"][0]["path"], third["backups"][0]["path"]]
    assert left == {os.path.basename(name) for name in kept}


def test_a_damaged_database_gives_no_backup_and_harms_none(tmp_path):
    path = sqlite.make(tmp_path / "db.sqlite3", 3000, "delete")
    good = backup(path)["backups"][0]
    with path.open("r+b") as file:
        file.seek(4096 * 5)
        file.write(os.urandom(4096))
    result = backup(path, keep=1)
    assert result["failed"] and "is damaged" in result["msg"] and result["integrity"], result["msg"]
    assert sqlite.digest(good["path"]) == good["sha256"]
    assert len(os.listdir(tmp_path / "backups")) == 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing", None, "is no file"),
        ("text", b"not a database, but long enough to be taken for one" * 20, "is no SQLite database"),
    ],
)
def test_what_is_no_database_is_refused_before_anything(tmp_path, name, content, said):
    path = tmp_path / name
    if content:
        path.write_bytes(content)
    result = backup(path)
    assert result["failed"] and said in result["msg"] and "databases" in result["msg"], result["msg"]
    assert not (tmp_path / "backups").exists()


def test_two_files_of_one_name_and_too_little_room_are_refused(tmp_path):
    (tmp_path / "other").mkdir()
    path, other = sqlite.make(tmp_path / "db.sqlite3"), sqlite.make(tmp_path / "other" / "db.sqlite3")
    result = backup(path, databases=[str(path), str(other)])
    assert "several files called db.sqlite3" in result["msg"]
    assert "free" in backup(path, min_free="9000T")["msg"] and not (tmp_path / "backups").exists()


def test_what_a_killed_run_left_is_removed_once_it_is_old(tmp_path):
    path = sqlite.make(tmp_path / "db.sqlite3")
    (tmp_path / "backups").mkdir()
    stale = tmp_path / "backups" / ".db.sqlite3-20200101T000000Z.sqlite.partial-999999"
    stale.touch()
    os.utime(stale, (time.time() - 90000,) * 2)
    backup(path)
    assert not stale.exists()


def test_the_journal_tells_of_it(tmp_path):
    path, journal = sqlite.make(tmp_path / "db.sqlite3"), tmp_path / "journal.jsonl"
    run_module("deploy_journal", {"path": str(journal), "state": "begin", "deploy_id": "d1", "who": "w"})
    options = {"databases": [str(path)], "dest": str(tmp_path / "backups"), "journal": str(journal), "deploy_id": "d1"}
    result = run_module("sqlite_backup", options)
    assert not result.get("failed"), result
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    told = [(one["action"], one["event"], one["subject"]) for one in records if one["action"] == "database.backup"]
    assert told == [("database.backup", event, str(path)) for event in ("intent", "done")]
