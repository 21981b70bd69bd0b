# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""django_migrate with migrations outside of a transaction that stopped half-way (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.support.django_calls import Migrate, ids
from tests.support.django_project import Project, django_python

ADD_NOTE = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
INDEX = 'AddIndexConcurrently("thing", models.Index(fields=["name"], name="things_name")),'
CONCURRENT = "from django.contrib.postgres.operations import AddIndexConcurrently\n"
UNIQUE = 'migrations.RunSQL("CREATE UNIQUE INDEX CONCURRENTLY things_unique ON things_thing (name);"),'


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a small project."""
    return Project(tmp_path / "project")


@pytest.fixture
def migrate(project: Project, database: t.Any, tmp_path: pathlib.Path) -> Migrate:
    """Give the module for this project and a database with two things of one name."""
    migrate = Migrate(project, django_python(), database.url, tmp_path)
    migrate()
    database.execute("INSERT INTO things_thing (name) VALUES ('same'), ('same')")
    return migrate


def oid(database: t.Any, index: str) -> int:
    """Give what changes when an index is made anew."""
    return t.cast(int, database.execute(f"SELECT '{index}'::regclass::oid::bigint")[0][0])


def test_migration_of_indexes_goes_on_where_it_stopped(migrate: Migrate, project: Project, database: t.Any) -> None:
    project.migration("0002_both", INDEX + UNIQUE, after="0001_initial", head="atomic = False", before=CONCURRENT)
    error = migrate.fails()
    facts = t.cast(dict, error.result["failure"])
    assert facts["can_go_on"] and not facts["rolled_back"] and len(facts["completed_operations"]) == 1
    assert "run again: what is complete is recognised and kept" in error.msg
    made = oid(database, "things_name")
    database.execute("DELETE FROM things_thing WHERE id = 1")
    done = migrate()
    assert ids(done["applied"]) == ["things.0002_both"] and done["kept_indexes"] == ["things_name"]
    assert done["dropped_invalid_indexes"] == [] or done["dropped_invalid_indexes"] == ["things_unique"]
    assert oid(database, "things_name") == made
    assert database.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]


def test_what_cannot_be_proven_is_not_resumed(migrate: Migrate, project: Project, database: t.Any) -> None:
    operations = ADD_NOTE + UNIQUE
    project.migration("0002_half", operations, after="0001_initial", head="atomic = False")
    error = migrate.fails()
    assert not t.cast(dict, error.result["failure"])["can_go_on"] and "Undo those operations by hand" in error.msg
    database.execute("DELETE FROM things_thing WHERE id = 1")
    assert "42701" in migrate.fails().msg


@pytest.mark.parametrize(
    "definition",
    [
        "(name)",
        "USING btree (name)",
        "(name text_pattern_ops DESC NULLS LAST, id) WHERE name <> 'none'",
        "(lower(name)) INCLUDE (id) WITH (fillfactor = 70)",
        'USING hash ("name")',
    ],
)
def test_index_that_is_the_very_same_is_kept(
    migrate: Migrate, project: Project, database: t.Any, definition: str
) -> None:
    database.execute(f"CREATE INDEX things_other ON things_thing {definition}")
    database.execute("ALTER TABLE things_thing ADD gone int, ADD later text")
    database.execute("ALTER TABLE things_thing DROP gone")
    made = oid(database, "things_other")
    sql = f"CREATE INDEX CONCURRENTLY things_other ON public.things_thing {definition}"
    project.migration("0002_index", f"migrations.RunSQL({sql!r}),", after="0001_initial", head="atomic = False")
    assert migrate()["kept_indexes"] == ["things_other"] and oid(database, "things_other") == made
    assert database.execute("SELECT count(*) FROM pg_class WHERE relname = 'seamless_proof'") == [(0,)]


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("INDEX things_other ON things_thing (name)", "UNIQUE INDEX CONCURRENTLY things_other ON things_thing (name)"),
        ("INDEX things_other ON things_thing (name)", "INDEX CONCURRENTLY things_other ON things_thing (name, id)"),
        ("INDEX things_other ON things_thing (name)", "INDEX CONCURRENTLY things_other ON things_thing (name DESC)"),
        ("INDEX things_other ON things_thing (name)", 'INDEX CONCURRENTLY things_other ON things_thing (name COLLATE "POSIX")'),
        ("INDEX things_other ON things_thing (name) WHERE id > 5", "INDEX CONCURRENTLY things_other ON things_thing (name) WHERE id > 6"),
        ("INDEX things_other ON django_migrations (name)", "INDEX CONCURRENTLY things_other ON things_thing (name)"),
    ],
)  # fmt: skip
def test_index_that_is_another_one_is_not_kept(
    migrate: Migrate, project: Project, database: t.Any, there: str, wanted: str
) -> None:
    database.execute(f"CREATE {there}")
    sql = f"CREATE {wanted}"
    project.migration("0002_index", f"migrations.RunSQL({sql!r}),", after="0001_initial", head="atomic = False")
    error = migrate.fails()
    assert t.cast(dict, error.result["failure"])["sqlstate"] == "42P07" and "already exists" in error.msg
