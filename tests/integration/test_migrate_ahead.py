# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application that is loaded ahead of its migration, and the task that goes on from there (control node)."""

from __future__ import annotations

import os
import pathlib
import signal
import time
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal
from ansible_collections.seamless.deploy.plugins.module_utils._runs import Runs

from tests.support import alembic_project
from tests.support.alembic_calls import THINGS
from tests.support.alembic_python import alembic_python
from tests.support.django_calls import ids, tables
from tests.support.django_project import SETTINGS, Project, django_python
from tests.support.module import finish_module, run_module, start_module

ALL = ["things.0001_initial", "things.0002_slow"]
SLOW = 'migrations.RunSQL("SELECT pg_sleep({seconds}); CREATE TABLE slept (id int)", "DROP TABLE slept"),'


class Deploy:
    """A deploy on this machine that is about to migrate; every start of the application leaves a line."""

    def __init__(self, base: pathlib.Path, database: t.Any) -> None:
        self.base, self.database = base, database
        self.project = Project(base / "project")
        self.starts = base / "starts"
        self.starts.touch()
        note = f"with open({str(self.starts)!r}, 'a') as file:\n    file.write('started\\n')\n"
        self.project.write("site1/settings.py", note + SETTINGS)
        self.journal = Journal(str(base / "srv" / ".deploy" / "journal.jsonl"))
        self.loaded, self.runs = Runs(self.journal.path, "ahead"), Runs(self.journal.path)
        self.slow(0)
        self.deploy_id = run_module("deploy_journal", {"path": self.journal.path, "state": "begin"})["deploy_id"]

    def slow(self, seconds: float) -> None:
        self.project.migration("0002_slow", SLOW.format(seconds=seconds), after="0001_initial")

    def params(self, **options: t.Any) -> dict[str, t.Any]:
        return {
            "chdir": str(self.project.path),
            "python": django_python(),
            "environment": {"DATABASE_URL": self.database.url},
            "bridge_path": str(self.base / "bridge"),
            "journal": self.journal.path,
            "deploy_id": self.deploy_id,
            **options,
        }

    def migrate(self, **options: t.Any) -> dict[str, t.Any]:
        return run_module("django_migrate", self.params(**options))

    def load(self, **options: t.Any) -> None:
        """Have it loaded, and wait until it waits."""
        before = self.started
        result = self.migrate(wait=False, **options)
        assert (result["begun"], result["changed"]) == (True, False) and "applied" not in result, result
        until(lambda: self.started > before)

    @property
    def started(self) -> int:
        return self.starts.read_text().count("started")

    def told(self) -> list[str]:
        return [record.event for record in self.journal.read() if record.action == "database.migrate"]

    def sessions(self) -> t.Any:
        """Whoever else uses the database."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return self.database.execute(query)[0][0]


@pytest.fixture
def deploy(tmp_path: pathlib.Path, database: t.Any) -> t.Iterator[Deploy]:
    """Begin one; nothing of it runs on afterwards."""
    made = Deploy(tmp_path, database)
    yield made
    for runs in (made.loaded, made.runs):
        for state in runs.alive():
            runs.end(state)


def until(asked: t.Callable[[], t.Any]) -> None:
    deadline = time.monotonic() + 60
    while not asked():
        assert time.monotonic() < deadline, "the moment did not come"
        time.sleep(0.02)


def test_what_was_loaded_ahead_migrates_when_it_is_told_to(deploy: Deploy) -> None:
    deploy.load()
    (state,) = deploy.loaded.alive()
    assert (state.deploy_id, state.action) == (deploy.deploy_id, "database.migrate")
    time.sleep(1)
    assert deploy.told() == [] and deploy.runs.states() == [] and tables(deploy.database) == []
    assert deploy.sessions() == 0, "it uses the database before it may"
    result = deploy.migrate()
    assert result["changed"] and set(ALL) <= set(ids(result["applied"])), result
    assert deploy.started == 1, "the application was loaded a second time"
    assert deploy.told()[0] == "intent" and deploy.told()[-1] == "done" and "slept" in tables(deploy.database)
    assert os.listdir(deploy.loaded.folder) == [] and os.listdir(deploy.runs.folder) == []


def test_what_has_died_meanwhile_has_done_nothing_and_is_not_missed(deploy: Deploy) -> None:
    deploy.load()
    (state,) = deploy.loaded.alive()
    os.killpg(os.getpgid(state.pid), signal.SIGKILL)
    result = deploy.migrate()
    assert set(ALL) <= set(ids(result["applied"])), result
    assert deploy.started == 2 and os.listdir(deploy.loaded.folder) == []


def test_an_application_that_wants_its_database_when_it_is_loaded_is_loaded_in_its_turn(deploy: Deploy) -> None:
    wants = "from django.db import connection\nwith connection.cursor() as cursor:\n    cursor.execute('SELECT 1')\n"
    deploy.project.write("things/apps.py", APP.format(wants="\n        ".join(wants.splitlines())))
    deploy.load(database_name="fenced")
    (state,) = deploy.loaded.states()
    until(lambda: (deploy.loaded.read(state.id) or state).status == "finished")
    deploy.database.execute(f'CREATE DATABASE fenced OWNER "{deploy.database.user}"')
    try:
        result = deploy.migrate(database_name="fenced")
        assert set(ALL) <= set(ids(result["applied"])), result
        assert tables(deploy.database) == [] and os.listdir(deploy.loaded.folder) == []
    finally:
        deploy.database.execute("DROP DATABASE fenced")


def test_other_options_do_not_go_on_with_it(deploy: Deploy) -> None:
    deploy.load(migrations=["things.0001_initial"])
    deploy.load(settings="site1.settings")
    assert set(ALL) <= set(ids(deploy.migrate()["applied"]))
    assert deploy.started == 3 and len(deploy.loaded.alive()) == 2


def test_another_environment_does_not_go_on_with_it(deploy: Deploy) -> None:
    deploy.load()
    other = deploy.database.server.create_database(f"{deploy.database.name}_other", "other", "secret")
    result = deploy.migrate(environment={"DATABASE_URL": other})
    assert set(ALL) <= set(ids(result["applied"])) and deploy.started == 2
    assert tables(deploy.database) == [] and os.listdir(deploy.loaded.folder) == []


def test_it_ends_with_its_deploy(deploy: Deploy) -> None:
    deploy.load()
    end = {"path": deploy.journal.path, "state": "end", "deploy_id": deploy.deploy_id, "result": "failed"}
    assert "msg" not in run_module("deploy_journal", end)
    until(lambda: not deploy.loaded.alive())
    assert deploy.told() == [] and tables(deploy.database) == []


def test_a_failure_after_it_went_on_is_told_and_is_on_record(deploy: Deploy) -> None:
    deploy.project.migration("0002_slow", 'migrations.RunSQL("SELECT 1/0"),', after="0001_initial")
    deploy.load()
    result = deploy.migrate()
    assert result["failed"] and "division by zero" in result["msg"], result
    assert ids(result["applied"])[-1:] == ["things.0001_initial"] and deploy.told()[-1] == "failed"
    assert deploy.started == 1 and os.listdir(deploy.runs.folder) == []


def test_once_it_goes_on_the_next_deploy_finds_it(deploy: Deploy) -> None:
    deploy.slow(6)
    deploy.load()
    module = start_module("django_migrate", deploy.params())
    until(lambda: deploy.told() == ["intent"])
    module.kill()
    finish = start_module("django_migrate", deploy.params())  # as SSH starts it again
    assert [state.action for state in deploy.runs.alive()] == ["database.migrate"]
    assert set(ALL) <= set(ids(finish_module(finish)["applied"])) and deploy.started == 1
    assert deploy.told().count("intent") == 1


def test_a_chain_of_alembic_is_loaded_ahead_too(tmp_path: pathlib.Path, database: t.Any) -> None:
    project = alembic_project.Project(tmp_path / "project")
    project.revision("a1", None, THINGS, 'op.drop_table("things")')
    journal = str(tmp_path / "srv" / ".deploy" / "journal.jsonl")
    params = {
        "chdir": str(project.path),
        "python": alembic_python(project.age),
        "environment": {"DATABASE_URL": database.url},
        "bridge_path": str(tmp_path / "bridge"),
        "journal": journal,
        "deploy_id": run_module("deploy_journal", {"path": journal, "state": "begin"})["deploy_id"],
    }
    assert run_module("alembic_upgrade", {**params, "wait": False})["begun"] is True
    assert len(Runs(journal, "ahead").alive()) == 1
    result = run_module("alembic_upgrade", params)
    assert ids(result["applied"]) == ["a1"] and "things" in tables(database), result
    assert os.listdir(Runs(journal, "ahead").folder) == [], "it was not what has migrated"


APP = """from django.apps import AppConfig


class Things(AppConfig):
    name = "things"

    def ready(self):
        {wants}
"""
