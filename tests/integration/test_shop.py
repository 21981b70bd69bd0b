# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample application's releases do what their names say, on real PostgreSQL (control node)."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import pytest

from tests.support import paths, shop

# Of the sample itself; whole deploys use it in every run.
pytestmark = pytest.mark.long

COLUMNS = """
SELECT table_name, column_name, is_nullable, column_default FROM information_schema.columns
WHERE table_schema = 'public' ORDER BY 1, 2
"""


class Application:
    """A checkout of the repository with an environment that has every dependency."""

    def __init__(self, base: pathlib.Path) -> None:
        self.repository = shop.ShopRepository(base)
        self.python = base / "venv" / "bin" / "python"
        subprocess.run([shop.python_for_app(), "-m", "venv", str(base / "venv")], check=True)
        requirements = shop.APP / "releases" / "5-new-dependency" / "requirements.txt"
        argv = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
        argv += ["--find-links", str(shop.shop_wheelhouse()), "--requirement", str(requirements)]
        subprocess.run(argv, check=True)

    def run(self, release: int, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the interpreter in the release's directory."""
        self.repository.git("checkout", "--quiet", self.repository.tag(release))
        environment = {"PATH": os.environ["PATH"], "SECRET_KEY": "x", "DATABASE_URL": url}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "DJANGO_SETTINGS_MODULE": "shop.settings"}
        argv = [str(self.python), *arguments]
        where = self.repository.path
        return subprocess.run(argv, cwd=where, env=environment, capture_output=True, text=True, check=False)

    def migrate(self, release: int, url: str) -> subprocess.CompletedProcess[str]:
        """Run Django's own migrate."""
        return self.run(release, url, "manage.py", "migrate", "--verbosity", "0")


@pytest.fixture(scope="module")
def application() -> t.Iterator[Application]:
    """Make the application once."""
    with paths.short_directory() as base:
        yield Application(base)


@pytest.fixture
def release_2(application: Application, database: t.Any) -> t.Any:
    """Give a database at release 2 with a few orders in it."""
    assert application.migrate(2, database.url).returncode == 0
    assert shop.fill(database.url, orders=50, users=3) == 50
    return database


@pytest.mark.parametrize("release", range(1, 10))
def test_release_is_what_it_says(application: Application, database: t.Any, release: int) -> None:
    shown = application.run(release, database.url, "-c", "from shop.release import RELEASE; print(RELEASE)")
    assert shown.stdout.strip() == str(release)
    checked = application.run(release, database.url, "manage.py", "makemigrations", "--check", "--dry-run")
    assert "No changes detected" in checked.stdout, checked.stdout + checked.stderr


@pytest.mark.parametrize("release", range(1, 10))
def test_every_release_migrates_an_empty_database(application: Application, database: t.Any, release: int) -> None:
    done = application.migrate(release, database.url)
    assert done.returncode == 0, done.stderr


def test_release_2_adds_only_nullable_columns_and_the_index(application: Application, database: t.Any) -> None:
    assert application.migrate(1, database.url).returncode == 0
    before = set(database.execute(COLUMNS))
    assert application.migrate(2, database.url).returncode == 0
    added = set(database.execute(COLUMNS)) - before
    assert {row[1] for row in added} == {"note", "nickname", "checksum"}
    assert all(row[2] == "YES" for row in added)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_by_payment'::regclass"
    assert database.execute(valid) == [(True,)]


@pytest.mark.parametrize(("release", "left"), [(4, set()), (9, {"price"})])
def test_failing_migration_leaves_what_it_should(
    application: Application, release_2: t.Any, release: int, left: set[str]
) -> None:
    before = set(release_2.execute(COLUMNS))
    failed = application.migrate(release, release_2.url)
    assert failed.returncode != 0
    assert "IntegrityError" in failed.stderr
    assert {row[1] for row in set(release_2.execute(COLUMNS)) - before} == left


def test_release_7_breaks_the_insert_of_release_2(application: Application, release_2: t.Any) -> None:
    assert application.migrate(7, release_2.url).returncode == 0
    column = "SELECT is_nullable, column_default FROM information_schema.columns WHERE column_name = 'priority'"
    assert release_2.execute(column) == [("NO", None)]


def test_release_8_takes_a_column_that_release_2_reads(application: Application, release_2: t.Any) -> None:
    assert application.migrate(8, release_2.url).returncode == 0
    read = "import django; django.setup(); from accounts.models import User; print(User.objects.first())"
    assert "google_id" in application.run(2, release_2.url, "-c", read).stderr
    assert application.run(8, release_2.url, "-c", read).returncode == 0


def test_release_6_crashes_only_where_the_web_server_starts(application: Application, release_2: t.Any) -> None:
    assert application.run(6, release_2.url, "manage.py", "check").returncode == 0
    assert "shop.tracing" in application.run(6, release_2.url, "-c", "import shop.wsgi").stderr
    assert application.run(2, release_2.url, "-c", "import shop.wsgi").returncode == 0


def test_release_5_needs_the_new_dependency(application: Application, release_2: t.Any) -> None:
    read = "import django; django.setup(); from shop.health import version; print(version(None).content)"
    assert "papersizes 1.0.0" in application.run(5, release_2.url, "-c", read).stdout
    assert "papersizes" not in application.run(2, release_2.url, "-c", read).stdout
