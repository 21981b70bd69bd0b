# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deploys of the print shop on a SQLite file, judged from outside under traffic (control node)."""

from __future__ import annotations

import typing as t

import pytest

from tests.support import sqlite
from tests.support.shop import APP
from tests.support.whole_sqlite import SqliteWhole, on_sqlite, whole

REHEARSED = {"deploy_strategy": "auto", "deploy_rehearsal": "auto", "deploy_force_online": False}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SqliteWhole]:
    """Leave the choice to the deploy."""
    with whole(tmp_path_factory.mktemp("sqlite")) as scene:
        scene.changes = {**REHEARSED, "deploy_ready_timeout": 60}
        yield scene


def test_what_the_old_release_can_live_with_goes_online(shop: SqliteWhole) -> None:
    shop.live(1)
    with shop.traffic() as traffic:
        result = shop.run(2)
    traffic.told("SQLite, auto 1 -> 2")
    assert result.rc == 0, result.stdout
    assert "Strategy:     online:" in result.stdout, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert shop.footprint().serving == "2" and shop.beside() == []


@pytest.mark.long
def test_what_fails_on_rows_is_found_before_anything_is_touched(shop: SqliteWhole) -> None:
    shop.live(2)
    stands = shop.footprint()
    with shop.traffic() as traffic:
        result = shop.run(4)
    traffic.told("SQLite, auto 2 -> 4")
    told = " ".join(result.report)
    assert result.rc != 0 and "orders.0004_order_reference failed on a scratch copy of the file" in told, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert shop.footprint() == stands and shop.beside() == []


@pytest.mark.parametrize(
    "half",
    [
        pytest.param(True, id="half a migration", marks=pytest.mark.long),
        pytest.param(False, id="a release that is not healthy"),
    ],
)
def test_a_failed_stop_brings_the_moment_before_it_back(shop: SqliteWhole, half: bool) -> None:
    shop.live(2)
    stands = shop.footprint()
    changes = {} if half else {"deploy_version": unhealthy(shop), "deploy_ready_timeout": 8}
    with shop.traffic() as traffic:
        result = shop.run(9 if half else 7, deploy_strategy="maintenance", deploy_rehearsal="none", **changes)
    traffic.told(f"SQLite, maintenance 2 -> {'9' if half else '7b'}, failed")
    told = " ".join(result.report)
    assert result.rc != 0 and "put back to the moment before the migration" in told, result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert shop.footprint() == stands
    assert shop.beside() and all(".failed-" in name for name in shop.beside())


def unhealthy(shop: SqliteWhole) -> str:
    """Add a release that the one before it cannot live with, and whose health check fails once all is migrated."""
    repository = shop.scene.repository
    repository.git("checkout", "--quiet", on_sqlite(repository, 7))
    health = (APP / "releases" / "3-health-check-fails" / "shop" / "health.py").read_text()
    repository.change({"shop/health.py": health}, "Not healthy", "s7b")
    return "s7b"


@pytest.mark.long
def test_what_it_cannot_live_with_stops_the_service_and_says_why(shop: SqliteWhole) -> None:
    shop.live(2)
    with shop.traffic() as traffic:
        result = shop.run(7)
    traffic.told("SQLite, auto 2 -> 7")
    assert result.rc == 0, result.stdout
    assert "Strategy:     maintenance:" in result.stdout and "is blocking" in result.stdout, result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert shop.footprint().serving == "7"
    (backup,) = [path for path in (shop.root / "backups").iterdir() if path.suffix == ".sqlite"][-1:]
    assert sqlite.count(backup, "orders_order") >= 20_000
    assert all(".failed-" in name for name in shop.beside()), shop.beside()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"deploy_shared_paths": ["media"]}, "which goes with its release; move the file into a shared path"),
        ({"deploy_database_url": "sqlite:///db.sqlite3"}, "names the SQLite file 'db.sqlite3', whose place depends"),
    ],
)
def test_a_file_that_would_go_with_its_release_is_refused(
    shop: SqliteWhole, changes: dict[str, t.Any], said: str
) -> None:
    result = shop.run(2, **changes)
    assert result.rc != 0 and "Nothing was touched." in result.stdout and said in " ".join(result.stdout.split())
