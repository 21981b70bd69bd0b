# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_rehearse with real Django projects on a real PostgreSQL (control node)."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest

from tests.support.django_calls import Migrate
from tests.support.django_project import MODELS, Project, django_python
from tests.support.paths import tool
from tests.support.playbook import playbook_environment
from tests.support.rehearsals import Rehearse, change


@pytest.fixture
def rehearse(tmp_path: pathlib.Path, database: t.Any) -> Rehearse:
    """Write a project, migrate it, and take it for the live release."""
    project = Project(tmp_path / "project")
    Migrate(project, django_python(), database.url, tmp_path)()
    made = Rehearse(project, database, tmp_path)
    made.live()
    return made


NULLABLE = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
BLOCKING = 'migrations.AddField("thing", "note", models.TextField(default="")),'


def test_nothing_is_pending(rehearse: Rehearse) -> None:
    result = rehearse()
    assert (result["strategy"], result["verdicts"]) == ("online", [])
    assert result["table"] == ["No migration is pending."]


def test_a_nullable_column_is_online(rehearse: Rehearse) -> None:
    change(rehearse, NULLABLE, MODELS + "    note = models.TextField(null=True)\n")
    result = rehearse(strategy="online")
    assert (result["strategy"], result["rehearsal"]) == ("online", "schema"), result
    assert [verdict["compatibility"] for verdict in result["verdicts"]] == ["expand"]
    assert result["verdicts"][0]["old_release"] == "r1" and len(result["seconds"]) == 1


def test_a_column_whose_default_django_drops_is_blocking(rehearse: Rehearse) -> None:
    change(rehearse, BLOCKING, MODELS + '    note = models.TextField(default="")\n')
    result = rehearse()
    assert result["strategy"] == "maintenance" and "things.0002_change is blocking" in result["reasons"][0], result
    assert "db_default" in json.dumps(result["verdicts"])
    refused = rehearse(strategy="online")
    assert refused["failed"] and "strategy is 'online', and that is not possible" in refused["msg"]


def test_a_dropped_column_waits_for_the_old_release(rehearse: Rehearse) -> None:
    change(rehearse, NULLABLE, MODELS + "    note = models.TextField(null=True)\n")
    Migrate(rehearse.project, django_python(), rehearse.database.url, rehearse.base)()
    (rehearse.root / "current").unlink()
    for path in (rehearse.root / "releases" / "r1").iterdir():
        path.unlink()
    (rehearse.root / "releases" / "r1").rmdir()
    rehearse.live()
    rehearse.project.migration("0003_drop", 'migrations.RemoveField("thing", "note"),', "0002_change")
    rehearse.project.write("things/models.py", MODELS)
    result = rehearse()
    assert [verdict["compatibility"] for verdict in result["verdicts"]] == ["contract"], result["verdicts"]
    assert (result["strategy"], result["now"], result["later"]) == ("online", [], ["things.0003_drop"])
    assert "after the old release" in result["table"][0]

    rehearse.project.migration(
        "0004_new", 'migrations.AddField("thing", "colour", models.TextField(null=True)),', "0003_drop"
    )
    rehearse.project.write("things/models.py", MODELS + "    colour = models.TextField(null=True)\n")
    result = rehearse()
    assert (result["strategy"], result["later"]) == ("maintenance", [])
    assert "things.0004_new has to run before the new release starts" in result["reasons"][0], result["reasons"]


def test_a_data_step_is_not_proven_on_empty_tables(rehearse: Rehearse) -> None:
    change(rehearse, 'migrations.RunSQL("UPDATE things_thing SET name = \'x\'", "SELECT 1"),')
    result = rehearse()
    assert [verdict["compatibility"] for verdict in result["verdicts"]] == ["inconclusive"]
    assert result["strategy"] == "maintenance" and result["escalate"]


def test_a_migration_that_cannot_work_is_found_before_anything_is_touched(rehearse: Rehearse) -> None:
    change(rehearse, 'migrations.RunSQL("ALTER TABLE things_thing ADD COLUMN name text", "SELECT 1"),')
    result = rehearse()
    assert result["failed"] and "migration things.0002_change failed on a scratch copy" in result["msg"], result
    assert "already exists" in result["msg"]


