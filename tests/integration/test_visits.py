# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of the visitors' book do what their names say, on PostgreSQL and on SQLite (control node)."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import typing as t

import pytest

from tests.support import paths, sample, visits
from tests.support.load import missing, request
from tests.support.sample_run import Application, write

# Of the sample itself; whole deploys use it in every run.
pytestmark = pytest.mark.long

HEAD_OF_2 = "b9f25c03e7d1"


@pytest.fixture(scope="module")
def application() -> t.Iterator[Application]:
    """Make the application once."""
    with paths.short_directory() as base:
        yield Application(visits, visits.VisitsRepository(base))


@pytest.fixture(params=["postgresql", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """Name an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/visits.db"
    return str(request.getfixturevalue("database").url)


@pytest.fixture
def release_2(application: Application, url: str) -> str:
    """Give a database at release 2 with a few visits in it."""
    done = application.migrate(2, url)
    assert done.returncode == 0, done.stderr
    assert visits.fill(url, visits=50, visitors=3) == 50
    return url


def only(kind: str) -> pytest.MarkDecorator:
    """Run a test on one kind of database: what it shows does not depend on it."""
    return pytest.mark.parametrize("url", [kind], indirect=True)


@pytest.mark.parametrize(
    ("url", "release"),
    [*(("sqlite", release) for release in (1, 2, 4, 5, 7, 8, 9)), ("postgresql", 2), ("postgresql", 9)],
    indirect=["url"],
)
def test_release_serves_what_it_has_migrated(
    application: Application, url: str, short_dir: pathlib.Path, release: int
) -> None:
    entrance, number = short_dir / "web.sock", str(release)
    done = application.migrate(release, url)
    assert done.returncode == 0, done.stderr
    checked = application.run(release, url, *visits.CHECK)
    assert "No new upgrade operations detected" in checked.stdout, checked.stdout + checked.stderr
    with application.serve(release, url, entrance):
        made = write(entrance, visits.PATH, "first")
        assert (made.status, made.release, made.json()["token"]) == (201, number, "first"), made.body
        again = request(entrance, "GET", f"{visits.PATH}{made.json()['id']}/")
        assert again.json() == made.json()
        assert request(entrance, "GET", visits.PATH).json()["visits"] == [made.json()]
        health = request(entrance, "GET", "/health/")
        assert (health.status, health.json()["release"], health.json()["newest_visit"]) == (200, release, 1)
        version = request(entrance, "GET", "/version/").json()
        assert str(version["dependency"]).startswith("papersizes 1.0.0" if release == 5 else "None")
        assert request(entrance, "GET", "/").status == 200
    assert missing(url, ["first", "second"], visits.TABLE) == ["second"]


def test_release_2_adds_what_release_1_need_not_know(
    application: Application, url: str, short_dir: pathlib.Path
) -> None:
    assert application.migrate(1, url).returncode == 0
    before = visits.columns(url)
    assert application.migrate(2, url).returncode == 0
    added = visits.columns(url).keys() - before.keys()
    assert {name for name in added if not name.startswith("badge.")} == {"visit.note", "visitor.nickname"}
    assert visits.recorded(url) == [HEAD_OF_2]
    with application.serve(1, url, short_dir / "web.sock"):
        assert write(short_dir / "web.sock", visits.PATH, "old").status == 201


@only("sqlite")
def test_release_3_is_not_healthy(application: Application, release_2: str, short_dir: pathlib.Path) -> None:
    with application.serve(3, release_2, short_dir / "web.sock"):
        health = request(short_dir / "web.sock", "GET", "/health/")
        assert (health.status, health.release) == (500, "3")


@pytest.mark.parametrize(
    ("release", "left"), [(4, {"visit.reference"}), (9, {"gate.id", "gate.name", "_alembic_tmp_visit.purpose"})]
)
def test_failing_migration_leaves_something_on_sqlite_only(
    application: Application, release_2: str, release: int, left: set[str]
) -> None:
    before = visits.columns(release_2)
    failed = application.migrate(release, release_2)
    assert failed.returncode != 0 and "IntegrityError" in failed.stderr, failed.stderr
    assert visits.recorded(release_2) == [HEAD_OF_2]
    found = visits.columns(release_2).keys() - before.keys()
    assert found >= left if visits.kind(release_2) == "sqlite" else found == set()
    with visits.connect(release_2) as cursor:
        cursor.execute("SELECT count(*) FROM visit")
        assert cursor.fetchone() == (50,)


@only("sqlite")
def test_release_6_crashes_only_where_the_web_server_starts(
    application: Application, release_2: str, short_dir: pathlib.Path
) -> None:
    assert application.run(6, release_2, "flask", "db", "current").returncode == 0
    with application.serve(6, release_2, short_dir / "web.sock") as process:
        assert process.wait(timeout=20) != 0
    assert "visits.tracing" in (short_dir / "web.log").read_text()


def test_release_7_breaks_the_insert_of_release_2(
    application: Application, release_2: str, short_dir: pathlib.Path
) -> None:
    assert application.migrate(7, release_2).returncode == 0
    with application.serve(2, release_2, short_dir / "web.sock"):
        assert write(short_dir / "web.sock", visits.PATH, "old").status == 500


def test_release_8_takes_a_column_that_release_2_reads(
    application: Application, release_2: str, short_dir: pathlib.Path
) -> None:
    assert application.migrate(8, release_2).returncode == 0
    for release, status in ((2, 500), (8, 200)):
        with application.serve(release, release_2, short_dir / "web.sock"):
            assert request(short_dir / "web.sock", "GET", visits.PATH).status == status


def test_readers_go_on_while_somebody_writes_to_sqlite(
    application: Application, tmp_path: pathlib.Path, short_dir: pathlib.Path
) -> None:
    url, entrance = f"sqlite:///{tmp_path}/visits.db", short_dir / "web.sock"
    assert application.migrate(2, url).returncode == 0
    with application.serve(2, url, entrance), visits.connect(url) as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        assert request(entrance, "GET", visits.PATH).status == 200


def test_uv_installs_and_runs_what_is_locked(
    application: Application, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    application.checkout(5)
    locked = (application.repository.path / "uv.lock").read_text()
    assert 'name = "papersizes"' in locked and 'name = "flask-migrate"' in locked
    for name, value in visits.process_environment(f"sqlite:///{tmp_path}/visits.db").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", str(tmp_path / "venv"))
    uv = [paths.tool("uv"), "run", "--quiet", "--no-config", "--offline", "--frozen"]
    argv = [*uv, "--python", sample.python_for_app(), "flask", "db", "upgrade"]
    options: dict[str, t.Any] = {"cwd": application.repository.path, "capture_output": True, "text": True}
    done = subprocess.run(argv, **options, check=False)
    assert done.returncode == 0, done.stderr
    assert visits.recorded(f"sqlite:///{tmp_path}/visits.db") == [HEAD_OF_2]
    assert sys.prefix not in (tmp_path / "venv" / "pyvenv.cfg").read_text()
