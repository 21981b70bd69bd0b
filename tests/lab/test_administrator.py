# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys that stop, by the server's own administrator without a password: fenced, brought back, recovered (control node)."""

from __future__ import annotations

import typing as t

import pytest

from tests.lab.stage import LENT, REHEARSED, LabStage, lab_stage
from tests.lab.test_surviving import wait_for

DATABASES = ["postgres", "shop", "template0", "template1"]
STOP = {"deploy_strategy": "maintenance", "deploy_safety": "copy"}

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def stage() -> t.Iterator[LabStage]:
    """Boot one host whose only administrator is the operating system's user postgres."""
    with lab_stage() as scene:
        scene.changes.update(REHEARSED)
        scene.live(2)
        scene.changes.update(LENT)
        yield scene


def all_of(stage: LabStage) -> dict[str, t.Any]:
    """Give the footprint without the databases that a failed stop leaves for a look."""
    found = stage.footprint()
    return {**found, "databases": [name for name in found["databases"] if not name.startswith("shop_failed_")]}


def lent(stage: LabStage, after: float = 4) -> list[str]:
    """Tell what is there of a way to the server, and of the process that holds it, a few seconds later."""
    look = f"sleep {after}; ls -d /tmp/seamless-login-* /var/run/postgresql/seamless-login-* 2>/dev/null; pgrep -u postgres python; true"
    return stage.hosts["app1"].run(look).stdout.split()


def test_a_failed_stop_is_brought_back_from_the_copy(stage: LabStage) -> None:
    before = all_of(stage)
    with stage.traffic(50, before=1) as traffic:
        result = stage.run("deploy.yml", 6, **STOP, deploy_rehearsal="none", deploy_ready_timeout=10)
    traffic.told("lent, failed stop 2 -> 6")
    assert result.rc != 0 and "No module named 'shop.tracing'" in " ".join(result.report), result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert all_of(stage) == before
    assert lent(stage) == []


@pytest.mark.parametrize("point", ["database.fence done", "database.migrate intent"])
def test_one_that_is_killed_behind_the_fence_is_recovered(stage: LabStage, point: str) -> None:
    before, known = all_of(stage), len(stage.journal())
    with stage.traffic(50, before=1) as traffic:
        with stage.start("deploy.yml", 7, **STOP, deploy_rehearsal="none") as play:
            assert wait_for(stage, play, point, known), play.said()
            play.kill()
        assert len(lent(stage, after=0)) == 2  # it waits for whoever goes on: the lock is still held
        recovered = stage.run("recover.yml", 7, **STOP)
    traffic.told(f"lent, killed behind {point}")
    assert recovered.rc == 0, recovered.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert all_of(stage) == before
    assert lent(stage) == []


def test_what_stops_by_its_verdict_goes_through(stage: LabStage) -> None:
    stage.live(2)
    with stage.traffic(50, before=1) as traffic:
        result = stage.run("deploy.yml", 7)
    traffic.told("lent, auto 2 -> 7")
    assert result.rc == 0 and "Strategy:     maintenance:" in result.stdout, result.stdout
    assert "Rehearsal:    on a copy of the schema" in result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert set(traffic.ended.versions) == {"7"} and all_of(stage)["databases"] == DATABASES
    assert lent(stage) == []
