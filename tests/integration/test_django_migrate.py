# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""django_migrate against real Django projects and a real PostgreSQL (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal

from tests.support.django_calls import Migrate, ids, tables
from tests.support.django_project import MODELS, SETTINGS, Project, django_python


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a small project."""
    return Project(tmp_path / "project")


@pytest.fixture
def migrate(project: Project, database: t.Any, tmp_path: pathlib.Path) -> Migrate:
    """Give the module for this project and a fresh database."""
    return Migrate(project, django_python(), database.url, tmp_path)


ADD_NOTE = 'migrations.AddField("thing", "note", models.TextField(null=True)),'


def columns(database: t.Any) -> list[str]:
    """Give the columns of the table of things."""
    query = (
        "SELECT attname FROM pg_attribute WHERE attrelid = 'things_thing'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    return [row[0] for row in database.execute(query)]


def test_applies_everything_and_then_nothing(migrate: Migrate, database: t.Any) -> None:
    first = migrate()
    assert first["changed"] and first["pending"] == []
    assert ids(first["plan"]) == ids(first["applied"]) and "things.0001_initial" in ids(first["applied"])
    assert "things.zero" in first["before"] and "things.0001_initial" in first["after"]
    assert database.execute("SELECT count(*) FROM auth_permission WHERE codename = 'add_thing'") == [(1,)]
    assert database.execute("SELECT count(*) FROM django_content_type WHERE model = 'thing'") == [(1,)]
    second = migrate()
    assert not second["changed"] and second["applied"] == [] and second["signal_writes"] == 0


def test_check_mode_plans_and_touches_nothing(migrate: Migrate, database: t.Any) -> None:
    planned = migrate(check_mode=True)
    assert planned["changed"] and planned["applied"] == []
    thing = next(item for item in planned["plan"] if item["id"] == "things.0001_initial")
    assert any('CREATE TABLE "things_thing"' in line for line in thing["sql"])
    assert thing["atomic"] and thing["reversible"] and not thing["data"]
    assert tables(database) == []
    done = migrate()
    assert set(planned) == set(done) and planned["after"] == done["after"]


def test_journal_has_the_undo_before_and_the_result_after(migrate: Migrate, tmp_path: pathlib.Path) -> None:
    journal = Journal(str(tmp_path / "journal.jsonl"))
    migrate(journal=journal, deploy_id="d1")
    records = [record for record in journal.read() if record.action == "database.migrate"]
    assert [record.event for record in records][0] == "intent" and records[-1].event == "done"
    undo = records[0].undo
    assert undo["alias"] == "default" and "things.zero" in undo["before"] and "things.0001_initial" in undo["applying"]
    notes = [record.detail["id"] for record in records if record.event == "note"]
    assert notes == undo["applying"]


def test_targets_by_app_name_prefix_and_zero(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    only = migrate(app="things", name="0001")
    assert ids(only["applied"]) == ["things.0001_initial"] and "things.0002_note" in only["pending"]
    assert ids(migrate(app="things")["applied"]) == ["things.0002_note"]
    back = migrate(app="things", name="0001_initial")
    assert [(item["id"], item["backwards"]) for item in back["applied"]] == [("things.0002_note", True)]
    planned = migrate(check_mode=True, app="things", name="zero")
    assert planned["plan"][0]["backwards"] and "DROP TABLE" in " ".join(planned["plan"][0]["sql"])
    gone = migrate(app="things", name="zero")
    assert gone["after"] == planned["after"]
    assert "things.zero" in gone["after"] and "things_thing" not in tables(database)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"app": "nothing"}, "no such app label"),
        ({"app": "things", "name": "0007"}, "fits no migration of 'things'"),
        ({"app": "things", "name": "00"}, "more than one migration"),
        ({"app": "things", "run_syncdb": True}, "`run_syncdb` cannot be used"),
        ({"fake": "record"}, "app and name are not both set"),
        ({"fake": "record", "app": "things"}, "app and name are not both set"),
        ({"lock_timeout": -1}, "lock_timeout is -1"),
        ({"database": "other"}, "no database 'other'"),
    ],
)
def test_refuses_a_wrong_target(
    migrate: Migrate, project: Project, database: t.Any, options: dict[str, t.Any], part: str
) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    assert part in migrate.fails(**options).msg
    assert tables(database) == []


def test_fake_records_the_named_migration_only(migrate: Migrate, project: Project, database: t.Any) -> None:
    migrate()
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    done = migrate(fake="record", app="things", name="0002")
    assert [(item["id"], item["faked"]) for item in done["applied"]] == [("things.0002_note", True)]
    assert "note" not in columns(database)


def test_fake_initial_takes_tables_that_exist(migrate: Migrate, database: t.Any) -> None:
    migrate()
    database.execute("DELETE FROM django_migrations WHERE app = 'things'")
    assert "already exists" in migrate.fails().msg
    done = migrate(fake_initial="tables_exist")
    assert [(item["id"], item["faked"]) for item in done["applied"]] == [("things.0001_initial", True)]


def test_redirects_to_a_renamed_database(migrate: Migrate, database: t.Any) -> None:
    renamed = f"{database.name}_fenced_1"
    database.server.execute(f'ALTER DATABASE "{database.name}" RENAME TO "{renamed}"')
    assert "does not exist" in migrate.fails().msg
    assert migrate(database_name=renamed)["changed"]
    rows = database.server.execute("SELECT count(*) FROM things_thing", renamed)
    assert rows == [(0,)]


def test_models_that_differ_are_said(migrate: Migrate, project: Project) -> None:
    migrate()
    project.write("things/models.py", MODELS + "    note = models.TextField(null=True)\n")
    result = migrate()
    assert result["model_changes"] == {"things": ["Add field note to thing"]}
    assert "models of things differ" in result["warnings"][0]


def test_run_syncdb_makes_tables_of_apps_without_migrations(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    project.write("plain/__init__.py", "")
    project.write("plain/models.py", MODELS)
    project.write("site1/settings.py", SETTINGS + 'INSTALLED_APPS += ["plain"]\n')
    migrate()
    assert "plain_thing" not in tables(database)
    assert migrate(check_mode=True, run_syncdb=True)["synced"] == ["plain_thing"]
    done = migrate(run_syncdb=True)
    assert done["changed"] and done["synced"] == ["plain_thing"]
    assert not migrate(run_syncdb=True)["changed"]


def test_sqlite_works_without_locks_and_check_mode_makes_no_file(migrate: Migrate, project: Project) -> None:
    file = project.path / "db.sqlite3"
    engine = f'DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {str(file)!r}}}}}\n'
    project.write("site1/settings.py", SETTINGS + engine)
    assert migrate(check_mode=True)["plan"] and not file.exists()
    assert "things.0001_initial" in ids(migrate()["applied"])
    assert not migrate()["changed"] and not migrate(check_mode=True)["changed"]


def test_plan_says_what_only_shows_when_it_runs(migrate: Migrate, project: Project) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    project.migration(
        "0003_data",
        "migrations.RunPython(work),",
        after="0002_note",
        before="def work(apps, editor):\n    raise SystemExit\n",
    )
    project.migration("0004_sql", "migrations.RunSQL('UPDATE things_thing SET note = 1'),", after="0003_data")
    project.migration("0005_plain", "migrations.RunSQL('ALTER TABLE things_thing ADD x int'),", after="0004_sql")
    plan = {item["name"]: item for item in migrate(check_mode=True)["plan"]}
    assert "CANNOT BE WRITTEN AS SQL" in " ".join(plan["0003_data"]["sql"])
    facts = [
        (plan[name]["data"], plan[name]["reversible"]) for name in ("0002_note", "0003_data", "0004_sql", "0005_plain")
    ]
    assert facts == [(False, True), (True, False), (True, False), (False, False)]


def test_squashed_migrations_are_not_missing_but_others_are(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    migrate()
    database.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('things', '0003_newer', now())")
    replaces = 'replaces = [("things", "0001_initial"), ("things", "0002_note")]\ninitial = True'
    squashed = (
        (project.path / "things/migrations/0001_initial.py")
        .read_text()
        .partition("operations = [")[2]
        .rpartition("]")[0]
    )
    project.migration("0001_squashed", squashed + ADD_NOTE, after="", head=replaces)
    for name in ("0001_initial", "0002_note"):
        (project.path / f"things/migrations/{name}.py").unlink()
    result = migrate()
    assert not result["changed"] and result["pending"] == [] and result["missing"] == ["things.0003_newer"]
    assert "things.0003_newer is on record" in result["warnings"][-1]
