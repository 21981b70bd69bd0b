# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsing and migrating Django projects on real SQLite files that are in use (control node)."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import sqlite3
import time
import typing as t

import pytest

from tests.support import sqlite
from tests.support.django_calls import Migrate, ids
from tests.support.django_project import MODELS, SETTINGS, Project, django_python
from tests.support.module import run_module, start_module
from tests.support.rehearsals import live_release

ENGINE = """
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE_URL"][10:]}}
"""
NOTE = MODELS + "    note = models.TextField(null=True)\n"
NULLABLE = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""
HOLD = """
import subprocess, sys
from django.db.models.signals import pre_migrate

holders = []


def hold(**_more):
    if not holders:
        argv = [sys.executable, "-c", {code!r}, {path!r}, "{seconds}"]
        holders.append(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))
        assert holders[0].stdout.readline() == "locked\\n"


pre_migrate.connect(hold)
"""
#: Half of the things have no note, and both that have one have the same.
ROWS = "INSERT INTO things_thing (name, note) VALUES ('a', 'same'), ('b', 'same'), ('c', NULL), ('d', NULL)"


class Written(Project):
    """A project that is there already."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path


class Rehearse:
    """A project on a file, whose first release is live, and rehearsals of the next."""

    def __init__(self, base: pathlib.Path) -> None:
        self.base, self.root = base, base / "srv"
        fresh = not (base / "project").exists()
        self.project = Project(base / "project") if fresh else Written(base / "project")
        self.project.write("site1/settings.py", SETTINGS.partition("DATABASES")[0] + ENGINE)
        self.file = base / "shared" / "db.sqlite3"
        self.file.parent.mkdir(exist_ok=True)
        self.url = f"sqlite:///{self.file}"
        self.migrate = Migrate(self.project, django_python(), self.url, base)
        self.application = {
            "chdir": str(self.project.path),
            "python": django_python(),
            "environment": {"DATABASE_URL": self.url},
        }

    def live(self) -> None:
        """Migrate, and have the models as they are now be those of the live release."""
        self.migrate()
        live_release(self.root, self.application)

    def params(self, **more: t.Any) -> dict[str, t.Any]:
        own = {"login_url": self.url, "database_name": str(self.file), "path": str(self.root)}
        return {**self.application, **own, "bridge_path": str(self.base / "bridge"), **more}

    def __call__(self, **more: t.Any) -> dict[str, t.Any]:
        before = sqlite.digest(self.file)
        result = run_module("migration_rehearse", self.params(**more))
        assert sqlite.digest(self.file) == before, "production was touched"
        assert self.left() == [], "something is left"
        return result

    def left(self) -> list[str]:
        """List what lies beside the file."""
        return sqlite.beside(self.file)

    def hold(self, seconds: float) -> None:
        """Have another process lock the file just before the migrations begin, and let go after a while."""
        self.project.write(
            "things/management/__init__.py", HOLD.format(code=LOCK, path=str(self.file), seconds=seconds)
        )

    def change(self, operations: str, models: str = "", head: str = "", before: str = "") -> None:
        """Write the next release: one more migration, and the models that go with it."""
        names = sorted(path.stem for path in (self.project.path / "things" / "migrations").glob("0*.py"))
        self.project.migration(f"000{len(names) + 1}_change", operations, names[-1], head=head, before=before)
        if models:
            self.project.write("things/models.py", models)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Migrate once for all tests."""
    made = Rehearse(tmp_path_factory.mktemp("first"))
    made.live()
    return made.base


@pytest.fixture(scope="module")
def with_notes(tmp_path_factory):
    """Another release, whose things have notes, and rows."""
    made = Rehearse(tmp_path_factory.mktemp("notes"))
    made.change(NULLABLE, NOTE)
    made.live()
    sqlite.ask(made.file, ROWS)
    return made.base


