# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether systemd would read new units: with little room for its state it refuses. Target; PRIVATE to the collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError

RUNTIME = "/run/systemd"
#: What systemd wants to be free before it reloads: RELOAD_DISK_SPACE_MIN in its own source.
NEEDED = 16 << 20


def problem(free: int) -> str:
    """Why systemd could not read new units, "" when it can. Pure."""
    if free >= NEEDED:
        return ""
    return (
        f"no room in {RUNTIME}: {free >> 10} KiB are free, and systemd reads no new unit while it is less than {NEEDED >> 20} MiB; "
        "'du -xsh /run/*' shows what fills it, make room and deploy again"
    )


def check_room_for_units(statvfs: t.Callable[[str], os.statvfs_result] = os.statvfs) -> None:
    """Find before a deploy what would fail after its migrations. Raises DeployError."""
    try:
        facts = statvfs(RUNTIME)
    except OSError:
        return  # without systemd's own directory the question for its units says more
    # Systemd runs as root, for whom the reserved blocks are free too.
    found = problem(facts.f_bfree * facts.f_frsize)
    if found:
        raise DeployError(found)
