# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo says while it works, and its table (control node)."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
import typing as t

from tests.support.load import Load, LoadReport


@dataclasses.dataclass(frozen=True)
class Act:
    """One deploy of the demo."""

    release: int
    strategy: str
    result: str
    seconds: float
    traffic: LoadReport | None
    as_promised: bool


class Screen:
    """Lines with the time that has passed; silent once nobody reads any more."""

    def __init__(self, began: float) -> None:
        self.began = began

    def say(self, text: str) -> None:
        """Say one thing."""
        self.line(f"[{time.monotonic() - self.began:4.0f} s] {text}")

    def line(self, text: str = "") -> None:
        """Print a line as it is."""
        with contextlib.suppress(OSError, ValueError):
            print(text, flush=True)

    @contextlib.contextmanager
    def ticking(self, load: Load | None, seconds: float = 10) -> t.Iterator[None]:
        """Tell of the traffic from time to time while something else goes on."""
        over = threading.Event()
        began = time.monotonic()

        def tick() -> None:
            while load is not None and not over.wait(seconds):
                # Who answers is told of this deploy alone: the release before the last has nothing to do with it.
                so_far, versions = load.report(), load.report(began).versions
                served = " and ".join(f"release {release}" for release in sorted(versions)) or "nobody"
                self.say(f"  ... {so_far.requests} requests so far, {so_far.failed} failed; now answered by {served}")

        ticker = threading.Thread(target=tick, daemon=True)
        ticker.start()
        try:
            yield
        finally:
            over.set()
            ticker.join(timeout=2)


HEAD = ("deploy", "strategy", "result", "time", "requests", "failed", "orders", "99% within", "slowest")


def _traffic(report: LoadReport | None) -> list[str]:
    if report is None:
        return ["-"] * 5
    counts = [f"{report.requests}", f"{report.failed}", f"{report.writes}"]
    return [*counts, f"{report.p99_ms:.0f} ms", f"{report.worst_ms:.0f} ms"]


def table(acts: list[Act], total: LoadReport, seconds: float) -> list[str]:
    """Lay out the deploys, a line each, and all the traffic below."""
    rows = [
        [f"release {act.release}", act.strategy, act.result, f"{act.seconds:.0f} s", *_traffic(act.traffic)]
        for act in acts
    ]
    rows.append(["all traffic", "", "", f"{seconds:.0f} s", *_traffic(total)])
    widths = [max(len(row[column]) for row in [list(HEAD), *rows]) for column in range(len(HEAD))]

    def lay(row: t.Sequence[str]) -> str:
        # Words stand left, figures right.
        cells = [
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return [lay(HEAD), rule, *map(lay, rows[:-1]), rule, lay(rows[-1])]