@pytest.fixture
def rehearse(first, tmp_path):
    shutil.copytree(first, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Rehearse(tmp_path)


@pytest.fixture
def notes(with_notes, tmp_path):
    shutil.copytree(with_notes, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Rehearse(tmp_path)


def test_a_nullable_column_is_proven_on_the_rows_themselves(rehearse):
    rehearse.change(NULLABLE, NOTE)
    with sqlite3.connect(rehearse.file) as connection:
        connection.execute("PRAGMA journal_mode = wal")
    connection.close()
    result = rehearse(strategy="online")
    assert (result["strategy"], result["rehearsal"], result["escalate"]) == ("online", "data", False), result
    assert [one["compatibility"] for one in result["verdicts"]] == ["expand"]
    assert result["data"]["bytes"] == result["bytes"] > 0 and result["data"]["bytes_after"] > 0
    assert any("ADD COLUMN" in sql for sql in result["statements"][0]["sql"])


def test_a_column_whose_default_django_drops_is_blocking(rehearse):
    rehearse.change(NULLABLE.replace("null=True", 'default=""'), NOTE.replace("null=True", 'default=""'))
    result = rehearse()
    assert result["strategy"] == "maintenance" and "things.0002_change is blocking" in result["reasons"][0], result
    assert "db_default" in json.dumps(result["verdicts"]) and result["verdicts"][0]["impact"]["rewrites"] == [
        "things_thing"
    ]


def test_a_column_that_the_live_release_uses_waits(notes):
    notes.change('migrations.RemoveField("thing", "note"),', MODELS)
    result = notes()
    assert (result["strategy"], result["later"]) == ("online", ["things.0003_change"]), result


FAILING = {
    "null": (
        'migrations.AlterField("thing", "note", models.TextField()),',
        "2 rows have NULL in things_thing.note",
        "3, 4",
    ),
    "duplicate": (
        'migrations.AlterField("thing", "note", models.TextField(null=True, unique=True)),',
        "2 rows have the same value in things_thing.note",
        "1, 2",
    ),
}


@pytest.mark.parametrize("kind", FAILING)
def test_rows_that_a_migration_cannot_stand_are_named(notes, kind):
    operations, said, keys = FAILING[kind]
    notes.change(operations)
    result = notes()
    assert result["failed"] and result["kind"] == "broken", result
    assert "failed on a scratch copy of the file, in operation 1 of 1" in result["msg"]
    assert said in result["msg"] and f"(primary key {keys})" in result["msg"], result["msg"]


def test_a_long_transaction_stalls_every_writer(rehearse):
    before = "import time\ndef work(apps, schema_editor):\n    apps.get_model('things', 'Thing').objects.update(name='x')\n    time.sleep(0.8)\n"
    rehearse.change("migrations.RunPython(work, migrations.RunPython.noop),", before=before)
    result = rehearse()
    assert (
        result["strategy"] == "maintenance"
        and "would stall requests: All writes to the file wait for" in result["reasons"][0]
    ), result


def test_beyond_the_limits_nothing_is_proven_and_the_reason_said(rehearse):
    rehearse.change(NULLABLE, NOTE)
    for more, said in (({"data_bytes": 1000}, "data_bytes allows"), ({"data_seconds": 0}, "data_seconds")):
        result = rehearse(**more)
        assert (result["strategy"], result["rehearsal"]) == ("maintenance", "none"), result
        assert said in json.dumps(result["verdicts"]), result


def test_a_copy_that_a_killed_rehearsal_left_is_removed_by_the_next(rehearse):
    rehearse.change(
        "migrations.RunPython(work),",
        before=(
            "import time\n"
            "def work(apps, schema_editor):\n"
            "    schema_editor.execute('CREATE TABLE things_half (id integer)')\n"
            "    time.sleep(60)\n"
        ),
    )
    process = start_module("migration_rehearse", rehearse.params(), start_new_session=True)
    until = time.monotonic() + 60
    while not any(name.endswith("-journal") for name in rehearse.left()):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert any(".rehearsal-" in name for name in rehearse.left())
    (rehearse.project.path / "things" / "migrations" / "0002_change.py").unlink()
    assert rehearse()["strategy"] == "online"


def test_a_migration_waits_for_a_writer(rehearse):
    rehearse.change(NULLABLE, NOTE)
    rehearse.hold(1.0)
    done = rehearse.migrate(busy_timeout=60000, retries=0)
    assert ids(done["applied"]) == ["things.0002_change"] and done["applied"][0]["seconds"] > 0.5


def test_a_migration_is_tried_again_when_the_file_is_locked(rehearse):
    rehearse.change(NULLABLE, NOTE)
    rehearse.hold(1.0)
    done = rehearse.migrate(busy_timeout=10, retries=200, retry_time=60)
    assert ids(done["applied"]) == ["things.0002_change"] and done["applied"][0]["retries"] > 0


def test_a_file_that_stays_locked_is_said_and_nothing_is_left(rehearse):
    rehearse.change(NULLABLE, NOTE)
    rehearse.hold(15)
    error = rehearse.migrate.fails(busy_timeout=10, retries=1, retry_time=60)
    assert "database is locked" in error.msg and "raise `busy_timeout` or `retries`" in error.msg, error.msg
    assert "It was rolled back completely" in error.msg and error.result["failure"]["sqlstate"] == "SQLITE_BUSY"
    assert "note" not in str(sqlite.ask(rehearse.file, "SELECT sql FROM sqlite_master"))


def test_a_transaction_that_reads_first_is_not_refused(rehearse):
    """With a write-ahead log a reader cannot become a writer once somebody else has written."""
    sqlite.ask(rehearse.file, "PRAGMA journal_mode = wal")
    before = (
        "import sqlite3\n"
        "def work(apps, schema_editor):\n"
        "    things = apps.get_model('things', 'Thing').objects\n"
        "    things.count()\n"
        "    other = sqlite3.connect(schema_editor.connection.settings_dict['NAME'], timeout=0.1)\n"
        "    try:\n"
        "        other.execute(\"INSERT INTO things_thing (name) VALUES ('by another')\")\n"
        "        other.commit()\n"
        "    except sqlite3.OperationalError:\n"
        "        pass\n"
        "    other.close()\n"
        "    things.create(name='own')\n"
    )
    rehearse.change("migrations.RunPython(work, migrations.RunPython.noop),", before=before)
    assert ids(rehearse.migrate(retries=0)["applied"]) == ["things.0002_change"]


def test_the_live_release_is_asked_whether_it_works_with_the_file(notes):
    options = {"login_url": notes.url, "database_name": str(notes.file), "path": str(notes.root), "release": "r1"}
    assert run_module("schema_info", options)["works"] is True
    sqlite.ask(notes.file, "ALTER TABLE things_thing DROP COLUMN note")
    found = run_module("schema_info", options)
    assert found["works"] is False and "things_thing.note" in found["reasons"][0]
