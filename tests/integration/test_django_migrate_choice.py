# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""django_migrate with some of the pending migrations only (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.support.django_calls import Migrate, ids, tables
from tests.support.django_project import MODELS, Project, django_python

ADD_NOTE = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
ADD_MARK = 'migrations.AddField("thing", "mark", models.TextField(null=True)),'
TYPES = "SELECT model FROM django_content_type WHERE app_label = 'things' ORDER BY 1"
PERMISSIONS = (
    "SELECT p.codename FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id "
    "WHERE c.app_label = 'things' AND p.codename LIKE 'add_%' ORDER BY 1"
)


def create(name: str) -> str:
    """Give an operation that makes a table."""
    return f'migrations.CreateModel("{name}", [("id", models.BigAutoField(primary_key=True))]),'


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a small project with a branch: 0002 and 0003 do not need each other, 0004 needs both."""
    project = Project(tmp_path / "project")
    project.migration("0002_note", ADD_NOTE, after="0001_initial")
    project.migration("0003_mark", ADD_MARK, after="0001_initial")
    both = 'dependencies = [("things", "0002_note"), ("things", "0003_mark")]\n    operations = [\n'
    file = project.path / "things/migrations/0004_other.py"
    project.migration("0004_other", create("Other"), after="0003_mark")
    file.write_text(file.read_text().replace('dependencies = [("things", "0003_mark")]\n    operations = [\n', both))
    return project


@pytest.fixture
def migrate(project: Project, database: t.Any, tmp_path: pathlib.Path) -> Migrate:
    """Give the module for this project and a database with the first migration of it."""
    migrate = Migrate(project, django_python(), database.url, tmp_path)
    migrate(app="contenttypes")
    migrate(app="auth")
    migrate(app="things", name="0001")
    return migrate


def columns(database: t.Any) -> set[str]:
    """Give the columns of the table of things."""
    query = "SELECT attname FROM pg_attribute WHERE attrelid = 'things_thing'::regclass AND attnum > 0"
    return {row[0] for row in database.execute(query)}


def test_only_what_is_named_is_applied(migrate: Migrate, database: t.Any) -> None:
    planned = migrate(check_mode=True, migrations=["things.0003_mark"])
    done = migrate(migrations=["things.0003_mark"])
    assert ids(planned["plan"]) == ids(done["applied"]) == ["things.0003_mark"]
    for result in (planned, done):
        assert result["held_back"] == result["pending"] == ["things.0002_note", "things.0004_other"]
    assert set(planned) == set(done) and planned["after"] == done["after"]
    assert columns(database) >= {"mark"} and "note" not in columns(database)


def test_what_was_held_back_is_applied_later(migrate: Migrate, database: t.Any) -> None:
    migrate(migrations=["things.0003_mark"])
    done = migrate(migrations=["things.0003_mark", "things.0004_other", "things.0002_note"])
    assert ids(done["applied"]) == ["things.0002_note", "things.0004_other"] and done["held_back"] == []
    assert columns(database) >= {"mark", "note"}
    again = migrate(migrations=["things.0004_other"])
    assert not again["changed"] and again["pending"] == [] and again["held_back"] == []


def test_migration_whose_dependency_is_left_out_is_refused(migrate: Migrate, database: t.Any) -> None:
    for check_mode in (True, False):
        error = migrate.fails(check_mode=check_mode, migrations=["things.0003_mark", "things.0004_other"])
        assert "'things.0004_other'" in error.msg and "'things.0002_note'" in error.msg
    assert not columns(database) & {"mark", "note"}


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"migrations": ["things.0009_gone"]}, "'things.0009_gone', and there is no such migration"),
        ({"migrations": ["things"]}, "name it as app.name"),
        ({"migrations": ["things.0002_note"], "app": "things"}, "migrations and app are both set"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    migrate: Migrate, database: t.Any, options: dict[str, t.Any], part: str
) -> None:
    assert part in migrate.fails(**options).msg
    assert not columns(database) & {"mark", "note"}


def test_part_of_a_squashed_migration_is_not_meant_by_its_old_name(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    replaces = 'replaces = [("things", "0002_note"), ("things", "0003_mark")]'
    project.migration("0002_squashed", ADD_NOTE + ADD_MARK, after="0001_initial", head=replaces)
    error = migrate.fails(migrations=["things.0002_note"])
    assert "in place of which things.0002_squashed would run" in error.msg
    assert ids(migrate(migrations=["things.0002_squashed"])["applied"]) == ["things.0002_squashed"]


def test_squashed_migration_of_which_a_part_is_applied_is_named_by_its_parts(
    migrate: Migrate, project: Project
) -> None:
    migrate(migrations=["things.0002_note"])
    replaces = 'replaces = [("things", "0002_note"), ("things", "0003_mark")]'
    project.migration("0002_squashed", ADD_NOTE + ADD_MARK, after="0001_initial", head=replaces)
    error = migrate.fails(migrations=["things.0002_squashed"])
    assert "in place of which things.0003_mark would run" in error.msg


def test_content_types_and_permissions_follow_what_was_applied(
    migrate: Migrate, project: Project, database: t.Any
) -> None:
    project.write("things/models.py", MODELS + "\n\nclass Renamed(models.Model):\n    pass\n")
    project.migration("0005_later", create("Later"), after="0004_other")
    project.migration("0006_rename", 'migrations.RenameModel("Other", "Renamed"),', after="0005_later")
    first = [f"things.{name}" for name in ("0002_note", "0003_mark", "0004_other")]
    migrate(migrations=first)
    assert database.execute(TYPES) == [("other",), ("thing",)]
    assert database.execute(PERMISSIONS) == [("add_other",), ("add_thing",)]
    kept = database.execute("SELECT id FROM django_content_type WHERE model = 'other'")
    migrate(migrations=["things.0005_later", "things.0006_rename"])
    assert database.execute(TYPES) == [("later",), ("renamed",), ("thing",)]
    assert database.execute("SELECT id FROM django_content_type WHERE model = 'renamed'") == kept
    assert "things_renamed" in tables(database)


def test_what_is_named_is_taken_back(migrate: Migrate, database: t.Any) -> None:
    migrate()
    named = {"migrations": ["things.0002_note", "things.0004_other"], "backwards": True, "one_transaction": True}
    planned = migrate(check_mode=True, **named)
    done = migrate(**named)
    assert ids(planned["plan"]) == ids(done["applied"]) == ["things.0004_other", "things.0002_note"]
    assert planned["after"] == done["after"] and all(one["backwards"] for one in done["applied"])
    assert "note" not in columns(database) and "mark" in columns(database) and "things_other" not in tables(database)
    again = migrate(**named)
    assert not again["changed"] and again["applied"] == []


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (
            {"migrations": ["things.0002_note"]},
            ["'things.0002_note'", "'things.0004_other' is applied and comes after it"],
        ),
        ({"migrations": ["things.0009_none"]}, ["'things.0009_none'", "no such migration"]),
        ({}, ["backwards is true", "migrations is empty"]),
        ({"migrations": ["things.0002_note"], "fake_initial": "tables_exist"}, ["fake_initial is tables_exist"]),
    ],
)
def test_what_cannot_go_back_alone_is_refused(
    migrate: Migrate, database: t.Any, named: dict[str, t.Any], words: list[str]
) -> None:
    migrate()
    error = migrate.fails(backwards=True, **named)
    assert all(word in str(error) for word in words), error
    assert columns(database) >= {"mark", "note"} and "things_other" in tables(database)
