# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control group for each host: in a shared one, each systemd removes and waits for what is the other's (control node)."""

from __future__ import annotations

import contextlib
import os
import pathlib

CGROUPS = pathlib.Path("/sys/fs/cgroup")


def groups(name: str) -> list[pathlib.Path]:
    """Give the places of a group: version 2, and beside it the one that systemd has kept in version 1."""
    ours = f"seamless-lab-{name}"
    if (CGROUPS / "cgroup.procs").exists():
        return [CGROUPS / ours]
    return [CGROUPS / version / ours for version in ("unified", "systemd") if (CGROUPS / version).is_dir()]


def enter(name: str, argv: list[str]) -> list[str]:
    """Make the group, and give the command that runs this one within it, under the same process number."""
    # A host that crashed has left its groups, and a boot begins with none.
    remove(name)
    places = groups(name)
    for place in places:
        place.mkdir(exist_ok=True)
    moves = "".join(f"echo $$ >{place}/cgroup.procs && " for place in places)
    return ["/bin/sh", "-c", f'{moves}exec "$@"', "sh", *argv]


def remove(name: str) -> None:
    """Remove the group with all that the host has made below it; what still holds a process stays."""
    for place in groups(name):
        for folder, _names, _files in os.walk(place, topdown=False):
            with contextlib.suppress(OSError):
                pathlib.Path(folder).rmdir()
