# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An online deploy against a plain shell script with the same steps: same host, same run (control node).

Twice: the print shop, which needs three packages and installs nothing anew, and the same with a content management system in it.
"""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import re
import statistics

from tests.bench.peer import Peer
from tests.lab.look import traffic
from tests.lab.stage import LabStage, lab_stage
from tests.lab.wheels import requirements
from tests.support import shop
from tests.support.load_process import LoadProcess

RATE = 50
SEVERAL_PACKAGES = "wagtail==8.0.1"
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


def ordinary(stage: LabStage, name: str, rounds: int, before: str = "0003_orders_by_payment") -> list[str]:
    """Releases with a migration each, on top of what is checked out and of one another."""
    names = [f"{name}{number}" for number in range(rounds)]
    for version, last in zip(names, [before, *names], strict=False):
        files = {f"orders/migrations/{version}.py": MIGRATION.format(before=last, name=version)}
        stage.repository.change(files, f"Column {version} of the benchmark", version)
    return names


def with_cms(stage: LabStage) -> str:
    """A release with a content management system: its packages, its migrations, its static files."""
    files = {}
    for name, more in {"requirements.txt": f"{SEVERAL_PACKAGES}\n", "shop/settings.py": CMS}.items():
        files[name] = (stage.repository.path / name).read_text() + more
    stage.repository.change(files, "A content management system", "cms")
    return "cms"


MIGRATION = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "{before}")]
    operations = [
        migrations.RunSQL("ALTER TABLE orders_order ADD COLUMN {name} integer", "ALTER TABLE orders_order DROP COLUMN {name}"),
    ]
"""
CMS = """
INSTALLED_APPS += [f"django.contrib.{name}" for name in ("admin", "sessions", "messages")]
names = "contrib.forms contrib.redirects contrib.settings contrib.search_promotions contrib.simple_translation "
names += "embeds sites users snippets documents images locales search admin"
INSTALLED_APPS += [f"wagtail.{name}" for name in names.split()]
INSTALLED_APPS += ["wagtail", "modelcluster", "taggit", "modelsearch", "django_tasks"]
MIDDLEWARE += [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES[0]["OPTIONS"] = {
    "context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]
}
WAGTAIL_SITE_NAME = "The print shop"
WAGTAILADMIN_BASE_URL = "http://localhost"
"""


@dataclasses.dataclass
class Pair:
    """The same release, deployed by both."""

    own: Run
    other: Run

    def told(self, version: str) -> str:
        own, other = self.own, self.other
        return (
            f"{version}: seamless {own.seconds:.1f} s (backup {own.backup:.1f} s of it, {own.tasks} tasks, failed {own.failed} of "
            f"{own.requests}), shell {other.seconds:.1f} s (failed {other.failed} of {other.requests})"
        )


def measured(stage: LabStage, peer: Peer, names: list[str]) -> list[Pair]:
    """Deploy each of them with both, one after the other."""
    pairs = []
    for version in names:
        pairs.append(Pair(ours(stage, version, stage.lab.base / "ansible.log"), theirs(peer, version)))
        print(f"bench deploy: {pairs[-1].told(version)}", flush=True)
    return pairs


def summed_up(what: str, pairs: list[Pair]) -> str:
    ratios = [each.own.seconds / each.other.seconds for each in pairs]
    without = [(each.own.seconds - each.own.backup) / each.other.seconds for each in pairs]
    longer = [each.own.seconds - each.other.seconds for each in pairs]
    return (
        f"bench deploy: {what}: ratio={statistics.median(ratios):.2f} without_backup={statistics.median(without):.2f} "
        f"longer={statistics.median(longer):.1f} s tasks={max(each.own.tasks for each in pairs)} "
        f"failed={sum(each.own.failed for each in pairs)} shell_failed={sum(each.other.failed for each in pairs)}"
    )


def main(rounds: int = 3) -> None:
    """Print seconds of both, their ratio, tasks, and failed requests."""
    with lab_stage(requirements=requirements("bookworm") + SEVERAL_PACKAGES) as stage:
        peer = Peer(stage)
        stage.live(2)
        peer.deploy("r1")
        shop.fill(peer.url, 5_000, 100)
        peer.deploy("r2")
        stage.repository.git("checkout", "--quiet", "main")
        small = measured(stage, peer, ordinary(stage, "shop", rounds))
        slowest = small[-1].own.slowest
        # Nobody wants to wait for three of those: all its packages are new.
        arrived = measured(stage, peer, [with_cms(stage)])
        large = measured(stage, peer, ordinary(stage, "more", rounds, f"shop{rounds - 1}"))
        for name, seconds in slowest:
            print(f"bench deploy:   {seconds:5.1f} s  {name}")
        for what, pairs in {"shop": small, "new packages": arrived, "shop with CMS": large}.items():
            print(summed_up(what, pairs))


if __name__ == "__main__":
    main()
