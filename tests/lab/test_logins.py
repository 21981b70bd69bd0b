# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose systemd-logind ends all processes of a login with it: what is said, and what becomes of a deploy (control node)."""

from __future__ import annotations

import json
import time
import typing as t

import pytest

from tests.lab.stage import PATH, lab_stage
from tests.lab.test_surviving import Scene, wait_for

pytestmark = pytest.mark.long

SETTINGS = "/etc/systemd/logind.conf.d/lab.conf"
WARNED = "ends all processes of a login together with it"


@pytest.fixture(scope="module")
def scene() -> t.Iterator[Scene]:
    """Boot one host on which release 2 serves."""
    with lab_stage() as stage:
        first = stage.run("deploy.yml", 2, timeout=900)
        assert first.rc == 0, first.stdout
        stage.repository.git("checkout", "--quiet", "main")
        yield Scene(stage)


def migrations(scene: Scene, known: int) -> list[str]:
    path = scene.stage.hosts["app1"].root / PATH.lstrip("/") / ".deploy" / "journal.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()[known:] if line.endswith("}")]
    # Notes tell of what was tried again.
    return [each["event"] for each in records if each["action"] == "database.migrate" and each["event"] != "note"]


@pytest.mark.parametrize("excluded", [False, True], ids=["ended with the login", "excluded"])
def test_a_connection_is_lost_in_a_migration(scene: Scene, excluded: bool) -> None:
    stage, host = scene.stage, scene.stage.hosts["app1"]
    lines = ["[Login]", "KillUserProcesses=yes", *(["KillExcludeUsers=root deployer"] if excluded else [])]
    host.run("mkdir -p /etc/systemd/logind.conf.d")
    host.write(SETTINGS, "\n".join(lines) + "\n")
    host.run("systemctl restart systemd-logind")
    version, known = scene.release(pause=5), len(stage.journal())
    with stage.traffic(60, before=1, after=1) as traffic:
        with stage.start("deploy.yml", 2, deploy_version=version) as play:
            assert wait_for(stage, play, "database.migrate intent", known), play.said()[-3000:]
            host.inside("pkill -KILL -u deployer -x sshd")
            lost = play.wait(120)
        deadline = time.monotonic() + 60
        while migrations(scene, known) == ["intent"] and time.monotonic() < deadline:
            time.sleep(0.2)
        alone = migrations(scene, known)
        recovered = stage.run("recover.yml", 2, deploy_version=version)
    traffic.told(f"the login ends in a migration, {'excluded' if excluded else 'ended with it'}, its records: {alone}")
    assert lost.rc != 0 and (WARNED in " ".join(lost.stdout.split())) is not excluded, lost.stdout
    assert alone == (["intent", "done"] if excluded else ["intent", "failed"])
    assert recovered.rc == 0, recovered.stdout[-6000:]
    assert (traffic.report.failed, traffic.lost) == (0, []), traffic.report.failures
    look = stage.look()
    assert look.processes == [stage.directory()] and not look.locked and scene.columns() == scene.known()
    print(" ".join(line for line in lost.stdout.splitlines() if WARNED in line))
    if version not in scene.known():
        scene.stage.repository.git("reset", "--quiet", "--hard", "HEAD~1")
        scene.last = "0003_orders_by_payment"
