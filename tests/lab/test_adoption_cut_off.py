# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An adoption is cut off between its steps, and the next run of the playbook finishes it (control node)."""

from __future__ import annotations

import json
import time
import typing as t

import pytest

from tests.lab import faults
from tests.lab.adopted import OLD, PAPERS, install_by_hand
from tests.lab.stage import PATH, LabStage, lab_stage
from tests.lab.test_adoption import RATE, adopted_release, papers, wait_for
from tests.support.playbook import Play

pytestmark = pytest.mark.long

# Whether only the control node dies, or also the process on the host that does it.
CASES = [
    ("control node", "deploy begin"),
    ("control node", "adoption.share intent"),
    ("both", "adoption.release done"),
    ("both", "adoption.lead done"),
]


@pytest.fixture(scope="module")
def stage() -> t.Iterator[LabStage]:
    """Boot one host on which an installation made by hand serves."""
    with lab_stage() as scene:
        install_by_hand(scene)
        wait_for(scene, "1")
        yield scene


def journal(stage: LabStage) -> list[dict[str, t.Any]]:
    """Read the journal through the host's disk."""
    path = stage.hosts["app1"].root / PATH.lstrip("/") / ".deploy" / "journal.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def reach(stage: LabStage, play: Play, point: str, known: int) -> None:
    """Wait for a record of the adoption; fails when it ends without it."""
    while play.process.poll() is None:
        if point in [f"{record['action']} {record['event']}" for record in journal(stage)[known:]]:
            return
        time.sleep(0.005)
    raise AssertionError(f"it ended without {point}: {play.said()[-3000:]}")


def end_the_step(stage: LabStage) -> bool:
    """Kill the process on the host that adopts; whether it was still at work."""
    host = stage.hosts["app1"]
    folder = host.root / PATH.lstrip("/") / ".deploy" / "runs"
    (state,) = [json.loads(path.read_text()) for path in folder.glob("adoption.present-*.json")]
    faults.kill(host, state["pid"])
    return bool(state["status"] == "running")


@pytest.mark.parametrize(("who", "point"), CASES)
def test_the_next_run_finishes_it(stage: LabStage, who: str, point: str) -> None:
    known = len(journal(stage))
    with stage.traffic(RATE) as traffic:
        with stage.start("adopt.yml", 1, adopt_unit="shop") as play:
            reach(stage, play, point, known)
            if who == "both":
                assert end_the_step(stage)
            play.kill()
        assert stage.serving() == "1"
        if who == "both":
            refused = stage.run("deploy.yml", 2)
            assert refused.rc != 0 and "Run adopt.yml again" in " ".join(refused.stdout.split()), refused.stdout[-3000:]
        finished = stage.run("adopt.yml", 1, adopt_unit="shop")
    traffic.told(f"adoption cut off behind {point}, {who}")
    assert finished.rc == 0, finished.stdout[-5000:]
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    look = stage.look()
    assert look.current == f"releases/{adopted_release(stage)}" and not look.locked
    assert "proxy_pass http://unix:" in stage.hosts["app1"].read("/etc/nginx/sites-enabled/shop")
    assert stage.version()["directory"] == OLD and papers(stage) == PAPERS
    begun = {record["deploy_id"] for record in look.journal if record["event"] == "begin"}
    assert begun == {record["deploy_id"] for record in look.journal if record["event"] == "end"}
    again = stage.run("adopt.yml", 1, adopt_unit="shop")
    assert (again.rc, again.changed) == (0, 0), again.stdout
    left = stage.run("adopt.yml", 1, adopt_state="absent")
    assert left.rc == 0 and stage.serving() == "1" and papers(stage) == PAPERS, left.stdout


def test_what_was_cut_off_is_taken_back(stage: LabStage) -> None:
    site = stage.hosts["app1"].read("/etc/nginx/sites-enabled/shop")
    known = len(journal(stage))
    with stage.traffic(RATE) as traffic:
        with stage.start("adopt.yml", 1, adopt_unit="shop") as play:
            reach(stage, play, "adoption.lead done", known)
            assert end_the_step(stage)
            play.kill()
        left = stage.run("adopt.yml", 1, adopt_state="absent")
    traffic.told("adoption cut off and taken back")
    assert left.rc == 0, left.stdout[-5000:]
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    look = stage.look()
    assert (look.current, look.processes, look.locked) == ("", [], False)
    assert stage.hosts["app1"].read("/etc/nginx/sites-enabled/shop") == site and papers(stage) == PAPERS
    assert {r["deploy_id"] for r in look.journal if r["event"] == "begin"} == {
        r["deploy_id"] for r in look.journal if r["event"] == "end"
    }