def test_without_a_scratch_database_nothing_is_proven(rehearse: Rehearse) -> None:
    change(rehearse, NULLABLE, MODELS + "    note = models.TextField(null=True)\n")
    result = rehearse(login_url=rehearse.database.url)
    assert (result["rehearsal"], result["strategy"]) == ("none", "maintenance"), result
    assert "may not create a scratch database" in json.dumps(result["verdicts"])


def test_where_nobody_serves_everything_may_run(rehearse: Rehearse) -> None:
    change(rehearse, BLOCKING, MODELS + '    note = models.TextField(default="")\n')
    assert rehearse(path=str(rehearse.base / "nowhere"))["strategy"] == "online"


def test_what_the_user_declares_counts(rehearse: Rehearse) -> None:
    change(rehearse, 'migrations.RunSQL("ALTER TABLE things_thing ADD COLUMN extra text", "SELECT 1"),')
    Migrate(rehearse.project, django_python(), rehearse.database.url, rehearse.base)()
    rehearse.project.migration(
        "0003_less", 'migrations.RunSQL("ALTER TABLE things_thing DROP COLUMN extra", "SELECT 1"),', "0002_change"
    )
    assert [verdict["compatibility"] for verdict in rehearse()["verdicts"]] == ["either"]
    declared = rehearse(raw=["things_thing.extra"])
    assert [verdict["compatibility"] for verdict in declared["verdicts"]] == ["contract"], declared["verdicts"]


def test_what_comes_after_a_data_step_that_wants_rows_is_not_reached(rehearse: Rehearse) -> None:
    change(rehearse, "migrations.RunSQL(\"DO $$ BEGIN PERFORM 1/count(*) FROM things_thing; END $$\", 'SELECT 1'),")
    rehearse.project.migration("0003_later", NULLABLE, "0002_change")
    rehearse.project.write("things/models.py", MODELS + "    note = models.TextField(null=True)\n")
    result = rehearse()
    assert [verdict["compatibility"] for verdict in result["verdicts"]] == ["inconclusive", "inconclusive"], result
    assert "was not rehearsed: things.0002_change failed before it" in json.dumps(result["verdicts"][1])
    assert "is not known" not in json.dumps(result["verdicts"]) and result["escalate"]


