# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a rehearsal: scratch databases, the clone of a schema, and what the bridge sees there (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._connection import DatabaseConnection, parse_url
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _clients, _scratch
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._clone import Clone, dumping
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import connected, rows

from tests.support.django_calls import Migrate
from tests.support.django_project import Project, django_python, run_command


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a small project."""
    return Project(tmp_path / "project")


@pytest.fixture
def migrate(project: Project, database: t.Any, tmp_path: pathlib.Path) -> Migrate:
    """Give the module for this project and a fresh database."""
    return Migrate(project, django_python(), database.url, tmp_path)


def admin_of(database: t.Any) -> DatabaseConnection:
    return parse_url(database.superuser_url, "admin", "login_url")


def scratches(admin: DatabaseConnection) -> list[str]:
    with connected(admin) as opened:
        return [name for (name,) in rows(opened, _scratch._NAMES)]


def test_a_scratch_database_is_gone_afterwards_and_one_that_is_in_use_stays(database: t.Any) -> None:
    admin, url = admin_of(database), parse_url(database.url, "application", "url")
    database.execute(f'ALTER DATABASE "{url.database}" SET search_path = public, pg_catalog')
    with _scratch.scratch(admin, url.database, url.user) as (name, _superuser):
        with connected(admin.to_database(name)) as opened:
            assert rows(opened, "SHOW search_path") == [("public, pg_catalog",)]
        with _scratch.scratch(admin, url.database, url.user) as (other, _superuser):
            assert sorted(scratches(admin)) == sorted([name, other])
        assert scratches(admin) == [name]
    assert scratches(admin) == []


def test_what_a_killed_rehearsal_left_is_removed_by_the_next(database: t.Any) -> None:
    admin, url = admin_of(database), parse_url(database.url, "application", "url")
    with connected(admin) as opened:
        rows(opened, f"CREATE DATABASE {_scratch.PREFIX}0123456789ab")
        assert _scratch.sweep(opened) == [f"{_scratch.PREFIX}0123456789ab"]
    with pytest.raises(DeployError, match="may not create a scratch database"):
        with _scratch.scratch(url, url.database, url.user):
            pass


def rehearse(migrate: Migrate, name: str, **more: t.Any) -> t.Any:
    bridge = Bridge(run_command, migrate.params, DJANGO, str(migrate.base / "bridge"))
    return bridge.attempt("apply", about="rehearsal", database_name=name, **more)


@pytest.fixture
def unmade(migrate: Migrate, database: t.Any) -> t.Iterator[Clone]:
    """Migrate, and have a scratch database."""
    migrate()
    admin, url = admin_of(database), parse_url(database.url, "application", "url")
    client = _clients.choose(_clients.find_clients(run_command, str(database.server.bin_dir)), "18", "", False)
    with _scratch.scratch(admin, url.database, url.user) as (name, superuser):
        yield Clone(admin.to_database(url.database), admin.to_database(name), client, superuser, url.user)


def make(clone: Clone, *tables_made: t.Callable[[], None]) -> None:
    with dumping(run_command, clone.source, clone.client) as dumped:
        clone.make(run_command, dumped, *tables_made)


@pytest.fixture
def clone(unmade: Clone) -> str:
    """Clone."""
    make(unmade)
    return unmade.target.database


def test_the_history_is_there_before_indexes_and_constraints(unmade: Clone) -> None:
    seen = []

    def look() -> None:
        for where in (unmade.source, unmade.target):
            with connected(where) as opened:
                applied = rows(opened, "SELECT app, name FROM django_migrations ORDER BY 1, 2")
                indexes = rows(opened, "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")
            seen.append((applied, indexes))

    make(unmade, look)
    look()
    (applied, indexes), *copied = seen[0], seen[1], seen[3]
    assert applied and indexes and copied == [(applied, []), (applied, indexes)]


def test_the_clone_has_the_schema_and_the_history(
    clone: str, migrate: Migrate, project: Project, database: t.Any
) -> None:
    project.migration(
        "0002_change", 'migrations.AddField("thing", "note", models.TextField(null=True)),', "0001_initial"
    )
    seen: list[tuple[str, bool]] = []

    def watch(event: dict[str, t.Any]) -> None:
        with connected(parse_url(database.superuser_url, "admin", "url").to_database(clone)) as opened:
            found = rows(
                opened,
                "SELECT count(*) FROM pg_attribute WHERE attrelid = 'things_thing'::regclass AND attname = 'note'",
            )
        seen.append((event["what"], bool(found[0][0])))

    outcome = rehearse(migrate, clone, watch=watch)
    assert outcome.error is None, outcome.error
    assert seen == [("begin", False), ("evidence", True)]
    assert [event["id"] for event in outcome.progress if event["what"] == "evidence"] == ["things.0002_change"]
    evidence = next(event for event in outcome.progress if event["what"] == "evidence")
    assert {lock["mode"] for lock in evidence["locks"]} >= {"AccessExclusiveLock"}
    assert all(lock["seconds"] >= 0 for lock in evidence["locks"])
    assert any("ADD COLUMN" in statement["sql"] for statement in evidence["statements"])
    assert not migrate(check_mode=True)["applied"] and migrate(check_mode=True)["plan"], "production was touched"


def test_a_failure_is_told_with_what_was_seen_before_it(clone: str, migrate: Migrate, project: Project) -> None:
    project.migration("0002_change", 'migrations.RunSQL("SELECT 1; SELECT 1 / 0"),', "0001_initial")
    outcome = rehearse(migrate, clone, watch=lambda event: None)
    assert outcome.error and outcome.error.result["kind"] == "migration_failed"
    evidence = [event for event in outcome.progress if event["what"] == "evidence"][-1]
    assert evidence["failure"]["sqlstate"] == "22012"


def test_what_the_watcher_cannot_do_ends_the_rehearsal(clone: str, migrate: Migrate, project: Project) -> None:
    project.migration("0002_change", 'migrations.RunSQL("CREATE TABLE never (id int)"),', "0001_initial")

    def watch(event: dict[str, t.Any]) -> None:
        raise DeployError("the catalog cannot be read")

    with pytest.raises(DeployError, match="the catalog cannot be read"):
        rehearse(migrate, clone, watch=watch)


#: Finds fault with a database that lacks what the end of the copy brings.
CHECKED = """
from django.apps import AppConfig
from django.core.checks import Error, register
from django.db import connections


def whole(app_configs, databases=None, **kwargs):
    tables = connections["default"].introspection.table_names() if databases else ["late"]
    return [] if "late" in tables else [Error("there is no table late", id="things.E001")]


class ThingsConfig(AppConfig):
    name = "things"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        register(whole)
"""


def test_only_the_plan_is_made_before_the_copy_is_whole(
    clone: str, migrate: Migrate, project: Project, database: t.Any
) -> None:
    project.write("things/apps.py", CHECKED)
    asked: list[str] = []

    def watch(event: dict[str, t.Any]) -> None:
        asked.append(event["what"])
        if event["what"] == "loaded":
            with connected(parse_url(database.superuser_url, "admin", "url").to_database(clone)) as opened:
                rows(opened, "CREATE TABLE late (id integer)")

    outcome = rehearse(migrate, clone, watch=watch, loaded_first=True)
    assert outcome.error is None, outcome.error
    assert asked == ["history", "loaded", "begin"]
