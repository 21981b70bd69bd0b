# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small service over the models of a real application: each page asks for every column of every table (application's interpreter).

So a table that is not as this release's models want it shows at once, as an answer with status 500.
"""

import contextlib
import json
import os
import sys
import traceback

import models
import sqlalchemy as sa
from written import COLUMN, TABLE, row

RELEASE = int(os.environ["RELEASE"])
ENGINE = sa.create_engine(
    os.environ["DATABASE_URL"], **({"connect_args": {"timeout": 20}} if "sqlite" in os.environ["DATABASE_URL"] else {})
)
TABLES = [table for _name, table in sorted(models.metadata.tables.items())]
WRITTEN = models.metadata.tables[TABLE]


if ENGINE.dialect.name == "sqlite":

    @sa.event.listens_for(ENGINE, "connect")
    def let_readers_pass(connection, _record):
        """Let SQLite's readers go on while somebody writes."""
        connection.execute("PRAGMA journal_mode = WAL").close()


def read(_token):
    """Ask for a row of every table, with all that the models know of it."""
    with ENGINE.connect() as connection:
        return {"rows": sum(len(connection.execute(sa.select(*table.columns).limit(1)).all()) for table in TABLES)}


def write(token):
    """Add a row that can be found again."""
    with ENGINE.begin() as connection:
        connection.execute(WRITTEN.insert().values({COLUMN: token, **row(token)}))
    return {"token": token}


def version(_token):
    """Say what runs here."""
    return {"release": RELEASE, "directory": os.getcwd(), "python": sys.version.split()[0]}


PAGES = {("GET", "/version/"): (200, version), ("POST", "/rows/"): (201, write)}


def app(environ, start_response):
    """Answer one request."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    status, page = PAGES.get((method, path), (200, read))
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    try:
        answer = page(json.loads(body)["token"] if body else "")
    except Exception:
        status, answer = 500, {"error": traceback.format_exc()}
        with contextlib.suppress(OSError):
            sys.stderr.write(answer["error"])
    headers = [("Content-Type", "application/json"), ("X-Release", str(RELEASE))]
    start_response(f"{status} {'OK' if status < 400 else 'Failed'}", headers)
    return [json.dumps(answer).encode()]
