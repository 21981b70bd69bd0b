# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a process is, by /proc: where it runs, with which interpreter, and what belongs to it. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
import typing as t

#: States of a process that does nothing any more: zombie, dead.
GONE = ("Z", "X", "x")


@dataclasses.dataclass(frozen=True)
class ProcessFacts:
    """What could be read of one process; None where the system did not let us."""

    pid: int
    cwd: t.Optional[str] = None
    argv: t.Optional[list[str]] = None
    virtual_env: t.Optional[str] = None
    mapped: t.Optional[list[str]] = None


@dataclasses.dataclass(frozen=True)
class Stat:
    """The fields of /proc/PID/stat that tell a family."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    started: int


def is_inside(path: str, directory: str) -> bool:
    """Whether `path` is `directory` or lies in it; both real paths."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def runs_inside(facts: ProcessFacts, directory: str) -> t.Optional[bool]:
    """Whether a process works in `directory` (a real path); None when that cannot be seen."""
    if facts.cwd is None:
        return None
    return is_inside(facts.cwd, directory)


def runs_interpreter(facts: ProcessFacts, venvs: t.Sequence[str]) -> t.Optional[bool]:
    """Whether a process runs the python of a virtual environment, known under the names `venvs`; None when unseen.

    /proc/PID/exe is of no use: it resolves to the interpreter that the environment was made from.
    """

    def in_venv(path: str) -> bool:
        return any(is_inside(path, venv) for venv in venvs)

    if any(in_venv(path) for path in facts.mapped or ()):
        return True
    program = facts.argv[0] if facts.argv else ""
    if in_venv(program):
        return True
    if program.startswith("/") and os.path.basename(program).startswith(("python", "pypy")):
        return False
    if any("/site-packages/" in path for path in facts.mapped or ()):
        return False
    if facts.virtual_env:
        return facts.virtual_env.rstrip("/") in venvs
    return None


def venv_of(interpreter: str) -> list[str]:
    """The names under which the environment of an interpreter may appear in a process."""
    venv = os.path.dirname(os.path.dirname(interpreter))
    names = [venv, os.path.realpath(venv)]
    return list(dict.fromkeys(names))


def parse_stat(text: str) -> t.Optional[Stat]:
    """One /proc/PID/stat. The name in parentheses may hold anything, so the fields count from the last one."""
    head, _sep, tail = text.rpartition(")")
    fields = tail.split()
    if len(fields) < 20:
        return None
    pid = int(head.split("(", 1)[0])
    return Stat(pid, fields[0], int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def family_of(pid: int, stats: t.Iterable[Stat]) -> dict[int, int]:
    """pid -> start time of a process, its descendants, and all of its process group and session."""
    alive = [stat for stat in stats if stat.state not in GONE]
    members = {stat.pid: stat.started for stat in alive if pid in (stat.pid, stat.group, stat.session)}
    grown = True
    while grown:
        found = {stat.pid: stat.started for stat in alive if stat.parent in members and stat.pid not in members}
        members.update(found)
        grown = bool(found)
    return members


def read_stats() -> list[Stat]:
    """All processes that can be seen; nothing on systems without /proc."""
    stats = []
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            stat = read_stat(int(name)) if name.isdigit() else None
            if stat:
                stats.append(stat)
    return stats


def read_stat(pid: int) -> t.Optional[Stat]:
    """None for a process that cannot be seen."""
    with contextlib.suppress(OSError, ValueError):
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return parse_stat(file.read())
    return None


def family(pid: int) -> dict[int, int]:
    return family_of(pid, read_stats()) if pid > 1 else {}


def survivors(members: dict[int, int]) -> list[int]:
    """Which of a family are still alive; a reused number is somebody else."""
    alive = [stat for stat in map(read_stat, members) if stat and stat.state not in GONE]
    return sorted(stat.pid for stat in alive if members[stat.pid] == stat.started)


def age(pid: int) -> float:
    """Seconds since a process was started, 0 where that cannot be seen."""
    stat = read_stat(pid)
    return time.clock_gettime(time.CLOCK_BOOTTIME) - stat.started / os.sysconf("SC_CLK_TCK") if stat else 0.0


def read_process(pid: int) -> ProcessFacts:
    """The facts of one process, as far as this user may see them."""
    cwd = None
    with contextlib.suppress(OSError):
        cwd = os.readlink(f"/proc/{pid}/cwd")
    cmdline = _read(pid, "cmdline")
    environ = _read(pid, "environ")
    maps = _read(pid, "maps")
    virtual_env = None
    for entry in (environ or "").split("\0"):
        if entry.startswith("VIRTUAL_ENV="):
            virtual_env = entry.partition("=")[2]
    mapped = None
    if maps is not None:
        mapped = sorted(
            {fields[5] for fields in (line.split(None, 5) for line in maps.splitlines()) if len(fields) > 5}
        )
    argv = cmdline.rstrip("\0").split("\0") if cmdline else None
    return ProcessFacts(pid, cwd, argv, virtual_env, mapped)


def _read(pid: int, name: str) -> t.Optional[str]:
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None
