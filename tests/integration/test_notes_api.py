# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of the notes do what their names say, on real PostgreSQL (control node)."""

from __future__ import annotations

import concurrent.futures
import pathlib
import time
import typing as t

import pytest

from tests.support import notes_api, paths
from tests.support.load import missing, request
from tests.support.sample_run import Application, write

# Of the sample itself; whole deploys use it in every run.
pytestmark = pytest.mark.long

COLUMNS = """
SELECT table_name, column_name, is_nullable, column_default FROM information_schema.columns
WHERE table_schema = 'public' ORDER BY 1, 2
"""
VERSION = "SELECT version_num FROM alembic_version"
HEAD_OF_2 = [("e02f7a6c9d14",)]


@pytest.fixture(scope="module")
def application() -> t.Iterator[Application]:
    """Make the application once."""
    with paths.short_directory() as base:
        yield Application(notes_api, notes_api.NotesRepository(base))


@pytest.fixture
def release_2(application: Application, database: t.Any) -> t.Any:
    """Give a database at release 2 with a few notes in it."""
    done = application.migrate(2, database.url)
    assert done.returncode == 0, done.stderr
    assert notes_api.fill(database.url, notes=50, authors=3) == 50
    return database


@pytest.mark.parametrize("release", [1, 2, 4, 5, 7, 8])
def test_release_serves_what_it_has_migrated(
    application: Application, database: t.Any, short_dir: pathlib.Path, release: int
) -> None:
    entrance, number = short_dir / "web.sock", str(release)
    done = application.migrate(release, database.url)
    assert done.returncode == 0, done.stderr
    checked = application.run(release, database.url, *notes_api.CHECK)
    assert "No new upgrade operations detected" in checked.stdout, checked.stdout + checked.stderr
    with application.serve(release, database.url, entrance):
        made = write(entrance, notes_api.PATH, "first")
        assert (made.status, made.release, made.json()["token"]) == (201, number, "first"), made.body
        again = request(entrance, "GET", f"{notes_api.PATH}{made.json()['id']}/")
        assert again.json() == made.json()
        newest = request(entrance, "GET", notes_api.PATH).json()["notes"]
        assert newest == [made.json()]
        health = request(entrance, "GET", "/health/")
        assert (health.status, health.json()["release"], health.json()["newest_note"]) == (200, release, 1)
        version = request(entrance, "GET", "/version/").json()
        assert str(version["dependency"]).startswith("papersizes 1.0.0" if release == 5 else "None")
        assert request(entrance, "GET", "/").status == 200
    assert missing(database.url, ["first", "second"], notes_api.TABLE) == ["second"]


def test_release_2_adds_what_release_1_need_not_know(
    application: Application, database: t.Any, short_dir: pathlib.Path
) -> None:
    assert application.migrate(1, database.url).returncode == 0
    before = set(database.execute(COLUMNS))
    assert application.migrate(2, database.url).returncode == 0
    added = set(database.execute(COLUMNS)) - before
    assert {row[1] for row in added if row[0] != "tag"} == {"title", "nickname"}
    assert all(row[2] == "YES" for row in added if row[0] != "tag")
    assert database.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_note_created_at'::regclass")[0][0]
    assert database.execute(VERSION) == HEAD_OF_2
    with application.serve(1, database.url, short_dir / "web.sock"):
        assert write(short_dir / "web.sock", notes_api.PATH, "old").status == 201


def test_release_3_is_not_healthy(application: Application, release_2: t.Any, short_dir: pathlib.Path) -> None:
    with application.serve(3, release_2.url, short_dir / "web.sock"):
        health = request(short_dir / "web.sock", "GET", "/health/")
        assert (health.status, health.release) == (500, "3")


def test_release_4_fails_on_rows_and_leaves_nothing(application: Application, release_2: t.Any) -> None:
    before = release_2.execute(COLUMNS)
    failed = application.migrate(4, release_2.url)
    assert failed.returncode != 0 and "note_reference_key" in failed.stderr
    assert release_2.execute(COLUMNS) == before and release_2.execute(VERSION) == HEAD_OF_2


def test_release_6_crashes_only_where_the_web_server_starts(
    application: Application, release_2: t.Any, short_dir: pathlib.Path
) -> None:
    assert application.run(6, release_2.url, "alembic", "current").returncode == 0
    with application.serve(6, release_2.url, short_dir / "web.sock") as process:
        assert process.wait(timeout=20) != 0
    assert "notes.tracing" in (short_dir / "web.log").read_text()


def test_release_7_breaks_the_insert_of_release_2(
    application: Application, release_2: t.Any, short_dir: pathlib.Path
) -> None:
    assert application.migrate(7, release_2.url).returncode == 0
    column = "SELECT is_nullable, column_default FROM information_schema.columns WHERE column_name = 'priority'"
    assert release_2.execute(column) == [("NO", None)]
    with application.serve(2, release_2.url, short_dir / "web.sock"):
        assert write(short_dir / "web.sock", notes_api.PATH, "old").status == 500


def test_release_8_takes_a_column_that_release_2_reads(
    application: Application, release_2: t.Any, short_dir: pathlib.Path
) -> None:
    assert application.migrate(8, release_2.url).returncode == 0
    for release, status in ((2, 500), (8, 200)):
        with application.serve(release, release_2.url, short_dir / "web.sock"):
            assert request(short_dir / "web.sock", "GET", notes_api.PATH).status == status


def test_several_workers_share_the_socket(application: Application, release_2: t.Any, short_dir: pathlib.Path) -> None:
    entrance = short_dir / "web.sock"

    def worker(_number: int) -> object:
        return request(entrance, "GET", "/version/").json()["pid"]

    with pytest.MonkeyPatch.context() as patch, concurrent.futures.ThreadPoolExecutor(8) as at_once:
        patch.setattr(notes_api, "SERVE", (*notes_api.SERVE, "--workers", "2"))
        with application.serve(2, release_2.url, entrance):
            seen: set[object] = set()
            give_up = time.monotonic() + 60
            while len(seen) < 2 and time.monotonic() < give_up:
                seen |= set(at_once.map(worker, range(40)))
    assert len(seen) == 2
