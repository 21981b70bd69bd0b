# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One booted host of a lab: an overlay over the image, its own network, SSH (control node)."""

from __future__ import annotations

import contextlib
import pathlib
import shlex
import socket
import subprocess
import time

from tests.lab import cgroups, network
from tests.lab.needs import call

ADDRESS = """[Match]
Name=host0

[Network]
Address={address}/24
LinkLocalAddressing=no
IPv6AcceptRA=no
"""


def login(base: pathlib.Path, address: str, user: str) -> list[str]:
    """Give ssh's arguments for a host of the lab that lives in this directory."""
    options = ["-F", "none", "-i", str(base / "key"), "-o", f"UserKnownHostsFile={base / 'known_hosts'}"]
    options += ["-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=5", "-o", "LogLevel=ERROR"]
    return [*options, f"{user}@{address}"]


class Host:
    """A Debian with systemd as process 1. What is written before the first boot goes below `root`."""

    def __init__(self, name: str, index: int, net: network.Network, base: pathlib.Path, image: pathlib.Path) -> None:
        self.name, self.net, self.base, self.image = name, net, base, image
        self.address = net.address(index)
        self.home = base / "hosts" / name
        self.root = self.home / "root"
        self.log = self.home / "console.log"
        self.binds: list[tuple[pathlib.Path, str]] = []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def interface(self) -> str:
        """Name this machine's end of the host's network cable."""
        return f"vb-{self.net.machine(self.name)}"[:15]

    # -- life ------------------------------------------------------------

    def make(self, names: dict[str, str], public_key: str) -> None:
        """Lay the overlay, and write what makes this host this one."""
        for part in ("upper", "work", "root"):
            (self.home / part).mkdir(parents=True)
        layers = f"lowerdir={self.image},upperdir={self.home / 'upper'},workdir={self.home / 'work'}"
        call("mount", "-t", "overlay", "overlay", "-o", layers, self.root)
        hosts = [f"127.0.0.1 localhost {self.name}", *(f"{address} {name}" for name, address in names.items())]
        self.put("/etc/hosts", "\n".join(hosts) + "\n")
        self.put("/etc/hostname", f"{self.name}\n")
        self.put("/etc/resolv.conf", "")
        self.put("/etc/systemd/network/10-host0.network", ADDRESS.format(address=self.address))
        # A user manager of root that ends hangs for minutes at times, and nobody can log in meanwhile: ours stays.
        self.put("/var/lib/systemd/linger/root", "")
        for home in ("root", "home/deployer"):
            self.put(f"/{home}/.ssh/authorized_keys", public_key, mode=0o600)
        call("chroot", self.root, "chown", "deployer:", "/home/deployer/.ssh/authorized_keys")

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file before the boot, as root."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.touch(mode=mode)
        target.write_text(text)

    def boot(self) -> None:
        """Switch it on. Returns at once: `wait` tells when it can be used."""
        argv = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--link-journal=no"]
        argv += ["--settings=no", "--resolv-conf=off", "--timezone=off", "--console=pipe"]
        argv += [f"--directory={self.root}", f"--machine={self.net.machine(self.name)}", f"--hostname={self.name}"]
        argv += [f"--network-bridge={self.net.bridge}"]
        argv += [f"--bind-ro={source}:{target}" for source, target in self.binds]
        # Newer systemd starts on the unified hierarchy only.
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                cgroups.enter(self.net.machine(self.name), argv),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True,
            )  # fmt: skip
        pid = self._process.pid
        self.net.record["hosts"][self.name] = {"pid": pid, "started": network.started_at(pid), "address": self.address}
        self.net.write()

    def crash(self) -> None:
        """Pull the plug: every process dies at once, the disk stays as it is."""
        known = self.net.record["hosts"][self.name]
        for leader in network.leaders(self.home):
            network.end(leader, network.started_at(leader))
        network.end(known["pid"], known["started"])
        if self._process:
            self._process.wait(timeout=20)

    def running(self) -> bool:
        """Tell whether the host is switched on."""
        known = self.net.record["hosts"].get(self.name, {"pid": 0, "started": ""})
        return bool(known["started"]) and network.started_at(known["pid"]) == known["started"]

    def wait(self, timeout: float = 120) -> None:
        """Wait until all that starts at boot has started, and people can log in."""
        deadline = time.monotonic() + timeout
        # Asked again and again: --wait misses the end of a boot that is over at that very moment.
        up = "timeout 15 sh -c 'until systemctl is-system-running | grep -Eq \"running|degraded\"; do sleep 0.1; done'"
        while not self._greets() or self.run(up, check=False, timeout=60, user="deployer").returncode:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not come up within {timeout:.0f} s: {self._state()}")
            time.sleep(0.1)

    def wait_off(self, timeout: float = 60) -> None:
        """Wait until the host is switched off."""
        deadline = time.monotonic() + timeout
        while self.running():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not go down within {timeout:.0f} s")
            if self._process:
                self._process.poll()
            time.sleep(0.05)

    def _state(self) -> str:
        """Tell what systemd still waits for, and what has failed; the last words of the console."""
        asked = ""
        if self._leader():
            # A systemd that hangs answers nobody.
            questions = "; ".join(
                f"timeout 10 systemctl {what}" for what in ("is-system-running", "list-jobs", "--failed")
            )
            asked = self.inside(questions, check=False).stdout
        return f"{asked}{self.log.read_text(errors='replace')[-2000:]}"

    def _greets(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.address, 22), timeout=1) as probe:
            probe.settimeout(2)
            return probe.recv(4) == b"SSH-"
        return False

    # -- use -------------------------------------------------------------

    def ssh(self, user: str = "root") -> list[str]:
        """Give the command that logs in and asks nothing."""
        return ["ssh", "-o", "BatchMode=yes", "-T", *login(self.base, self.address, user)]

    def run(
        self, text: str, *, check: bool = True, timeout: float = 60, user: str = "root", stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run shell text in the host, over SSH; anybody but root and deployer through root."""
        account = user if user in ("root", "deployer") else "root"
        if account != user:
            text = f"runuser -u {shlex.quote(user)} -- /bin/sh -c {shlex.quote(text)}"
        argv = [*self.ssh(account), text]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
        if check and done.returncode:
            said = f"{done.stdout}{done.stderr}".strip()[-3000:]
            raise RuntimeError(f"{self.name}: {text[:200]!r} ended with {done.returncode}: {said}")
        return done

    def inside(self, text: str, *, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run shell text in the host without its network: for a host whose cable is cut."""
        leader = self._leader()
        if not leader:
            raise RuntimeError(f"{self.name} is switched off")
        argv = ["nsenter", f"--target={leader}", "--all", "/bin/sh", "-c", text]
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=check)

    def write(self, path: str, text: str, mode: int = 0o644, owner: str = "root") -> None:
        """Write a file of the running host."""
        name = shlex.quote(path)
        shell = f"umask 077 && cat >{name}.new && chmod {mode:o} {name}.new && chown {owner}: {name}.new"
        self.run(f"{shell} && mv {name}.new {name}", stdin=text)

    def read(self, path: str) -> str:
        """Read a file of the running host."""
        return self.run(f"cat {shlex.quote(path)}").stdout

    def _leader(self) -> int:
        """Find process 1 of the host among the processes of this machine; 0 when there is none."""
        return next(iter(network.leaders(self.home)), 0)
