# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to real hosts, as functions (control node)."""

from __future__ import annotations

import contextlib
import shlex
import typing as t

from tests.lab.host import Host
from tests.lab.needs import call


def cut(host: Host) -> None:
    """Pull the network cable: nothing is refused, everything hangs."""
    call("ip", "link", "set", host.interface, "down")


def heal(host: Host) -> None:
    """Put the network cable back."""
    call("ip", "link", "set", host.interface, "up")


@contextlib.contextmanager
def cut_off(host: Host) -> t.Iterator[None]:
    """Keep the cable out for a while."""
    cut(host)
    try:
        yield
    finally:
        heal(host)


def crash(host: Host) -> None:
    """Lose power."""
    host.crash()


def boot(host: Host) -> None:
    """Switch on again, with the disk as it was left, and wait until people can log in."""
    host.boot()
    host.wait()


def reboot(host: Host) -> None:
    """Restart in an orderly way, from inside."""
    host.inside("systemctl --no-block poweroff")
    host.wait_off()
    boot(host)


@contextlib.contextmanager
def fill(host: Host, directory: str, leave: int = 0) -> t.Iterator[None]:
    """Put a small disk with a copy of its content on a directory, and fill it up to `leave` KiB.

    What is written meanwhile stays afterwards. A process that holds a file or the directory open keeps the old one.
    """
    name = shlex.quote(directory)
    size = f"$(($(du -sk {name} | cut -f1) * 2 + 4096))k"
    owner = f"mode=$(stat -c %a {name}),uid=$(stat -c %u {name}),gid=$(stat -c %g {name})"
    small = f"mount -t tmpfs -o size={size},{owner} filled {name}"
    host.inside(f"set -e; d=$(mktemp -d); cp -a {name}/. $d/; {small}; cp -a $d/. {name}/; rm -r $d")
    head = f"head -c {leave}k /dev/zero >{name}/.left"
    host.inside(f"{head}; cat /dev/zero >{name}/.filled 2>/dev/null; rm {name}/.left")
    try:
        yield
    finally:
        back = f"cp -a {name}/. $d/; umount --lazy {name}; cp -au $d/. {name}/; rm -r $d"
        host.inside(f"set -e; rm -f {name}/.filled; d=$(mktemp -d); {back}")


def kill(host: Host, pid: int) -> None:
    """Kill one process of the host, at once."""
    host.inside(f"kill -KILL {pid}")


def freeze(host: Host, pid: int) -> None:
    """Make a process stand still: it holds what it holds, and answers nobody."""
    host.inside(f"kill -STOP {pid}")


def thaw(host: Host, pid: int) -> None:
    """Let it go on."""
    host.inside(f"kill -CONT {pid}")
