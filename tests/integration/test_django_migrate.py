# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""django_migrate against real Django projects and a real PostgreSQL (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, NoJournal
from ansible_collections.seamless.deploy.plugins.modules import django_migrate

from tests.support.django_project import Project, django_python, run_command

DEFAULTS = {
    **{name: option.get("default") for name, option in django_migrate.argument_spec().items()},
    "lock_timeout": 100,
    "retries": 1,
    "advisory_lock_wait": 0,
}


class Migrate:
    """Calls the module's run() for one project and one database."""

    def __init__(self, project: Project, python: str, url: str, base: pathlib.Path) -> None:
        self.project = project
        self.base = base
        self.params = {**DEFAULTS, "chdir": str(project.path), "python": python, "environment": {"DATABASE_URL": url}}

    def __call__(self, check_mode: bool = False, journal: Journal | None = None, **options: t.Any) -> dict[str, t.Any]:
        params = {**self.params, **options}
        bridge = Bridge(run_command, params, "django", str(self.base / "bridge"))
        return django_migrate.run(params, check_mode, bridge, journal or NoJournal())

    def fails(self, **options: t.Any) -> DeployError:
        """Give the error of a run that must fail."""
        with pytest.raises(DeployError) as caught:
            self(**options)
        assert "Traceback" not in caught.value.msg
        return caught.value


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    """Write a small project."""
    return Project(tmp_path / "project")


@pytest.fixture
def migrate(project: Project, database: t.Any, tmp_path: pathlib.Path) -> Migrate:
    """Give the module for this project and a fresh database."""
    return Migrate(project, django_python(), database.url, tmp_path)


def ids(records: list[dict[str, t.Any]]) -> list[str]:
    """Give the ids of plan entries or records."""
    return [record["id"] for record in records]


def tables(database: t.Any) -> list[str]:
    """Give the tables of the schema public."""
    return [row[0] for row in database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]


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
