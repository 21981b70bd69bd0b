# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notes: FastAPI, async SQLAlchemy and plain Alembic on PostgreSQL (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

import psycopg2

from tests.support import sample

APP = sample.APPS / "notes_api"
#: Where the load generator writes, and the table in which it finds its writes again.
PATH, TABLE = "/notes/", "note"
MIGRATE = ("alembic", "upgrade", "head")
CHECK = ("alembic", "check")
SERVE = ("uvicorn", "notes.main:app", "--uds", "{socket}", "--log-level", "warning")

FILL = """
WITH author AS (
    INSERT INTO author (phone_number) SELECT '+49' || (1000000 + n) FROM generate_series(1, %(authors)s) AS n
    ON CONFLICT (phone_number) DO UPDATE SET phone_number = excluded.phone_number RETURNING id
), known AS (SELECT array_agg(id) AS ids FROM author)
INSERT INTO note (author_id, token, body, created_at)
SELECT ids[1 + n %% array_length(ids, 1)], 'filled-' || n, 'Filled', now() - make_interval(mins => (n %% 200000)::int)
FROM generate_series(1, %(notes)s) AS n, known
"""


def requirements() -> str:
    """Give what every release needs but the fifth, which needs more."""
    return (APP / "base" / "requirements.txt").read_text()


def wheelhouse(base: pathlib.Path | None = None, python: str = "") -> pathlib.Path:
    """Give a directory with every wheel that a release needs; downloaded once, then kept."""
    return sample.wheels(requirements(), base, python)


def environment() -> pathlib.Path:
    """Give a virtual environment in which every release runs; made once, then kept."""
    return sample.environment(requirements())


class NotesRepository(sample.SampleRepository):
    """The notes, release by release."""

    name = "notes_api"


def fill(url: str, notes: int = 5_000, authors: int = 100) -> int:
    """Fill the tables of release 1 (or 2) with rows; give the number of notes."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(FILL, {"notes": notes, "authors": authors})
            return cursor.rowcount


def process_environment(url: str) -> dict[str, str]:
    """Give what the application reads from its environment."""
    return {"DATABASE_URL": url}


def variables(repository: NotesRepository, release: int, url: str, house: pathlib.Path) -> dict[str, t.Any]:
    """Write what an inventory says of the application itself; where to and with which service manager is the host's."""
    return {
        "deploy_app": "notes",
        "deploy_framework": "alembic",
        "deploy_repository": repository.url,
        "deploy_version": repository.tag(release),
        "deploy_python": sample.python_for_app(),
        "deploy_installer": "pip",
        "deploy_wheelhouse": str(house),
        "deploy_environment": process_environment(url),
        "deploy_required_environment": ["DATABASE_URL"],
        "deploy_units": [
            {
                "name": "web",
                "class": "web",
                "command": "{venv}/bin/uvicorn notes.main:app --uds {socket} --workers 2 --log-level warning",
            },
        ],
    }
