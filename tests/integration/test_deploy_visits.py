# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deploys of an application with Flask-Migrate, on PostgreSQL and on a SQLite file (control node)."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.whole_samples import SampleWhole, visitors

UNDECIDED = {"deploy_strategy": None, "deploy_rehearsal": None, "deploy_force_online": None}


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SampleWhole]:
    """Leave the choice of the strategy to the deploy; the database is a file."""
    with visitors(tmp_path_factory.mktemp("visits-sqlite"), sqlite=True) as scene:
        scene.changes = dict(UNDECIDED)
        yield scene


@pytest.fixture(scope="module")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SampleWhole]:
    """Leave the choice of the strategy to the deploy; the database is PostgreSQL's."""
    with visitors(tmp_path_factory.mktemp("visits")) as scene:
        scene.changes = dict(UNDECIDED)
        yield scene


def goes_online(app: SampleWhole) -> None:
    app.live(1)
    with app.traffic() as traffic:
        result = app.run(2)
    traffic.told("visits 1 -> 2")
    assert result.rc == 0, result.stdout
    assert "Strategy:     online:" in result.stdout, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert app.serving() == "2" and {"visit.note", "visitor.nickname", "badge.number"} <= app.columns()


def comes_back(app: SampleWhole, release: int, **changes: t.Any) -> str:
    """Deploy a release that cannot go live; what the deploy says."""
    app.live(2)
    stands = app.footprint()
    with app.traffic() as traffic:
        result = app.run(release, **changes)
    traffic.told(f"visits 2 -> {release}, failed")
    assert result.rc != 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert app.footprint() == stands and not app.locked()
    return result.stdout


def stops_for_it(app: SampleWhole) -> None:
    app.live(2)
    databases = app.scene.databases()
    with app.traffic() as traffic:
        result = app.run(7)
    traffic.told("visits 2 -> 7")
    assert result.rc == 0, result.stdout
    assert "Strategy:     maintenance:" in result.stdout, result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert app.serving() == "7" and app.scene.databases() == databases


@pytest.mark.long
def test_on_sqlite_what_the_old_release_can_live_with_goes_online(on_sqlite: SampleWhole) -> None:
    goes_online(on_sqlite)


@pytest.mark.long
@pytest.mark.parametrize("release", [3, 6])
def test_on_sqlite_an_unfit_release_gets_no_request(on_sqlite: SampleWhole, release: int) -> None:
    comes_back(on_sqlite, release, deploy_ready_timeout=8)


@pytest.mark.long
@pytest.mark.parametrize(("release", "reason"), [(4, "visit.reference"), (9, "visit.purpose")])
def test_on_sqlite_what_fails_on_rows_is_found_on_a_copy(on_sqlite: SampleWhole, release: int, reason: str) -> None:
    said = comes_back(on_sqlite, release)
    assert reason in said, said


@pytest.mark.long
def test_on_sqlite_what_fails_halfway_is_brought_back_whole(on_sqlite: SampleWhole) -> None:
    on_sqlite.live(2)
    stands = on_sqlite.footprint()
    with on_sqlite.traffic() as traffic:
        result = on_sqlite.run(9, deploy_strategy="maintenance", deploy_rehearsal="none")
    traffic.told("visits 2 -> 9 on SQLite, failed halfway")
    assert result.rc != 0 and "visit.purpose" in result.stdout, result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    found = on_sqlite.footprint()
    assert (found.serving, found.catalog) == (stands.serving, stands.catalog) and not on_sqlite.locked()


@pytest.mark.long
def test_on_sqlite_what_it_cannot_live_with_stops_the_service(on_sqlite: SampleWhole) -> None:
    stops_for_it(on_sqlite)


@pytest.mark.long
def test_what_the_old_release_can_live_with_goes_online(on_postgresql: SampleWhole) -> None:
    goes_online(on_postgresql)


@pytest.mark.long
@pytest.mark.parametrize("release", [3, 4, 6])
def test_an_unfit_release_gets_no_request(on_postgresql: SampleWhole, release: int) -> None:
    comes_back(on_postgresql, release, deploy_ready_timeout=8)


@pytest.mark.long
def test_a_new_dependency_comes_from_the_lock(on_postgresql: SampleWhole) -> None:
    on_postgresql.live(2)
    with on_postgresql.traffic() as traffic:
        result = on_postgresql.run(5)
    traffic.told("visits 2 -> 5")
    assert result.rc == 0 and (traffic.report.failed, traffic.lost) == (0, []), result.stdout
    assert on_postgresql.version()["dependency"].startswith("papersizes 1.0.0")
    back = on_postgresql.run(5, name="rollback.yml")
    assert back.rc == 0 and on_postgresql.serving() == "2", back.stdout


@pytest.mark.long
def test_what_it_cannot_live_with_stops_the_service(on_postgresql: SampleWhole) -> None:
    stops_for_it(on_postgresql)
