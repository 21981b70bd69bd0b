# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`./run bench NAME`: measures against a peer in the same run (control node)."""

from __future__ import annotations

import argparse
import importlib
import sys

from tests.lab.needs import why_not

BENCHES = ("deploy", "detect", "rehearse", "stall", "stop")
IN_THE_LAB = {"deploy"}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHES))
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    problem = why_not() if given.name in IN_THE_LAB else ""
    if problem:
        sys.exit(f"bench: left out, it needs the lab: {problem}")
    importlib.import_module("conftest")  # makes the checkout a collection that can be imported
    importlib.import_module(f"tests.bench.{given.name}").main(given.rounds)


if __name__ == "__main__":
    main()
