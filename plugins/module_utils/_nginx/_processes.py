# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nginx that runs on this host, as /proc shows it. Target; PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

MASTER = "nginx: master process "
WORKER = "nginx: worker process"
LEAVING = "is shutting down"


@dataclasses.dataclass(frozen=True)
class Worker:
    """One worker process: what it may do, and whether it only finishes what it has begun."""

    pid: int
    master: int
    uid: int
    gid: int
    groups: tuple[int, ...]
    leaving: bool

    @property
    def gids(self) -> set[int]:
        return {self.gid, *self.groups}


@dataclasses.dataclass(frozen=True)
class Nginx:
    """A running nginx: its master (0 without one), the program and the arguments it was started with, its workers."""

    master: int = 0
    program: str = ""
    arguments: tuple[str, ...] = ()
    workers: tuple[Worker, ...] = ()

    def serving(self) -> set[int]:
        return {worker.pid for worker in self.workers if not worker.leaving}

    def leaving(self) -> set[int]:
        return {worker.pid for worker in self.workers if worker.leaving}


def arguments_of(title: str) -> tuple[str, ...]:
    """The options of a master's title that say which configuration it reads. Pure.

    "nginx: master process /usr/sbin/nginx -p /srv/web -c nginx.conf" gives -p and -c with their values.
    """
    words = title[len(MASTER) :].split()
    found: list[str] = []
    for option, value in zip(words, words[1:]):
        if option in ("-c", "-p"):
            found += [option, value]
    return tuple(found)


def parse_status(text: str) -> tuple[int, int, int, tuple[int, ...]]:
    """Parent, effective user, effective group and further groups of /proc/PID/status. Pure."""
    fields = {key: value.split() for key, _sep, value in (line.partition(":") for line in text.splitlines())}
    groups = tuple(int(word) for word in fields.get("Groups", []))
    return int(fields["PPid"][0]), int(fields["Uid"][1]), int(fields["Gid"][1]), groups


def find(configuration: str = "") -> Nginx:
    """The nginx of this host, not one in a container; with several the one that reads `configuration`, else the oldest."""
    titles = _titles()
    masters = sorted(pid for pid, title in titles.items() if title.startswith(MASTER))
    if not masters:
        return Nginx()
    fitting = [pid for pid in masters if configuration and configuration in arguments_of(titles[pid])]
    master = (fitting or masters)[0]
    workers = []
    for pid, title in titles.items():
        if title.startswith(WORKER):
            with contextlib.suppress(OSError, KeyError, ValueError):
                with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
                    parent, uid, gid, groups = parse_status(file.read())
                if parent == master:
                    workers.append(Worker(pid, master, uid, gid, groups, LEAVING in title))
    program = ""
    with contextlib.suppress(OSError):
        program = os.readlink(f"/proc/{master}/exe").replace(" (deleted)", "")
    return Nginx(master, program, arguments_of(titles[master]), tuple(workers))


def _titles() -> dict[int, str]:
    """The titles of all nginx processes in this process namespace."""
    titles: dict[int, str] = {}
    namespace = _namespace("self")
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/cmdline", encoding="utf-8", errors="replace") as file:
                    title = file.read().rstrip("\0").replace("\0", " ").strip()
                if title.startswith("nginx: ") and _namespace(name) in ("", namespace):
                    titles[int(name)] = title
    return titles


def _namespace(pid: t.Union[int, str]) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""
