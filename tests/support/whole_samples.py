# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deploys of the applications that use Alembic, on a stage as the demo's (control node)."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import secrets
import types
import typing as t

from tests.demo.stage import Stage, end_leftovers
from tests.support import notes_api, paths, visits
from tests.support.postgres import EmbeddedPostgres
from tests.support.supervisor import Supervisor
from tests.support.whole import Footprint, Whole

#: What an inventory of the demo says of the host and not of the print shop.
OF_THE_HOST = (
    "deploy_path",
    "deploy_service_manager",
    "deploy_supervisor_config",
    "deploy_supervisor_include",
    "deploy_database_admin_url",
    "deploy_postgresql_client_path",
)
CATALOGS = {
    "postgresql": """
        SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
        WHERE table_schema = 'public'
        UNION ALL SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'alembic_version', version_num, '', '', '' FROM alembic_version ORDER BY 1, 2, 3, 4, 5
    """,
    "sqlite": """
        SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master
        UNION ALL SELECT 'alembic_version', version_num, '', '' FROM alembic_version ORDER BY 1, 2, 3, 4
    """,
}


@dataclasses.dataclass
class SampleStage(Stage):
    """The demo's stage with another application; without a server where the database is a file."""

    of: t.Any = notes_api

    @property
    def on_sqlite(self) -> bool:
        """Tell whether the database is a file."""
        return visits.kind(self.url) == "sqlite"

    def variables(self, release: int) -> dict[str, t.Any]:
        """Write the inventory of one deploy, as a user would."""
        host = {name: value for name, value in super().variables(release).items() if name in OF_THE_HOST}
        if self.on_sqlite:
            del host["deploy_database_admin_url"], host["deploy_postgresql_client_path"]
        own = self.of.variables(self.repository, release, self.url, self.wheelhouse)
        return {**host, **own, "deploy_ready_timeout": 120}

    def catalog(self) -> list[tuple[t.Any, ...]]:
        """Read what the database looks like."""
        with visits.connect(self.url) as cursor:
            cursor.execute(CATALOGS[visits.kind(self.url)])
            return [tuple(row) for row in cursor.fetchall()]

    def databases(self) -> list[str]:
        """Name the databases of the server, or the files beside the file but for those of open connections."""
        if self.on_sqlite:
            beside = pathlib.Path(self.url[len("sqlite:///") :]).parent.iterdir()
            return sorted(path.name for path in beside if not path.name.endswith(("-wal", "-shm")))
        return sorted(name for (name,) in self.postgres.execute("SELECT datname FROM pg_database"))


class SampleWhole(Whole):
    """Whole deploys of another application than the print shop."""

    scene: SampleStage

    def __init__(self, scene: SampleStage) -> None:
        super().__init__(scene)
        self.path, self.table = scene.of.PATH, scene.of.TABLE

    def fill(self) -> None:
        """Have some rows."""
        self.scene.of.fill(self.scene.url)

    def footprint(self) -> Footprint:
        """Describe all that a deploy changes."""
        return dataclasses.replace(super().footprint(), databases=self.scene.databases())

    def columns(self) -> set[str]:
        """Name every column of every table, as table.column."""
        return set(visits.columns(self.scene.url))


@contextlib.contextmanager
def stage_of(
    of: t.Any, repository: t.Callable[[pathlib.Path], t.Any], folder: pathlib.Path, sqlite: bool
) -> t.Iterator[SampleStage]:
    """Set up what stands around an application: its repository, its database, and what runs its services."""
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(paths.short_directory("sd-app-"))
        spared = {os.getpid()}
        postgres: t.Any = types.SimpleNamespace(admin_url="", bin_dir="", execute=lambda _statement: [])
        url = f"sqlite:///{base}/srv/shared/data/app.db"
        if not sqlite:
            postgres = stack.enter_context(EmbeddedPostgres(base))
            spared.add(postgres.pid)
            url = postgres.create_database("app", "app", secrets.token_urlsafe(16))
        stack.callback(end_leftovers, base, spared)
        supervisor = stack.enter_context(Supervisor(base))
        log = folder / "playbooks.log"
        yield SampleStage(base, postgres, supervisor, repository(base), of.wheelhouse(), log, url, of=of)


@contextlib.contextmanager
def notes(folder: pathlib.Path) -> t.Iterator[SampleWhole]:
    """Set a stage up for the notes, on PostgreSQL."""
    with stage_of(notes_api, notes_api.NotesRepository, folder, sqlite=False) as scene:
        yield SampleWhole(scene)


@contextlib.contextmanager
def visitors(folder: pathlib.Path, sqlite: bool = False) -> t.Iterator[SampleWhole]:
    """Set a stage up for the visitors' book, on either database."""
    with stage_of(visits, visits.VisitsRepository, folder, sqlite) as scene:
        yield SampleWhole(scene)
