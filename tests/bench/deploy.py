# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An online deploy against a plain shell script with the same steps: same host, same run (control node)."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import re
import statistics

from tests.bench.peer import Peer
from tests.lab.look import traffic
from tests.lab.stage import LabStage, lab_stage
from tests.support import shop
from tests.support.load_process import LoadProcess

RATE = 50
TASK = re.compile(r"^(\S+ \S+) p=\d+ .*?\| (TASK|RUNNING HANDLER|PLAY RECAP)(?: \[(.*?)\])?", re.MULTILINE)
BACKUP = "backup"


@dataclasses.dataclass
class Run:
    """One deploy: seconds in all, seconds of the backup, tasks that were run, what became of the requests."""

    seconds: float
    failed: int
    requests: int
    backup: float = 0.0
    tasks: int = 0
    slowest: list[tuple[str, float]] = dataclasses.field(default_factory=list)


def task_times(log: str) -> list[tuple[str, float]]:
    """Seconds of every task, from Ansible's own log, where each line has its time."""
    found = TASK.findall(log)
    moments = [datetime.datetime.strptime(at, "%Y-%m-%d %H:%M:%S,%f") for at, _kind, _name in found]
    return [
        (name, (after - at).total_seconds())
        for (_at, _kind, name), at, after in zip(found, moments, moments[1:], strict=False)
    ]


def ours(stage: LabStage, version: str, log: pathlib.Path) -> Run:
    log.unlink(missing_ok=True)
    load = LoadProcess([f"http://{stage.hosts['app1'].address}"], readers=6, writers=2, rate=RATE, max_seconds=300)
    with traffic(stage.url(), load, 2, 2) as seen:
        result = stage.run(
            "deploy.yml", 1, deploy_version=version, env={"ANSIBLE_LOG_PATH": str(log), "ANSIBLE_PIPELINING": "1"}
        )
    if result.rc:
        raise SystemExit(f"bench: the deploy failed: {result.stdout[-3000:]}")
    times = task_times(log.read_text())
    backup = sum(seconds for name, seconds in times if name.endswith("Make a backup and prove it"))
    slowest = sorted(times, key=lambda each: -each[1])[:8]
    return Run(
        seen.during.seconds, seen.report.failed, seen.report.requests, backup, result.stats["app1"]["ok"], slowest
    )


def theirs(peer: Peer, version: str) -> Run:
    load = LoadProcess([peer.entrance], readers=6, writers=2, rate=RATE, max_seconds=300)
    with traffic(peer.url, load, 2, 2) as seen:
        seconds = peer.deploy(version)
    return Run(seconds, seen.report.failed, seen.report.requests)


def versions(stage: LabStage, rounds: int) -> list[str]:
    """Releases with a migration each, on top of release 2 and of one another."""
    stage.repository.git("checkout", "--quiet", "main")
    names = []
    for number in range(rounds):
        migration = MIGRATION.format(
            before=f"bench_{number - 1}" if number else "0003_orders_by_payment", number=number
        )
        files = {f"orders/migrations/bench_{number}.py": migration}
        stage.repository.change(files, f"Column {number} of the benchmark", f"bench{number}")
        names.append(f"bench{number}")
    return names


MIGRATION = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "{before}")]
    operations = [
        migrations.RunSQL("ALTER TABLE orders_order ADD COLUMN bench_{number} integer", "ALTER TABLE orders_order DROP COLUMN bench_{number}"),
    ]
"""


def main(rounds: int = 3) -> None:
    """Print seconds of both, their ratio, tasks, and failed requests."""
    with lab_stage() as stage:
        peer = Peer(stage)
        stage.live(2)
        peer.deploy("r1")
        shop.fill(peer.url, 5_000, 100)
        peer.deploy("r2")
        pairs = []
        for version in versions(stage, rounds):
            pairs.append((ours(stage, version, stage.lab.base / "ansible.log"), theirs(peer, version)))
            own, other = pairs[-1]
            print(
                f"bench deploy: {version}: seamless {own.seconds:.1f} s (backup {own.backup:.1f} s of it, {own.tasks} tasks, failed "
                f"{own.failed} of {own.requests}), shell {other.seconds:.1f} s (failed {other.failed} of {other.requests})",
                flush=True,
            )
        ratios = [own.seconds / other.seconds for own, other in pairs]
        without = [(own.seconds - own.backup) / other.seconds for own, other in pairs]
        for name, seconds in pairs[-1][0].slowest:
            print(f"bench deploy:   {seconds:5.1f} s  {name}")
        print(
            f"bench deploy: ratio={statistics.median(ratios):.2f} without_backup={statistics.median(without):.2f} "
            f"tasks={max(own.tasks for own, _other in pairs)} failed={sum(own.failed for own, _other in pairs)} "
            f"shell_failed={sum(other.failed for _own, other in pairs)}"
        )


if __name__ == "__main__":
    main()
