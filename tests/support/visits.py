# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The visitors' book: Flask and Flask-Migrate on PostgreSQL or SQLite, its packages locked by uv (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import subprocess
import tomllib
import typing as t

import psycopg2

from tests.support import sample
from tests.support.paths import tool

APP = sample.APPS / "visits"
#: Where the load generator writes, and the table in which it finds its writes again.
PATH, TABLE = "/visits/", "visit"
MIGRATE = ("flask", "db", "upgrade")
CHECK = ("flask", "db", "check")
SERVE = ("gunicorn", "wsgi:app", "--bind", "unix:{socket}", "--threads", "4", "--no-control-socket")

# Without generate_series, which SQLite's own library does not have.
FILL_VISITORS = """
INSERT INTO visitor (phone_number)
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {visitors})
SELECT '+49' || (1000000 + n) FROM number
"""
FILL_VISITS = """
INSERT INTO visit (visitor_id, token)
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {visits})
SELECT visitor.id, 'filled-' || n FROM number
JOIN visitor ON visitor.phone_number = '+49' || (1000001 + n % {visitors})
"""


def requirements() -> str:
    """Give what every release needs but the fifth, which needs more."""
    project = tomllib.loads((APP / "base" / "pyproject.toml").read_text())
    return "".join(f"{line}\n" for line in project["project"]["dependencies"])


def wheelhouse(base: pathlib.Path | None = None, python: str = "") -> pathlib.Path:
    """Give a directory with every wheel that a release needs; downloaded once, then kept."""
    return sample.wheels(requirements(), base, python)


def environment() -> pathlib.Path:
    """Give a virtual environment in which every release runs; made once, then kept."""
    return sample.environment(requirements())


class VisitsRepository(sample.SampleRepository):
    """The visitors' book, release by release; each has a uv.lock, which names the wheels of the wheelhouse."""

    name = "visits"
    requirements = "pyproject.toml"

    def __init__(self, base: pathlib.Path, *arguments: t.Any, house: pathlib.Path | None = None, **more: t.Any) -> None:
        self.house = house or wheelhouse()
        super().__init__(base, *arguments, **more)

    def _settle(self) -> None:
        super()._settle()
        if not self.git("status", "--porcelain", "pyproject.toml"):
            return
        argv = [
            tool("uv"),
            "lock",
            "--quiet",
            "--no-config",
            "--offline",
            "--no-index",
            "--find-links",
            str(self.house),
        ]
        options: dict[str, t.Any] = {"cwd": self.path, "capture_output": True, "text": True}
        done = subprocess.run([*argv, "--python", sample.python_for_app()], check=False, **options)
        if done.returncode:
            raise RuntimeError(f"uv cannot lock the packages of the visitors' book: {done.stderr.strip()}")


@contextlib.contextmanager
def connect(url: str) -> t.Iterator[t.Any]:
    """Open either database, and commit at the end."""
    path = url[len("sqlite:///") :]
    with contextlib.closing(sqlite3.connect(path) if kind(url) == "sqlite" else psycopg2.connect(url)) as connection:
        with connection, contextlib.closing(connection.cursor()) as cursor:
            yield cursor


def kind(url: str) -> str:
    """Tell which of the two databases it is."""
    return "sqlite" if url.startswith("sqlite:///") else "postgresql"


def fill(url: str, visits: int = 5_000, visitors: int = 100) -> int:
    """Fill the tables of release 1 (or 2) with rows; give the number of visits."""
    with connect(url) as cursor:
        cursor.execute(FILL_VISITORS.format(visitors=visitors))
        cursor.execute(FILL_VISITS.format(visits=visits, visitors=visitors))
        return int(cursor.rowcount)


def process_environment(url: str) -> dict[str, str]:
    """Give what the application reads from its environment."""
    return {"SECRET_KEY": "not-secret", "DATABASE_URL": url, "FLASK_APP": "visits"}


def variables(repository: VisitsRepository, release: int, url: str, house: pathlib.Path) -> dict[str, t.Any]:
    """Write what an inventory says of the application itself; where to and with which service manager is the host's."""
    return {
        "deploy_app": "visits",
        "deploy_framework": "alembic",
        "deploy_repository": repository.url,
        "deploy_version": repository.tag(release),
        "deploy_python": sample.python_for_app(),
        "deploy_installer": "uv",
        "deploy_wheelhouse": str(house),
        "deploy_environment": process_environment(url),
        "deploy_required_environment": ["SECRET_KEY", "DATABASE_URL"],
        "deploy_shared_paths": ["data"],
        "deploy_units": [
            {
                "name": "web",
                "class": "web",
                "command": "{venv}/bin/gunicorn wsgi:app --bind unix:{socket} --workers 2 --threads 4"
                " --no-control-socket",
            },
        ],
    }


TABLES = {
    "postgresql": "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
}
COLUMNS = {
    "postgresql": """
        SELECT table_name || '.' || column_name, data_type, is_nullable = 'YES', column_default
        FROM information_schema.columns WHERE table_schema = 'public'
    """,
    "sqlite": """
        SELECT m.name || '.' || c.name, c.type, NOT c."notnull", c.dflt_value
        FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'
    """,
}


def recorded(url: str) -> list[str]:
    """Give the revisions that the database says it is at; none when it has no such table."""
    with connect(url) as cursor:
        cursor.execute(TABLES[kind(url)])
        if ("alembic_version",) not in cursor.fetchall():
            return []
        cursor.execute("SELECT version_num FROM alembic_version ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def columns(url: str) -> dict[str, tuple[t.Any, ...]]:
    """Describe every column of every table, named table.column, but for those of Alembic's own."""
    with connect(url) as cursor:
        cursor.execute(COLUMNS[kind(url)])
        return {name: tuple(facts) for name, *facts in cursor.fetchall() if not name.startswith("alembic_version.")}
