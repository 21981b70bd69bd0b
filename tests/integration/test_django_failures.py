# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What django_migrate says and leaves behind when a migration fails (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal

from tests.support.django_calls import Migrate, ids
from tests.support.django_project import SETTINGS, Project, django_python

ADD_NOTE = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
CATALOG = "SELECT attrelid::regclass::text, attname, atttypid FROM pg_attribute WHERE attrelid > 16384 ORDER BY 1, 2"


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a small project."""
    return Project(tmp_path / "project")


@pytest.fixture
def migrate(project: Project, database: t.Any, tmp_path: pathlib.Path) -> Migrate:
    """Give the module for this project and a fresh database, with two things in it."""
    migrate = Migrate(project, django_python(), database.url, tmp_path)
    migrate()
    database.execute("INSERT INTO things_thing (name) VALUES ('secret row'), ('secret row')")
    return migrate


def test_atomic_failure_leaves_nothing_of_it(
    migrate: Migrate, project: Project, database: t.Any, tmp_path: pathlib.Path
) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    unique = 'migrations.AlterField("thing", "name", models.CharField(max_length=50, unique=True)),'
    extra = 'migrations.AddField("thing", "extra", models.TextField(null=True)),'
    project.migration("0003_unique", extra + unique, after="0002_note")
    project.migration("0004_never", 'migrations.RemoveField("thing", "extra"),', after="0003_unique")
    journal = Journal(str(tmp_path / "journal.jsonl"))
    error = migrate.fails(journal=journal, deploy_id="d1")
    facts = t.cast(dict, error.result["failure"])
    assert facts["migration"] == "things.0003_unique" and facts["sqlstate"] == "23505" and facts["rolled_back"]
    assert facts["operation"] == {"number": 2, "count": 2, "description": "Alter field name on thing"}
    for part in (
        "rolled back completely",
        "things.0002_note was applied",
        "Not reached: things.0004_never",
        "Correct the",
    ):
        assert part in error.msg
    assert "secret row" not in error.msg + str(error.result)
    assert ids(t.cast(list, error.result["applied"])) == ["things.0002_note"] and error.result["changed"]
    names = [row[1] for row in database.execute(CATALOG) if row[0] == "things_thing"]
    assert "note" in names and "extra" not in names
    records = journal.read()
    assert [record.event for record in records] == ["intent", "note", "failed"]
    assert records[-1].detail["applied"] == ["things.0002_note"]


def test_failure_of_the_first_migration_leaves_the_catalog_as_it_was(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    before = database.execute(CATALOG)
    work = "def work(apps, editor):\n    apps.get_model('things', 'Thing').objects.get()\n"
    project.migration("0002_work", ADD_NOTE + "migrations.RunPython(work),", after="0001_initial", before=work)
    error = migrate.fails()
    assert "MultipleObjectsReturned" in error.msg and "Nothing else was applied" in error.msg
    assert "things/migrations/0002_work.py line" in error.msg
    assert database.execute(CATALOG) == before


def test_failure_without_a_transaction_says_what_stays(migrate: Migrate, project: Project, database: t.Any) -> None:
    bad = 'migrations.RunSQL("ALTER TABLE things_gone ADD x int"),'
    project.migration("0002_half", ADD_NOTE + bad, after="0001_initial", head="atomic = False")
    error = migrate.fails()
    facts = t.cast(dict, error.result["failure"])
    assert not facts["rolled_back"] and facts["completed_operations"] == ["Add field note to thing"]
    assert "does not run in a transaction" in error.msg and "complete operations: Add field note to thing" in error.msg
    assert "note" in [row[1] for row in database.execute(CATALOG) if row[0] == "things_thing"]


def test_value_of_a_wrong_type_is_not_repeated(migrate: Migrate, project: Project) -> None:
    sql = 'migrations.RunSQL("ALTER TABLE things_thing ALTER name TYPE int USING name::int"),'
    project.migration("0002_type", sql, after="0001_initial")
    error = migrate.fails()
    assert "22P02" in error.msg and "secret row" not in error.msg + str(error.result)


def test_failure_at_the_end_of_a_transaction(migrate: Migrate, project: Project, database: t.Any) -> None:
    sql = (
        "ALTER TABLE things_thing ADD other bigint;"
        "ALTER TABLE things_thing ADD CONSTRAINT later FOREIGN KEY (other) REFERENCES things_thing (id)"
        " DEFERRABLE INITIALLY DEFERRED; UPDATE things_thing SET other = 99"
    )
    project.migration("0002_later", f"migrations.RunSQL({sql!r}),", after="0001_initial")
    error = migrate.fails()
    assert "23503" in error.msg and "constraint later" in error.msg and "rolled back completely" in error.msg
    assert "other" not in [row[1] for row in database.execute(CATALOG) if row[0] == "things_thing"]


def test_server_that_ends_the_session(migrate: Migrate, project: Project) -> None:
    project.migration(
        "0002_end", 'migrations.RunSQL("SELECT pg_terminate_backend(pg_backend_pid())"),', after="0001_initial"
    )
    error = migrate.fails()
    assert "why the session ended" in error.msg
    assert "rolled back completely" in error.msg and error.result["after"]


def test_atomic_migration_is_recorded_in_its_own_transaction(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    for statement in (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no record today'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON django_migrations FOR EACH ROW EXECUTE FUNCTION refuse()",
    ):
        database.execute(statement)
    before = database.execute(CATALOG)
    key = 'migrations.AddField("thing", "parent", models.ForeignKey("things.Thing", models.CASCADE, null=True)),'
    other = 'migrations.CreateModel("Other", [("id", models.BigAutoField(primary_key=True)), '
    other += '("thing", models.ForeignKey("things.Thing", models.CASCADE))]),'
    project.migration("0002_keys", key + other, after="0001_initial")
    error = migrate.fails()
    assert "no record today" in error.msg and "rolled back completely" in error.msg
    assert database.execute(CATALOG) == before


def test_irreversible_migration_is_not_taken_back(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_once", 'migrations.RunSQL("ALTER TABLE things_thing ADD once int"),', after="0001_initial")
    migrate()
    error = migrate.fails(app="things", name="0001")
    assert "things.0002_once" in error.msg and "IrreversibleError" in error.msg
    assert "once" in [row[1] for row in database.execute(CATALOG) if row[0] == "things_thing"]


def test_migration_that_somebody_else_applies_meanwhile(migrate: Migrate, project: Project) -> None:
    insert = "INSERT INTO django_migrations (app, name, applied) VALUES ('things', '0003_note', now())"
    project.migration("0002_other", f"migrations.RunSQL({insert!r}),", after="0001_initial")
    project.migration("0003_note", ADD_NOTE, after="0002_other")
    error = migrate.fails()
    assert error.result["kind"] == "concurrent" and "things.0003_note was applied by somebody else" in error.msg
    assert ids(t.cast(list, error.result["applied"])) == ["things.0002_other"]


def test_receiver_of_post_migrate_that_fails(migrate: Migrate, project: Project) -> None:
    project.write(
        "things/management/__init__.py",
        "from django.db.models.signals import post_migrate\n\n"
        "def receiver(**kwargs):\n    raise ValueError('no receiver today')\n\n"
        "post_migrate.connect(receiver, dispatch_uid='things', weak=False)\n",
    )
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    error = migrate.fails()
    assert (
        "post_migrate" in error.msg
        and "no receiver today" in error.msg
        and "things/management/__init__.py" in error.msg
    )
    assert ids(t.cast(list, error.result["applied"])) == ["things.0002_note"]


def _conflict(project: Project, _database: t.Any) -> None:
    project.migration("0002_one", ADD_NOTE, after="0001_initial")
    project.migration(
        "0002_two", 'migrations.AddField("thing", "two", models.TextField(null=True)),', after="0001_initial"
    )


def _inconsistent(project: Project, database: t.Any) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    database.execute("DELETE FROM django_migrations WHERE app = 'things'")
    database.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('things', '0002_note', now())")


def _check_error(project: Project, _database: t.Any) -> None:
    project.write("things/models.py", "from django.db import models\n\nclass Thing(models.Model):\n    name = models.CharField()\n"
                  "    name2 = models.DecimalField()\n")  # fmt: skip
    project.migration("0002_note", ADD_NOTE, after="0001_initial")


def _gone(project: Project, _database: t.Any) -> None:
    project.migration("0003_note", ADD_NOTE, after="0002_gone")


def _broken(project: Project, _database: t.Any) -> None:
    project.write("things/migrations/0002_broken.py", "import nothing_like_this\n")


def _mysql(project: Project, _database: t.Any) -> None:
    project.write("site1/settings.py", SETTINGS + 'DATABASES["default"]["ENGINE"] = "django.db.backends.mysql"\n')


@pytest.mark.parametrize(
    ("prepare", "part"),
    [
        (_conflict, "makemigrations --merge"),
        (_inconsistent, "things.0002_note is applied before its dependency things.0001_initial"),
        (_check_error, "fields.E130"),
        (_gone, "do not fit together"),
        (_broken, "No module named 'nothing_like_this', at things/migrations/0002_broken.py line 1"),
        (_mysql, "MySQL (django.db.backends.mysql), which is not supported yet"),
    ],
)
def test_refuses_before_anything_is_touched(
    migrate: Migrate, project: Project, database: t.Any, prepare: t.Callable[[Project, t.Any], None], part: str
) -> None:
    prepare(project, database)
    before = database.execute(CATALOG)
    assert part in migrate.fails().msg
    assert database.execute(CATALOG) == before


def test_passwords_in_the_output_of_the_application_are_masked(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    loud = "\nimport sys\nprint('stdout', DATABASES, SECRET_KEY)\nprint('stderr', url.geturl(), file=sys.stderr)\nraise ValueError(url.geturl())\n"
    project.write("site1/settings.py", SETTINGS + loud)
    error: DeployError = migrate.fails()
    shown = error.msg + str(error.result)
    assert (
        database.password not in shown
        and database.url not in shown
        and database.url.split(":")[2].split("@")[0] not in shown
    )
    assert "site1/settings.py line" in error.msg and "stdout" in str(error.result["stdout"])
