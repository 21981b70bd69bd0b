# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both releases of a real application with Alembic, and databases of the old one with rows (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import secrets
import shutil
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._postgres import _snapshot as _postgres
from ansible_collections.seamless.deploy.plugins.module_utils._schema import _json
from ansible_collections.seamless.deploy.plugins.module_utils._sqlite import _snapshot as _sqlite

from tests.support import sqlite
from tests.support.postgres import EmbeddedPostgres
from tests.support.real_alembic import CASES, Application, releases

MOMENT = "2026-01-01T00:00:00Z"
COPIES = ("twin", "before", "after", "lost")
COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
REQUIRED = (
    f"{COLUMNS} AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER'"
)
LITE_COLUMNS = "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'"
LITE_REQUIRED = f'{LITE_COLUMNS} AND c."notnull" AND c.dflt_value IS NULL AND NOT c.pk'


class Stage:
    """live is production, the rest are copies of it."""

    def __init__(self, name: str, path: pathlib.Path) -> None:
        self.name, self.path = name, path
        self.old, self.new = (
            Application(name, release, path / word)
            for release, word in zip(releases(name), ("old", "new"), strict=True)
        )

    def make(self) -> None:
        """Have the old release make a database with its own migrations, with rows, and copies of it."""
        self.create("live")
        self.old.upgrade(self.url("live"))
        self.script("live", (CASES / f"{self.name}_rows.sql").read_text())
        for copy in COPIES:
            self.copy(copy)

    def params(self, release: Application, copy: str) -> dict[str, t.Any]:
        return {**release.params(self.url(copy)), "bridge_path": str(self.path / "bridge")}

    def shared(self, required: bool = False) -> dict[str, list[str]]:
        """Columns that both databases of a trial give, or ask for, by table."""
        one, other = (set(self.rows(name, self.columns(required))) for name in ("before", "after"))
        found: dict[str, list[str]] = {}
        for table, column in sorted(one & other):
            found.setdefault(table, []).append(column)
        return found

    def everything(self, copy: str) -> dict[str, t.Any]:
        """Every row of every table."""
        tables = sorted({table for table, _column in self.rows(copy, self.columns(False))})
        return {table: sorted(map(str, self.rows(copy, f'SELECT * FROM "{table}"'))) for table in tables}

    # -- what the engines do in ways of their own --------------------------

    def create(self, copy: str) -> None:
        raise NotImplementedError

    def copy(self, copy: str) -> None:
        raise NotImplementedError

    def url(self, copy: str) -> str:
        raise NotImplementedError

    def trial_url(self, copy: str) -> str:
        """As somebody who may leave foreign keys out of the trial."""
        return self.url(copy)

    def script(self, copy: str, text: str) -> None:
        raise NotImplementedError

    def rows(self, copy: str, statement: str) -> list[tuple[t.Any, ...]]:
        raise NotImplementedError

    def columns(self, required: bool) -> str:
        raise NotImplementedError

    def facts(self, copy: str) -> t.Any:
        """Everything that a comparison of catalogs looks at."""
        raise NotImplementedError

    def admin(self, copy: str) -> dict[str, t.Any]:
        """Options that lead to the server, and to production on it."""
        raise NotImplementedError

    def drop(self) -> None:
        """Leave nothing."""


class PostgresStage(Stage):
    """Databases of one role."""

    def __init__(self, name: str, path: pathlib.Path, server: EmbeddedPostgres) -> None:
        super().__init__(name, path)
        self.server, self.role = server, f"real_{secrets.token_hex(3)}"

    def database(self, copy: str) -> str:
        return f"{self.role}_{copy}"

    def create(self, copy: str) -> None:
        self.server.create_database(self.database(copy), self.role, "pa%s's@/:")

    def copy(self, copy: str) -> None:
        names = (self.database(copy), self.database("live"), self.role)
        self.server.execute('CREATE DATABASE "{}" TEMPLATE "{}" OWNER {}'.format(*names))

    def url(self, copy: str) -> str:
        return self.server.url(self.database(copy), self.role)

    def trial_url(self, copy: str) -> str:
        return self.server.url(self.database(copy))

    def script(self, copy: str, text: str) -> None:
        self.server.execute(text, self.database(copy))

    def rows(self, copy: str, statement: str) -> list[tuple[t.Any, ...]]:
        return self.server.execute(statement, self.database(copy))

    def columns(self, required: bool) -> str:
        return REQUIRED if required else COLUMNS

    def facts(self, copy: str) -> t.Any:
        with contextlib.closing(self.server.connect(self.database(copy))) as opened:
            return _json.facts(_postgres.take(opened, copy, MOMENT))

    def admin(self, copy: str) -> dict[str, t.Any]:
        own = {"login_url": self.server.admin_url, "client_path": str(self.server.bin_dir)}
        return {**own, "database_name": self.database(copy)}

    def drop(self) -> None:
        self.server.drop_database(self.role)


class SqliteStage(Stage):
    """Files."""

    def file(self, copy: str) -> pathlib.Path:
        return self.path / copy / "app.sqlite3"

    def create(self, copy: str) -> None:
        self.file(copy).parent.mkdir()

    def copy(self, copy: str) -> None:
        self.create(copy)
        shutil.copy(self.file("live"), self.file(copy))

    def url(self, copy: str) -> str:
        return f"sqlite:///{self.file(copy)}"

    def script(self, copy: str, text: str) -> None:
        with contextlib.closing(sqlite.sqlite3.connect(self.file(copy))) as opened:
            opened.executescript(text)

    def rows(self, copy: str, statement: str) -> list[tuple[t.Any, ...]]:
        return sqlite.ask(self.file(copy), statement)

    def columns(self, required: bool) -> str:
        return LITE_REQUIRED if required else LITE_COLUMNS

    def facts(self, copy: str) -> t.Any:
        with _sqlite.opened(str(self.file(copy))) as connection:
            return _json.facts(_sqlite.take(connection, copy, MOMENT))

    def admin(self, copy: str) -> dict[str, t.Any]:
        return {"login_url": self.url(copy), "database_name": str(self.file(copy))}
