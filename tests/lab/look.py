# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands on a host after a deploy, asked from outside, and what became of the requests (control node)."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
import typing as t

from tests.lab.host import Host
from tests.support.load import ORDERS_TABLE, LoadReport
from tests.support.load_process import LoadProcess

# Runs on the host as root: one login tells everything.
LOOK = r"""
import glob, json, os, re, subprocess, sys

root, app = sys.argv[1:]
def say(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, universal_newlines=True).stdout.splitlines()
def lines(path):
    return open(path).read().splitlines() if os.path.exists(path) else []
def names(path):
    return sorted(os.listdir(path)) if os.path.isdir(path) else []
running = set()
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        line = open(path, "rb").read().decode(errors="replace")
    except OSError:
        continue
    running.update(re.findall(re.escape(root) + r"/releases/([^/\0]+)/", line))
listed = [line.split() for line in say("systemctl", "list-units", "--all", "--plain", "--no-legend", app + "-*")]
files = [line.split() for line in say("systemctl", "list-unit-files", "--no-legend", app + "-*")]
manifests = {path.split("/")[-2]: json.load(open(path)) for path in glob.glob(root + "/releases/*/.release.json")}
json.dump({
    "current": os.readlink(root + "/current") if os.path.islink(root + "/current") else "",
    "units": {unit[0]: unit[3] for unit in listed if len(unit) > 3},
    "enabled": sorted(unit[0] for unit in files if unit[1] == "enabled"),
    "definitions": [name for name in names("/etc/systemd/system") if name.startswith(app + "-")],
    "processes": sorted(running),
    "sockets": [name for name in names(sys.argv[1] + "/run") if ".sock" in name],
    "journal": [json.loads(line) for line in lines(root + "/.deploy/journal.jsonl")],
    "locked": os.path.lexists(root + "/.deploy/lock"),
    "manifests": manifests,
}, sys.stdout)
"""


@dataclasses.dataclass
class Look:
    """What one host has; two footprints are equal when nothing has changed that anybody could notice."""

    current: str
    units: dict[str, str]
    enabled: list[str]
    definitions: list[str]
    processes: list[str]
    sockets: list[str]
    journal: list[dict[str, t.Any]]
    locked: bool
    manifests: dict[str, dict[str, t.Any]]

    @property
    def footprint(self) -> tuple[t.Any, ...]:
        """What a deploy that is taken back leaves as it was."""
        return self.current, self.units, self.enabled, self.definitions, self.processes, self.sockets, self.locked

    @property
    def last(self) -> dict[str, t.Any]:
        """The record with which the last deploy ended; fails when it never did."""
        record = self.journal[-1]
        if record["event"] != "end":
            raise RuntimeError(f"the last deploy has not ended: {record}")
        return record


def look(host: Host, root: str, app: str) -> Look:
    """Look around on a host."""
    return Look(**json.loads(host.run(f"python3 - {root} {app}", stdin=LOOK).stdout))


@dataclasses.dataclass
class Traffic:
    """What became of the requests: `before` and `during` the block, `ended` after it, `report` of all."""

    url: str
    load: LoadProcess
    before: LoadReport = dataclasses.field(init=False)
    during: LoadReport = dataclasses.field(init=False)
    ended: LoadReport = dataclasses.field(init=False)
    report: LoadReport = dataclasses.field(init=False)
    lost: list[str] = dataclasses.field(default_factory=list)

    def between(self, earlier: float, later: float) -> LoadReport:
        """Tell of the requests that were sent between two readings of the clock, as a journal has them."""
        ahead = time.time() - time.monotonic()
        return self.load.report(earlier - ahead, later - ahead)

    def told(self, what: str) -> None:
        """Print the figures, for `pytest -s` and for the report of a failing test."""
        got, seconds = self.report, self.report.seconds
        print(f"{what}: requests={got.requests} ({got.requests / seconds:.0f}/s) failed={got.failed}", end=" ")
        print(f"writes={got.writes} lost={len(self.lost)} versions={got.versions}", *got.failures)
        for name, part in (("before", self.before), ("during", self.during), ("after", self.ended)):
            rate = part.requests / max(part.seconds, 0.1)
            print(f"  {name}: {part.seconds:.1f} s at {rate:.0f}/s", end=" ")
            print(f"p50={part.p50_ms:.0f} p99={part.p99_ms:.0f} worst={part.worst_ms:.0f} ms stalls={part.stalls}")


@contextlib.contextmanager
def traffic(url: str, load: LoadProcess, before: float, after: float, table: str = ORDERS_TABLE) -> t.Iterator[Traffic]:
    """Send requests before, during and after the block. table: where their writes are found."""
    found = Traffic(url, load)
    with load:
        begun = time.monotonic()
        time.sleep(before)
        entered = time.monotonic()
        yield found
        left = time.monotonic()
        time.sleep(after)
        found.report = load.stop()
        found.before, found.during = load.report(begun, entered), load.report(entered, left)
        found.ended = load.report(left + 0.1)
    found.lost = found.report.lost(url, table)
