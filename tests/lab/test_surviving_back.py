# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deploy that fails is cut off on its way back; one run of recover.yml ends in the release before it (control node)."""

from __future__ import annotations

import json
import time
import typing as t

import pytest

from tests.lab.stage import PATH, LabStage, lab_stage
from tests.lab.test_surviving import break_off
from tests.support.playbook import Play

pytestmark = pytest.mark.long

# Release 3 fails its health check; the others fail by a hook: behind the entrance, or with the database migrated and the service stopped.
CASES = [
    ("kill", 3, "", "deploy.back note"),
    ("kill", 3, "", "service.remove intent"),
    ("kill", 3, "", "service.start undone"),
    ("kill", 5, "after_start", "service.switch intent"),
    ("kill", 5, "after_start", "service.stop intent"),
    ("kill", 7, "before_start", "database.fence intent"),
    ("kill", 7, "before_start", "database.fence done"),
    ("kill", 7, "before_start", "database.restore done"),
    ("kill", 7, "before_start", "service.start intent"),
    ("cut", 5, "after_start", "service.switch intent"),
    ("crash", 5, "after_start", "service.switch intent"),
    ("crash", 7, "before_start", "database.restore done"),
]


@pytest.fixture(scope="module")
def stage() -> t.Iterator[LabStage]:
    """Boot one host on which release 2 serves."""
    with lab_stage() as scene:
        scene.live(2)
        yield scene


FAILING = [{"name": "Fail on purpose", "ansible.builtin.fail": {"msg": "on purpose"}}]


def wait_for(stage: LabStage, play: Play, point: str, known: int) -> None:
    """Look at the journal through the host's disk until the way back has this record."""
    path = stage.hosts["app1"].root / PATH.lstrip("/") / ".deploy" / "journal.jsonl"
    while play.process.poll() is None:
        records = [json.loads(line) for line in path.read_text().splitlines()[known:] if line.endswith("}")]
        names = [(record["action"], record["step"]) for record in records]
        if ("deploy.back", "back") in names:
            backwards = records[names.index(("deploy.back", "back")) :]
            if point in [f"{record['action']} {record['event']}" for record in backwards]:
                return
        time.sleep(0.02)
    raise AssertionError(f"it ended without {point}: {play.said()[-3000:]}")


@pytest.mark.parametrize(("how", "release", "hook", "point"), CASES)
def test_one_run_of_recover_ends_in_the_release_before(
    stage: LabStage, how: str, release: int, hook: str, point: str
) -> None:
    host, failing = stage.hosts["app1"], stage.lab.base / "fail.yml"
    failing.write_text(json.dumps(FAILING))
    changes: dict[str, t.Any] = {"deploy_strategy": "maintenance" if release == 7 else "online"}
    changes |= {"deploy_hooks": {hook: str(failing)}} if hook else {"deploy_ready_timeout": 10}
    before, catalog, known = stage.look().footprint, stage.catalog(), len(stage.journal())
    with stage.traffic(60, before=1, after=1) as traffic:
        with stage.start("deploy.yml", release, **changes) as play:
            wait_for(stage, play, point, known)
            break_off(stage, play, how)
        host.wait(60)
        recovered = stage.run("recover.yml", release, **changes)
    told = f"{how:<6} 2 -> {release} {point:<24} requests={traffic.report.requests} failed={traffic.report.failed}"
    print(f"{told} writes={traffic.report.writes} lost={len(traffic.lost)}")
    assert recovered.rc == 0, recovered.stdout[-6000:]
    assert traffic.lost == [] and traffic.ended.failed == 0, traffic.report.failures
    assert how != "kill" or release == 7 or traffic.report.failed == 0, traffic.report.failures
    assert set(traffic.ended.versions) == {"2"} and stage.catalog() == catalog
    assert stage.look().footprint == before
    records = stage.journal()[known:]
    (deploy, *others) = [record["deploy_id"] for record in records if record["event"] == "begin"]
    ends = {record["deploy_id"]: record["detail"]["result"] for record in records if record["event"] == "end"}
    assert ends.pop(deploy) == "rolled_back" and set(ends) == set(others) == {records[-1]["deploy_id"]}
    # What is done on the way back belongs to the deploy that is undone, whoever did it.
    assert {record["deploy_id"] for record in records if record["step"] == "back"} == {deploy}
    settled = {record["action"]: record["event"] for record in records if record["event"] in ("undone", "left")}
    assert settled["release.install"] == "left" and settled["release.pull"] == "undone"
    assert release != 7 or settled["database.migrate"] == "undone"


def test_a_crash_that_loses_the_counters_leaves_the_choice_to_a_person(stage: LabStage) -> None:
    host, failing = stage.hosts["app1"], stage.lab.base / "fail.yml"
    failing.write_text(json.dumps(FAILING))
    changes = {"deploy_strategy": "maintenance", "deploy_hooks": {"before_start": str(failing)}}
    known = len(stage.journal())
    with stage.traffic(60, before=1, after=1) as traffic:
        with stage.start("deploy.yml", 7, **changes) as play:
            wait_for(stage, play, "database.fence done", known)
            break_off(stage, play, "crash")
        host.wait(60)
        recovered = stage.run("recover.yml", 7, **changes)
    told = " ".join(recovered.stdout.split())
    assert recovered.rc != 0 and "deploy_database_compatible=true" in told, recovered.stdout[-6000:]
    assert traffic.lost == [] and not stage.look().locked and stage.serving() == "2"
    settled = {r["action"]: r["event"] for r in stage.journal()[known:] if r["event"] in ("undone", "left")}
    assert settled["database.migrate"] == "left"
