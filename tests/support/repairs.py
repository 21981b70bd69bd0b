# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small project of Alembic with a database that can be broken, and the repair of it (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import secrets
import shutil
import time
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._alembic._atoms import Atoms, atoms
from ansible_collections.seamless.deploy.plugins.module_utils._alembic._repairing import Repairing
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_client import Bridge
from ansible_collections.seamless.deploy.plugins.module_utils._bridge_parts._alembic import ALEMBIC
from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._journal_store import journal_of
from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot as _of_postgres
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _snapshot as _of_sqlite
from ansible_collections.seamless.deploy.plugins.modules import alembic_repair

from tests.support.django_project import run_command
from tests.support.postgres import EmbeddedPostgres
from tests.support.revisions import Revisions, contents, execute

#: The chain: each revision comes after the one before it.
CHAIN = {
    "r1": """
        op.create_table("visitor", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50), nullable=False))
    """,
    "r2": """
        op.add_column("visitor", sa.Column("mail", sa.String(100), server_default="nobody"))
        op.create_index("by_mail", "visitor", ["mail"])
    """,
    "r3": """
        op.create_table(
            "visit",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("visitor_id", sa.Integer, sa.ForeignKey("visitor.id", ondelete="CASCADE"), nullable=False),
            sa.Column("at", sa.DateTime, server_default=sa.func.now()),
            sa.UniqueConstraint("visitor_id", "at", name="once"),
        )
        op.create_index("by_at", "visit", ["at"])
    """,
    "r4": """
        with op.batch_alter_table("visitor") as batch:
            batch.alter_column("name", type_=sa.String(80), existing_type=sa.String(50), existing_nullable=False)
    """,
}
ROWS = "INSERT INTO visitor (id, name) VALUES (1, 'Ada'), (2, 'Grace')"
ROLE = "visits"


class Templates:
    """The project, and its database as a clean upgrade leaves it at each revision; made once for many tests."""

    def __init__(self, base: pathlib.Path, engine: str, server: EmbeddedPostgres | None) -> None:
        self.base, self.engine, self.server = base, engine, server
        self.project = Revisions(base / "project", "")
        parent = None
        for name, body in CHAIN.items():
            self.project.revision(name, parent, body)
            parent = name
        self._made: dict[str, str] = {}
        if server:
            server.passwords.setdefault(ROLE, "pa%s's@/:")
            server.create_database("visits_empty", ROLE, server.passwords[ROLE])

    def url(self, name: str) -> str:
        return self.server.url(name, ROLE) if self.server else f"sqlite:///{self.base}/{name}.db"

    def copy(self, template: str, name: str) -> str:
        """A new database with what another one has; its URL."""
        if self.server:
            self.server.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {ROLE}")
        elif template != "visits_empty":
            shutil.copyfile(f"{self.base}/{template}.db", f"{self.base}/{name}.db")
        return self.url(name)

    def at(self, revision: str) -> str:
        """The database that is cleanly there, with rows from the first revision on; its name."""
        if revision not in self._made:
            names = list(CHAIN)
            before = names[names.index(revision) - 1] if revision != names[0] else ""
            name = f"visits_{revision}"
            url = self.copy(self.at(before) if before else "visits_empty", name)
            self.project.alembic("upgrade", revision, url=url)
            if not before:
                execute(url, ROWS)
            self._made[revision] = name
        return self._made[revision]


