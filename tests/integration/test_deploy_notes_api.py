# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole deploys of an application with FastAPI, an async engine and plain Alembic (control node)."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.whole_samples import SampleWhole, notes


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SampleWhole]:
    """Leave the choice of the strategy to the deploy."""
    with notes(tmp_path_factory.mktemp("notes")) as scene:
        scene.changes = {"deploy_strategy": None, "deploy_rehearsal": None, "deploy_force_online": None}
        yield scene


def test_what_the_old_release_can_live_with_goes_online(app: SampleWhole) -> None:
    app.live(1)
    with app.traffic() as traffic:
        result = app.run(2)
    traffic.told("notes 1 -> 2")
    assert result.rc == 0, result.stdout
    assert "Strategy:     online:" in result.stdout, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert app.serving() == "2" and {"note.title", "author.nickname", "tag.name"} <= app.columns()


def comes_back(app: SampleWhole, release: int, **changes: t.Any) -> str:
    """Deploy a release that cannot go live; what the deploy says."""
    app.live(2)
    stands = app.footprint()
    with app.traffic() as traffic:
        result = app.run(release, **changes)
    traffic.told(f"notes 2 -> {release}, failed")
    assert result.rc != 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert app.footprint() == stands and not app.locked()
    return result.stdout


@pytest.mark.long
@pytest.mark.parametrize("release", [3, 6])
def test_an_unfit_release_gets_no_request(app: SampleWhole, release: int) -> None:
    said = comes_back(app, release, deploy_ready_timeout=8)
    assert "Rehearse the migrations" not in said.rpartition("fatal:")[2]


@pytest.mark.long
def test_what_fails_on_rows_is_found_before_anything_is_touched(app: SampleWhole) -> None:
    said = comes_back(app, 4)
    assert "1f94c07ab5e6" in said and "note_reference_key" in said, said


@pytest.mark.long
def test_a_dropped_column_waits_until_the_old_release_has_gone(app: SampleWhole) -> None:
    app.live(2)
    with app.traffic() as traffic:
        held = app.run(8)
    traffic.told("notes 2 -> 8")
    assert held.rc == 0 and "Held back: 9a57d2c8b41e" in held.stdout, held.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert app.serving() == "8" and "author.homepage" in app.columns()
    back = app.run(8, name="rollback.yml")
    assert back.rc == 0 and app.serving() == "2", back.stdout


@pytest.mark.long
def test_older_code_over_unknown_revisions_needs_a_word(app: SampleWhole) -> None:
    app.live(2)
    stands = app.footprint()
    refused = app.run(1)
    assert refused.rc != 0 and "Nothing was touched." in refused.stdout, refused.stdout
    said = " ".join(refused.stdout.split())
    assert "no revision file of this code has that id" in said and "-e deploy_database_compatible=true" in said, (
        refused.stdout
    )
    assert app.footprint() == stands and not app.locked()
    with app.traffic() as traffic:
        done = app.run(1, deploy_database_compatible=True)
    traffic.told("notes 2 -> 1, over unknown revisions")
    assert done.rc == 0 and app.serving() == "1", done.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert app.scene.catalog() == stands.catalog


@pytest.mark.long
def test_what_it_cannot_live_with_stops_the_service_and_says_why(app: SampleWhole) -> None:
    app.live(2)
    databases = app.scene.databases()
    with app.traffic() as traffic:
        result = app.run(7)
    traffic.told("notes 2 -> 7")
    assert result.rc == 0, result.stdout
    assert "Strategy:     maintenance:" in result.stdout and "is blocking" in result.stdout, result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert app.serving() == "7" and app.scene.databases() == databases
