# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real components for the integration tests: PostgreSQL 18 and 16, a database per test, supervisor (control node)."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import secrets
import sys
import typing as t
import zipfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.support import paths
from tests.support.postgres import EmbeddedPostgres
from tests.support.shop import shop_wheelhouse
from tests.support.supervisor import Supervisor

HERE = pathlib.Path(__file__).resolve().parent
LONG = "takes minutes: ./run test integration --long"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let people ask for the long tests."""
    with contextlib.suppress(ValueError):  # the lab has it too
        parser.addoption("--long", action="store_true", help="run the long tests too")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", f"long: {LONG}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what nobody asked for."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("long") and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason=LONG))


@dataclasses.dataclass(frozen=True)
class Database:
    """A fresh database with a role of its own."""

    server: EmbeddedPostgres
    name: str
    user: str
    password: str

    @property
    def url(self) -> str:
        """URL of the application's role."""
        return self.server.url(self.name, self.user)

    @property
    def admin_url(self) -> str:
        """URL of the superuser, at the database postgres."""
        return self.server.admin_url

    @property
    def superuser_url(self) -> str:
        """URL of the superuser, at this database."""
        return self.server.url(self.name)

    def execute(self, statement: str) -> list[tuple[t.Any, ...]]:
        """Run one statement in this database as the superuser."""
        return self.server.execute(statement, self.name)


@pytest.fixture
def short_dir() -> t.Iterator[pathlib.Path]:
    """Give a directory whose path is short enough for unix sockets."""
    with paths.short_directory() as path:
        yield path


def _server(version: int) -> t.Iterator[EmbeddedPostgres]:
    # Tests look at what PostgreSQL answers, not at what survives a power cut.
    settings = {"fsync": "off"}
    with paths.short_directory(f"sd{version}-") as base, EmbeddedPostgres(base, version, settings) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> t.Iterator[EmbeddedPostgres]:
    """Run one PostgreSQL 18 for the whole session."""
    yield from _server(18)


@pytest.fixture(scope="session")
def postgres16() -> t.Iterator[EmbeddedPostgres]:
    """Run one PostgreSQL 16 for the whole session."""
    yield from _server(16)


def _database(server: EmbeddedPostgres) -> t.Iterator[Database]:
    token = secrets.token_hex(4)
    # Every character that somebody forgets to quote: URL, shell, configuration files.
    database = Database(server, f"shop_{token}", f"shop_{token}", f"pa%s's@/:{token}")
    server.create_database(database.name, database.user, database.password)
    try:
        yield database
    finally:
        server.drop_database(database.name)


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> t.Iterator[Database]:
    """Make a fresh database of PostgreSQL 18 with its own role and password."""
    yield from _database(postgres)


@pytest.fixture
def database16(postgres16: EmbeddedPostgres) -> t.Iterator[Database]:
    """Make a fresh database of PostgreSQL 16 with its own role and password."""
    yield from _database(postgres16)


@pytest.fixture
def supervisor(short_dir: pathlib.Path) -> t.Iterator[Supervisor]:
    """Run a real supervisord for one test."""
    with Supervisor(short_dir) as running:
        yield running


@pytest.fixture(scope="session")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Give a directory from which gunicorn is imported; the releases' own environments stay empty and quickly made."""
    site = tmp_path_factory.mktemp("gunicorn")
    for wheel in shop_wheelhouse().glob("*.whl"):
        if wheel.name.startswith(("gunicorn-", "packaging-")):
            zipfile.ZipFile(wheel).extractall(site)
    return site
