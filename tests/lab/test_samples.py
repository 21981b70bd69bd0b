# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications with Alembic and Flask-Migrate go live on a booted host, with customers outside (control node)."""

from __future__ import annotations

import typing as t

import pytest

from tests.lab.samples import SampleStage, sample_stage

#: An unhealthy release, a migration that fails, and code that cannot be imported.
FAILING = (3, 4, 6)
#: The lean run deploys them with supervisor, in tests/integration.
pytestmark = pytest.mark.long
STAGES = [
    pytest.param(("notes_api", "postgresql"), id="notes"),
    pytest.param(("visits", "postgresql"), id="visits"),
    pytest.param(("visits", "sqlite"), id="visits-sqlite"),
]


@pytest.fixture(scope="module", params=STAGES)
def stage(request: pytest.FixtureRequest) -> t.Iterator[SampleStage]:
    """Boot one host for each application and database."""
    with sample_stage(*request.param) as scene:
        yield scene


def test_a_release_with_revisions_goes_live(stage: SampleStage) -> None:
    stage.live(1)
    with stage.traffic() as traffic:
        result = stage.run("deploy.yml", 2)
    traffic.told(f"{stage.name} on {stage.engine} 1 -> 2")
    assert result.rc == 0, result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0 and set(traffic.ended.versions) == {"2"}
    if "Strategy:     online" in result.stdout:
        assert traffic.report.failed == 0, traffic.report.failures
    else:
        assert stage.engine == "sqlite", result.stdout


@pytest.mark.parametrize("release", FAILING)
def test_a_release_that_fails_comes_back(stage: SampleStage, release: int) -> None:
    stage.live(2)
    before = stage.look().footprint
    with stage.traffic() as traffic:
        result = stage.run("deploy.yml", release, deploy_ready_timeout=10)
    traffic.told(f"{stage.name} on {stage.engine} 2 -> {release}, failed")
    assert result.rc != 0
    assert traffic.lost == [] and traffic.ended.failed == 0 and set(traffic.report.versions) == {"2"}
    assert stage.look().footprint == before and stage.serving() == "2"


def test_a_blocking_release_stops_for_it(stage: SampleStage) -> None:
    stage.live(2)
    with stage.traffic() as traffic:
        result = stage.run("deploy.yml", 7)
    traffic.told(f"{stage.name} on {stage.engine} 2 -> 7, in maintenance")
    assert result.rc == 0 and "Strategy:     maintenance" in result.stdout, result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0 and stage.serving() == "7"
