# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of alembic_upgrade for tests: the module's own run(), with a real bridge (control node)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import Journal, NoJournal
from ansible_collections.seamless.deploy.plugins.modules import alembic_upgrade

from tests.support.alembic_project import Project
from tests.support.alembic_python import alembic_python
from tests.support.django_project import run_command

DEFAULTS = {
    **{name: option.get("default") for name, option in alembic_upgrade.argument_spec().items()},
    "lock_timeout": 100,
    "retries": 1,
    "advisory_lock_wait": 0,
}
THINGS = 'op.create_table("things", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)))'

#: An env.py with an asynchronous engine.
ASYNCHRONOUS = """\
import asyncio
import os

from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

from models import metadata


def migrate(connection):
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    engine = create_async_engine(os.environ["DATABASE_URL"])
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
"""


class Upgrade:
    """Calls the module's run() for one project and one database."""

    def __init__(self, project: Project, url: str, base: pathlib.Path) -> None:
        self.project = project
        self.base = base
        self.environment = {"DATABASE_URL": url, "CREATE_TABLES": "0"}

    def bridge(self, **options: t.Any) -> tuple[Bridge, dict[str, t.Any]]:
        """Give a bridge to the project, and the parameters that it was made with."""
        python = alembic_python(self.project.age)
        params = {**DEFAULTS, "chdir": str(self.project.path), "python": python, "environment": self.environment}
        params.update(options)
        return Bridge(run_command, params, ALEMBIC, str(self.base / "bridge")), params

    def __call__(self, check_mode: bool = False, journal: Journal | None = None, **options: t.Any) -> dict[str, t.Any]:
        bridge, params = self.bridge(**options)
        return alembic_upgrade.run(params, check_mode, bridge, journal or NoJournal())

    def fails(self, **options: t.Any) -> DeployError:
        """Give the error of a run that must fail."""
        with pytest.raises(DeployError) as caught:
            self(**options)
        assert "Traceback" not in caught.value.msg
        return caught.value


def ids(records: list[dict[str, t.Any]]) -> list[str]:
    """Give the ids of plan entries or records."""
    return [record["id"] for record in records]


def driver(url: str, name: str) -> str:
    """Give a URL for another driver of SQLAlchemy."""
    database, _colon, rest = url.partition(":")
    return f"{database}+{name}:{rest}"


def tables(database: t.Any) -> list[str]:
    """Give the tables of the schema public."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    return [row[0] for row in database.execute(query)]
