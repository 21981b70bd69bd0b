# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file system that the hosts of a lab stand on: bootstrapped once for each suite, then kept (control node)."""

from __future__ import annotations

import fcntl
import hashlib
import pathlib
import shutil

from tests.lab.needs import cache, call

# The Python of each suite: what the wheels must fit.
PYTHONS = {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13"}
PACKAGES = (
    "acl",
    "ca-certificates",
    "curl",
    "dbus",
    "git",
    "iproute2",
    "libpam-systemd",
    "nginx-light",
    "openssh-server",
    "postgresql",
    "procps",
    "python3",
    "python3-venv",
    "sudo",
    "systemd",
    "systemd-sysv",
)
# What an administrator has done before anybody deploys; and nothing that wakes up on its own during a measurement.
SETUP = r"""
useradd --create-home --shell /bin/bash deployer
useradd --create-home --shell /usr/sbin/nologin shop
printf 'deployer ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/deployer
chmod 0440 /etc/sudoers.d/deployer
mkdir -p /root/.ssh /home/deployer/.ssh /var/log/journal /opt/wheels /srv/git
chmod 0700 /root/.ssh /home/deployer/.ssh
chown deployer: /home/deployer/.ssh
printf 'UseDNS no\nMaxStartups 100\nMaxSessions 100\n' >/etc/ssh/sshd_config.d/lab.conf
printf '[safe]\n\tdirectory = *\n' >/etc/gitconfig
rm -f /etc/nginx/sites-enabled/default
sed -i 's/worker_processes auto/worker_processes 2/' /etc/nginx/nginx.conf
version=$(ls /etc/postgresql)
pg_dropcluster "$version" main
pg_createcluster --locale C.UTF-8 "$version" main
systemctl enable systemd-networkd.service
# Kernel variables are the machine's: hosts that set them at the same moment are in each other's way.
for unit in systemd-sysctl.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer systemd-network-generator.service systemd-networkd-wait-online.service systemd-remount-fs.service \
    console-getty.service getty.target; do
    systemctl mask "$unit"
done
: >/etc/machine-id
"""


def image(suite: str) -> pathlib.Path:
    """Give the read-only file system of a suite, made when nobody has made it yet: about half a minute."""
    if suite not in PYTHONS:
        raise ValueError(f"no suite is called {suite}: there are {', '.join(PYTHONS)}")
    key = hashlib.sha256("\n".join([suite, *PACKAGES, SETUP]).encode()).hexdigest()[:12]
    made = cache() / f"{suite}-{key}"
    with (cache() / f".{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            partial = made.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            _bootstrap(suite, partial)
            partial.rename(made)
    return made


def _bootstrap(suite: str, target: pathlib.Path) -> None:
    # No mirror is named: mmdebstrap knows Debian's own, with its security updates.
    argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, str(target)]
    call(*argv, timeout=1800)
    call("chroot", target, "/bin/sh", "-ec", SETUP, timeout=300)