class Site:
    """One broken database, and what is asked of it."""

    def __init__(self, base: pathlib.Path, templates: Templates) -> None:
        self.base, self.templates, self.engine = base, templates, templates.engine
        self.name = f"visits_{secrets.token_hex(4)}"
        self.url = ""
        self.project = templates.project

    def at(self, revision: str) -> None:
        """Have a database that is cleanly there."""
        self.url = self.templates.copy(self.templates.at(revision), self.name)

    def own_project(self) -> Revisions:
        """A copy of the project, whose files may be changed."""
        shutil.copytree(self.templates.project.path, self.base / "project")
        self.project = Revisions(self.base / "project", self.url)
        return self.project

    def drop(self) -> None:
        if self.templates.server:
            self.templates.server.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    @property
    def file(self) -> str:
        return f"{self.templates.base}/{self.name}.db"

    @property
    def called(self) -> str:
        """What a person calls the database."""
        return self.name if self.templates.server else f"{self.name}.db"

    @property
    def params(self) -> dict[str, t.Any]:
        """What every call says."""
        base = self.templates.base
        own = {**self.project.params, "environment": {"DATABASE_URL": self.url}, "bridge_path": str(base / "bridge")}
        more = {"backup_dest": str(self.base / "backups"), "cache_path": str(base / "replays")}
        if self.templates.server:
            server = self.templates.server
            more.update(login_url=server.admin_url, client_path=str(server.bin_dir))
        return {**own, **more}

    def repair(self, action: str, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        """As the module does it, without a process of its own."""
        defaults = {name: option.get("default") for name, option in alembic_repair.argument_spec().items()}
        params = {**defaults, **self.params, "action": action, **more}
        bridge = Bridge(run_command, params, ALEMBIC, params["bridge_path"])
        try:
            return Repairing(params, check, bridge, run_command, journal_of(params), time.time()).run()
        except DeployError as exc:
            return {"failed": True, "msg": exc.msg, **exc.result}

    def record(self, *revisions: str) -> None:
        """Have these on record, whatever is there."""
        inserts = [f"INSERT INTO alembic_version VALUES ('{each}')" for each in revisions]
        execute(self.url, "DELETE FROM alembic_version", *inserts)

    def recorded(self) -> list[str]:
        return sorted(name for (name,) in execute(self.url, "SELECT version_num FROM alembic_version"))

    def has_record(self) -> bool:
        listing = "pg_tables WHERE tablename" if self.templates.server else "sqlite_master WHERE name"
        return bool(execute(self.url, f"SELECT 1 FROM {listing} = 'alembic_version'"))

    def catalog(self) -> Atoms:
        """Everything but the table of versions."""
        return catalog_of(self.templates, self.name)

    def proves(self, action: str, cause: str, plan: bool = False, **more: t.Any) -> dict[str, t.Any]:
        """The cause, a repair that keeps every row and has a backup, and a second run without a change; a plan where asked for."""
        rows, catalog = contents(self.url), self.catalog()
        recorded = self.recorded() if self.has_record() else None
        planned = self.repair(action, check=True, **more) if plan else {}
        if plan:
            assert planned.get("changed") is True, planned
            assert (contents(self.url), self.catalog()) == (rows, catalog)
            assert (self.recorded() if self.has_record() else None) == recorded
            assert not pathlib.Path(planned["backup"]).exists()
        done = self.repair(action, **more)
        assert done.get("changed") is True, done
        assert done["diagnosis"]["cause"] == cause, done
        assert not plan or (done["statements"], done["after"]) == (planned["statements"], planned["after"])
        assert pathlib.Path(done["backup"]).stat().st_size > 0
        now = contents(self.url)
        assert {name: now[name][0] for name in rows if name in now} == {
            name: rows[name][0] for name in rows if name in now
        }
        assert all(name.startswith("_alembic_tmp_") for name in set(rows) - set(now))
        again = self.repair(action, **more)
        assert again.get("changed") is False, again
        return done

    def ends_as_a_clean_upgrade(self) -> None:
        """To the last revision: the catalog is that of a database which never had any trouble, and every row is there."""
        self.project.alembic("upgrade", "heads", url=self.url)
        assert self.catalog() == catalog_of(self.templates, self.templates.at("r4"))
        assert contents(self.url) == contents(self.templates.url(self.templates.at("r4")))


def catalog_of(templates: Templates, name: str) -> Atoms:
    if templates.server:
        with contextlib.closing(templates.server.connect(name)) as opened:
            found = atoms(_of_postgres.take(opened, "", ""))
    else:
        with _of_sqlite.opened(f"{templates.base}/{name}.db") as opened:
            found = atoms(_of_sqlite.take(opened, "", ""))
    return {path: value for path, value in found.items() if "alembic_version" not in (path[1] + path[2])}
