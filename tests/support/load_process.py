# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load in a process of its own, so that what a test does meanwhile never delays a request (control node)."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import time
import typing as t

from tests.support.load import Load, LoadReport, Sample, summarise
from tests.support.paths import CHECKOUT


class LoadProcess:
    """What `Load` is, elsewhere. The monotonic clock is the machine's, so that both sides mean the same moment."""

    def __init__(self, entrance: str | t.Sequence[str], readers: int, writers: int, rate: float, **more: t.Any) -> None:
        self._settings = {"entrance": entrance, "readers": readers, "writers": writers, "rate": rate, **more}
        self._samples: list[Sample] = []
        self._started = 0.0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> t.Self:
        pipes: dict[str, t.Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": CHECKOUT}
        argv = [sys.executable, "-m", "tests.support.load_process"]
        self._process = subprocess.Popen(argv, start_new_session=True, **pipes)
        self._ask(json.dumps(self._settings))
        self._started = time.monotonic()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _ask(self, line: str) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the load has died with {process.wait()}")
        self._samples += [Sample(*values) for values in json.loads(answer)]

    def stop(self) -> LoadReport:
        """Let the requests under way come back, and tell what happened to all."""
        process = self._process
        if process is not None:
            try:
                self._ask("stop")
                process.wait(timeout=10)
            finally:
                process.kill()
                process.wait()
                self._process = None
        return self.report()

    def report(self, since: float = 0.0, until: float = math.inf) -> LoadReport:
        """Tell of the requests that were sent between two readings of time.monotonic()."""
        self._ask("report")
        samples = [sample for sample in self._samples if since <= sample.started < until]
        return summarise(samples, min(until, time.monotonic()) - max(since, self._started))


def main() -> None:
    """Serve the other side: each line of standard input is a question, answered with the samples that are new."""
    given, told = 0, 0
    settings = json.loads(sys.stdin.readline())
    with Load(**settings) as load:
        print("[]", flush=True)
        for line in sys.stdin:
            if line.strip() == "stop":
                load.stop()
            told, given = given, len(load.samples())
            print(json.dumps([dataclasses.astuple(each) for each in load.samples(told)[: given - told]]), flush=True)
            if line.strip() == "stop":
                return


if __name__ == "__main__":
    main()
