# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deploy is cut off anywhere, by whatever; one run of recover.yml ends in one release with its schema (control node)."""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
import typing as t

import pytest

from tests.lab import faults
from tests.lab.stage import PATH, LabStage
from tests.support.playbook import Play

# Each deploy here brings one column, so that the schema tells which release the database belongs to.
MIGRATION = """import time
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "{before}")]
    operations = [
        migrations.RunPython(lambda apps, schema_editor: time.sleep({pause}), migrations.RunPython.noop),
        migrations.RunSQL("ALTER TABLE orders_order ADD COLUMN IF NOT EXISTS {name} integer", "SELECT 1"),
    ]
"""
# Where a deploy is cut off: behind the record of this action and event.
ONLINE = [
    "deploy begin",
    "release.pull intent",
    "release.pull done",
    "release.install intent",
    "release.install done",
    "database.backup intent",
    "database.backup done",
    "database.migrate intent",
    "database.migrate done",
    "service.define intent",
    "service.start intent",
    "service.start done",
    "service.switch intent",
    "service.switch done",
    "release.activate intent",
    "release.activate done",
    "service.stop intent",
    "service.remove done",
]
STOPPED = ["service.stop done", "database.fence intent", "database.fence done", "database.open done"]
#: The variables of a strategy. A stop with one transaction has no copy to come back to.
STRATEGIES = {
    "online": {"deploy_strategy": "online"},
    "maintenance": {"deploy_strategy": "maintenance"},
    "transaction": {"deploy_strategy": "maintenance", "deploy_safety": "transaction"},
}
LEAN = {("kill", "online", "database.migrate intent")}
CASES = [
    *(("kill", "online", point) for point in ONLINE),
    *(("kill", "maintenance", point) for point in [*STOPPED, "database.migrate intent", "service.switch intent"]),
    *(("kill", "transaction", point) for point in ("database.migrate intent", "database.migrate done")),
    *(
        ("cut", "online", point)
        for point in ("release.install intent", "database.migrate intent", "service.start intent")
    ),
    *(
        ("crash", "online", point)
        for point in ("database.migrate intent", "service.switch intent", "release.activate done")
    ),
    *(("crash", "maintenance", point) for point in ("database.fence done", "database.migrate intent")),
]
TABLE: list[str] = []


@dataclasses.dataclass
class Scene:
    """One host, and releases that come one after the other."""

    stage: LabStage
    numbers: t.Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1))
    last: str = "0003_orders_by_payment"

    def release(self, pause: int = 2) -> str:
        """Commit one more release with a column of its own, whose migration takes this long; give its name."""
        name = f"step_{next(self.numbers)}"
        text = MIGRATION.format(before=self.last, name=name, pause=pause)
        self.stage.repository.change({f"orders/migrations/{name}.py": text}, f"Column {name}", name)
        self.last = name
        return name

    def columns(self) -> set[str]:
        """Name the columns of such releases that the database has."""
        found = self.stage.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders_order' AND column_name LIKE 'step_%'"
        )
        return {name for (name,) in found}

    def known(self) -> set[str]:
        """Name the columns that the live release has migrations for."""
        there = self.stage.hosts["app1"].run(f"ls {PATH}/current/orders/migrations", user="root").stdout.split()
        return {name[: -len(".py")] for name in there if name.startswith("step_")}


@pytest.fixture(scope="module")
def scene(request: pytest.FixtureRequest, one_host: LabStage) -> t.Iterator[Scene]:
    """Have release 2 serve on one host; show the table at the end."""
    one_host.live(2)
    one_host.repository.git("checkout", "--quiet", "main")
    yield Scene(one_host)
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n" + "\n".join(TABLE))


def wait_for(stage: LabStage, play: Play, point: str, known: int) -> bool:
    """Look at the journal through the host's disk until it has the record; False when the deploy ended without it."""
    action, _space, event = point.rpartition(" ")
    path = stage.hosts["app1"].root / PATH.lstrip("/") / ".deploy" / "journal.jsonl"
    while play.process.poll() is None:
        records = [json.loads(line) for line in path.read_text().splitlines()[known:] if line.endswith("}")]
        if any(record["action"] == action and record["event"] == event for record in records):
            return True
        time.sleep(0.02)
    return False


def break_off(stage: LabStage, play: Play, how: str) -> None:
    host = stage.hosts["app1"]
    if how == "kill":
        play.kill()
    elif how == "cut":
        faults.cut(host)
        play.wait(120)
        faults.heal(host)
    else:
        faults.crash(host)
        play.wait(120)
        faults.boot(host)


@pytest.mark.parametrize(
    ("how", "strategy", "point"),
    [pytest.param(*case, marks=[] if case in LEAN else [pytest.mark.long]) for case in CASES],
)
def test_one_run_of_recover_ends_in_one_release(scene: Scene, how: str, strategy: str, point: str) -> None:
    stage, host = scene.stage, scene.stage.hosts["app1"]
    version, before = scene.release(), stage.directory()
    known, databases = len(stage.journal()), stage.databases()
    with stage.traffic(60, before=1, after=1) as traffic:
        with stage.start("deploy.yml", 2, deploy_version=version, **STRATEGIES[strategy]) as play:
            assert wait_for(stage, play, point, known), play.said()[-3000:]
            break_off(stage, play, how)
        host.wait(60)
        cut_off = stage.serving() or "nothing"
        recovered = stage.run("recover.yml", 2, deploy_version=version, **STRATEGIES[strategy])
    assert recovered.rc == 0, recovered.stdout[-6000:]
    look, live = stage.look(), stage.directory()
    way = "forwards" if live != before else "backwards"
    TABLE.append(
        f"{how:<6} {strategy:<12} {point:<26} served then: {cut_off:<8} {way:<10} requests={traffic.report.requests} "
        f"failed={traffic.report.failed} writes={traffic.report.writes} lost={len(traffic.lost)}"
    )
    print(TABLE[-1])
    assert traffic.lost == []
    assert (how, strategy) != ("kill", "online") or traffic.report.failed == 0, traffic.report.failures
    assert look.processes == [live] and look.current == f"releases/{live}" and not look.locked
    # Without a copy the column of what went back stays, because the old release works with it.
    assert scene.columns() == scene.known() or (strategy == "transaction" and scene.columns() > scene.known())
    # What a stop kept aside, of an earlier case too, stays; online keeps nothing aside.
    assert stage.databases() == databases or strategy != "online"
    unfinished = {r["deploy_id"] for r in look.journal if r["event"] == "begin"}
    assert unfinished == {r["deploy_id"] for r in look.journal if r["event"] == "end"}
    # What has gone back leaves a migration that no live release knows: the next release must not build on it.
    if way == "backwards":
        scene.stage.repository.git("reset", "--quiet", "--hard", "HEAD~1")
        scene.last = (
            sorted(scene.known(), key=lambda name: int(name.split("_")[1]))[-1]
            if scene.known()
            else "0003_orders_by_payment"
        )


@pytest.mark.long
def test_a_second_deploy_is_refused_in_words(scene: Scene) -> None:
    stage = scene.stage
    known, before = len(stage.journal()), stage.footprint()
    with stage.start("deploy.yml", 2, deploy_version=scene.release()) as play:
        assert wait_for(stage, play, "release.pull intent", known), play.said()[-3000:]
        second = stage.run("deploy.yml", 2)
        assert second.rc != 0 and "another deploy is under way" in second.stdout, second.stdout[-3000:]
        assert play.wait(200).rc == 0
    assert stage.footprint() != before and not stage.look().locked
