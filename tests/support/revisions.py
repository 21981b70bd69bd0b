# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small real projects of plain Alembic, revision by revision, and what their databases hold (control node)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import sqlite3
import subprocess
import textwrap
import typing as t

import psycopg2

from tests.support import visits

INI = """\
[alembic]
script_location = %(here)s/migrations
path_separator = os
"""
ENV = """\
import os

from alembic import context
from sqlalchemy import create_engine

engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://"))
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None, render_as_batch=connection.dialect.name == "sqlite")
    with context.begin_transaction():
        context.run_migrations()
"""
MAKO = """\
\"\"\"${message}\"\"\"
from alembic import op
import sqlalchemy as sa

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
"""


def alembic_python() -> str:
    """Give the interpreter of an environment with Alembic and a driver; made once, then kept."""
    return str(visits.environment() / "bin" / "python")


class Revisions:
    """A project: where it is and which database it has."""

    def __init__(self, path: pathlib.Path, url: str) -> None:
        self.path, self.url = path, url
        self.versions = path / "migrations" / "versions"
        self.versions.mkdir(parents=True, exist_ok=True)
        (path / "alembic.ini").write_text(INI)
        (path / "migrations" / "env.py").write_text(ENV)
        (path / "migrations" / "script.py.mako").write_text(MAKO)

    @property
    def params(self) -> dict[str, t.Any]:
        """What every module of Alembic is told."""
        return {"chdir": str(self.path), "python": alembic_python(), "environment": {"DATABASE_URL": self.url}}

    def revision(self, name: str, parents: str | tuple[str, ...] | None, upgrade: str, more: str = "") -> pathlib.Path:
        """Write one; upgrade is the body of its function."""
        body = textwrap.indent(textwrap.dedent(upgrade).strip() or "pass", "    ")
        text = f'"""{name}"""\nfrom alembic import op\nimport sqlalchemy as sa\n\nrevision = "{name}"\n'
        text += (
            f"down_revision = {parents!r}\nbranch_labels = None\ndepends_on = None\n{more}\n\ndef upgrade():\n{body}\n"
        )
        text += "\n\ndef downgrade():\n    pass\n"
        path = self.versions / f"{name}.py"
        path.write_text(text)
        return path

    def alembic(self, *arguments: str, url: str = "") -> str:
        """Run alembic, as a person would."""
        done = subprocess.run(
            [alembic_python(), "-m", "alembic", *arguments],
            cwd=self.path,
            env={**os.environ, "DATABASE_URL": url or self.url},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"alembic {' '.join(arguments)} failed: {done.stderr[-2000:]}")
        return done.stdout


@contextlib.contextmanager
def opened(url: str) -> t.Iterator[t.Any]:
    """A cursor in either database; committed at the end."""
    lite = url.startswith("sqlite:///")
    with contextlib.closing(sqlite3.connect(url[len("sqlite:///") :]) if lite else psycopg2.connect(url)) as connection:
        with connection, contextlib.closing(connection.cursor()) as cursor:
            yield cursor


def execute(url: str, *statements: str) -> list[tuple[t.Any, ...]]:
    """Run statements; the rows of the last."""
    with opened(url) as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def contents(url: str, without: t.Container[str] = ("alembic_version",)) -> dict[str, tuple[int, str]]:
    """Rows and a checksum of every table; the order of columns and rows says nothing."""
    listing = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        if url.startswith("sqlite:///")
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    found = {}
    with opened(url) as cursor:
        cursor.execute(listing)
        for (name,) in list(cursor.fetchall()):
            if name in without:
                continue
            cursor.execute(f'SELECT * FROM "{name}"')
            columns = [column[0] for column in cursor.description]
            rows = sorted(str(sorted(zip(columns, map(str, row), strict=True))) for row in cursor.fetchall())
            found[name] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    return found
