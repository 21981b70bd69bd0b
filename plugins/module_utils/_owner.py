# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ansible-playbook a deploy belongs to, and whether it still lives. Control node; PRIVATE to the collection."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._lock import boot_id
from ansible_collections.seamless.deploy.plugins.module_utils._service._process import GONE, parse_stat

Owner = t.Dict[str, t.Any]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def node() -> str:
    """This control node. Two containers are two nodes even where their images share a machine id: neither sees the other's processes."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    facts = [platform.node(), _read("/etc/machine-id").strip(), namespace]
    return hashlib.sha256("|".join(facts).encode()).hexdigest()[:16]


def started(pid: int) -> str:
    """When a process began, in the words of the system; empty when there is none with this number."""
    if os.path.exists("/proc/self/stat"):
        stat = parse_stat(_read(f"/proc/{pid}/stat"))
        return str(stat.started) if stat and stat.state not in GONE else ""
    try:
        done = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)],
            env={**os.environ, "LC_ALL": "C"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return ""
    return " ".join(done.stdout.decode(errors="replace").split())


def owner_of(pid: int) -> Owner:
    """What names one process of this control node for certain; a number alone is used again."""
    return {"node": node(), "pid": pid, "started": started(pid), "boot": boot_id()}


def verdict(owner: Owner, own: Owner) -> str:
    """What is known of the owner of a lock, seen from `own`: gone, alive or unknown."""
    if not owner.get("node") or not owner.get("started") or owner["node"] != own["node"]:
        return "unknown"
    if owner == own or owner.get("boot") != own["boot"]:
        return "gone"  # of this very run an earlier play, which went without its end; or from before a boot
    return "alive" if started(int(owner["pid"])) == owner["started"] else "gone"
