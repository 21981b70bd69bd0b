# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's story: a first release, one that goes live under traffic, one that fails (control node)."""

from __future__ import annotations

import re
import textwrap
import threading
import time
import typing as t

from tests.demo.screen import Act, Screen, table
from tests.demo.stage import Stage, forget_log, open_log, stage
from tests.support import shop
from tests.support.load import Load, LoadReport
from tests.support.playbook import Result

ORDERS = 200_000
READERS, WRITERS, RATE = 4, 2, 40


class Disappointed(Exception):
    """Something did not go as promised, and going on would show nothing."""


class Story:
    """The acts, one after the other, and what became of the traffic."""

    def __init__(self, screen: Screen, scene: Stage) -> None:
        self.screen = screen
        self.scene = scene
        self.acts: list[Act] = []
        self.load: Load | None = None

    def deploy(self, release: int, judge: t.Callable[[Result], tuple[str, bool]]) -> Act:
        """Run one deploy and judge what came of it."""
        began = time.monotonic()
        with self.screen.ticking(self.load):
            outcome = self.scene.deploy(release)
        ended = time.monotonic()
        verdict, as_promised = judge(outcome)
        if self.load is not None:
            # Half a second later the answers of the last requests are in.
            time.sleep(0.5)
        traffic = self.load.report(began, ended) if self.load else None
        act = Act(release, strategy_of(outcome), verdict, ended - began, traffic, as_promised)
        self.acts.append(act)
        self.screen.say(f"Release {release}: {verdict} ({ended - began:.0f} s).")
        if outcome.rc:
            self.screen.line("        This is what deploy.yml reports:")
        for line in outcome.report if outcome.rc else []:
            for piece in textwrap.wrap(line, 108, subsequent_indent=" " * 11):
                self.screen.line(f"        | {piece}")
        return act

    def first(self) -> None:
        """Deploy release 1 to nothing, and fill its tables."""
        self.screen.say("Deploying release 1 with deploy.yml: an empty directory, an empty database.")
        if not self.deploy(1, self.live(1)).as_promised:
            raise Disappointed("Release 1 is not live, so there is nothing to show under traffic.")
        shop.fill(self.scene.url, ORDERS)
        self.screen.say(f"The table of orders has {ORDERS:,} rows.")

    def second(self) -> None:
        """Deploy release 2 under traffic: columns, and an index made concurrently."""
        self.load = Load(self.scene.entrance, READERS, WRITERS, RATE, max_seconds=400)
        self.load.start()
        self.screen.say(f"Traffic: {RATE} requests a second through the entrance, a third of them new orders.")
        time.sleep(3)
        self.screen.say(
            "Deploying release 2: its migrations add three columns and an index, while orders come. A rehearsal decides how."
        )
        if not self.deploy(2, self.live(2)).as_promised:
            raise Disappointed("Release 2 is not live, so the way back from release 3 would show nothing.")
        time.sleep(3)

    def third(self) -> None:
        """Deploy release 3, which is not fit to serve."""
        self.screen.say("Deploying release 3, whose health check fails: it must not get a single request.")
        before = self.scene.catalog()
        self.deploy(3, self.way_back(before))
        time.sleep(3)

    def live(self, release: int) -> t.Callable[[Result], tuple[str, bool]]:
        """Expect that the deploy succeeds and that this release serves, from its own directory."""

        def judge(outcome: Result) -> tuple[str, bool]:
            if outcome.rc:
                return f"deploy.yml failed with {outcome.rc}", False
            serving, directory = self.scene.serving()
            if serving != str(release) or "/releases/" not in directory:
                return f"release {serving} serves, from {directory}", False
            if self.scene.strangers():
                return f"live, but {', '.join(self.scene.strangers())} still runs", False
            return "live", True

        return judge

    def way_back(self, before: list[tuple[t.Any, ...]]) -> t.Callable[[Result], tuple[str, bool]]:
        """Expect that the deploy fails, and that nobody noticed."""

        def judge(outcome: Result) -> tuple[str, bool]:
            serving, _directory = self.scene.serving()
            if not outcome.rc:
                return f"deploy.yml reports success, release {serving} serves", False
            if serving != "2":
                return f"failed, and release {serving} serves", False
            if self.scene.catalog() != before:
                return "failed, release 2 serves, but the database is changed", False
            if self.scene.strangers():
                return f"failed, but {', '.join(self.scene.strangers())} still runs", False
            return "failed, rolled back to release 2", True

        return judge


def strategy_of(outcome: Result) -> str:
    """Read from the plan which way the deploy chose."""
    said = re.search(r"Strategy: +(online|maintenance)", outcome.stdout)
    return said.group(1) if said else "none"


def tell(screen: Screen, ending: threading.Event, keep_log: bool = False) -> int:
    """Tell the whole story; give the exit code. The last line comes when all is cleaned up."""
    log, told = open_log(), False
    good, last_line = False, "demo: requests=0 failed=0 writes=0 lost=0 release=none strategy=none rolled_back=no"
    try:
        with stage(log, screen.say) as scene:
            good, last_line = _show(screen, scene, last_line)
            if keep_log or not good:
                scene.keep_service_logs()
            # From here on Ctrl-C would only disturb the cleaning.
            ending.set()
            told = True
    finally:
        stopped = ending.is_set() and not told
        if (good and not keep_log) or stopped or not log.stat().st_size:
            forget_log(log)
        else:
            screen.line(f"What the playbooks and the services said: {log}")
    screen.line(last_line)
    return 0 if good else 1


def _show(screen: Screen, scene: Stage, nothing: str) -> tuple[bool, str]:
    story = Story(screen, scene)
    total: LoadReport | None = None
    try:
        for act in (story.first, story.second, story.third):
            act()
    except Disappointed as disappointed:
        screen.say(str(disappointed))
    finally:
        if story.load is not None:
            total = story.load.stop()
    return _sum_up(screen, scene, story.acts, total) if total else (False, nothing)


def _sum_up(screen: Screen, scene: Stage, acts: list[Act], total: LoadReport) -> tuple[bool, str]:
    lost = total.lost(scene.url)
    serving, _directory = scene.serving()
    screen.line()
    for line in table(acts, total, total.seconds):
        screen.line(line)
    screen.line()
    for failure in total.failures:
        screen.line(f"failed requests: {failure}")
    screen.line(
        f"Of {total.writes} acknowledged orders {total.writes - len(lost)} are in the database."
        if lost
        else f"All {total.writes} orders that were acknowledged are in the database: none was lost."
    )
    unfit = total.versions.get("3", 0)
    all_acts = len(acts) == 3
    if unfit:
        screen.line(f"Release 3 answered {unfit} requests, and must not have answered one.")
    elif all_acts:
        screen.line("Release 3, which is not fit to serve, got none of the requests.")
    good = not total.failed and not lost and not unfit and all_acts and all(act.as_promised for act in acts)
    return good, (
        f"demo: requests={total.requests} failed={total.failed} writes={total.writes} lost={len(lost)}"
        f" release={serving} strategy={acts[1].strategy if len(acts) > 1 else 'none'} rolled_back={'yes' if all_acts and acts[2].as_promised else 'no'}"
    )
