# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine must have for a lab, and one line that says what it lacks (control node)."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile
import typing as t

PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
SERVERS = {"nginx": "nginx", "sshd": "openssh-server"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def call(*argv: str | os.PathLike[str], timeout: float = 600, **more: t.Any) -> str:
    """Run a program of the machine; its own words are in the error."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=timeout, **more)
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-2000:]
        raise RuntimeError(f"{argv[0]} failed ({done.returncode}): {words}")
    return done.stdout


def cache() -> pathlib.Path:
    """Give the directory of what is made once: images, wheels, controllers."""
    home = os.environ.get("XDG_CACHE_HOME")
    path = (pathlib.Path(home) if home else pathlib.Path("/var/cache")) / "seamless-deploy" / "lab"
    path.mkdir(parents=True, exist_ok=True)
    return path


def why_not() -> str:
    """Say in one line why there can be no lab here; empty when there can. Installs what is missing."""
    if os.geteuid() != 0:
        return "it boots whole hosts, which takes root"
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if missing:
        problem = _install(missing)
        if problem:
            return problem
    return _forbidden()


def servers() -> str:
    """Install the servers that some integration tests start for themselves; say in one line why not, if so."""
    missing = sorted({package for program, package in SERVERS.items() if not shutil.which(program, path=PATH)})
    if not missing:
        return ""
    if os.geteuid() != 0:
        return f"{', '.join(missing)} is missing, and installing it takes root"
    if os.path.isdir("/run/systemd/system"):
        return f"{', '.join(missing)} is missing, and installing it would start it on this machine"
    return _install(missing)


def _install(packages: list[str]) -> str:
    if not shutil.which("apt-get"):
        return f"{', '.join(packages)} is missing, and there is no apt-get to install it"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options: dict[str, t.Any] = {"env": environment, "stdin": subprocess.DEVNULL}
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    try:
        call("apt-get", "update", "--quiet", **options)
        call(*install, **options)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        reason = str(error).strip().splitlines()[-1][:200]
        return f"{', '.join(packages)} cannot be installed: {reason}"
    return ""


def _forbidden() -> str:
    """Say what the kernel, or a container around us, does not let root do."""
    probe = f"sdprobe{os.getpid() % 10**6}"
    with tempfile.TemporaryDirectory(prefix="sd-probe-") as base:
        folders = [pathlib.Path(base, name) for name in ("lower", "upper", "work", "root")]
        for folder in folders:
            folder.mkdir()
        options = f"lowerdir={folders[0]},upperdir={folders[1]},workdir={folders[2]}"
        try:
            call("mount", "-t", "overlay", "overlay", "-o", options, folders[3])
            call("umount", folders[3])
            call("ip", "link", "add", probe, "type", "bridge")
            call("ip", "link", "delete", probe)
        except RuntimeError as error:
            return f"root may not mount an overlay or make a bridge here: {str(error).splitlines()[-1][:200]}"
    return ""
