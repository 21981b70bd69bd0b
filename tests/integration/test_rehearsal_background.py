# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal that goes on while a deploy does something else (control node)."""

from __future__ import annotations

import os
import pathlib
import signal
import time
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._runs import Runs

from tests.support.django_calls import Migrate
from tests.support.django_project import MODELS, Project, django_python
from tests.support.module import run_module
from tests.support.rehearsals import Rehearse, change

COLUMN = 'migrations.AddField("thing", "note", models.TextField(null=True)),'
MODEL = MODELS + "    note = models.TextField(null=True)\n"


class Deploy:
    """A deploy of a project whose first release is live, with a second one to rehearse."""

    def __init__(self, base: pathlib.Path, database: t.Any) -> None:
        project = Project(base / "project")
        Migrate(project, django_python(), database.url, base)()
        self.rehearse = Rehearse(project, database, base)
        self.rehearse.live()
        self.journal = str(base / "srv" / ".deploy" / "journal.jsonl")
        self.background = Runs(self.journal, "background")
        self.deploy_id = self.begin()

    def begin(self) -> str:
        return run_module("deploy_journal", {"path": self.journal, "state": "begin"})["deploy_id"]

    def module(self, **more: t.Any) -> dict[str, t.Any]:
        params = {**self.rehearse.params, "journal": self.journal, "deploy_id": self.deploy_id}
        return run_module("migration_rehearse", {**params, **more})

    def scratch(self) -> list[t.Any]:
        return self.rehearse.database.execute("SELECT datname FROM pg_database WHERE datname LIKE 'seamless%'")


@pytest.fixture
def deploy(tmp_path: pathlib.Path, database: t.Any) -> Deploy:
    return Deploy(tmp_path, database)


def until(asked: t.Callable[[], t.Any]) -> None:
    deadline = time.monotonic() + 60
    while not asked():
        assert time.monotonic() < deadline, "the moment did not come"
        time.sleep(0.02)


def comparable(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """What a rehearsal found, without what it measured."""
    return {name: result[name] for name in ("strategy", "now", "later", "reasons", "rehearsal", "escalate", "begun")}


def test_what_was_begun_is_taken_later(deploy: Deploy) -> None:
    change(deploy.rehearse, COLUMN, MODEL)
    directly = deploy.rehearse()
    begun = deploy.module(wait=False)
    assert begun["begun"] is True and "verdicts" not in begun, begun
    (state,) = deploy.background.states()
    taken = deploy.module()
    assert comparable(taken) == comparable(directly)
    assert [one["compatibility"] for one in taken["verdicts"]] == ["expand"]
    assert state.deploy_id == deploy.deploy_id
    assert deploy.background.states() == [] and deploy.scratch() == []


def test_its_failure_is_told_to_whoever_waits(deploy: Deploy) -> None:
    change(deploy.rehearse, 'migrations.RunSQL("ALTER TABLE nowhere ADD note int"),')
    assert deploy.module(wait=False)["begun"]
    result = deploy.module()
    assert result["failed"] and "migration things.0002_change failed on a scratch copy of the schema" in result["msg"]
    assert deploy.scratch() == []


def test_one_that_died_is_done_again(deploy: Deploy) -> None:
    change(deploy.rehearse, COLUMN, MODEL)
    assert deploy.module(wait=False)["begun"]
    (state,) = deploy.background.states()
    until(deploy.scratch)
    os.killpg(os.getpgid(state.pid), signal.SIGKILL)
    result = deploy.module()
    assert result["strategy"] == "online" and [one["compatibility"] for one in result["verdicts"]] == ["expand"]
    assert deploy.scratch() == []


def test_one_that_nobody_came_for_is_forgotten_by_the_next_deploy(deploy: Deploy) -> None:
    change(deploy.rehearse, COLUMN, MODEL)
    assert deploy.module(wait=False)["begun"]
    until(lambda: [one.status for one in deploy.background.states()] == ["finished"])
    former = deploy.deploy_id
    run_module("deploy_journal", {"path": deploy.journal, "state": "end", "deploy_id": former, "result": "failed"})
    deploy.deploy_id = deploy.begin()
    assert deploy.module(wait=False)["begun"]
    assert [one.deploy_id for one in deploy.background.states()] == [deploy.deploy_id]
    assert deploy.module()["strategy"] == "online"
    assert os.listdir(deploy.background.folder) == []


def test_without_a_deploy_nothing_goes_on(deploy: Deploy) -> None:
    assert run_module("migration_rehearse", {**deploy.rehearse.params, "wait": False})["begun"] is False
    assert deploy.background.states() == []
