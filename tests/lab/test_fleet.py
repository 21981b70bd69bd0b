# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three application hosts and one of the database: all have one release, whatever happens to one of them (control node)."""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest

from tests.lab import faults
from tests.lab.look import Traffic
from tests.lab.stage import LabStage, lab_stage
from tests.support.playbook import Result

HOSTS = ["app1", "app2", "app3"]
RATE = 150
# Holds for the units of every release to come, and leaves those that run alone.
BROKEN = "/etc/systemd/system/shop-web-.service.d"


@pytest.fixture(scope="module")
def stage() -> t.Iterator[LabStage]:
    """Boot four hosts."""
    with lab_stage(app=HOSTS, db="db1") as scene:
        yield scene


def deploy(stage: LabStage, release: int, what: str, *arguments: str, **changes: t.Any) -> tuple[Result, Traffic]:
    with stage.traffic(RATE) as traffic:
        result = stage.run("deploy.yml", release, *arguments, **changes)
    traffic.told(what)
    return result, traffic


def serving(stage: LabStage) -> dict[str, str]:
    return {name: stage.serving(name) for name in stage.app}


def everywhere(release: int) -> dict[str, str]:
    return dict.fromkeys(HOSTS, str(release))


@contextlib.contextmanager
def broken_units(stage: LabStage, host: str) -> t.Iterator[None]:
    """Make every web unit that is started on a host fail."""
    there = stage.hosts[host]
    there.run(
        f"mkdir -p {BROKEN} && printf '[Service]\\nExecStartPre=/bin/false\\n' >{BROKEN}/broken.conf", user="root"
    )
    try:
        yield
    finally:
        there.run(f"rm -r {BROKEN} && systemctl daemon-reload", user="root")


@pytest.mark.long
def test_a_new_host_joins_with_the_live_release(stage: LabStage) -> None:
    first = stage.run("deploy.yml", 1, "--limit", "app1,app2")
    assert first.rc == 0, first.stdout
    before = stage.look("app1").footprint
    joined = stage.run("deploy.yml", 1)
    assert joined.rc == 0, joined.stdout
    assert serving(stage) == everywhere(1)
    assert stage.look("app1").footprint == before and joined.stats["app1"]["changed"] == 0
    assert stage.look("app3").last["detail"]["result"] == "succeeded"


def test_nobody_notices_a_release_with_migrations(stage: LabStage) -> None:
    stage.live(1)
    result, traffic = deploy(stage, 2, "three hosts, online 1 -> 2")
    assert result.rc == 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert serving(stage) == everywhere(2)
    # The batches: one host first, and only when it serves the others.
    switches = {
        name: next(r["at"] for r in reversed(stage.journal(name)) if r["action"] == "service.switch") for name in HOSTS
    }
    assert switches["app1"] < min(switches["app2"], switches["app3"])
    # One deploy has one id, and its database steps are in one journal.
    ids = {stage.look(name).last["deploy_id"] for name in HOSTS}
    migrated = [name for name in HOSTS if any(r["action"] == "database.migrate" for r in stage.journal(name))]
    assert len(ids) == 1 and migrated == ["app1"]


def test_a_failure_on_the_second_host_of_the_second_batch_brings_all_back(stage: LabStage) -> None:
    stage.live(2)
    before = stage.footprint()
    with broken_units(stage, "app3"):
        result, traffic = deploy(stage, 5, "three hosts, 2 -> 5 fails on app3", deploy_ready_timeout=10)
    assert result.rc != 0 and "does not come up" in result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert "5" in traffic.report.versions, "the first batch never served the new release"
    for name in ("app1", "app2"):
        assert "app3 failed, its own summary has the reason" in " ".join(result.reports[name]), result.stdout
    assert stage.footprint() == before
    assert {stage.look(name).last["detail"]["result"] for name in HOSTS} == {"rolled_back"}


@pytest.mark.long
def test_the_gate_keeps_the_others_from_beginning(stage: LabStage) -> None:
    stage.live(2)
    before, known = stage.footprint(), len(stage.journal("app2"))
    with broken_units(stage, "app1"):
        result, traffic = deploy(stage, 5, "three hosts, the gate fails", deploy_ready_timeout=10)
    assert result.rc != 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert stage.footprint() == before
    assert not any(r["action"].startswith("service.") for r in stage.journal("app2")[known:])


@pytest.mark.long
def test_an_unreachable_first_host_is_refused_and_not_replaced(stage: LabStage) -> None:
    stage.live(2)
    before = stage.footprint()
    with faults.cut_off(stage.hosts["app1"]):
        result = stage.run("deploy.yml", 5)
    assert result.rc != 0 and "app1 does not answer; it is deploy_database_host" in result.stdout
    assert stage.footprint() == before


@pytest.mark.long
def test_another_unreachable_host_is_named_and_brought_into_line_later(stage: LabStage) -> None:
    stage.live(2)
    before = stage.footprint()
    with faults.cut_off(stage.hosts["app3"]):
        refused = stage.run("deploy.yml", 5)
        assert refused.rc != 0 and "app3 does not answer" in refused.stdout
        left_out = stage.run("deploy.yml", 5, "--limit", "app1,app2")
        assert left_out.rc == 0, left_out.stdout
    assert before != stage.footprint() and serving(stage) == {"app1": "5", "app2": "5", "app3": "2"}
    result, traffic = deploy(stage, 5, "three hosts, app3 is brought into line")
    assert result.rc == 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert serving(stage) == everywhere(5)


@pytest.mark.long
def test_a_host_that_is_lost_half_way_is_named_and_the_next_run_brings_it_into_line(stage: LabStage) -> None:
    stage.live(5)
    with stage.start("deploy.yml", 2, deploy_database_compatible=True) as play:
        while "Hand over in this batch" not in play.said():
            time.sleep(0.05)
        faults.cut(stage.hosts["app3"])
        try:
            result = play.wait(200)
        finally:
            faults.heal(stage.hosts["app3"])
    assert result.rc != 0 and "app3 did not come along" in result.stdout
    assert {stage.serving(name) for name in ("app1", "app2")} == {"5"}
    again = stage.run("deploy.yml", 5)
    assert again.rc == 0, again.stdout
    assert serving(stage) == everywhere(5)
    assert not any(stage.look(name).locked for name in HOSTS)
