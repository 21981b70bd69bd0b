# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three hosts of one application: releases that fail, in both strategies, and deploys that are cut off (control node)."""

from __future__ import annotations

import json
import time
import typing as t

import pytest

from tests.lab import faults
from tests.lab.stage import PATH, LabStage, lab_stage
from tests.lab.test_fleet import HOSTS, broken_units, deploy, everywhere, serving
from tests.lab.test_one_host import REASONS
from tests.lab.test_surviving import MIGRATION
from tests.support.playbook import Play

pytestmark = pytest.mark.long
STRATEGIES = ["online", "maintenance"]
# Release 5 has no migration of its own: what is cut off is release 5 with one that takes a moment.
STEP, STEP_RELEASE = "0004_step", "r5-step"
# Which host's journal is watched, behind which of its records the deploy is cut off, and how.
CUTS = [
    ("kill", "app1", "database.migrate intent"),
    ("kill", "app1", "service.switch done"),
    ("kill", "app3", "service.start intent"),
    ("kill", "app2", "service.switch done"),
    ("crash", "app3", "service.switch intent"),
    ("crash", "app1", "database.migrate done"),
]


@pytest.fixture(scope="module")
def stage() -> t.Iterator[LabStage]:
    """Boot four hosts."""
    with lab_stage(app=HOSTS, db="db1") as scene:
        scene.repository.git("checkout", "--quiet", "r5")
        step = MIGRATION.format(before="0003_orders_by_payment", name="step", pause=2)
        scene.repository.change({f"orders/migrations/{STEP}.py": step}, "Column step", STEP_RELEASE)
        yield scene


def release_2(stage: LabStage) -> None:
    """Have release 2 live on its own schema."""
    if stage.serving():
        stage.take_back_columns()
    stage.live(2)


@pytest.mark.parametrize("release", REASONS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_release_that_fails_leaves_all_hosts_as_they_were(stage: LabStage, release: int, strategy: str) -> None:
    stage.live(2)
    before, reason = stage.footprint(), REASONS[release]
    result, traffic = deploy(
        stage, release, f"three hosts, {strategy} 2 -> {release}", deploy_strategy=strategy, deploy_ready_timeout=10
    )
    # The first host migrates and is the gate: it has the reason, and the others lead to its summary or have it too.
    assert result.rc != 0 and reason in " ".join(result.reports["app1"]), result.stdout
    for name in HOSTS[1:]:
        told = " ".join(result.reports[name])
        assert reason in told or "app1 failed, its own summary has the reason" in told, told
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert set(traffic.report.versions) == {"2"}
    assert strategy == "maintenance" or traffic.report.failed == 0, traffic.report.failures
    assert stage.footprint() == before
    assert {stage.look(name).last["detail"]["result"] for name in HOSTS} == {"rolled_back"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_column_that_the_old_release_does_not_fill(stage: LabStage, strategy: str) -> None:
    """Online is the user's word here: what the old release is refused meanwhile is refused, and nothing is lost."""
    release_2(stage)
    before = stage.catalog()
    result, traffic = deploy(stage, 7, f"three hosts, {strategy} 2 -> 7", deploy_strategy=strategy)
    assert result.rc == 0, result.stdout
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert set(traffic.ended.versions) == {"7"} and serving(stage) == everywhere(7)
    assert stage.catalog() != before
    # In a stop nobody asks the old release any more once its schema is gone.
    refused = [line for line in traffic.report.failures if "HTTP 500" in line]
    assert bool(refused) is (strategy == "online"), traffic.report.failures


def cut_off(stage: LabStage, play: Play, how: str, host: str) -> None:
    if how == "kill":
        play.kill()
        return
    faults.crash(stage.hosts[host])
    play.wait(200)
    faults.boot(stage.hosts[host])


def wait_for(stage: LabStage, play: Play, host: str, point: str, known: int) -> None:
    action, _space, event = point.rpartition(" ")
    path = stage.hosts[host].root / PATH.lstrip("/") / ".deploy" / "journal.jsonl"
    while play.process.poll() is None:
        records = [json.loads(line) for line in path.read_text().splitlines()[known:] if line.endswith("}")]
        if any(record["action"] == action and record["event"] == event for record in records):
            return
        time.sleep(0.02)
    pytest.fail(f"{host} never came to {point}: {play.said()[-3000:]}")


@pytest.mark.parametrize(("how", "host", "point"), CUTS)
def test_recover_brings_all_hosts_to_one_release(stage: LabStage, how: str, host: str, point: str) -> None:
    release_2(stage)
    known = len(stage.journal(host))
    changes = {"deploy_version": STEP_RELEASE, "deploy_database_compatible": True}
    with stage.traffic(60, before=1, after=1) as traffic:
        with stage.start("deploy.yml", 5, **changes) as play:
            wait_for(stage, play, host, point, known)
            cut_off(stage, play, how, host)
        stage.hosts[host].wait(60)
        recovered = stage.run("recover.yml", 5, **changes)
    live = serving(stage)
    traffic.told(f"three hosts, {how} at {point} of {host}, then all have {live}")
    assert recovered.rc == 0, recovered.stdout[-6000:]
    assert len(set(live.values())) == 1 and live["app1"] in ("2", "5")
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert how == "crash" or traffic.report.failed == 0, traffic.report.failures
    for name in HOSTS:
        look = stage.look(name)
        assert len(look.processes) == 1 and look.current == f"releases/{look.processes[0]}" and not look.locked
        begun = {r["deploy_id"] for r in look.journal if r["event"] == "begin"}
        assert begun == {r["deploy_id"] for r in look.journal if r["event"] == "end"}


def test_the_oldest_ansible_knows_a_fleet_too(stage: LabStage) -> None:
    stage.live(1)
    result, traffic = deploy(stage, 2, "three hosts, ansible-core 2.16, online 1 -> 2", ansible="2.16")
    assert result.rc == 0, result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    before = stage.footprint()
    with broken_units(stage, "app3"):
        result, traffic = deploy(stage, 5, "three hosts, ansible-core 2.16, fails on app3", ansible="2.16")
    assert result.rc != 0 and "does not come up" in result.stdout
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    assert stage.footprint() == before and serving(stage) == everywhere(2)
