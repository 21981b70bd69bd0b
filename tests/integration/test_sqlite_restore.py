# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sqlite_restore on real files, with processes that have them open (control node)."""

from __future__ import annotations

import os
import pathlib
import pwd
import stat
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _users

from tests.support import sqlite
from tests.support.module import run_module


@pytest.fixture
def path(tmp_path):
    return sqlite.make(tmp_path / "db.sqlite3", 10)


@pytest.fixture
def backup(path, tmp_path):
    """A backup, since which a row was written."""
    result = sqlite.call("sqlite_backup", {"databases": [str(path)], "dest": str(tmp_path / "backups")})
    sqlite.ask(path, "INSERT INTO orders (note) VALUES ('later')")
    return result["backups"][0]["path"]


def restore(path: pathlib.Path, backup: str, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
    options = {"database": str(path), "backup": backup, "timeout": 0, **more}
    return sqlite.call("sqlite_restore", options, check=check)


def test_the_backup_takes_the_place_and_the_former_file_is_kept(path, backup):
    if os.geteuid() == 0:
        os.chown(path, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    path.chmod(0o640)
    was = path.stat()
    result = run_module("sqlite_restore", {"database": str(path), "backup": backup})
    assert not result.get("failed"), result["msg"]
    assert sqlite.count(path) == 10 and sqlite.digest(path) == result["sha256"] == sqlite.digest(backup)
    now = path.stat()
    assert (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)) == (was.st_uid, was.st_gid, 0o640)
    assert sqlite.count(result["replaced"]) == 11
    assert sqlite.beside(path) == sorted(["backups", os.path.basename(result["replaced"])])


def test_what_is_in_the_log_goes_to_the_former_file_and_not_into_the_restored_one(path, backup):
    user = sqlite.User(path)
    sqlite.ask(path, "INSERT INTO orders (note) VALUES ('in the log')")
    user.process.kill()
    user.process.wait()
    assert path.with_name("db.sqlite3-wal").stat().st_size
    result = restore(path, backup)
    assert sqlite.count(path) == 10 and sqlite.count(result["replaced"]) == 12


def test_whoever_has_it_open_is_named_and_nothing_happens(path, backup):
    before = sqlite.digest(path)
    with sqlite.User(path) as user:
        for check in (True, False):
            result = restore(path, backup, check=check)
            assert result["failed"] and f"process {user.process.pid} (" in result["msg"], result["msg"]
            assert "-c import select, sqlite3" in " ".join(result["msg"].split())
            assert [one["pid"] for one in result["processes"]] == [user.process.pid]
    assert sqlite.digest(path) == before and sqlite.beside(path) == ["backups"]


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_waits_for_it_to_be_closed(path, backup, mode):
    sqlite.ask(path, f"PRAGMA journal_mode = {mode}")
    user = sqlite.User(path)
    user.process.stdin.close()  # it ends by itself, at some time
    assert not restore(path, backup, timeout=30).get("failed")
    user.process.wait()
    assert sqlite.count(path) == 10


def test_check_mode_changes_nothing_and_says_the_same(path, backup):
    told = restore(path, backup, check=True)
    assert sqlite.beside(path) == ["backups"] and sqlite.count(path) == 11
    assert set(told) == set(restore(path, backup))


def test_a_missing_file_is_made_and_a_log_of_former_times_is_not_read_into_it(path, backup):
    log = path.with_name("db.sqlite3-wal")
    with sqlite.User(path):
        sqlite.ask(path, "DELETE FROM orders")
        old = log.read_bytes()
    path.unlink()
    log.write_bytes(old)
    result = restore(path, backup)
    assert (sqlite.count(path), result["replaced"]) == (10, "")
    assert path.with_name("db.sqlite3.lost-wal").exists()


def test_a_damaged_database_is_exchanged_too(path, backup):
    path.write_bytes(os.urandom(9000))
    result = restore(path, backup)
    assert not result.get("failed"), result["msg"]
    assert sqlite.count(path) == 10 and os.path.getsize(result["replaced"]) == 9000


def test_a_backup_that_is_not_what_it_was_is_refused(path, backup):
    with open(backup, "r+b") as file:
        file.seek(5000)
        file.write(b"?")
    result = restore(path, backup)
    assert result["failed"] and "sha256" in result["msg"] and sqlite.count(path) == 11
    assert sqlite.beside(path) == ["backups"]


def test_what_is_no_backup_of_this_file_is_refused(path, backup, tmp_path):
    other = sqlite.make(tmp_path / "other.sqlite3")
    assert "is no backup of sqlite_backup" in restore(path, str(other))["msg"]
    assert "set any_database to true" in restore(other, backup)["msg"]
    assert not restore(other, backup, any_database=True).get("failed")
    assert sqlite.count(other) == 10


def test_a_process_whose_files_may_not_be_listed_is_seen_by_its_locks(path):
    """Only root sees the files of others: here nobody's are looked at."""
    with sqlite.User(path) as user:
        found = _users._lockers(_users._identities(str(path)))
        assert user.process.pid in found
    assert user.process.pid not in _users._lockers(_users._identities(str(path)))
