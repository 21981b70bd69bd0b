# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bridge and subnet for each lab of this machine, and the end of what a dead lab has left (control node)."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import typing as t

from tests.lab import cgroups
from tests.lab.needs import call

STATE = pathlib.Path("/run/seamless-lab")
NUMBERS = range(1, 200)


def started_at(pid: int) -> str:
    """Tell when a process was started; with its number it names one process for certain. Empty: it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def end(pid: int, started: str) -> None:
    """Kill this very process, and wait until it is gone."""
    deadline = time.monotonic() + 20
    while started and started_at(pid) == started and time.monotonic() < deadline:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)


def machine(number: int, name: str) -> str:
    """Name a host of a lab among all of this machine; 12 letters fit beside the prefix of its interface."""
    return f"l{number}-{name}"


class Network:
    """A bridge of our own: 10.77.N.0/24, this machine is .1 and the hosts are .11 and up."""

    def __init__(self) -> None:
        sweep()
        for number in NUMBERS:
            lock = take(number)
            if lock and not (STATE / f"{number}.json").exists():
                break
            if lock:
                lock.close()
        else:
            raise RuntimeError(f"{len(NUMBERS)} labs are running on this machine: end them with ./run lab down")
        self.number, self._lock = number, lock
        clear(number)
        self.record: dict[str, t.Any] = {"pid": os.getpid(), "base": "", "kept": False, "hosts": {}}
        self.write()

    @property
    def bridge(self) -> str:
        """Name the bridge."""
        return f"sdlab{self.number}"

    @property
    def subnet(self) -> str:
        """Give the addresses of all."""
        return f"10.77.{self.number}.0/24"

    @property
    def gateway(self) -> str:
        """Give the address of this machine."""
        return f"10.77.{self.number}.1"

    def address(self, index: int) -> str:
        """Give the address of a host."""
        return f"10.77.{self.number}.{11 + index}"

    def machine(self, name: str) -> str:
        """Name a host among all of this machine."""
        return machine(self.number, name)

    def write(self) -> None:
        """Put the record where the next lab finds it when we die."""
        path = STATE / f"{self.number}.json"
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(self.record))
        beside.rename(path)

    def up(self) -> None:
        """Make the bridge."""
        call("ip", "link", "add", self.bridge, "type", "bridge")
        call("ip", "address", "add", f"{self.gateway}/24", "dev", self.bridge)
        call("ip", "link", "set", self.bridge, "up")

    def down(self) -> None:
        """End all hosts, remove the bridge and what they stood on, and give the number back."""
        clear(self.number)
        self._lock.close()

    def keep(self) -> None:
        """Let the hosts outlive this process."""
        self.record["kept"] = True
        self.write()
        self._lock.close()


def take(number: int) -> t.TextIO | None:
    """Lock a number: as long as the file stays open, and this process lives, the lab is ours. None: somebody has it."""
    STATE.mkdir(mode=0o755, exist_ok=True)
    lock = (STATE / f"{number}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def records() -> dict[int, dict[str, t.Any]]:
    """Read what is known of all labs of this machine."""
    return {int(path.stem): json.loads(path.read_text()) for path in STATE.glob("*.json")}


def sweep(kept: bool = False) -> list[int]:
    """Take down the labs whose process has died, and on demand those that were kept on purpose; give their numbers."""
    gone = []
    for number in sorted(records()):
        lock = take(number)
        if lock:
            if clear(number, spare_kept=not kept):
                gone.append(number)
            lock.close()
    return gone


def clear(number: int, spare_kept: bool = False) -> bool:
    """Take down what is recorded of a lab; False when it was kept on purpose and still runs."""
    path = STATE / f"{number}.json"
    nothing: dict[str, t.Any] = {"base": "", "kept": False, "hosts": {}}
    record = json.loads(path.read_text()) if path.exists() else nothing
    processes = [(host["pid"], host["started"]) for host in record["hosts"].values()]
    if spare_kept and record["kept"] and any(started_at(pid) == started for pid, started in processes):
        return False
    base = pathlib.Path(record["base"] or "/nonexistent")
    # Process 1 of a host outlives the program that has booted it: it goes first, and its host with it.
    for pid in leaders(base):
        end(pid, started_at(pid))
    for pid, started in processes:
        end(pid, started)
    for name in record["hosts"]:
        cgroups.remove(machine(number, name))
    for root in sorted(base.glob("hosts/*/root")):
        unmount(root)
    deadline = time.monotonic() + 5
    # A connection that ssh keeps for later removes its own socket at the same time.
    while base.name.startswith("sd-lab-") and base.exists() and time.monotonic() < deadline:
        shutil.rmtree(base, ignore_errors=True)
    # Interfaces can outlive their host for minutes, and would be in the way of the next one of that name.
    cables = [path.name for path in pathlib.Path("/sys/class/net").glob(f"vb-l{number}-*")]
    for name in [*cables, f"sdlab{number}"]:
        subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)
    path.unlink(missing_ok=True)
    return True


def leaders(below: pathlib.Path) -> list[int]:
    """Find, among the processes of this machine, process 1 of every host whose disk is below this path."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (process / "status").read_text()
            inner = next((line.split() for line in status.splitlines() if line.startswith("NSpid:")), [])
            if len(inner) > 2 and inner[-1] == "1" and f"{below}/" in (process / "mountinfo").read_text():
                found.append(int(process.name))
    return found


def unmount(root: pathlib.Path) -> None:
    """Take a host's file system away; the kernel may need a moment after the last process of the host."""
    deadline = time.monotonic() + 10
    while os.path.ismount(root):
        lazily = ["--lazy"] if time.monotonic() > deadline else []
        done = subprocess.run(["umount", *lazily, str(root)], capture_output=True, check=False)
        if done.returncode:
            time.sleep(0.1)
