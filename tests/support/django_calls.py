# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of django_migrate for tests: the module's own run(), with a real bridge (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._django import DJANGO
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, NoJournal
from ansible_collections.seamless.deploy.plugins.modules import django_migrate

from tests.support.django_project import Project, run_command

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
        bridge = Bridge(run_command, params, DJANGO, str(self.base / "bridge"))
        return django_migrate.run(params, check_mode, bridge, journal or NoJournal())

    def fails(self, **options: t.Any) -> DeployError:
        """Give the error of a run that must fail."""
        with pytest.raises(DeployError) as caught:
            self(**options)
        assert "Traceback" not in caught.value.msg
        return caught.value


def ids(records: list[dict[str, t.Any]]) -> list[str]:
    """Give the ids of plan entries or records."""
    return [record["id"] for record in records]


def tables(database: t.Any) -> list[str]:
    """Give the tables of the schema public."""
    return [
        row[0] for row in database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    ]
