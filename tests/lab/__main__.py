# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""./run lab: hosts to look around on, and to deploy to by hand (control node)."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys

from tests.lab import network
from tests.lab.host import login
from tests.lab.image import PYTHONS
from tests.lab.needs import why_not
from tests.lab.stage import LabStage, lab_stage
from tests.support.paths import tool
from tests.support.playbook import collections_tree

TOLD = """
Deploy release 1, then 2 (there are 1 to 9):
  export ANSIBLE_COLLECTIONS_PATH={tree}
  {playbook} -i {inventory} deploy.yml
  {playbook} -i {inventory} deploy.yml -e deploy_version=r2
Look around: ./run lab ssh {host}      as root: ./run lab ssh root@{host}
The shop:    http://{address}/version/
The end:     ./run lab down
"""


def up(names: list[str], suite: str) -> None:
    """Boot hosts with the print shop's database and nginx, and leave them running."""
    app = [name for name in names if not name.startswith("db")]
    databases = [name for name in names if name.startswith("db")]
    if not app or len(databases) > 1:
        sys.exit("lab: name at least one application host, and at most one whose name begins with db")
    print(f"Booting {', '.join(names)} ({suite}); the first time the image is made, about a minute.", flush=True)
    with lab_stage(app, databases[0] if databases else "", suite) as stage:
        stage.lab.keep()
        _tell(stage)


def _tell(stage: LabStage) -> None:
    inventory = stage.lab.base / "hosts.json"
    inventory.touch(mode=0o600)
    inventory.write_text(json.dumps(stage.inventory(1), indent=2))
    for host in stage.hosts.values():
        print(f"{host.name:<{8}} {host.address}")
    first = stage.app[0]
    known = {"tree": collections_tree(stage.lab.base), "inventory": inventory, "playbook": tool("ansible-playbook")}
    print(TOLD.format(**known, host=first, address=stage.hosts[first].address), end="")


def down() -> None:
    """End the labs that were left running. Those of a test that still runs are left alone."""
    gone = network.sweep(kept=True)
    print(f"Labs that are gone: {', '.join(map(str, gone))}" if gone else "No lab was up.")


def ssh(whom: str, command: list[str]) -> None:
    """Log in to a host of the newest lab that has it."""
    user, _at, name = whom.rpartition("@")
    found = [record for record in network.records().values() if name in record["hosts"]]
    if not found:
        known = sorted({host for record in network.records().values() for host in record["hosts"]})
        sys.exit(
            f"lab: no host is called {name}: " + (f"there are {', '.join(known)}" if known else "./run lab up first")
        )
    record = max(found, key=lambda record: pathlib.Path(record["base"]).stat().st_mtime)
    address = record["hosts"][name]["address"]
    os.execvp("ssh", ["ssh", *login(pathlib.Path(record["base"]), address, user or "deployer"), *command])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./run lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("up", help="boot hosts; one called db... is the database's")
    make.add_argument("names", nargs="*", metavar="HOST", help="app1 when none is named")
    make.add_argument("--suite", choices=sorted(PYTHONS), default="bookworm")
    commands.add_parser("down", help="end the labs that were left running")
    enter = commands.add_parser("ssh", help="log in to a host")
    enter.add_argument("host", metavar="[USER@]HOST")
    enter.add_argument("remote", nargs=argparse.REMAINDER, metavar="COMMAND")
    given = parser.parse_args()
    problem = why_not()
    if problem:
        sys.exit(f"lab: there can be none here: {problem}")
    if given.command == "up":
        up(given.names or ["app1"], given.suite)
    elif given.command == "down":
        down()
    else:
        ssh(given.host, given.remote)


if __name__ == "__main__":
    main()