def test_squawk_is_asked_where_it_is_installed(rehearse: Rehearse, tmp_path: pathlib.Path) -> None:
    if not shutil.which("squawk"):
        pytest.skip("squawk is not installed on this control node")
    change(rehearse, 'migrations.RunSQL("CREATE INDEX by_name ON things_thing (name)", "SELECT 1"),')
    argv = [tool("ansible"), "localhost", "-i", "localhost,", "-c", "local", "-m", "seamless.deploy.migration_rehearse"]
    argv += ["-e", json.dumps({"ansible_python_interpreter": sys.executable}), "-a", json.dumps(rehearse.params)]
    environment = {**playbook_environment(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "things.0002_change  - squawk: " in done.stdout and "require-concurrent-index-creation" in done.stdout
    assert "require-lock-timeout" not in done.stdout


#: Looks into its own table as soon as it is loaded, and cannot do without.
READY = """
from django.apps import AppConfig


class ThingsConfig(AppConfig):
    name = "things"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from things.models import Thing
        print(Thing.objects.count())
"""


def test_an_application_that_looks_into_its_database_when_it_is_loaded(rehearse: Rehearse) -> None:
    rehearse.database.execute(
        "DO $$ BEGIN FOR n IN 1..300 LOOP EXECUTE format('CREATE TABLE a%s (id serial PRIMARY KEY)', n); END LOOP; END $$"
    )
    rehearse.project.write("things/apps.py", READY)
    change(rehearse, NULLABLE, MODELS + "    note = models.TextField(null=True)\n")
    result = rehearse()
    assert (result.get("strategy"), result.get("rehearsal")) == ("online", "schema"), result


ENUM = (
    "migrations.RunSQL(\"ALTER TYPE mood ADD VALUE 'sad'\", migrations.RunSQL.noop),",
    "migrations.RunSQL(\"ALTER TABLE things_thing ADD COLUMN mood mood DEFAULT 'sad'\", migrations.RunSQL.noop),",
)


def test_one_transaction_is_proven_where_nothing_else_is_needed_to_come_back(rehearse: Rehearse) -> None:
    wanted = {"one_transaction": True, "strategy": "maintenance"}
    change(rehearse, NULLABLE, MODELS + "    note = models.TextField(null=True)\n")
    assert rehearse(**wanted)["one_transaction"] is True
    assert rehearse(**wanted)["undo_proven"] is False
    # Nobody asked, or nothing stops.
    assert rehearse(strategy="maintenance")["one_transaction"] is False
    assert rehearse(one_transaction=True)["one_transaction"] is False


ADDED = "ALTER TABLE things_thing ADD COLUMN note text NOT NULL DEFAULT ''"
NO_DEFAULT = "ALTER TABLE things_thing ALTER COLUMN note DROP DEFAULT"
DROPPED = "ALTER TABLE things_thing DROP COLUMN note"
NOTE_MODEL = MODELS + '    note = models.TextField(default="")\n'
RECEIVER = (
    "from django.db import connection\nfrom django.db.models.signals import post_migrate\n\n"
    "def receiver(sender, **kwargs):\n    if sender.label == 'things':\n"
    "        connection.cursor().execute('UPDATE things_thing SET id = id WHERE id < 0')\n\n"
    "post_migrate.connect(receiver, dispatch_uid='things', weak=False)\n"
)


def raw(forth: t.Sequence[str], back: t.Sequence[str]) -> str:
    return f"migrations.RunSQL({list(forth)!r}, {list(back)!r}),"


@pytest.mark.parametrize(
    ("operations", "proven"),
    [
        (BLOCKING, True),
        (raw([ADDED, NO_DEFAULT], [DROPPED]), True),
        # What goes back leaves something, or stops on the way, or had changed what was there.
        (raw([ADDED, NO_DEFAULT], []), False),
        (raw([ADDED, NO_DEFAULT], ["ALTER TABLE things_thing DROP COLUMN remark"]), False),
        (raw([ADDED, NO_DEFAULT, "ALTER TABLE things_thing ALTER COLUMN name TYPE text"], [DROPPED]), False),
        (raw([ADDED, NO_DEFAULT, "UPDATE things_thing SET note = name"], [DROPPED]), False),
    ],
)
def test_what_only_adds_can_be_taken_back_in_place_of_a_copy(rehearse: Rehearse, operations: str, proven: bool) -> None:
    change(rehearse, operations, NOTE_MODEL)
    result = rehearse(one_transaction=True, strategy="maintenance")
    assert result["verdicts"][0]["compatibility"] in ("blocking", "inconclusive"), result["verdicts"]
    assert (result["one_transaction"], result["undo_proven"]) == (proven, proven), result


def test_what_receivers_write_is_not_taken_back(rehearse: Rehearse) -> None:
    change(rehearse, BLOCKING, NOTE_MODEL)
    rehearse.project.write("things/management/__init__.py", RECEIVER)
    result = rehearse(one_transaction=True, strategy="maintenance")
    assert (result["one_transaction"], result["undo_proven"]) == (False, False), result


def test_what_one_transaction_cannot_hold_is_seen(rehearse: Rehearse) -> None:
    """PostgreSQL lets nobody use a value of an enum before the transaction that added it has ended."""
    rehearse.project.migration("0002_mood", "migrations.RunSQL(\"CREATE TYPE mood AS ENUM ('glad')\"),", "0001_initial")
    Migrate(rehearse.project, django_python(), rehearse.database.url, rehearse.base)()
    first = "0002_mood"
    for number, operation in enumerate(ENUM, 3):
        rehearse.project.migration(f"000{number}_mood", operation, first)
        first = f"000{number}_mood"
    result = rehearse(one_transaction=True, strategy="maintenance")
    assert result["strategy"] == "maintenance" and not result["one_transaction"], result
    assert {verdict["compatibility"] for verdict in result["verdicts"]} <= {"expand", "either"}
