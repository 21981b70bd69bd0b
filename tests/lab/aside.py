# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node steps aside for the hosts of a lab, which in real life do not share its processors (control node)."""

from __future__ import annotations

import contextlib
import os
import pathlib
import typing as t

CGROUPS = pathlib.Path("/sys/fs/cgroup")


@contextlib.contextmanager
def aside() -> t.Iterator[None]:
    """Give what is started within only the time that the hosts leave; prints a line where the machine cannot."""
    base = CGROUPS / "cpu" if (CGROUPS / "cpu").is_dir() else CGROUPS
    group = base / f"seamless-deploy-{os.getpid()}"
    home = base / _own(pathlib.Path("/proc/self/cgroup").read_text()).lstrip("/")
    try:
        group.mkdir()
        (group / "cpu.idle").write_text("1")
        _move([os.getpid()], group)
    except OSError as exc:
        print(f"the control node shares the processors with the hosts: {exc}")
        with contextlib.suppress(OSError):
            group.rmdir()
        yield
        return
    try:
        yield
    finally:
        # Also the connections, which Ansible leaves open for a minute.
        _move(map(int, (group / "cgroup.procs").read_text().split()), home)
        group.rmdir()


def _own(text: str) -> str:
    """Give the path of a process's cgroup, of version 1 for the processors and otherwise of version 2."""
    lines = [line.split(":", 2) for line in text.splitlines()]
    return next((path for _number, names, path in lines if "cpu" in names.split(",")), lines[-1][2])


def _move(pids: t.Iterable[int], group: pathlib.Path) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            (group / "cgroup.procs").write_text(str(pid))
