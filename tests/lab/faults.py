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
    """Put a small disk on a directory (what is in it is copied) and fill it up to `leave` KiB.

    Processes that hold the directory itself open keep the old one.
    """
    name = shlex.quote(directory)
    copy = f"cp -a {name}/. $d/ && mount --move $d {name} && rmdir $d"
    size = f"$(($(du -sk {name} | cut -f1) * 2 + 4096))k"
    mode = f"$(stat -c %a {name}),uid=$(stat -c %u {name}),gid=$(stat -c %g {name})"
    host.inside(
        f"set -e; d=$(mktemp -d); mount --make-rprivate /; mount -t tmpfs -o size={size},mode={mode} filled $d; {copy}"
    )
    try:
        host.inside(
            f"head -c {leave}k /dev/zero >{name}/.left; cat /dev/zero >{name}/.filled 2>/dev/null; rm {name}/.left"
        )
        yield
    finally:
        host.inside(f"rm -f {name}/.filled; umount --lazy {name}")


def kill(host: Host, pid: int) -> None:
    """Kill one process of the host, at once."""
    host.inside(f"kill -KILL {pid}")


def freeze(host: Host, pid: int) -> None:
    """Make a process stand still: it holds what it holds, and answers nobody."""
    host.inside(f"kill -STOP {pid}")


def thaw(host: Host, pid: int) -> None:
    """Let it go on."""
    host.inside(f"kill -CONT {pid}")
