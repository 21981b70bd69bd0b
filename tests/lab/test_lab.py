# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts boot, and the faults do what they say: a test on a fault that did not happen shows nothing (control node)."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import sys
import typing as t

import pytest

from tests.lab import faults, network
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.support.paths import CHECKOUT

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


@pytest.fixture(scope="module")
def lab() -> t.Iterator[Lab]:
    """Boot two hosts."""
    with Lab(["app1", "app2"]) as running:
        yield running


@pytest.fixture
def host(lab: Lab) -> Host:
    """Take the first one."""
    return lab.hosts["app1"]


def greets(address: str, port: int = 22) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def test_hosts_are_whole_debians(lab: Lab) -> None:
    for name, host in lab.hosts.items():
        told = host.run(
            "hostname; cat /proc/1/comm; systemctl is-system-running; sudo -n id -u", user="deployer"
        ).stdout
        assert told.split() == [name, "systemd", "running", "0"], host.run("systemctl --failed", check=False).stdout
        assert host.run("id -un", user="shop").stdout.strip() == "shop"
    units = "systemctl is-active ssh nginx postgresql systemd-journald"
    assert lab.hosts["app1"].run(units).stdout.split() == ["active"] * 4


def test_hosts_share_no_control_group(lab: Lab) -> None:
    for host in lab.hosts.values():
        # A process of another host would be seen as number 0.
        assert "0" not in host.run("cat /sys/fs/cgroup/system.slice/*/cgroup.procs").stdout.split()


@pytest.mark.long
def test_hosts_know_each_other_and_nobody_else(lab: Lab) -> None:
    other = lab.hosts["app2"].address
    assert "SSH-2.0" in lab.hosts["app1"].run(f"exec 3<>/dev/tcp/app2/22; head -c 8 <&3; getent hosts {other}").stdout
    assert lab.hosts["app1"].run("ip route show default").stdout == ""


@pytest.mark.long
def test_files_arrive_as_they_were_sent(host: Host) -> None:
    host.write("/etc/odd name", "it's $HOME\n", 0o640, owner="shop")
    assert host.read("/etc/odd name") == "it's $HOME\n"
    assert host.run("stat -c '%a %U' '/etc/odd name'").stdout.split() == ["640", "shop"]


def test_cut_network_hangs_and_heals(lab: Lab, host: Host) -> None:
    assert greets(host.address)
    with faults.cut_off(host):
        assert not greets(host.address)
        assert host.run("true", check=False).returncode == 255
        # The host itself lives on, and the other one is not concerned.
        assert host.inside("hostname").stdout.strip() == "app1"
        assert greets(lab.hosts["app2"].address)
    assert host.run("hostname").stdout.strip() == "app1"


def test_crash_ends_processes_and_keeps_the_disk(host: Host) -> None:
    host.run("echo kept >/var/lib/kept; sync; systemd-run --unit=runner sleep 1000")
    before = host.run(BOOT_ID).stdout
    faults.crash(host)
    assert not host.running() and not greets(host.address)
    faults.boot(host)
    assert host.read("/var/lib/kept") == "kept\n"
    assert host.run(BOOT_ID).stdout != before
    assert host.run("systemctl is-active runner", check=False).stdout.strip() == "inactive"


@pytest.mark.long
def test_reboot_is_orderly(host: Host) -> None:
    stopping = "systemd-run --unit=orderly -p ExecStop='/bin/touch /var/lib/stopped' -p Type=exec sleep 1000"
    host.run(f"rm -f /var/lib/stopped; {stopping}")
    before = host.run(BOOT_ID).stdout
    faults.reboot(host)
    assert host.run(BOOT_ID).stdout != before
    assert host.run("ls /var/lib/stopped").returncode == 0


@pytest.mark.long
def test_disk_is_full_where_it_was_asked_for(host: Host) -> None:
    host.run("mkdir -p /srv/full && echo old >/srv/full/old && chown -R shop: /srv/full && chmod 750 /srv/full")
    with faults.fill(host, "/srv/full"):
        done = host.run("cp /srv/full/old /srv/full/half", check=False, user="shop")
        assert done.returncode and "No space left" in done.stderr
        assert host.read("/srv/full/old") == "old\n"
        assert host.run("stat -c '%a %U' /srv/full").stdout.split() == ["750", "shop"]
        host.run("echo fine >/srv/beside")
    host.run("echo new >/srv/full/new", user="shop")
    assert host.run("ls -A /srv/full").stdout.split() == ["half", "new", "old"]


@pytest.mark.long
def test_process_is_frozen_thawed_and_killed(host: Host) -> None:
    host.run("systemd-run --unit=victim sleep 1000")
    pid = int(host.run("systemctl show -P MainPID victim").stdout)
    state = f"ps -o state= -p {pid}"
    faults.freeze(host, pid)
    assert host.run(state).stdout.strip() == "T"
    faults.thaw(host, pid)
    assert host.run(state).stdout.strip() == "S"
    faults.kill(host, pid)
    assert host.run("systemctl is-active victim", check=False).stdout.strip() == "failed"


CHILD = """
import os, signal
from tests.lab.lab import Lab
with Lab(["gone"]) as lab:
    print(lab.network.number, lab.base, lab.network.record["hosts"]["gone"]["pid"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_next_lab_cleans_up_after_a_dead_one() -> None:
    argv = [sys.executable, "-c", CHILD]
    done = subprocess.run(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    number, base, pid = done.stdout.split()
    assert network.started_at(int(pid)) and network.leaders(pathlib.Path(base))
    # The lock of a lab that lives is respected: the one of this very module stays.
    assert int(number) in network.sweep()
    assert not network.started_at(int(pid)) and not network.leaders(pathlib.Path(base))
    assert not os.path.exists(base) and not os.path.exists(f"/sys/class/net/sdlab{number}")
